"""The documentation matches the code and the files of the repository."""

import ast
import importlib.util
import re
import tomllib
from pathlib import Path

from holdgate.config import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("rules/*.md")])


def test_the_reference_pages_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/reference/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.stale() == [], "run docs/reference/generate.py"


def test_every_link_has_a_target() -> None:
    missing = [
        (str(page.relative_to(ROOT)), target)
        for page in PAGES
        for text in [re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)]
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
        if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists()
    ]
    assert missing == []


def headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in re.findall(r"(?m)^#+ (.+?)\s*$", text)}


def test_every_link_to_a_heading_has_a_target() -> None:
    known = {page.resolve(): headings(page) for page in PAGES}
    missing = []
    for page in PAGES:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target, heading in re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", text):
            place = (page.parent / target).resolve() if target else page.resolve()
            if place in known and heading not in known[place]:
                missing.append(f"{page.relative_to(ROOT)}: {target}#{heading}")
    assert missing == []


def test_every_picture_is_complete() -> None:
    """A script that was ended while it saved one left an empty file."""
    pictures = sorted((ROOT / "docs/images").rglob("*.webp"))
    assert len(pictures) > 200
    broken = []
    for path in pictures:
        content = path.read_bytes()
        # The length of the file is in its header: https://developers.google.com/speed/webp/docs/riff_container
        if content[:4] + content[8:12] != b"RIFFWEBP" or int.from_bytes(content[4:8], "little") + 8 != len(content):
            broken.append(path.name)
    assert broken == []


def test_every_named_file_exists() -> None:
    named = r"`((?:milter|rules|postfix|systemd|tests|docs|script|testbed)/[\w./-]*\w)`"
    missing = [
        (str(page.relative_to(ROOT)), name)
        for page in PAGES
        for name in re.findall(named, page.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    ]
    assert missing == []


def test_every_failure_stage_has_a_row_on_the_troubleshooting_page() -> None:
    events = {"failed": "failed", "tempfailed": "tempfail"}
    logged, counted, runs = set(), set(), set()
    for path in (ROOT / "milter").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if not any(word in source for word in ("maillog", "ERRORS", "stage")):
            continue
        for call in ast.walk(ast.parse(source)):
            match call:
                case ast.Call(func=ast.Attribute(value=ast.Name("maillog"), attr=name)) if name in events:
                    (stage,) = (word.value for word in call.keywords if word.arg == "stage")
                    logged.add((events[name], ast.literal_eval(stage)))
                case ast.Call(func=ast.Attribute(ast.Attribute(ast.Name("metrics"), "ERRORS"), "labels"), args=[stage]):
                    if not isinstance(stage, ast.Attribute):  # the runner's own, which is a stage of those below
                        counted.add(ast.literal_eval(stage))
                case ast.Call(func=ast.Name()):
                    given = (word.value for word in call.keywords if word.arg == "stage")
                    runs |= {value.value for value in given if isinstance(value, ast.Constant)}
    page = (ROOT / "docs/howto/troubleshoot.md").read_text(encoding="utf-8")
    assert set(re.findall(r"(?m)^\| `(\w+): stage=([\w-]+)", page)) == logged
    assert counted <= set(re.findall(r"stage=([\w-]+)", page))
    assert len(counted) > 5
    assert set(re.findall(r"(?m)^\| `work-failed: stage=([\w-]+)", page)) == runs
    assert len(runs) > 4


def test_the_man_pages_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("manuals", ROOT / "docs/man/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.stale() == [], "run docs/man/generate.py"


def test_settings_in_comments_of_the_settings_file_are_valid() -> None:
    text = (ROOT / "etc/holdgate.toml").read_text(encoding="utf-8")
    shown = tomllib.loads("\n".join(re.findall(r"(?m)^# (\[.*\]|\w+ = .*)$", text)))
    assert set(shown) == {"scan", "moderation", "desk"}
    Settings.model_validate(shown)


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    for page in ROOT.glob("docs/**/*.md"):
        name = str(page.relative_to(ROOT / "docs"))
        assert name == "index.md" or f"({name})" in index or name.startswith("decisions/"), name


def test_commands_that_stop_the_target_name_its_daemons() -> None:
    """For a target alone, systemctl(1) returns while the services that are part of it still run."""
    commands = [
        line for page in PAGES for line in re.findall(r"(?m)^.*systemctl stop .*holdgate\.target.*$", page.read_text())
    ]
    assert commands
    assert [line for line in commands if line.startswith("systemctl") and "'holdgate-*.service'" not in line] == []


def test_the_example_of_a_proxy_does_not_log_links() -> None:
    """A link can decide until its deadline, so no log has it."""
    page = (ROOT / "docs/howto/moderate.md").read_text(encoding="utf-8")
    unlogged = re.findall(r"(?m)^    location (\S+) \{\n[^}]*?^        access_log off;", page)
    notices = (ROOT / "milter/holdgate/desk/notices.py").read_text(encoding="utf-8")
    assert re.findall(r"\}(/\w+/)\{token\}", notices) == unlogged


def test_the_examples_of_proxies_replace_both_headers_and_exempt_links() -> None:
    """`tests/systemd/test_other_software.py` runs them; the shipped files must not be incomplete until then."""
    examples = sorted((ROOT / "examples/proxies").iterdir())
    assert len(examples) == 4
    for example in examples:
        text = example.read_text(encoding="utf-8")
        for needed in ("SECRET", "X-Holdgate-Proxy", "X-Remote-User", "/t/", "127.0.0.1:9860", "approve.corp.example"):
            assert needed in text.replace("approve.pem", "approve.corp.example"), (example.name, needed)
