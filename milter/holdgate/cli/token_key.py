"""`holdgate token-key`: replaces the key that signs links, reply addresses and sessions."""

import argparse
from datetime import UTC, datetime

from holdgate import keyfile
from holdgate.cli.output import print_result
from holdgate.configfile import ConfigError, load_settings


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    key = commands.add_parser("token-key", help="exchange the key of links, reply addresses and sessions")
    steps = key.add_subparsers(dest="step", required=True, metavar="STEP")
    rotate = steps.add_parser(
        "rotate",
        help="sign with a fresh key from now on; what older ones signed stays good until its time is over",
        description="Puts a fresh key into the file that desk.token_key names. A desk that runs notices it at once. "
        f"Older keys still verify for {keyfile.KEEP.days} days.",
    )
    rotate.add_argument(
        "--revoke",
        action="store_true",
        help="take the older keys out: every link, reply address and session that is out is good no longer",
    )
    rotate.set_defaults(run=_rotate)


def _rotate(arguments: argparse.Namespace) -> int:
    path = load_settings(arguments.config).desk.token_key
    try:
        kept = keyfile.rotate(path, datetime.now(UTC), revoke=arguments.revoke)
    except (OSError, ValueError) as error:
        raise ConfigError([str(error)]) from error
    older = f"{kept} older {'key' if kept == 1 else 'keys'} still good" if kept else "no older key is good any more"
    print_result(arguments, f"{path}: a fresh key signs now, {older}", file=path, older_keys=kept)
    return 0
