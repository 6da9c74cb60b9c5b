"""Postfix's commands in tests: their waits are skipped, and earlier output is reused.

One run of postconf(1) for all settings answers each question for one setting of the same files.

Postfix waits until a file is two seconds old, because an editor may not be done (dict_load_file_xt, 3.7.11), and a
second before it ends with a fatal error (msg_fatal). What postconf(1) prints of the same files, or makes of them, is
the same, and so is the error about a file that does not exist.
"""

import copy
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_run = subprocess.run
_answers: dict[object, Any] = {}
_errors: dict[object, Any] = {}
_settings: dict[object, dict[str, Any]] = {}


def run(command: Any, *arguments: Any, **options: Any) -> Any:
    """Run a command as subprocess.run does."""
    is_list = isinstance(command, list | tuple)
    name = Path(os.fsdecode(command[0])).name if is_list and command else ""
    if name not in ("postconf", "postmap") or "-c" not in command:
        return _run(command, *arguments, **options)
    directory = Path(command[command.index("-c") + 1])
    table = Path(str(command[-1]).partition(":")[2]) if name == "postmap" else directory
    before = time.time() - 10
    for path in (*directory.glob("*"), table):
        if path.is_file() and path.stat().st_mtime > before:
            os.utime(path, (before, before))
    # A test may have its own programs with these names.
    key = (os.environ.get("PATH"), str(options.get("env")), options.get("text"), options.get("input"))
    main = directory / "main.cf"
    words = tuple(word for word in command if word != str(directory))
    if not main.exists():
        return _known_error((*key, *words), directory, command, arguments, options)
    if table.is_absolute() and not table.exists():
        return _known_error((*key, *words, main.read_bytes()), directory, command, arguments, options)
    if name == "postmap":
        return _run(command, *arguments, **options)
    return _known_answer((*key, *words), directory, command, arguments, options)


def _known_error(key: object, directory: Path, command: Sequence[str], arguments: Any, options: Any) -> Any:
    known = _errors.get(key)
    if known is None:
        done = _run(command, *arguments, **options | {"check": False})
        if done.returncode:
            _errors[key] = (done, str(directory))
    else:
        done = copy.copy(known[0])
        done.args = command
        old, new = known[1], str(directory)
        is_text = isinstance(done.stderr, str)
        if done.stderr is not None:
            done.stderr = done.stderr.replace(*((old, new) if is_text else (old.encode(), new.encode())))
    if options.get("check"):
        done.check_returncode()
    return done


def _known_answer(
    key: tuple[object, ...], directory: Path, command: Sequence[str], arguments: Any, options: Any
) -> Any:
    files = [directory / name for name in ("main.cf", "master.cf")]
    if not all(path.exists() for path in files):
        return _run(command, *arguments, **options)
    read = tuple(path.read_bytes() for path in files)
    if len(command) == 5 and command[3] in ("-h", "-xh"):
        answer = _one_setting((*key[:-1], *read), directory, command, options)
        if answer is not None:
            return answer
    key = (*key, *read)
    if key in _answers:
        done, *contents = _answers[key]
        for path, content in zip(files, contents, strict=True):
            if path.read_bytes() != content:
                path.write_bytes(content)
        return done
    done = _run(command, *arguments, **options)
    if done.returncode == 0 and str(directory) not in str(done.stdout):
        _answers[key] = (done, *(path.read_bytes() for path in files))
    return done


def _one_setting(key: object, directory: Path, command: Sequence[str], options: Any) -> Any:
    """Answer `postconf -h NAME` or `postconf -xh NAME` from its output for all settings; None if it has no NAME."""
    form, name = command[3:]
    if key not in _settings:
        done = _run([*command[:3], *(["-x"] if form == "-xh" else [])], **options)
        _settings[key] = {}
        for line in [] if done.returncode else done.stdout.splitlines(keepends=True):
            setting, value = line.split(" =" if isinstance(line, str) else b" =", 1)
            answer = subprocess.CompletedProcess(command, 0, value[1:] if len(value) > 1 else value, done.stderr)
            if str(directory) not in str(value):
                _settings[key][os.fsdecode(setting)] = answer
    return _settings[key].get(name)
