"""The policies file for the desk: read again when it changes. If that fails, the last valid one stays active."""

import threading
from pathlib import Path

from holdgate import maillog
from holdgate.config import ModerationSettings
from holdgate.configfile import ConfigError
from holdgate.policy.action import Action
from holdgate.policy.model import PolicyFile, load_policies
from holdgate.translated import text_in


class PolicyWatch:
    """Provides the moderation settings of each policy. Thread-safe."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises ConfigError: without it, one approval could suffice where a policy requires two."""
        self._path = path
        self._lock = threading.Lock()
        self._seen = self._state()
        self._policies = load_policies(path)

    def moderation(self, policy: str, base: ModerationSettings) -> ModerationSettings:
        """Return `base` with what the policy of this name overrides; `base` itself if there is no such policy."""
        own = next((one for one in self._current().policy if one.name == policy), None)
        return base if own is None else own.moderation_over(base)

    def has(self, policy: str) -> bool:
        """Return whether the file has a policy of this name."""
        return any(one.name == policy for one in self._current().policy)

    def action(self, policy: str) -> Action | None:
        """Return the action of the policy of this name, or None."""
        return next((one.action for one in self._current().policy if one.name == policy), None)

    def description(self, policy: str, language: str) -> str:
        """Return the description of the policy of this name in a language, or another one it has; "" for none."""
        return next((text_in(one.description, language) for one in self._current().policy if one.name == policy), "")

    def _current(self) -> PolicyFile:
        with self._lock:
            try:
                seen = self._state()
                if seen not in (None, self._seen):
                    self._seen = seen
                    self._policies = load_policies(self._path)
            except ConfigError as error:
                for problem in error.problems:
                    maillog.failed(stage="policies", error=problem)
            return self._policies

    def _state(self) -> tuple[int, int] | None:
        """Return values that change with content, owner or mode; None while the file does not exist."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ctime_ns, status.st_size
