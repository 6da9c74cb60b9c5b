"""A process that records incidents, of this build or another one: run by benchmarks/store.py with that build's path.

Its arguments are the store's URL, the name of its node, and the number of incidents. It prints that it is ready, waits
for a line, and then prints the time of each incident and its own processor time, both in seconds, as JSON. It ends when
its input ends.

A milter runs for weeks. So the first incidents, for which it connects and PostgreSQL plans its statements, are not
timed, nor is its end.
"""

import inspect
import json
import sys
import time
from typing import Any

# This file's folder has modules named as some of Python's own.
sys.path.pop(0)

from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.store import open_store

# After so many incidents, each statement was used, and planned by PostgreSQL for the last time.
_FIRST = 10


def main(url: str, node: str, count: int) -> None:
    """Record, and print."""
    # Builds before the trail had several chains know no role.
    role: dict[str, Any] = {"role": "milter"} if "role" in inspect.signature(open_store).parameters else {}
    store = open_store(url, node, **role)
    actor = Actor("holdgate-milter", "milter")
    for number in range(_FIRST):
        store.record(_incident(number), actor)
    print("ready", flush=True)
    sys.stdin.readline()
    times, used = [], time.process_time()
    for number in range(count):
        begun = time.perf_counter()
        store.record(_incident(number), actor)
        times.append(time.perf_counter() - begun)
    print(json.dumps([times, time.process_time() - used]), flush=True)
    sys.stdin.readline()
    store.close()


def _incident(number: int) -> Incident:
    return Incident(queue_id=f"4{number}", sender="a@corp.example", recipients=["b@partner.example"], policy="p")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
