"""The completion scripts match the command line; each installed shell runs its own."""

import argparse
import shutil
import subprocess

import pytest

from holdgate.cli.completion import script
from holdgate.cli.main import build_parser


def complete(*words: str) -> set[str]:
    """Return what bash proposes for the last of the words."""
    line = " ".join(f"'{word}'" for word in ("holdgate", *words))
    commands = script(build_parser(), "bash") + (
        f'COMP_WORDS=({line}); COMP_CWORD={len(words)}; _holdgate; printf "%s\\n" "${{COMPREPLY[@]}}"\n'
    )
    done = subprocess.run(["bash", "-c", commands], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_bash_knows_commands_options_and_values() -> None:
    assert {"list", "show", "check", "config", "completion"} <= complete("")
    assert complete("pol") == {"policy"}
    assert complete("policy", "") >= {"test", "replay", "--help"}
    assert complete("policy", "test", "--mes") == {"--message"}
    assert {"held", "pending", "released"} <= complete("list", "--state", "")
    assert complete("completion", "z") == {"zsh"}
    assert "--state" not in complete("show", "")


def test_an_option_before_a_command_does_not_hide_the_command() -> None:
    assert complete("-c", "/etc/x.toml", "attach", "--dry") == {"--dry-run"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_has_every_command_and_its_shell_can_parse_it(shell: str) -> None:
    written = script(build_parser(), shell)
    for word in ("canary", "replay", "dry-run", "may-decide", "vanished"):
        assert word in written
    if shutil.which(shell):  # Debian always has bash; the others only if they were installed
        option = "--no-execute" if shell == "fish" else "-n"
        subprocess.run([shell, option], input=written, text=True, check=True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_help_texts_cannot_break_a_script(shell: str) -> None:
    parser = argparse.ArgumentParser(prog="holdgate")
    parser.add_argument("--odd", help='it\'s `odd`, "$HOME" [or] not: $(exit 3) \\')
    written = script(parser, shell)
    assert "$HOME" not in written
    assert "exit 3)" not in written
