"""What holds for all tests, on a machine that may be doing much else."""

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

# The processes that tests start run this checkout's code, whichever copy is installed.
os.environ["PYTHONPATH"] = str(Path(__file__).parents[1] / "milter")

# How long an example takes says how busy the machine is; speed is measured by script/bench.
settings.register_profile("holdgate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("holdgate")
