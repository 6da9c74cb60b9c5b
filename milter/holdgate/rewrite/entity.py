"""A message as a tree of MIME entities that can be changed. Unchanged parts are kept byte for byte.

Only a message with one meaning for every reader is parsed (`extract.lint`): of any other, it is unknown what the
recipient would see.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field

from holdgate.extract.budget import Budget
from holdgate.extract.fields import FIELD, names, parameters
from holdgate.extract.mime import read_mail
from holdgate.headers import SIGNATURES

# Fields that prove that a message was not changed. After a change they would fail (RFC 6376, RFC 8617).
_CHAINS = frozenset({"arc-seal", "arc-message-signature", "arc-authentication-results"})
_DIGESTS = frozenset({"content-md5", "content-length"})
_MESSAGES = frozenset({"message/rfc822", "message/global"})
_PLAIN = ("7bit", "8bit", "binary")

DKIM, SMIME, OPENPGP, OTHER = "DKIM", "S/MIME", "OpenPGP", "other"
"""Kinds of signatures that a change invalidates."""


class RefusedError(Exception):
    """A message, or a part of it, cannot be changed: `part` names it, `why` is one of the words of `shapes.WHY`."""

    def __init__(self, part: str, why: str) -> None:
        super().__init__(f"{part}: {why}")
        self.part = part
        self.why = why


@dataclass(eq=False, slots=True)
class Entity:
    """A message, or a part of one. `fields` are complete, with folds; `pieces` are a multipart's parts, in order.

    `inner` is the message in a message/rfc822 part.
    """

    raw: bytes
    fields: list[tuple[str, bytes]]
    gap: bytes
    body: bytes
    content_type: str = "text/plain"
    charset: str = ""
    encoding: str = "7bit"
    protocol: str = ""
    names: list[str] = field(default_factory=list)
    attached: bool = False
    pieces: list[bytes | Entity] = field(default_factory=list)
    inner: Entity | None = None
    parent: Entity | None = None
    touched: bool = False

    @property
    def children(self) -> list[Entity]:
        """The parts of a multipart."""
        return [one for one in self.pieces if isinstance(one, Entity)]

    def walk(self) -> Iterator[Entity]:
        """Yield this entity and all below it."""
        yield self
        for child in (*self.children, *((self.inner,) if self.inner else ())):
            yield from child.walk()

    def touch(self) -> None:
        """Mark it, and every entity that contains it, as changed."""
        one: Entity | None = self
        while one is not None:
            one.touched = True
            one = one.parent

    def decoded(self) -> bytes:
        """Return the decoded body of a leaf part. Raises RefusedError if it cannot be decoded."""
        if self.encoding == "base64":
            try:
                return binascii.a2b_base64(self.body)
            except binascii.Error:
                raise RefusedError("", "ambiguous") from None
        return binascii.a2b_qp(self.body) if self.encoding == "quoted-printable" else self.body

    def replace(self, content: bytes, content_type: bytes = b"", *, inline: bool = False) -> None:
        """Replace a leaf part's content, and its type if one is given; an `inline` part loses its name."""
        gone = {"content-transfer-encoding", *_DIGESTS}
        if content_type:
            gone |= {"content-type", "content-description", "content-location"}
        if inline:
            gone.add("content-disposition")
        kept = [pair for pair in self.fields if pair[0] not in gone]
        if content_type:
            kept.append(("content-type", b"Content-Type: %s\n" % content_type))
        if inline:
            kept.append(("content-disposition", b"Content-Disposition: inline\n"))
        kept.append(("content-transfer-encoding", b"Content-Transfer-Encoding: base64\n"))
        self.fields, self.encoding, self.gap = kept, "base64", b"\n"
        self.body, self.pieces, self.inner = base64.encodebytes(content), [], None
        self.touch()

    def written(self) -> bytes:
        """Return it in its current state, without invalid signatures."""
        if not self.touched:
            return self.raw
        header, gap, body = self._parts()
        return b"".join(whole for _, whole in header) + gap + body

    def _parts(self) -> tuple[list[tuple[str, bytes]], bytes, bytes]:
        fields = self.fields
        if self.parent is None or self.parent.inner is self:
            fields = [pair for pair in fields if pair[0] not in SIGNATURES | _CHAINS]
        if self.content_type == "multipart/signed" and self.children:
            signed = [pair for pair in self.children[0].fields if pair[0].startswith("content-")]
            _, gap, body = self.children[0]._parts() if self.children[0].touched else self.children[0]._as_read()
            return [pair for pair in fields if not pair[0].startswith("content-")] + signed, gap, body
        if self.pieces:
            body = b"".join(one if isinstance(one, bytes) else one.written() for one in self.pieces)
            return fields, self.gap, body
        return fields, self.gap, self.inner.written() if self.inner is not None else self.body

    def _as_read(self) -> tuple[list[tuple[str, bytes]], bytes, bytes]:
        return self.fields, self.gap, self.raw[sum(len(whole) for _, whole in self.fields) + len(self.gap) :]


