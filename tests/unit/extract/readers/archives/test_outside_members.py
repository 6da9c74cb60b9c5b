"""Content outside the members of an archive: extra fields, names of folders, extended headers."""

import gzip
import io
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status
from holdgate.extract.readers.archives import tar

WORD = "Rosenquist-beside, in a field that no program shows"


def text_of(name: str, data: bytes) -> str:
    extraction = extract_file(name, data)
    assert extraction.status is Status.COMPLETE, extraction.reason
    return "\n".join(part.text for part in extraction.parts)


def test_the_extra_field_of_gzip_is_read() -> None:
    packed = gzip.compress(b"words\n", mtime=0)
    field = b"ap" + len(WORD).to_bytes(2, "little") + WORD.encode()
    data = packed[:3] + b"\x04" + packed[4:10] + len(field).to_bytes(2, "little") + field + packed[10:]
    assert WORD in text_of("a.gz", data)


@pytest.mark.parametrize("kind", ["extra", "folder"])
def test_extra_fields_and_folder_names_of_zip_are_read(kind: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        info = zipfile.ZipInfo("a.txt")
        if kind == "extra":
            info.extra = b"\xfe\xca" + len(WORD).to_bytes(2, "little") + WORD.encode()
        else:
            archive.writestr(zipfile.ZipInfo(f"{WORD}/"), b"")
        archive.writestr(info, b"words")
    assert WORD in text_of("a.zip", file.getvalue())


def test_the_extended_header_of_tar_is_read() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": WORD}) as archive:
        info = tarfile.TarInfo("a.txt")
        info.pax_headers = {"SCHILY.xattr.user.note": f"{WORD}\nsecond line", "mtime": "1.5"}
        archive.addfile(info)
    found = list(tar.records(file.getvalue()))
    assert found == [f"comment: {WORD}", f"SCHILY.xattr.user.note: {WORD}\nsecond line"]
    assert WORD in text_of("a.tar", file.getvalue())


@given(st.binary(max_size=1_200))
def test_parsing_any_tar_records_ends(data: bytes) -> None:
    list(tar.records(data))
