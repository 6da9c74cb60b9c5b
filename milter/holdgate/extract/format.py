"""A kind of document: how it is recognised, which reader reads it, and what that reader leaves unread.

A reader's module declares its `Format` after its `read`. Everything else is derived from these declarations: the table
of readers, identification, the comparison of names and types with the content, and the table in the documentation.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from holdgate import plugins
from holdgate.extract.reading import Document, Reader


class FormatError(plugins.PluginError):
    """A module cannot add its formats; the message names it and states why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One kind of document.

    `kind` is the word that policies, log and pages use. `holds` names the formats for people, `read_by` the library.
    `unread` is what the reader leaves unread and reports as `limited` when it finds it; "" if it reads everything. None
    means that this was not declared: then every part of this kind is `limited`.

    A document is of this kind if one of these matches, tried in this order:

    - `signatures`: pairs of an offset and the bytes there;
    - `ole_streams`: lower-case names of streams that only this kind of compound file has ([MS-CFB]);
    - `in_zip`: called with a zip file's central directory and its bytes;
    - `recognise`: called with a document that matches no signature and may still be text;
    - `in_markup`: called with a text that begins with a tag;
    - `in_text`: called with the beginning of any other text, at most 2,000 bytes;
    - `recognise_binary`: called with a document that is not text.

    `claims` returns the spans of a document, pairs of start and end, that its structure describes. The driver passes on
    the rest as separate documents. None means all of it: the reader reads every byte, or reports what it leaves out.

    `extensions` (lower case, without dot) and `types` (MIME types) are those that a document of this kind can have,
    separated by spaces. Among `textual` kinds, none of them causes a signal.
    """

    kind: str
    read: Reader
    holds: str
    read_by: str
    unread: str | None
    signatures: tuple[tuple[int, bytes], ...] = ()
    ole_streams: tuple[str, ...] = ()
    in_zip: Callable[[bytes, bytes], bool] | None = None
    recognise: Callable[[bytes], bool] | None = None
    in_markup: Callable[[bytes], bool] | None = None
    in_text: Callable[[bytes], bool] | None = None
    recognise_binary: Callable[[Document], bool] | None = None
    claims: Callable[[bytes], list[tuple[int, int]]] | None = None
    extensions: str = ""
    types: str = ""
    textual: bool = False

    @property
    def family(self) -> str:
        """The word by which names and types are compared: all textual kinds have the same."""
        return TEXTUAL if self.textual else self.kind


TEXTUAL = "textual"

# The driver itself reads messages: no reader does.
MESSAGE = "message"


class Registry:
    """The known formats, in the order in which they are tried."""

    def __init__(self) -> None:
        self.formats: dict[str, Format] = {}
        self.by_extension: dict[str, set[str]] = {}
        self.by_type: dict[str, set[str]] = {}
        self.signatures: list[tuple[int, bytes, str]] = []
        self.ole_streams: list[tuple[str, str]] = []

    def add(self, *formats: Format) -> None:
        """Register formats. Raises FormatError if a kind or a signature already exists."""
        for one in formats:
            if one.kind in self.formats or one.kind == MESSAGE:
                raise FormatError(f'the kind "{one.kind}" is declared twice')
            for signature in one.signatures:
                if taken := [kind for offset, magic, kind in self.signatures if (offset, magic) == signature]:
                    raise FormatError(f'the kinds "{taken[0]}" and "{one.kind}" declare the same signature')
            self.formats[one.kind] = one
            self.signatures += [(offset, magic, one.kind) for offset, magic in one.signatures]
            self.ole_streams += [(stream, one.kind) for stream in one.ole_streams]
            for extension in one.extensions.split():
                self.by_extension.setdefault(extension, set()).add(one.family)
            for declared in one.types.split():
                self.by_type.setdefault(declared, set()).add(one.family)

    def add_modules(self, names: Iterable[str], directory: str) -> None:
        """Import a site's modules by name and add the formats in their list FORMATS. Raises PluginError.

        `directory` is the last place where Python looks for them. A module is not added twice.
        """
        for name, declared in plugins.load("extract.readers", names, directory, "FORMATS"):
            if not all(isinstance(one, Format) for one in declared):
                raise FormatError(f"extract.readers: {name}: FORMATS must be a tuple of holdgate.extract.format.Format")
            if all(self.formats.get(one.kind) is one for one in declared):
                continue
            try:
                self.add(*declared)
            except FormatError as error:
                raise FormatError(f"extract.readers: {name}: {error}") from error

    def textual(self, kind: str) -> bool:
        """Return whether a kind is text, whichever reader reads it."""
        return kind == MESSAGE or (kind in self.formats and self.formats[kind].textual)


REGISTRY = Registry()
"""The formats of this process. `extract.formats` adds the shipped ones, `Registry.add_modules` those of a site."""
