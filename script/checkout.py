"""The start of each Python script: it uses this checkout's code and virtual environment, as the other scripts do."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PYTHON = ROOT / ".venv/bin/python"


def enter() -> None:
    """Restart the running script in the checkout's virtual environment, unless it already runs in one."""
    sys.path[:0] = [str(ROOT), str(ROOT / "milter")]
    if sys.prefix != sys.base_prefix:
        return
    if not _PYTHON.exists():
        sys.exit(f"{Path(sys.argv[0]).name}: there is no virtual environment {ROOT / '.venv'}: script/test makes it")
    os.execv(_PYTHON, [str(_PYTHON), *sys.argv])
