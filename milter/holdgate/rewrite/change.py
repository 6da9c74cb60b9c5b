"""Makes the changes that a moderator requests: attachments are replaced by a note."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from holdgate.extract.budget import Budget, Limits
from holdgate.rewrite import entity
from holdgate.rewrite.entity import Entity, RefusedError
from holdgate.rewrite.finder import Finder
from holdgate.rewrite.redact import redact

ALL = "*"
"""Means all attachments."""


# Maximum length of a name that is shown, in characters.
_NAME = 500


@dataclass(frozen=True, slots=True)
class Listed:
    """An attachment that can be removed: its number, from 1, its name and type, masked, and its size."""

    number: int
    name: str
    kind: str
    size: int


@dataclass(slots=True)
class Changed:
    """A changed message: the numbers of the `removed` attachments, and the `signatures` that became invalid."""

    content: bytes
    attachments: list[Listed] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)


def change(
    data: bytes,
    limits: Limits,
    *,
    without: Collection[str],
    note: str,
    mask: Callable[[str], str],
    finder: Finder | None = None,
) -> Changed:
    """Return a message with LF line ends without the attachments that `without` names, by number, name or `ALL`.

    `note` is the text that replaces an attachment; "{name}" in it becomes its name. Names are shown as `mask` returns
    them.
    With `finder`, matches are masked in everything that remains, and the result is read once more. Raises RefusedError.
    """
    root = entity.read(data, Budget(limits))
    found = entity.attachments(root)
    listed = [_listed(number, one, mask) for number, one in enumerate(found, 1)]
    removed: list[int] = []
    for wanted in without:
        hits = [at for at, one in zip(listed, found, strict=True) if _is_named(wanted, at, one)]
        if not hits:
            raise RefusedError(mask(wanted), "no such attachment")
        removed += [at.number for at in hits if at.number not in removed]
    for number in removed:
        text = note.replace("{name}", listed[number - 1].name)
        found[number - 1].replace(text.encode("utf-8", "replace"), b"text/plain; charset=utf-8", inline=True)
    if finder is not None:
        redact(root, finder, Budget(limits))
    signatures = list(
        dict.fromkeys([*entity.broken_signatures(root), *(finder.signatures if finder is not None else ())])
    )
    content = root.written()
    if finder is not None and (part := finder.left(content)):
        raise RefusedError(part, "not removed")
    return Changed(content, listed, sorted(removed), signatures)


def _listed(number: int, one: Entity, mask: Callable[[str], str]) -> Listed:
    kind = mask(one.content_type)[:_NAME]  # written by the sender, like the name
    name = mask(one.names[0])[:_NAME] if one.names else kind
    return Listed(number, name, kind, len(one.body if one.pieces else one.decoded()))


def _is_named(wanted: str, listed: Listed, one: Entity) -> bool:
    if wanted == ALL or wanted == str(listed.number):
        return True
    return wanted.casefold() in {listed.name.casefold(), *(name.casefold() for name in one.names)}
