# ruff: noqa: E501 (contents of files as they are)
"""Signed, packed and encoded: CMS, OpenPGP, archives, names in headers, encodings inside text."""

import base64
import binascii
import bz2
import gzip
import io
import lzma
import quopri
import tarfile
import uuid
import zipfile
import zlib
from email.message import EmailMessage

import brotli

from benchmarks.programs.drawings import page
from benchmarks.programs.making import CARD, FILLER, IBAN, LINES, SSN, maker, run
from benchmarks.programs.tables import openpyxls

TEXT = ("\n".join(LINES) + "\n").encode()
_KEY = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=anna", "-keyout", "k", "-out", "-"]
_FILES: dict[str, bytes] = {}


def _content(kind: str) -> bytes:
    if kind == "xlsx":
        return openpyxls("openpyxl.xlsx")
    if kind == "pdf":
        return page()
    if kind == "xml":
        return b"<?xml version='1.0'?><a>" + b"".join(b"<b>%s</b>" % line.encode() for line in LINES) + b"</a>"
    if kind == "zip":
        return archives("a.zip")
    if kind == "eml":
        return mail("plain.eml")
    return TEXT


def _signing() -> dict[str, bytes]:
    if not _FILES:
        made = run(["bash", "-c", " ".join(_KEY).replace("-out -", "-out c") + " && cat k c > kc"], {}, "kc")
        key, _, rest = made.partition(b"-----END PRIVATE KEY-----\n")
        _FILES.update({"k": key + b"-----END PRIVATE KEY-----\n", "c": rest})
    return dict(_FILES)


@maker("cms-pem.txt.p7m", "cms-pem.xlsx.p7m", "cms-pem.xml.p7m", "cms-der.xml.p7m", "cms-der.zip.p7m", "cms-der.txt.p7m",
       "cms-stream.pdf.p7m", "cms-smime.pdf.p7m", "cms-nested.xml.p7m", "cms-pem-headers.pdf.p7m", "cms-pem-cms.pdf.p7s",
       "cms-der.eml.p7m", "cms-base64.xml.p7m", "cms-zlib.txt.p7z", "cms-digest.txt.p7m", "cms-data.txt.p7m",
       "cms-der.xlsx.p7m", "cms-pem-digest.pdf.p7m", "cms-nested-pem.xml.p7m", "cms-crlf-pem.xml.p7m")  # fmt: skip
def cms(name: str) -> bytes:
    """Sign and pack with openssl."""
    form, kind = name.split(".")[:2]
    content = _content(kind)
    files = {**_signing(), "a": content}
    if "zlib" in form:
        return run(["openssl", "cms", "-compress", "-binary", "-in", "a", "-outform", "DER", "-out", "o"], files, "o")
    if "digest" in form or "data" in form:
        step = "-digest_create" if "digest" in form else "-data_create"
        out = "PEM" if "pem" in form else "DER"
        return run(["openssl", "cms", step, "-binary", "-in", "a", "-outform", out, "-out", "o"], files, "o")
    out = "PEM" if "pem" in form else "SMIME" if "smime" in form else "DER"
    command = ["openssl", "cms", "-sign", "-binary", "-nodetach", "-in", "a", "-signer", "c", "-inkey", "k", "-out", "o",
               "-outform", out]  # fmt: skip
    if "stream" in form:
        command.append("-stream")
    signed = run(command, files, "o")
    if "nested" in form:
        files["a"] = signed
        signed = run([*command, "-outform", "PEM"] if "pem" in form else command, files, "o")
    if "base64" in form:
        return base64.encodebytes(signed)
    if "headers" in form:
        return b"Bag Attributes\n    localKeyID: 01\n" + signed
    if "crlf" in form:
        return signed.replace(b"\n", b"\r\n")
    return signed.replace(b"CMS", b"PKCS7") if "pem-cms" in form else signed


@maker("gpg-store.asc", "gpg-store.gpg", "gpg-sign.asc", "gpg-sign.gpg", "gpg-sign.xlsx.asc", "gpg-clear.asc", "gpg-zip.gpg",
       "gpg-bzip2.gpg", "gpg-none.gpg", "gpg-sign.pdf.gpg", "gpg-nosuffix.bin", "gpg-quoted.txt", "gpg-old.pgp")  # fmt: skip
