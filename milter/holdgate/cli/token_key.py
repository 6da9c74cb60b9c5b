"""`holdgate token-key`: replaces the key that signs links, reply addresses and sessions."""

import argparse
from datetime import UTC, datetime

from holdgate import keyfile
from holdgate.cli.output import print_result
from holdgate.configfile import ConfigError, load_settings
from holdgate.phrases import counted, reason_of


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    key = commands.add_parser("token-key", help="replace the key of links, reply addresses and sessions")
    steps = key.add_subparsers(dest="step", required=True, metavar="STEP")
    rotate = steps.add_parser(
        "rotate",
        help="add a new key, used from now on; links of older keys stay valid until they expire",
        description="Adds a new key to the file of desk.token_key. A running desk uses it at once. "
        f"Older keys still verify for {keyfile.KEEP.days} days.",
    )
    rotate.add_argument(
        "--revoke",
        action="store_true",
        help="remove the older keys: all existing links, reply addresses and sessions become invalid",
    )
    rotate.set_defaults(run=_rotate)


def _rotate(arguments: argparse.Namespace) -> int:
    path = load_settings(arguments.config).desk.token_key
    try:
        kept = keyfile.rotate(path, datetime.now(UTC), revoke=arguments.revoke)
    except FileNotFoundError as error:
        raise ConfigError(
            [f"{path}: there is no such file; holdgate-desk creates it when it starts: systemctl start holdgate-desk"]
        ) from error
    except OSError as error:
        raise ConfigError([f"{path}: {reason_of(error)}; run the command as root"]) from error
    except ValueError as error:
        raise ConfigError([str(error)]) from error
    older = f"{counted(kept, 'older key')} still valid" if kept else "older keys are no longer valid"
    print_result(arguments, f"{path}: new key added, used from now on; {older}", file=path, older_keys=kept)
    return 0
