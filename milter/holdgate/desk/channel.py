"""The base class of channels, by which notices reach people: what may be said over it, and when it retries.

Mail is the first channel, and the only one for every notice. Others carry requests and reminders in addition, if
`moderation.notify_over` names them. Each is a class in its own module (`desk/channels/`, or a site's).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any, ClassVar

from holdgate import plugins
from holdgate.config import Settings

MAIL = "mail"


class Shows(IntEnum):
    """What a channel may reveal about a message."""

    NOTHING = 0
    """That one is held, its incident and the deadline."""
    MASKED = 1
    """Also sender, recipients, subject and findings, with all matches masked."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A composed notice.

    For mail it has `content`, a message (RFC 5322) with CRLF line ends, and the envelope sender `sender` ("": the null
    sender).
    For other channels it has `subject`, one line, `text`, and `link`, "" if there is no page.
    """

    content: bytes = b""
    sender: str = ""
    subject: str = ""
    text: str = ""
    link: str = ""


class RefusedError(Exception):
    """The channel refuses this notice; the argument states why, without text from the other side.

    `permanent` is true if it will refuse it later too: this recipient cannot be reached. `code` is that of the SMTP
    reply, 0 if there is none.
    """

    def __init__(self, reason: str, *, permanent: bool = False, code: int = 0) -> None:
        super().__init__(reason)
        self.permanent = permanent
        self.code = code


class AwayError(Exception):
    """The channel does not answer, so the next notice would fail too."""


class Channel(ABC):
    """One channel. A subclass sets the class variables and implements `deliver`.

    `name` is the word in settings and the outbox. `shows` is what may be revealed over it. `may_decide` is true if its
    link decides without further proof; otherwise the link leads to the page, where people must sign in. Each channel
    has its own thread, so a silent one delays no other.
    """

    name: ClassVar[str]
    shows: ClassVar[Shows] = Shows.NOTHING
    may_decide: ClassVar[bool] = False
    first_retry: ClassVar[timedelta] = timedelta(seconds=5)
    longest_retry: ClassVar[timedelta] = timedelta(minutes=10)

    def __init__(self, settings: Settings, options: Mapping[str, Any]) -> None:
        """Read the table `channels.options.NAME`. Raises ValueError for errors in it."""
        self.settings = settings
        self.options = options

    @abstractmethod
    def deliver(self, recipient: str, letter: Letter) -> None:
        """Send a notice to an address. Must return within about a minute.

        Raises RefusedError, AwayError, or any other exception, of which only the type is logged. A notice may be sent
        twice:
        after a crash, it is unknown whether it was sent.
        """


class ChannelError(Exception):
    """A channel cannot be used; the message names it and states why."""


class Registry:
    """The channels that settings can name."""

    def __init__(self) -> None:
        self.channels: dict[str, type[Channel]] = {}

    def add(self, *channels: type[Channel]) -> None:
        """Register channels. Raises ChannelError for a name that is in use, or too long for the store."""
        for one in channels:
            if one.name in self.channels:
                raise ChannelError(f'the channel "{one.name}" is declared twice')
            if not (one.name.isascii() and one.name.replace("-", "a").isalnum() and len(one.name) <= 32):
                raise ChannelError(f'"{one.name}" is no name of a channel: at most 32 letters, digits and hyphens')
            self.channels[one.name] = one

    def add_modules(self, names: Iterable[str], directory: Path) -> None:
        """Import a site's modules by name and add the channels in their list CHANNELS, each once.

        Raises ChannelError and PluginError.
        """
        for name, declared in plugins.load("channels.modules", names, directory, "CHANNELS"):
            if not all(isinstance(one, type) and issubclass(one, Channel) for one in declared):
                raise ChannelError(f"channels.modules: {name}: CHANNELS must be a tuple of subclasses of Channel")
            try:
                self.add(*(one for one in declared if self.channels.get(one.name) is not one))
            except ChannelError as error:
                raise ChannelError(f"channels.modules: {name}: {error}") from error

    def make(self, settings: Settings) -> dict[str, Channel]:
        """Return all channels of a site, by name. Raises ChannelError and PluginError."""
        self.add_modules(settings.channels.modules, settings.channels.directory)
        options = settings.channels.options
        if unknown := sorted(options.keys() - self.channels.keys()):
            raise ChannelError(f'channels.options.{unknown[0]}: no channel of "modules" has this name')
        made = {}
        for name, channel in self.channels.items():
            try:
                made[name] = channel(settings, options.get(name, {}))
            except Exception as error:  # a site's class may raise any exception
                raise ChannelError(f"channels.options.{name}: {type(error).__name__}: {error}") from error
        return made


REGISTRY = Registry()
"""The channels of this process. `desk.channels` adds the shipped ones, `Registry.add_modules` those of a site."""