def gpg(name: str) -> bytes:
    """Wrap, compress and sign with gpg."""
    form, kind = name.split(".")[:2]
    files = {"a.dat": _content(kind if kind in ("xlsx", "pdf") else "txt")}
    step = {"sign": "--sign", "clear": "--clearsign"}.get(form.partition("-")[2], "--store")
    armour = "-a" if name.endswith((".asc", ".txt")) else "--no-armor"
    packing = {"zip": "1", "bzip2": "3", "none": "0"}.get(form.partition("-")[2], "2")
    key = "gpg --homedir h --batch -q --passphrase '' --quick-gen-key anna@corp.example ed25519 sign never && "
    script = (
        f"mkdir -m 700 h && {key if step != '--store' else ''}gpg --homedir h --batch --yes -q {armour} -z 6"
        f" --compress-algo {packing} -o o {step} a.dat; gpgconf --homedir h --kill all"
    )
    made = run(["bash", "-c", script], files, "o")
    if "quoted" in name:
        return b"He wrote:\n" + b"".join(b"> " + line + b"\n" for line in made.splitlines())
    return made


@maker("named.gz", "comment.gz", "extra.gz", "two.gz", "named.tar.gz", "a.zip", "comment.zip", "member-comment.zip",
       "long-name.zip", "stored.zip", "lzma.zip", "bzip2.zip", "zip64.zip", "prefixed.zip", "extra.zip", "names.tar",
       "pax.tar", "gnu.tar", "link.tar", "deep.tgz", "a.xz", "a.lzma", "a.bz2", "zlib.bin", "deflate.bin",
       "brotli.br", "a.jar", "empty-dir.zip", "unicode-path.zip")  # fmt: skip
def archives(name: str) -> bytes:
    """Pack the lines, or put them into the names and comments of an archive."""
    kind, _, form = name.partition(".")
    line = "_".join(LINES)
    if form == "gz":
        head = {"named": b"\x08", "comment": b"\x10", "extra": b"\x04", "two": b"\0"}[kind]
        field = line.encode("latin-1") + b"\0"
        if kind == "extra":
            field = (len(line) + 4).to_bytes(2, "little") + b"ap" + len(line).to_bytes(2, "little") + line.encode()
        packed = gzip.compress(b"words\n", mtime=0)
        if kind == "two":
            return packed + gzip.compress(TEXT)
        return packed[:3] + head + packed[4:10] + field + packed[10:]
    if form in ("tar.gz", "tgz", "tar"):
        return _tar(kind, form, line)
    if form in ("xz", "lzma", "bz2", "bin", "br"):
        if form == "br":
            return bytes(brotli.compress(TEXT))
        if form == "bin":
            return zlib.compress(TEXT) if kind == "zlib" else zlib.compress(TEXT)[2:-4]
        if form == "bz2":
            return bz2.compress(TEXT)
        return lzma.compress(TEXT, lzma.FORMAT_XZ if form == "xz" else lzma.FORMAT_ALONE)
    return _zip(kind, line)


def _zip(kind: str, line: str) -> bytes:
    file = io.BytesIO()
    method = {"stored": 0, "lzma": 14, "bzip2": 12}.get(kind, 8)
    with zipfile.ZipFile(file, "w", method) as archive:
        info = zipfile.ZipInfo("a.txt" if kind != "long-name" else f"{line}.txt")
        info.compress_type = method
        inside = TEXT if kind in ("a", "stored", "lzma", "bzip2", "zip64", "prefixed") else b"words"
        if kind == "member-comment":
            info.comment = line.encode()
        if kind == "extra":
            info.extra = b"\xfe\xca" + len(line).to_bytes(2, "little") + line.encode()
        if kind == "unicode-path":
            info.extra = (
                b"up" + (len(line) + 5).to_bytes(2, "little") + b"\1" + zlib.crc32(b"a.txt").to_bytes(4, "little")
            )
            info.extra += line.encode()
        if kind == "empty-dir":
            archive.writestr(zipfile.ZipInfo(f"{line}/"), b"")
        with archive.open(info, "w", force_zip64=kind == "zip64") as stream:
            stream.write(inside)
        if kind == "comment":
            archive.comment = line.encode()
    return b"#!/bin/sh\nexit 0\n" * (kind == "prefixed") + file.getvalue()


