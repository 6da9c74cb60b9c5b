"""What holds for all tests: the processes they start run this checkout's code, whichever copy is installed."""

import os
from pathlib import Path

os.environ["PYTHONPATH"] = str(Path(__file__).parents[1] / "milter")
