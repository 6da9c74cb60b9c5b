"""The supported versions of Python, each in a Debian that has it: tests of what can differ.

The whole suite runs on the Python of this machine. On the others all modules are imported, and the packages run that
depend on the interpreter most: gate with pymilter, scan with its sandbox, the store on SQLite, and a milter session
with miltertest.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.machine import debootstrap, inside, own_release

ROOT = Path(__file__).parents[2]
PYTHONS = {"bookworm": "3.11", "trixie": "3.13", "testing": "3.14"}
PACKAGES = (
    *("ca-certificates", "gcc", "libarchive13", "libc6-dev", "libmilter-dev", "libseccomp2", "miltertest", "postfix"),
    *(
        "procps",
        "python3",
        "python3-dev",
        "python3-venv",
        "tesseract-ocr-deu",
        "tesseract-ocr-eng",
        "tesseract-ocr-osd",
    ),
)
TESTS = (
    "tests/unit/test_modules.py",
    *(f"tests/unit/{one}" for one in ("gate", "scan", "quarantine")),
    "tests/protocol",
)
COMMANDS = f"""
set -e
mkdir /holdgate && cp -r /source/. /holdgate && cd /holdgate
python3 -c 'import sys; print("running on", ".".join(map(str, sys.version_info[:2])))'
[ "$(python3 -c 'import sys; print(sys.version_info[:2] > (3, 14))')" = False ] || exit 0
python3 -m venv .venv
# Half a minute of optimization for libraries in C, which is not what is tested.
export CFLAGS=-O0
pip="$PWD/.venv/bin/python -m pip --quiet --disable-pip-version-check install"
$pip --require-hashes -r requirements/build.txt
$pip --require-hashes --no-build-isolation -r requirements/test.txt
$pip --no-deps --no-build-isolation --editable .
export CI=true
.venv/bin/python -m pytest -q -p no:cacheprovider --hypothesis-profile=quick -m "not slow and not postgresql" \\
  {" ".join(TESTS)}
"""


@pytest.mark.parametrize("release", [release for release in PYTHONS if release != own_release()])
def test_the_chosen_tests_pass_with_the_python_of_a_release(release: str, workshop: Path) -> None:
    sources, root = workshop / f"sources-{release}", workshop / f"python-{release}"
    sources.mkdir()
    subprocess.run([ROOT / "script/sources", sources], check=True)
    debootstrap(root, PACKAGES, release)
    try:
        command = [*inside(root), f"--bind-ro={sources}:/source", "/bin/sh", "-c", COMMANDS]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(root)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    if release == "testing" and f"running on {PYTHONS[release]}\n" not in done.stdout:
        pytest.skip(f"Debian testing has another Python by now, for which no packages are locked: {done.stdout}")
    assert f"running on {PYTHONS[release]}\n" in done.stdout
    assert " passed" in done.stdout