def _tar(kind: str, form: str, line: str) -> bytes:
    file = io.BytesIO()
    formats = {"pax": tarfile.PAX_FORMAT, "gnu": tarfile.GNU_FORMAT}
    with tarfile.open(
        fileobj=file, mode="w:gz" if "gz" in form else "w", format=formats.get(kind, tarfile.GNU_FORMAT)
    ) as archive:
        info = tarfile.TarInfo(f"{line}.txt" if kind in ("names", "named", "gnu") else "a.txt")
        if kind == "pax":
            info.pax_headers = {"comment": line}
        if kind == "link":
            info.type, info.linkname = tarfile.SYMTYPE, line
            archive.addfile(info)
        else:
            content = TEXT if kind == "deep" else b"words"
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


@maker("base64-second.txt", "base64-third.txt", "base64-env.env", "base64-k8s.yaml", "base64-url.txt", "base64-long.txt",
       "base64-short.txt", "base64-json.json", "base64-xml.xml", "hex.txt", "qp.txt", "data-uri.html", "data-uri.css",
       "url.txt", "html-entities.html", "utf7.txt", "utf16le.txt", "utf16be-nobom.txt", "utf32.txt", "ebcdic.txt",
       "rot.ics", "data-uri.ics", "attach.ics", "photo.vcf", "note.vcf", "ldif.ldif", "base64-crlf.txt", "base64-pdf.json",
       "uu.txt", "ascii85.txt", "jwt.txt", "backslash.txt", "soft-hyphen.txt", "fullwidth.txt", "mathdigits.txt")  # fmt: skip
def encoded(name: str) -> bytes:
    """Encode the lines inside a text."""
    kind = name.partition(".")[0]
    encoded_lines = [base64.b64encode(line.encode()).decode() for line in LINES]
    filler = base64.b64encode(FILLER[0].encode()).decode()
    whole = base64.b64encode(TEXT).decode()
    simple = {
        "base64-second.txt": f"a {filler}\nb {encoded_lines[0]} {encoded_lines[1]} {encoded_lines[2]}\n",
        "base64-third.txt": "\n".join([filler, filler, *encoded_lines]),
        "base64-env.env": "".join(f"KEY_{n}={value}\n" for n, value in enumerate([filler, *encoded_lines])),
        "base64-k8s.yaml": "kind: Secret\ndata:\n"
        + "".join(f"  key{n}: {value}\n" for n, value in enumerate([filler, *encoded_lines])),
        "base64-url.txt": "https://partner.example/?d=" + base64.urlsafe_b64encode(TEXT).decode(),
        "base64-long.txt": whole,
        "base64-short.txt": "\n".join(encoded_lines),
        "base64-json.json": '{"a":"' + filler + '","b":"' + '","c":"'.join(encoded_lines) + '"}',
        "base64-xml.xml": f"<?xml version='1.0'?><a><b>{filler}</b><c>{whole}</c></a>",
        "base64-pdf.json": '{"file":{"name":"a.pdf","content":"' + base64.b64encode(_content("pdf")).decode() + '"}}',
        "base64-crlf.txt": "\r\n".join(whole[at : at + 64] for at in range(0, len(whole), 64)),
        "hex.txt": TEXT.hex(),
        "qp.txt": quopri.encodestring(TEXT, quotetabs=True).decode(),
        "data-uri.html": f'<html><a href="data:text/plain;base64,{whole}">x</a><p>words</p></html>',
        "data-uri.css": f"a{{background:url(data:text/plain;base64,{whole})}}",
        "url.txt": "https://partner.example/?ssn="
        + SSN
        + "&card="
        + CARD.replace(" ", "%20")
        + "&iban="
        + IBAN.replace(" ", "+"),
        "html-entities.html": "<p>" + "".join(f"&#{ord(letter)};" for letter in "; ".join(LINES)) + "</p>",
        "uu.txt": "begin 644 a.txt\n" + _uu() + "`\nend\n",
        "ascii85.txt": base64.a85encode(TEXT, adobe=True).decode(),
        "jwt.txt": f"eyJhbGciOiJub25lIn0.{base64.urlsafe_b64encode(TEXT).decode().rstrip('=')}.",
        "backslash.txt": "; ".join(LINES).replace("-", "\\-").replace(" ", "\\ "),
        "soft-hyphen.txt": "\n".join("\u00ad".join(line) for line in LINES),
        "fullwidth.txt": "\n".join(line.translate({48 + n: 0xFF10 + n for n in range(10)}) for line in LINES),
        "mathdigits.txt": "\n".join(line.translate({48 + n: 0x1D7CE + n for n in range(10)}) for line in LINES),
    }
    if name in simple:
        return simple[name].encode()
    codecs = {"utf7": "utf-7", "utf16le": "utf-16", "utf16be-nobom": "utf-16-be", "utf32": "utf-32", "ebcdic": "cp037"}
    if kind in codecs:
        text = "; ".join(LINES) if kind != "utf7" else "Grüße: " + "; ".join(LINES)
        return text.encode(codecs[kind])
    return _cards(name, whole)