def read(data: bytes, budget: Budget) -> Entity:
    """Parse a message with LF line ends. Raises RefusedError if it has more than one meaning."""
    if read_mail(data, budget).unread:
        raise RefusedError("", "ambiguous")
    root = _entity(data, None, "text/plain", budget, 0)
    if b"".join(_joined(root)) != data:
        raise RefusedError("", "ambiguous")
    return root


def broken_signatures(root: Entity) -> list[str]:
    """Return the kinds of signatures that changes have invalidated, each once."""
    found: dict[str, None] = {}
    for one in root.walk():
        if not one.touched:
            continue
        if any(name in SIGNATURES for name, _ in one.fields) and (one.parent is None or one.parent.inner is one):
            found[DKIM] = None
        if one.content_type == "multipart/signed":
            kind = SMIME if "pkcs7" in one.protocol else OPENPGP if "pgp" in one.protocol else OTHER
            found[kind] = None
    return list(found)


def attachments(root: Entity) -> list[Entity]:
    """Return what people see as attachments; an attached message, or an encrypted part, is one attachment."""
    found: list[Entity] = []
    if root.content_type == "multipart/encrypted":
        return [root]
    if root.pieces:
        children = root.children[:1] if root.content_type == "multipart/signed" else root.children
        for child in children:
            found += attachments(child)
        return found
    is_text = root.content_type in ("text/plain", "text/html") and not root.names and not root.attached
    return [] if is_text else [root]


def _entity(data: bytes, parent: Entity | None, default: str, budget: Budget, depth: int) -> Entity:
    fields: list[tuple[str, bytes]] = []
    position = 0
    while found := FIELD.match(data, position):
        fields.append((found[1].decode("ascii").lower(), found[0]))
        position = found.end()
    gap = b"\n" if data.startswith(b"\n", position) else b""
    entity = Entity(data, fields, gap, data[position + len(gap) :], content_type=default, parent=parent)
    boundary = _structure(entity)
    if entity.content_type.startswith("multipart/") and boundary:
        _divide(entity, boundary, budget, depth + 1)
    elif _is_message(entity) and depth < budget.limits.mime_depth and not read_mail(entity.body, budget).unread:
        entity.inner = _entity(entity.body, entity, "text/plain", budget, depth + 1)
    return entity


def _is_message(entity: Entity) -> bool:
    return entity.content_type in _MESSAGES and entity.encoding in _PLAIN


def _structure(entity: Entity) -> bytes:
    """Read the fields that MIME structure depends on, and return the boundary."""
    boundary = b""
    for name, whole in entity.fields:
        value = whole.partition(b":")[2]
        if name == "content-type":
            kind, found, _ = parameters(value)
            entity.content_type = kind if "/" in kind else "text/plain"
            values = dict(found)
            boundary = values.get("boundary", b"")
            entity.charset = values.get("charset", b"").decode("latin-1")
            entity.protocol = values.get("protocol", b"").decode("latin-1").lower()
        elif name == "content-transfer-encoding":
            entity.encoding = value.strip().decode("latin-1").lower()
        elif name == "content-disposition":
            entity.attached = value.lstrip().lower().startswith(b"attachment")
        if name in ("content-type", "content-disposition"):
            entity.names += [one for one in names(value) if one not in entity.names]
    return boundary


def _divide(entity: Entity, boundary: bytes, budget: Budget, depth: int) -> None:
    """Split a multipart at its delimiter lines (RFC 2046, 5.1.1), which `lint` found to be unambiguous."""
    default = "message/rfc822" if entity.content_type == "multipart/digest" else "text/plain"
    body, delimiter = entity.body, b"--" + boundary
    position = 0 if body.startswith(delimiter) else body.find(b"\n" + delimiter) + 1 or -1
    if position < 0:
        return
    written = 0
    while True:
        end = body.find(b"\n", position)
        end = len(body) if end < 0 else end
        if body[position + len(delimiter) : end].startswith(b"--"):
            break
        following = body.find(b"\n" + delimiter, end)
        if following < 0:
            raise RefusedError("", "ambiguous")
        content = body[end + 1 : max(following, end + 1)]
        entity.pieces += [body[written : end + 1], _entity(content, entity, default, budget, depth)]
        written = max(following, end + 1)
        position = following + 1
    entity.pieces.append(body[written:])


def _joined(entity: Entity) -> Iterator[bytes]:
    """Yield the pieces from which an entity was read; together they must be the complete entity."""
    yield from (whole for _, whole in entity.fields)
    yield entity.gap
    if entity.pieces:
        for one in entity.pieces:
            yield from (one,) if isinstance(one, bytes) else _joined(one)
    elif entity.inner is not None:
        yield from _joined(entity.inner)
    else:
        yield entity.body
