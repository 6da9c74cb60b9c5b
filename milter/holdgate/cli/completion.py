"""`holdgate completion`: writes completion scripts for bash, zsh and fish, from the command line parser.

Each script knows the commands and, for each, its options and the values of options with a fixed set. For file names, it
uses the shell's own completion.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# In the scripts, the commands given so far, each after a blank: " policy test"; "" is `holdgate` itself.
_Level = str


@dataclass(frozen=True, slots=True)
class _Command:
    """What can follow at a level: words with their meanings, and the values of options with a fixed set."""

    level: _Level
    words: dict[str, str]
    values: dict[str, list[str]]


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    completion = commands.add_parser(
        "completion",
        help="print the completion script for a shell",
        description="The package installs all three. By hand: holdgate completion bash > "
        "/etc/bash_completion.d/holdgate",
    )
    completion.add_argument("shell", choices=sorted(_SCRIPTS), help="the shell")


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """Return the completion script of a parser for "bash", "zsh" or "fish"."""
    return _SCRIPTS[shell](list(_walk(parser, "")))


def _walk(parser: argparse.ArgumentParser, level: _Level) -> Iterator[_Command]:
    words: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    below: list[tuple[str, argparse.ArgumentParser]] = []
    for action in parser._actions:
        meaning = _meaning(action.help or "")
        if isinstance(action, argparse._SubParsersAction):
            meant = {one.dest: _meaning(one.help or "") for one in action._choices_actions}
            words |= {name: meant.get(name, "") for name in action.choices}
            below += action.choices.items()
        elif action.option_strings:
            words |= dict.fromkeys(action.option_strings, meaning)
            if action.choices:
                values |= {option: [str(one) for one in action.choices] for option in action.option_strings}
        elif action.choices:
            words |= {str(one): meaning for one in action.choices}
    yield _Command(level, words, values)
    for name, one in below:
        yield from _walk(one, f"{level} {name}")


def _meaning(text: str) -> str:
    """Return an option's help without quotes, brackets and expansions, so that it is safe in each script."""
    plain = "" if text == argparse.SUPPRESS else text.partition(" (")[0]
    return "".join(letter for letter in plain if letter.isalnum() or letter in " ,.;-_/")


def _levels(commands: list[_Command]) -> list[_Level]:
    return [one.level for one in commands if one.level]


def _bash(commands: list[_Command]) -> str:
    known = "|".join(f'"{level}"' for level in _levels(commands))
    lines = [
        "# bash completion of holdgate; written by: holdgate completion bash",
        "_holdgate() {",
        '  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} level="" word words=""',
        '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        f'    case "$level $word" in {known}) level="$level $word" ;; esac',
        "  done",
        '  case "$level/$previous" in',
    ]
    for one in commands:
        for option, values in one.values.items():
            lines.append(f'    "{one.level}/{option}") words="{" ".join(values)}" ;;')
    lines += ['    *) case "$level" in']
    lines += [f'      "{one.level}") words="{" ".join(one.words)}" ;;' for one in commands]
    lines += [
        "    esac ;;",
        "  esac",
        '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")',
        "}",
        "complete -o bashdefault -o default -F _holdgate holdgate",
    ]
    return "\n".join(lines) + "\n"


def _zsh(commands: list[_Command]) -> str:
    known = "|".join(f'"{level}"' for level in _levels(commands))
    lines = [
        "#compdef holdgate",
        "# written by: holdgate completion zsh",
        "_holdgate() {",
        '  local level="" word',
        "  local -a found",
        '  for word in "${(@)words[2,CURRENT-1]}"; do',
        f'    case "$level $word" in ({known}) level="$level $word" ;; esac',
        "  done",
        '  case "$level/${words[CURRENT-1]}" in',
    ]
    for one in commands:
        for option, values in one.values.items():
            lines.append(f'    ("{one.level}/{option}") compadd -- {" ".join(values)}; return ;;')
    lines += ["  esac", '  case "$level" in']
    for one in commands:
        shown = " ".join(f"'{word}:{meaning}'" for word, meaning in one.words.items())
        lines.append(f'    ("{one.level}") found=({shown}) ;;')
    lines += [
        "  esac",
        "  _describe holdgate found || _files",
        "}",
        '_holdgate "$@"',
    ]
    return "\n".join(lines) + "\n"


def _fish(commands: list[_Command]) -> str:
    known = " ".join(f"'{level}'" for level in _levels(commands))
    lines = [
        "# fish completion of holdgate; written by: holdgate completion fish",
        "function __holdgate_level",
        "  set -l level ''",
        "  for word in (commandline -opc)[2..-1]",
        f'    contains -- "$level $word" {known}; and set level "$level $word"',
        "  end",
        '  test "$level" = "$argv[1]"',
        "end",
    ]
    for one in commands:
        condition = f"-n \"__holdgate_level '{one.level}'\""
        for word, meaning in one.words.items():
            described = f" -d '{meaning}'" if meaning else ""
            values = f" -x -a '{' '.join(one.values[word])}'" if word in one.values else ""
            if word.startswith("--"):
                lines.append(f"complete -c holdgate {condition} -l {word[2:]}{values}{described}")
            elif word.startswith("-"):
                lines.append(f"complete -c holdgate {condition} -s {word[1:]}{values}{described}")
            else:
                lines.append(f"complete -c holdgate {condition} -a {word}{described}")
    return "\n".join(lines) + "\n"


_SCRIPTS: dict[str, Callable[[list[_Command]], str]] = {"bash": _bash, "fish": _fish, "zsh": _zsh}
