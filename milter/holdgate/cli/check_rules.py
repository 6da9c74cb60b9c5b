"""What `holdgate check` reports about a site's own rules that are never read, because they are in another folder."""

from collections.abc import Iterator
from pathlib import Path

from holdgate.config import Settings
from holdgate.detect import never
from holdgate.mistakes import did_you_mean

# The folders of rules.local_directory that the loader reads, with the suffixes of their files.
_READ = {
    "identifiers": (".toml",),
    "keywords": (".toml",),
    "profiles": (".toml",),
    "dictionaries": (".txt",),
    "lists": (".csv", ".txt"),
}
_SUFFIXES = {".toml", ".csv", ".txt"}


def warnings(_path: Path, settings: Settings) -> Iterator[str]:
    """Yield files that look like rules, and are in no place where rules are read."""
    local = settings.rules.local_directory
    for file in sorted(one for one in local.rglob("*") if one.suffix in _SUFFIXES and one.is_file()):
        folder, name = str(file.parent.relative_to(local)), file.name
        if (name == never.FILE and folder == ".") or name.startswith(".") or name.lower().startswith("readme"):
            continue
        if folder not in _READ:
            meant = did_you_mean(folder, _READ)
            yield f"{file}: is never read; move it to one of the folders {', '.join(_READ)} of {local}{meant}"
        elif file.suffix not in _READ[folder]:
            yield f"{file}: is never read; files in {folder} end in {' or '.join(_READ[folder])}"