def _uu() -> str:
    return "".join(binascii.b2a_uu(TEXT[at : at + 45]).decode() for at in range(0, len(TEXT), 45))


def _cards(name: str, whole: str) -> bytes:
    folded = "\r\n ".join(whole[at : at + 70] for at in range(0, len(whole), 70))
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1@corp.example\r\n"
    tail = "END:VEVENT\r\nEND:VCALENDAR\r\n"
    forms = {
        "rot.ics": f"{head}DESCRIPTION:{chr(92) + 'n'.join(LINES)}\r\n{tail}",
        "data-uri.ics": f"{head}X-ALT-DESC:data:text/plain;base64,{folded}\r\n{tail}",
        "attach.ics": f"{head}ATTACH;ENCODING=BASE64;VALUE=BINARY;FMTTYPE=text/plain:{folded}\r\n{tail}",
        "photo.vcf": f"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Anna\r\nPHOTO:data:text/plain;base64,{folded}\r\nEND:VCARD\r\n",
        "note.vcf": f"BEGIN:VCARD\r\nVERSION:2.1\r\nNOTE;ENCODING=QUOTED-PRINTABLE:{'=0A'.join(LINES)}\r\nEND:VCARD\r\n",
        "ldif.ldif": f"dn: cn=anna\ndescription:: {folded.replace(chr(13), '')}\n",
    }
    return forms[name].encode()


@maker("plain.eml", "global-base64.eml", "global-qp.eml", "rfc822-base64.eml", "digest.eml", "external.eml", "report.eml",
       "preamble.eml", "unknown-cte.eml", "x-uuencode.eml", "after-delimiter.eml", "related.eml", "html-only.eml",
       "nested.eml", "iso2022.eml", "koi8.eml", "subject.eml", "name.eml", "mhtml.mht", "outlook-rtf.eml", "empty-type.eml",
       "bare-cr.eml", "mixed-ends.eml", "long-line.eml", "no-blank.eml", "8bit-header.eml", "binary-cte.eml")  # fmt: skip
