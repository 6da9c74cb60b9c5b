"""`holdgate canary`: sends a marked message through all steps. A timer runs it; a metric has its last success."""

import argparse
from collections.abc import Iterator

from holdgate.cli.output import print_error, print_result
from holdgate.config import CanarySettings, Settings
from holdgate.configfile import ConfigError, load_settings
from holdgate.desk import canary
from holdgate.desk.context import Desk
from holdgate.policy.conditions import address_matcher
from holdgate.policy.model import PolicyFile, policies_of
from holdgate.quarantine.store import open_store
from holdgate.queue.postfix import Postfix, PostfixError
from holdgate.tables import Tables, is_table, split_list

_REMEDY = (
    'set another recipient in [canary], as in "canary@discard.invalid", and discard its mail in main.cf: '
    "transport_maps = inline:{ discard.invalid=discard: }"
)


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    one = commands.add_parser(
        "canary",
        help="send a test message through all steps: held, requested, approved, released",
        description="Sends a message with published test numbers, checks that it is held and that its approval is "
        "requested, approves it, and checks that it leaves the queue. [canary] in holdgate.toml sets its recipient. "
        "Exit code 0: all steps worked; 2: one did not.",
    )
    one.add_argument(
        "--observing",
        action="store_true",
        help="only check that the message is recorded, for policies that observe; the metric is not set",
    )
    one.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config)
    try:
        incident = canary.run(Desk(open_store(settings.store.url), settings), observing=arguments.observing)
    except (canary.CanaryError, OSError) as error:
        print_error(arguments, str(error), command="holdgate canary")
        return 2
    became = "recorded" if arguments.observing else "held, approved and released"
    print_result(arguments, f"holdgate canary: {incident.id} was {became}", incident=incident.id)
    return 0


def remarks(settings: Settings) -> Iterator[str]:
    """Yield why the canary would fail; not a problem if no timer sends it. Yields nothing if checks are impossible."""
    try:
        yield from policy_problems(settings, policies_of(settings.policy))
        yield from delivery_problems(settings, Postfix(settings.queue.postfix_config))
    except (ConfigError, PostfixError):
        # Another check reports both as problems.
        return


def delivery_problems(settings: Settings, postfix: Postfix) -> Iterator[str]:
    """Yield why mail to the packaged canary address would not be discarded. Raises PostfixError.

    For another address only its owner can know that.
    """
    recipient = settings.canary.recipient
    if recipient != CanarySettings().recipient:
        return
    domain = recipient.rpartition("@")[2]
    destinations = split_list(postfix.setting("mydestination"))
    # A domain in a table (type:name or /file) is tested by the first run.
    if domain not in destinations and not any(":" in entry or entry.startswith("/") for entry in destinations):
        yield (
            f"mydestination: does not contain {domain}, so the canary's mail to {recipient} is not "
            f"discarded here; {_REMEDY}"
        )
    elif "+" not in postfix.setting("recipient_delimiter"):
        yield (
            f"recipient_delimiter: does not contain +, so the canary's mail to {recipient} bounces; set "
            f"it to +, or {_REMEDY}"
        )
    elif not postfix.setting("local_transport").startswith("local"):
        yield f"local_transport: is not local(8), which discards the canary's mail to {recipient}; {_REMEDY}"


def policy_problems(settings: Settings, policies: PolicyFile) -> Iterator[str]:
    """Yield why no policy for outgoing mail would hold the canary."""
    recipient = settings.canary.recipient
    plain = [entry for entry in policies.internal_domains if not is_table(entry)]
    inside = address_matcher(plain, Tables(settings.queue.postfix_config))
    if inside(recipient):
        yield f"internal_domains: the canary's recipient {recipient} is internal, so its mail is not held; {_REMEDY}"
