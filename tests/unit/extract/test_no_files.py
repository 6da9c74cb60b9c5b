"""Reading opens no file and imports no module, because a worker has access to neither."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

SCRIPT = """
import sys
from holdgate.extract.extractor import extract_file, extract_message
from holdgate.scan.sandbox import preload
from tests.support.evasion import evasions
from tests.support.samples import samples

words = {"shift_jis": "資料", "euc_jp": "資料", "euc_kr": "자료", "big5": "資料", "gb18030": "资料", "utf-7": "Łódź"}
words |= {"koi8-r": "договор", "cp1251": "договор", "utf-16": "Łódź", "utf-8": "Łódź", "cp1252": "Größe"}
texts = [(word * count).encode(name) for name, word in words.items() for count in (2, 40, 4_000)]
preload()
files = [*samples().items(), *(("a.txt", text) for text in texts)]
files += [(path.name, path.read_bytes()) for path in map(__import__("pathlib").Path, sys.argv[1:])]
messages = [message for _, message in evasions(b"The word is Rosenquist.")]
opened = []
sys.addaudithook(lambda event, arguments: opened.append((event, arguments[0])) if event in ("open", "import") else None)
for name, data in files:
    extract_file(name, data)
for message in messages:
    extract_message(message)
for text in texts:
    extract_message(b"Content-Type: text/plain; charset=x-none\\n\\n" + text)
print(opened)
sys.exit(bool(opened))
"""


@pytest.mark.slow
def test_reading_opens_and_imports_nothing() -> None:
    documents = sorted((ROOT / "tests" / "data" / "documents").iterdir())
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *documents],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'milter'}:{ROOT}"},
    )
    assert run.returncode == 0, run.stdout[-2_000:] + run.stderr[-2_000:]
