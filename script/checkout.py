"""What the scripts in Python begin with: this checkout's code, in its virtual environment, as the other scripts do."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PYTHON = ROOT / ".venv/bin/python"


def enter() -> None:
    """Start the running script again in the checkout's virtual environment, unless it runs in one, whichever it is."""
    sys.path[:0] = [str(ROOT), str(ROOT / "milter")]
    if sys.prefix != sys.base_prefix:
        return
    if not _PYTHON.exists():
        sys.exit(f"{Path(sys.argv[0]).name}: there is no virtual environment {ROOT / '.venv'}: script/test makes it")
    os.execv(_PYTHON, [str(_PYTHON), *sys.argv])
