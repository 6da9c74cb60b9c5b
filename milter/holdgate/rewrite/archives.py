"""Rewrites tar archives and single compressed files (gzip, bzip2, xz): their content, names and headers.

Owners, comments and extended headers are removed. The dates of files in an archive are kept.
"""

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable

from holdgate.extract.budget import Budget, LimitReachedError
from holdgate.extract.readers.archives.compressed import inner_name, new_decompressor
from holdgate.rewrite.entity import RefusedError
from holdgate.rewrite.finder import Inside, Spans
from holdgate.rewrite.markup import hidden

_STEP = 1 << 18
_PACK: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", lambda data: gzip.compress(data, mtime=0)),
    (b"BZh", bz2.compress),
    (b"\xfd7zXZ\x00", lzma.compress),
)
_LINKS = (tarfile.SYMTYPE, tarfile.LNKTYPE)


def rewrite_compressed(data: bytes, name: str, inside: Inside, budget: Budget) -> bytes:
    """Return a compressed file with its content rewritten. Raises RefusedError."""
    pack = next((pack for start, pack in _PACK if data.startswith(start)), None)
    if pack is None:
        raise RefusedError(name, "format")
    try:
        unpacked = _unpacked(data, name, budget)
    except LimitReachedError as error:
        raise RefusedError(name, "too long") from error
    except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError) as error:
        raise RefusedError(name, "format") from error
    short = inner_name(name.rpartition(" › ")[2])
    return pack(inside(f"{name} › {short}", unpacked))


def _unpacked(data: bytes, name: str, budget: Budget) -> bytes:
    """Return the content of all streams of a file. Raises EOFError for a truncated file."""
    out = bytearray()
    rest = data
    while rest:
        stream = new_decompressor(rest)
        if stream is None:
            raise RefusedError(name, "format")
        pending = rest
        while not stream.eof:
            piece = stream.decompress(pending, _STEP)
            if not piece and not pending and not stream.eof:
                raise EOFError
            pending = b""
            out += piece
            budget.spend_bytes(len(piece))
            budget.check_entry(len(data), len(out))
            budget.check_time()
        rest = stream.unused_data.lstrip(b"\0")
    return bytes(out)


def rewrite_tar(data: bytes, name: str, values: Spans, inside: Inside, budget: Budget) -> bytes:
    """Return a tar archive with its files rewritten. Raises RefusedError, also for archives of other kinds."""
    out = io.BytesIO()
    try:
        with (
            tarfile.open(fileobj=io.BytesIO(data), mode="r:") as source,
            tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as target,
        ):
            for member in source:
                budget.spend_entry()
                new = tarfile.TarInfo(hidden(member.name, values(member.name), "_"))
                new.type, new.mode, new.mtime = member.type, member.mode, int(member.mtime)
                if member.isreg():
                    new.type = tarfile.REGTYPE
                    budget.check_entry(member.size, member.size)
                    budget.spend_bytes(member.size)
                    file = source.extractfile(member)
                    content = inside(f"{name} › {member.name}", file.read() if file else b"")
                    new.size = len(content)
                    target.addfile(new, io.BytesIO(content))
                elif member.isdir() or (member.type in _LINKS and not values(member.linkname)):
                    new.linkname = member.linkname
                    target.addfile(new)
                else:
                    raise RefusedError(name, "format")
    except LimitReachedError as error:
        raise RefusedError(name, "too long") from error
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise RefusedError(name, "format") from error
    return out.getvalue()
