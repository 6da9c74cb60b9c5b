"""What the package removes when it is purged, compared with what Holdgate adds to Postfix."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_a_purge_removes_the_sockets_of_every_service_that_holdgate_adds() -> None:
    text = "\n".join((ROOT / "postfix" / name).read_text("utf-8") for name in ("master.cf", "change.cf", "replace.cf"))
    added = set(re.findall(r"(?m)^(holdgate-[a-z-]+) +unix\b", text))
    script = (ROOT / "debian/holdgate.postrm").read_text("utf-8").replace("\\\n", " ")
    loop = re.search(r"for service in (.*?); do", script)
    assert loop is not None
    assert len(added) > 4
    assert set(loop[1].split()) == added
