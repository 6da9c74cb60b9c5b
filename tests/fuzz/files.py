"""Settings, policies and rules, damaged or with odd values: read, or refused by a line that names the file."""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from holdgate.configfile import ConfigError, load_leniently, load_settings
from holdgate.detect import Detector, RuleError
from holdgate.policy.model import load_policies
from tests.fuzz.frame import Target, Try

ROOT = Path(__file__).parents[2]
SHIPPED = {
    "settings": (ROOT / "etc/holdgate.toml").read_text(encoding="utf-8"),
    "policies": (ROOT / "etc/policies.toml").read_text(encoding="utf-8"),
    "identifiers": (ROOT / "rules/identifiers/us-ssn.toml").read_text(encoding="utf-8"),
    "profiles": (ROOT / "rules/profiles/dlp-pii.toml").read_text(encoding="utf-8"),
}
ODD = (
    *("", "0", "-1", "1e400", "nan", "true", "[]", "{}", '""', '"\\u0000"', "1979-05-27", "'''", "[[policy]]", "[end]"),
    *("#", "=", "\n", "\t", ".", '"', "'", "\x00", "\ufeff", "\ud7ff", '"(" ', '"[a-"', '"*"', '"ldap:/x"', '"99d"'),
)


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """Cut, duplicate, move or exchange lines, and replace values by unusual ones."""
    lines = text.splitlines(keepends=True)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(lines) - 1)))
        match draw(st.sampled_from(("drop", "double", "value", "insert", "cut"))):
            case "drop":
                del lines[at : at + 1]
            case "double":
                lines[at:at] = lines[at : at + 1] * draw(st.integers(1, 3))
            case "value" if at < len(lines) and "=" in lines[at]:
                lines[at] = f"{lines[at].split('=')[0]}= {draw(st.sampled_from(ODD))}\n"
            case "insert":
                lines.insert(at, draw(st.sampled_from(ODD)))
            case "cut":
                whole = "".join(lines)
                lines = whole[: draw(st.integers(0, len(whole)))].splitlines(keepends=True)
    return "".join(lines)


FILES = st.sampled_from(sorted(SHIPPED)).flatmap(lambda kind: st.tuples(st.just(kind), damaged(SHIPPED[kind])))


def make() -> Try:
    @given(FILES)
    def any_file(file: tuple[str, str]) -> None:
        kind, text = file
        with tempfile.TemporaryDirectory(prefix="holdgate-fuzz-") as name:
            directory = Path(name)
            path = directory / "file.toml"
            if kind in ("identifiers", "profiles"):
                (directory / kind).mkdir()
                path = directory / kind / f"{'us-ssn' if kind == 'identifiers' else 'dlp-pii'}.toml"
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            read(kind, path, directory)

    return any_file


def read(kind: str, path: Path, directory: Path) -> None:
    """Read a file as the daemons do. Errors are lines, each with the file's name."""
    problems = _problems(kind, path, directory)
    assert all("\n" not in problem for problem in problems), problems
    assert all(problem.startswith(str(directory)) or "rules/" in problem for problem in problems), problems


def _problems(kind: str, path: Path, directory: Path) -> list[str]:
    try:
        if kind == "settings":
            load_leniently(path)
            load_settings(path)
        elif kind == "policies":
            load_policies(path)
        else:
            Detector.from_rules(ROOT / "rules", local_dir=directory)
    except ConfigError as error:
        return error.problems or ["nothing"]
    except RuleError as error:
        return [str(error)]
    return []


TARGET = Target("files", "settings, policies and rules, damaged", make)
