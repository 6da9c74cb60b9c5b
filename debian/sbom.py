"""Completes the bill of materials of cyclonedx-py: adds the described component and the hashes of fetched files.

usage: sbom.py FILE VERSION LOCK

Specification: CycloneDX 1.6, metadata.component and component.hashes. The hashes are those that the lock allows; which
file of a release was used depends on Python's version and the processor.
"""

import json
import re
import sys
from pathlib import Path

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(?:[^\n]*\\\n\s+--hash=\S+)+", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def _name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(file: Path, version: str, lock: Path) -> None:
    """Rewrite the bill in `file`, for the package's `version`, with the hashes in `lock`."""
    bill = json.loads(file.read_text(encoding="utf-8"))
    locked = {
        (_name(found[1]), found[2]): _HASH.findall(found[0]) for found in _PINNED.finditer(lock.read_text("utf-8"))
    }
    components = bill["components"]
    (ours,) = [component for component in components if _name(component["name"]) == "holdgate"]
    components.remove(ours)
    bill["metadata"]["component"] = ours | {
        "type": "application",
        "version": version,
        "purl": f"pkg:generic/holdgate@{version}",
    }
    for component in components:
        hashes = locked[_name(component["name"]), component["version"]]
        references = component.setdefault("externalReferences", [])
        references.append(
            {
                "type": "distribution",
                "url": f"pkg:pypi/{_name(component['name'])}@{component['version']}",
                "comment": "the files that the lock allows",
                "hashes": [{"alg": "SHA-256", "content": digest} for digest in sorted(hashes)],
            }
        )
    file.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
