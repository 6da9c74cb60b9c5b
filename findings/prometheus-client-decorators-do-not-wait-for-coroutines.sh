#!/usr/bin/env bash
# prometheus-client 0.26.0 (Python 3.11): the decorators of the library on an `async def` measure its call, which only makes the
# coroutine, not its run. count_exceptions() counts no exception, so an alert on the counter stays quiet for ever;
# time() reports microseconds for what takes a tenth of a second; track_inprogress() is back at zero before the first line
# of the function runs. Nothing warns: the decorated function works. In an `async with` or `with` block inside of the function
# the same objects are right. The documentation shows the decorators for functions, and says nothing of coroutines
# (pull request 767 of client_python, "Support decoration of async functions", is open since 2022).
#
# Seen:
#   exceptions raised 3, counted by the decorator 0, by the block 3
#   duration by the decorator below 0.01 s: True, by the block below 0.01 s: False
#   in progress during the run, by the decorator 0, by the block 1
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check prometheus-client==0.26.0
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import asyncio

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

errors = {way: Counter(f"errors_{way}", way) for way in ("decorator", "block")}
seconds = {way: Histogram(f"seconds_{way}", way) for way in ("decorator", "block")}
running = {way: Gauge(f"running_{way}", way) for way in ("decorator", "block")}
seen = {}


@errors["decorator"].count_exceptions()
@seconds["decorator"].time()
@running["decorator"].track_inprogress()
async def decorated():
    seen["decorator"] = REGISTRY.get_sample_value("running_decorator")
    await asyncio.sleep(0.1)
    raise OSError


async def with_block():
    with errors["block"].count_exceptions(), seconds["block"].time(), running["block"].track_inprogress():
        seen["block"] = REGISTRY.get_sample_value("running_block")
        await asyncio.sleep(0.1)
        raise OSError


async def main():
    for work in (decorated, with_block):
        for _ in range(3):
            try:
                await work()
            except OSError:
                pass


asyncio.run(main())
value = REGISTRY.get_sample_value
counted = [f"by the {way} {value(f'errors_{way}_total'):.0f}" for way in ("decorator", "block")]
print("exceptions raised 3, counted", ", ".join(counted))
short = [f"by the {way} below 0.01 s: {value(f'seconds_{way}_sum') / 3 < 0.01}" for way in ("decorator", "block")]
print("duration", ", ".join(short))
print("in progress during the run,", ", ".join(f"by the {way} {seen[way]:.0f}" for way in ("decorator", "block")))
PYTHON
diff "$work/seen" - <<'SEEN'
exceptions raised 3, counted by the decorator 0, by the block 3
duration by the decorator below 0.01 s: True, by the block below 0.01 s: False
in progress during the run, by the decorator 0, by the block 1
SEEN
