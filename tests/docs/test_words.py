"""Words that pages, docstrings, log lines and messages do not use, and their replacements (docs/style.md)."""

import re
from pathlib import Path

import re2

ROOT = Path(__file__).parents[2]

# A pattern, and its replacement. Only words that are wrong in every sentence are here; the rest needs a reader.
UNUSED = {
    r"anew": "again, new, rebuild",
    r"in force": "active; load, apply",
    r"mend(?:s|ed|ing)?": "fix, correct",
    r"in good order": "normally",
    r"for want of": "because there is no; for lack of",
    r"passed over": "skipped, ignored",
    r"lets? pass": "accept without inspection",
    r"hangs? up": "close the connection",
    r"bears": "carries, has",
    r"sees to it": "ensure, set up",
    r"stumbl(?:e|es|ed) over": "failed with an internal error",
    r"none the less": "anyway",
    r"way out of the house": "outgoing mail",
    r"foreign (?:scanner|mark|held)": "third-party scanner; unmanaged held mail",
    r"chain of hashes": "hash chain",
    r"fail(?:s|ed)? shut": "fail closed",
    r"he": "they; or the role again",
    r"himself": "themselves, or nothing",
    r"his own": "their own",
    r"goes back to its sender": "is returned to its sender",
    r"tried again": "retried",
    r"what became of (?:it|the message)": "the outcome",
    r"people are asked again": "a new request is sent",
    r"stands? in the settings": "is set",
    r"the whole way": "through all steps",
    r"as it should be": "correct, expected",
    r"surely": "certainly; the confidence",
    r"speaks? (?:for|against)": "positive or negative evidence",
    r"by turns": "in turns, alternately",
}
# Pages that quote such words as examples, history, and texts of others.
EXEMPT = ("docs/style.md", "docs/man/", "docs/reference/identifiers.md")


def texts() -> list[Path]:
    pages = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")), *(ROOT / "docs").rglob("*.md")]
    code = sorted((ROOT / "milter").rglob("*.py"))
    templates = sorted((ROOT / "milter/holdgate/desk/templates/en").glob("*"))
    alerts = sorted((ROOT / "docs/monitoring").iterdir())
    paths = (path for path in (*pages, *code, *templates, *alerts) if path.is_file())
    return [
        path
        for path in paths
        if not path.relative_to(ROOT).as_posix().startswith(EXEMPT) and "versions" not in path.parts
    ]


# One search by re2 for all words, in a tenth of the time; most pages have none.
ANY = re2.compile(rf"(?i)\b(?:{'|'.join(UNUSED)})\b")


def test_no_text_uses_a_forbidden_word() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, hit.start()) + 1}: {hit[0]!r}: write {instead}"
        for path in texts()
        for text in [path.read_text(encoding="utf-8")]
        if ANY.search(text)
        for pattern, instead in UNUSED.items()
        for hit in re.finditer(rf"(?i)\b{pattern}\b", text)
    ]
    assert found == []


def test_every_word_of_the_list_is_found() -> None:
    for pattern in UNUSED:
        example = re.sub(r"\(\?:([^|)]*)[^)]*\)", r"\1", pattern).replace("?", "")
        assert re.search(rf"(?i)\b{pattern}\b", f"It {example} here")
        assert ANY.search(f"It {example} here")
