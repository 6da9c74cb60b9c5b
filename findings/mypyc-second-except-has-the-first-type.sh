#!/usr/bin/env bash
# mypy 2.4.1 (mypyc, Python 3.11): two except clauses of one function that bind the same name are correct Python, and
# mypy --strict accepts them. Compiled by mypyc, the name keeps the type of the first clause: an exception that the second
# clause catches raises TypeError instead, which no clause of the function catches. Each clause needs a name of its own.
#
# Seen:
#   no issues found in 1 source file
#   interpreted: first: one | second: two
#   compiled: first: one | TypeError: part.First object expected; got part.Second
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check mypy==2.4.1 setuptools==84.2.1
cd "$work"
cat >part.py <<'PYTHON'
class First(Exception):
    pass


class Second(Exception):
    pass


def read(number: int) -> str:
    try:
        if number == 1:
            raise First("one")
        raise Second("two")
    except First as error:
        return f"first: {error}"
    except Second as error:
        return f"second: {error}"
PYTHON
cat >show.py <<'PYTHON'
import part


def shown(number: int) -> str:
    try:
        return part.read(number)
    except TypeError as error:
        return f"TypeError: {error}"


kind = "interpreted" if part.__file__.endswith(".py") else "compiled"
print(f"{kind}: {shown(1)} | {shown(2)}")
PYTHON
{
  "$work/venv/bin/mypy" --strict part.py | sed 's/^Success: //'
  "$work/venv/bin/python" show.py
  "$work/venv/bin/mypyc" part.py >"$work/log" 2>&1 || { cat "$work/log" >&2 && exit 1; }
  "$work/venv/bin/python" show.py
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
no issues found in 1 source file
interpreted: first: one | second: two
compiled: first: one | TypeError: part.First object expected; got part.Second
SEEN
