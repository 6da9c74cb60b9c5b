"""`holdgate seal`: creates keys for the seal, by which the milter recognises mail that it has inspected."""

import argparse
from datetime import UTC, datetime, timedelta

from holdgate import daemon
from holdgate.cli.output import print_result
from holdgate.cli.parsing import whole_number
from holdgate.configfile import ConfigError, load_settings
from holdgate.phrases import reason_of
from holdgate.seal import KeyFileError, add_key

# Longer than any seal is valid, so that a new key does not invalidate seals in transit.
_KEEP_DAYS = 7


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    seal = commands.add_parser("seal", help="create keys for the seal")
    steps = seal.add_subparsers(dest="step", required=True, metavar="STEP")
    new = steps.add_parser(
        "new-key",
        help="add a new key, used from the next reload; older keys still verify",
        description="Adds a new key to the file of seal.keys, and removes keys that are older than --keep-days.",
    )
    new.add_argument(
        "--keep-days",
        type=whole_number(0, 3650),
        default=_KEEP_DAYS,
        metavar="DAYS",
        help="how long older keys are kept (default: %(default)s)",
    )
    new.set_defaults(run=_new_key)


def _new_key(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config)
    try:
        _, group_id = daemon.ids_of(settings.user)
        key_id = add_key(
            settings.seal.keys, keep=timedelta(days=arguments.keep_days), group_id=group_id, now=datetime.now(UTC)
        )
    except KeyFileError as error:
        raise ConfigError([str(error)]) from error
    except OSError as error:
        raise ConfigError([f"{settings.seal.keys}: {reason_of(error)}; run the command as root"]) from error
    except KeyError as error:
        raise ConfigError([f'{arguments.config}: user: there is no user "{settings.user}"; create it']) from error
    print_result(
        arguments,
        f"{settings.seal.keys}: key {key_id} added; to use it, run: holdgate reload",
        file=settings.seal.keys,
        key=key_id,
    )
    return 0
