"""`holdgate machines`: lists the accounts of programs and how much is known about each, and forgets them."""

import argparse
import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

from holdgate.cli.incidents import person
from holdgate.cli.output import print_error, print_result
from holdgate.cli.parsing import whole_number
from holdgate.cli.relations import hasher_for_milter
from holdgate.config import Settings
from holdgate.configfile import ConfigError, load_settings
from holdgate.desk.cleaning import clean
from holdgate.machines.accounts import listed
from holdgate.machines.contents import KINDS
from holdgate.machines.traffic import ledger_of
from holdgate.mistakes import did_you_mean
from holdgate.phrases import counted, reason_of
from holdgate.quarantine.incident import Actor
from holdgate.quarantine.machine_tokens import Bearer
from holdgate.quarantine.recorded import shown
from holdgate.quarantine.store import Store, open_store
from holdgate.relations.keys import Hasher


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommands."""
    family = commands.add_parser("machines", help="accounts of programs: list, report, token, allowances, forget")
    steps = family.add_subparsers(dest="step", required=True, metavar="STEP")
    names = steps.add_parser(
        "list",
        help="list the accounts of machines.accounts, with their owners",
        description="Lists the accounts in the file of machines.accounts. A table that is not a file cannot be listed.",
    )
    names.set_defaults(run=_list)
    known = steps.add_parser("report", help="show how much is known about an account, and how much of it is new")
    known.add_argument(
        "account", metavar="ACCOUNT", help="the key in machines.accounts: a login, an address, a network"
    )
    known.set_defaults(run=_report)
    token = steps.add_parser(
        "token",
        help="create a token with which an account's program can query the outcome of its messages",
        description="Prints a new token, which is shown only once. The store keeps only its SHA-256. The "
        "program sends it "
        "to /machine/v1/messages of the desk's page.",
    )
    token.add_argument("account", metavar="ACCOUNT", help="the account")
    token.add_argument("--revoke", action="store_true", help="revoke all tokens of the account, and create none")
    token.set_defaults(run=_token)
    allowed = steps.add_parser(
        "allowances",
        help="list the allowances of moderators, or revoke one",
        description="Lists the classes of programs' mail that moderators allowed together with an approval "
        "(moderation.classes).",
    )
    allowed.add_argument("--revoke", type=whole_number(1, 2**53), metavar="NUMBER", help="revoke this one now")
    allowed.set_defaults(run=_allowances)
    forget = steps.add_parser(
        "forget",
        help="delete what is known about an account or a recipient",
        description="Deletes what was learned about an account, so that everything it sends is new again, or deletes a "
        "recipient from what all accounts have sent.",
    )
    whom = forget.add_mutually_exclusive_group(required=True)
    whom.add_argument("account", nargs="?", metavar="ACCOUNT", help="the account")
    whom.add_argument("--recipient", metavar="ADDRESS", help="the recipient's address")
    forget.set_defaults(run=_forget)


_NOT_SET = 'not set; name a Postfix table, as in "texthash:/etc/holdgate/machines"'


@contextmanager
def _opened(arguments: argparse.Namespace) -> Iterator[tuple[Hasher, Store]]:
    settings = load_settings(arguments.config)
    hasher = hasher_for_milter(settings)
    with closing(open_store(settings.store.url)) as store:
        yield hasher, store


def _list(arguments: argparse.Namespace) -> int:
    settings: Settings = load_settings(arguments.config)
    table = settings.machines.accounts
    if not table:
        raise ConfigError([f"{arguments.config}: [machines] accounts: {_NOT_SET}"])
    try:
        found = listed(table)
    except (OSError, ValueError) as error:
        raise ConfigError([f"{arguments.config}: [machines] accounts: {table}: {reason_of(error)}"]) from error
    lines = [f"{one.name}  {one.owner}" for one in found] or ["no account"]
    print_result(arguments, "\n".join(lines), accounts=[{"account": one.name, "owner": one.owner} for one in found])
    return 0


def _named(arguments: argparse.Namespace) -> str:
    """Return the account that the command line names. Raises ConfigError if the table does not have it.

    A table that is no file cannot be listed: then each name is accepted.
    """
    account = str(arguments.account).strip().lower()
    settings = load_settings(arguments.config)
    table = settings.machines.accounts
    if not table:
        raise ConfigError([f"{arguments.config}: [machines] accounts: {_NOT_SET}"])
    try:
        known = [one.name for one in listed(table)]
    except (OSError, ValueError):
        known = [account] if account else []
    if account not in known:
        meant = did_you_mean(account, known)
        raise ConfigError([f'ACCOUNT: {table} has no "{account}"; for the names, run: holdgate machines list{meant}'])
    return account


def _report(arguments: argparse.Namespace) -> int:
    account = _named(arguments)
    with _opened(arguments) as (hasher, store):
        known = store.machines.known(ledger_of(hasher, account), int(time.time()))
    lines = [f"{kind + 's:':13}{known.known[kind]} known, {known.new[kind]} new within 24 hours" for kind in KINDS]
    lines += [f"messages:    {known.messages} within an hour", f"held:        {known.waiting}"]
    print_result(
        arguments,
        "\n".join(lines),
        account=account,
        known=known.known,
        new=known.new,
        messages=known.messages,
        held=known.waiting,
    )
    return 0


def _token(arguments: argparse.Namespace) -> int:
    account = arguments.account.strip().lower() if arguments.revoke else _named(arguments)
    with _opened(arguments) as (hasher, store):
        number = ledger_of(hasher, account).account
        if arguments.revoke:
            removed = store.machine_tokens.revoke(number)
            print_result(
                arguments, f"revoked {counted(removed, 'token')} of {account}", account=account, revoked=removed
            )
            return 0
        value = secrets.token_urlsafe(32)
        store.machine_tokens.add(hashlib.sha256(value.encode()).hexdigest(), Bearer(account, number))
    print_result(arguments, value, account=account, token=value)
    return 0


def _allowances(arguments: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    with closing(open_store(load_settings(arguments.config).store.url)) as store:
        if arguments.revoke is not None:
            done = store.allowances.revoke(arguments.revoke, Actor(person(), "command"), now)
            if not done:
                message = f"there is no active allowance {arguments.revoke}; run: holdgate machines allowances"
                print_error(arguments, message)
                return 2
            print_result(arguments, f"allowance {arguments.revoke} was revoked", number=arguments.revoke, revoked=True)
            return 0
        lines, rows = [], []
        for one in store.allowances.active(now):
            found = store.incident(one.incident_id)
            incident = None if found is None else shown(found)
            to = ", ".join(incident.recipients) if incident else ""
            account = (incident.auth_user or incident.client_address) if incident else ""
            what = "answers in a thread" if one.is_thread else "mail"
            end = one.ends_at.isoformat(timespec="seconds")
            lines.append(clean(f"{one.number}  {account}: {what} to {to} until {end}, {one.incident_id} by {one.who}"))
            rows.append(asdict(one) | {"account": account, "created_at": one.created_at.isoformat(), "ends_at": end})
    print_result(arguments, "\n".join(lines) or "no active allowance", allowances=rows)
    return 0


def _forget(arguments: argparse.Namespace) -> int:
    with _opened(arguments) as (hasher, store):
        if arguments.recipient is not None:
            address = arguments.recipient.strip().lower()
            if "@" not in address:
                raise ConfigError([f'"{arguments.recipient}" is no address; write one as "bob@partner.example"'])
            removed = store.machines.forget_target(hasher.target(address))
        else:
            removed = store.machines.forget(ledger_of(hasher, arguments.account.strip().lower()))
    print_result(arguments, f"deleted {counted(removed, 'entry', 'entries')}", deleted=removed)
    return 0
