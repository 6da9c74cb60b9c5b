"""`holdgate seal`: creates keys for the seal, by which the milter recognises mail that it has inspected."""

import argparse
from datetime import UTC, datetime, timedelta

from holdgate import daemon
from holdgate.cli.output import print_result
from holdgate.configfile import ConfigError, load_settings
from holdgate.seal import KeyFileError, add_key

# Longer than any seal is valid, so that a new key does not invalidate seals in transit.
_KEEP_DAYS = 7


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    seal = commands.add_parser("seal", help="make keys for the seal")
    steps = seal.add_subparsers(dest="step", required=True, metavar="STEP")
    new = steps.add_parser(
        "new-key",
        help="add a fresh key that seals from the next reload on; older ones still verify",
        description="Adds a fresh key to the file that seal.keys names, and takes out those older than --keep-days.",
    )
    new.add_argument("--keep-days", type=int, default=_KEEP_DAYS, metavar="DAYS", help="default: %(default)s")
    new.set_defaults(run=_new_key)


def _new_key(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config)
    try:
        _, group_id = daemon.ids_of(settings.user)
        key_id = add_key(
            settings.seal.keys, keep=timedelta(days=arguments.keep_days), group_id=group_id, now=datetime.now(UTC)
        )
    except (KeyFileError, OSError) as error:
        raise ConfigError([str(error)]) from error
    except KeyError as error:
        raise ConfigError([f'there is no user "{settings.user}"']) from error
    print_result(
        arguments,
        f"{settings.seal.keys}: key {key_id} added; it seals after: holdgate reload",
        file=settings.seal.keys,
        key=key_id,
    )
    return 0