def mail(name: str) -> bytes:
    """Write messages in the usual forms of mail."""
    kind = name.partition(".")[0]
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "anna@corp.example", "bob@partner.example", "note"
    message["Date"], message["Message-ID"] = "Mon, 23 Nov 2026 09:00:00 +0100", f"<{uuid.UUID(int=1)}@corp.example>"
    text = TEXT.decode()
    if kind == "plain":
        message.set_content(text)
        return message.as_bytes()
    head = b"From: anna@corp.example\r\nTo: bob@partner.example\r\nSubject: note\r\nDate: Mon, 23 Nov 2026 09:00:00 +0100\r\n"
    head += b"Message-ID: <1@corp.example>\r\nMIME-Version: 1.0\r\n"
    inner = mail("plain.eml")
    parts = {
        "global-base64": (b"message/global", b"base64", base64.encodebytes(inner)),
        "global-qp": (b"message/global", b"quoted-printable", quopri.encodestring(inner)),
        "rfc822-base64": (b"message/rfc822", b"base64", base64.encodebytes(inner)),
        "unknown-cte": (b"text/plain", b"x-unknown", TEXT),
        "binary-cte": (b"text/plain", b"binary", TEXT),
        "x-uuencode": (b"text/plain; name=a.txt", b"x-uuencode", b"begin 644 a.txt\n" + _uu().encode() + b"`\nend\n"),
        "digest": (b"multipart/digest; boundary=c", b"7bit", b"--c\r\n\r\n" + inner + b"\r\n--c--\r\n"),
        "report": (
            b"message/delivery-status",
            b"7bit",
            b"Reporting-MTA: dns; a\r\n\r\nDiagnostic-Code: x; " + "; ".join(LINES).encode(),
        ),
        "outlook-rtf": (
            b"application/rtf",
            b"base64",
            base64.encodebytes(b"{\\rtf1 " + b"\\par ".join(line.encode() for line in LINES) + b"}"),
        ),
    }
    if kind in parts:
        content_type, encoding, body = parts[kind]
        part = b"Content-Type: " + content_type + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body
        part = part.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return (
            head
            + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nwords\r\n--b\r\n"
            + part
            + b"\r\n--b--\r\n"
        )
    return _odd(kind, head, message)


def _odd(kind: str, head: bytes, message: EmailMessage) -> bytes:
    multipart = head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    text = TEXT.decode()
    lines = TEXT.replace(b"\n", b"\r\n")
    odd = {
        "preamble": multipart + lines + b"--b\r\n\r\nwords\r\n--b--\r\n" + lines,
        "after-delimiter": multipart + b"--b " + lines.split(b"\r\n")[0] + b"\r\n\r\n" + lines + b"--b--\r\n",
        "external": multipart + b"--b\r\nContent-Type: message/external-body; access-type=x\r\n\r\nContent-Type: text/plain\r\n\r\n" + lines + b"--b--\r\n",
        "empty-type": head + b"Content-Type:\r\n\r\n" + lines,
        "bare-cr": head + b"\r\n" + lines.replace(b"\r\n", b"\r"),
        "mixed-ends": head.replace(b"\r\n", b"\n", 3) + b"\r\n" + lines,
        "long-line": head + b"\r\n" + b"x " * 2000 + lines.replace(b"\r\n", b" "),
        "no-blank": head + lines,
        "8bit-header": head + b"X-Note: \xfc " + "; ".join(LINES).encode() + b"\r\n\r\nwords\r\n",
        "iso2022": head + b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n" + ("番号 " + text).replace("\n", "\r\n").encode("iso2022_jp"),
        "koi8": head + b"Content-Type: text/plain; charset=koi8-r\r\n\r\n" + ("Номер " + text).replace("\n", "\r\n").encode("koi8-r"),
        "mhtml": head + b"Content-Type: multipart/related; boundary=b; type=text/html\r\n\r\n--b\r\nContent-Type: text/html\r\nContent-Location: a\r\n\r\n<p>" + lines.replace(b"\r\n", b"<p>") + b"\r\n--b--\r\n",
    }  # fmt: skip
    if kind in odd:
        return odd[kind]
    if kind == "subject":
        message.replace_header("Subject", "; ".join(LINES))
        message.set_content("words")
    elif kind == "name":
        message.set_content("words")
        message.add_attachment(b"words", maintype="text", subtype="plain", filename="; ".join(LINES))
    elif kind == "html-only":
        message.set_content("".join(f"<p>{line}</p>" for line in LINES), subtype="html")
    elif kind == "nested":
        inner = EmailMessage()
        inner.set_content(text)
        message.set_content("words")
        message.add_attachment(inner)
    else:
        message.set_content("<p>words</p><img src='cid:a'>", subtype="html")
        message.add_related(TEXT, "text", "plain", cid="<a>")
    return message.as_bytes()
