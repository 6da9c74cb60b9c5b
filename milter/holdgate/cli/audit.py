"""`holdgate audit` and `token`: proves that the store was not changed, exports its trail, creates API tokens."""

import argparse
import hashlib
import json
import re
import secrets
import sys
from collections.abc import Iterator
from datetime import datetime
from glob import glob
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from holdgate.cli.output import print_result, progress, wants_json
from holdgate.cli.parsing import moment
from holdgate.config import ApiToken, StoreSettings
from holdgate.configfile import ConfigError, load_settings
from holdgate.phrases import counted
from holdgate.quarantine import anchor
from holdgate.quarantine.anchor import Anchor, AnchorError
from holdgate.quarantine.chains import FIRST
from holdgate.quarantine.store import open_store


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommands."""
    audit = commands.add_parser("audit", help="verify or export the audit trail")
    kinds = audit.add_subparsers(dest="kind", required=True, metavar="COMMAND")
    verify = kinds.add_parser(
        "verify",
        help="check whether the store was changed by anything other than Holdgate",
        description="Compares tables and triggers, the chains of events, the rows that they cover, and the hashes "
        "that are kept outside the database: in the file of [store] audit_head, the journal, and the logs of [store] "
        "audit_logs. Exit code 0: nothing was changed or removed; 1: something was.",
    )
    verify.add_argument(
        "--head",
        type=_hash,
        metavar="HASH",
        help="a hash from an earlier export or from a log, which must be in the chain",
    )
    verify.add_argument(
        "--since",
        type=moment,
        metavar="TIME",
        help='compare with the journal from this time on, such as "2026-11-28 14:00", and not with logs; use it '
        "after an older store was restored",
    )
    verify.set_defaults(run=_verify)
    export = kinds.add_parser("export", help="print every event, one JSON object per line, oldest first")
    export.set_defaults(run=_export)

    token = commands.add_parser("token", help="create a token for the JSON API, and print the lines for holdgate.toml")
    token.add_argument("name", help="name in the audit trail: A-Z a-z 0-9 . _ -")
    token.add_argument("--may-decide", action="store_true", help="allow it to decide, not only to read")
    token.set_defaults(run=_token)


def _hash(value: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", value):
        raise argparse.ArgumentTypeError(f'"{value}" is no hash; write its 64 hexadecimal digits in lower case')
    return value


def _verify(arguments: argparse.Namespace) -> int:
    settings = load_settings(arguments.config).store
    # The heads are read first: the desk may write a newer one during the comparison.
    anchors, places = _anchors(settings, arguments.since)
    found = open_store(settings.url).audit.verify(arguments.head or "", anchors)
    if found.problem:
        print(
            f"holdgate: the audit trail does not verify ({counted(found.count, 'event')}): {found.problem}; keep the "
            f"store, {settings.audit_head} and the journal unchanged, and see: howto/moderate.md, Prove what happened",
            file=sys.stderr,
        )
        if wants_json(arguments):
            print_result(arguments, "", events=found.count, problem=found.problem)
        return 1
    compared = (
        f"compared with hashes kept outside the database: {', '.join(places) or 'none, because there are none yet'}"
    )
    heads: list[dict[str, Any]] = [
        {"chain": name, "events": one.count, "head": one.hash} for name, one in sorted(found.chains.items())
    ]
    each = [
        f"chain {one['chain'] or '(the first)'}: {counted(one['events'], 'event')}; head {one['head']}" for one in heads
    ]
    first = f"{counted(found.count, 'event')}, nothing changed; head {found.head}"
    text = "\n".join([first, *(each if found.chains.keys() - {FIRST} else ()), compared])
    print_result(arguments, text, events=found.count, problem="", head=found.head, chains=heads, compared=places)
    return 0


def _anchors(settings: StoreSettings, since: datetime | None) -> tuple[list[Anchor], list[str]]:
    """Return the heads that were kept elsewhere, and how many each place has. Unreadable ones are reported."""
    store = anchor.store_name(settings.url)
    logs = [Path(name) for pattern in settings.audit_logs for name in sorted(glob(pattern))]  # noqa: PTH207 - patterns are absolute
    sources: list[tuple[str, Iterator[Anchor]]] = [
        (str(settings.audit_head), anchor.of_file(store, settings.audit_head)),
        ("the journal", anchor.of_journal(store, since)),
        *((str(path), anchor.of_log(store, path)) for path in logs if since is None),
    ]
    anchors: list[Anchor] = []
    places: list[str] = []
    for place, source in sources:
        try:
            found = list(source)
        except AnchorError as error:
            print(f"holdgate: not compared with {error}", file=sys.stderr)
            continue
        anchors += found
        if found:
            places.append(f"{len(found)} in {place}")
    return anchors, places


def _export(arguments: argparse.Namespace) -> int:
    events = open_store(load_settings(arguments.config).store.url).audit.export()
    for event in progress(events, "events exported"):
        print(json.dumps(event))
    return 0


def _token(arguments: argparse.Namespace) -> int:
    token = secrets.token_urlsafe(32)
    sha256 = hashlib.sha256(token.encode()).hexdigest()
    try:
        entry = ApiToken(name=arguments.name, sha256=sha256, may_decide=arguments.may_decide)
    except ValidationError:
        name = json.dumps(arguments.name)
        raise ConfigError([f"{name} is no name for a token; write 1 to 64 of A-Z a-z 0-9 . _ -"]) from None
    if wants_json(arguments):
        print_result(arguments, "", token=token, entry=entry.model_dump())
        return 0
    print(f"token: {token}")
    print("It is shown only now. Add these lines to holdgate.toml after the table [desk], then restart holdgate-desk:")
    print("[[desk.api_tokens]]")
    for key, value in entry.model_dump().items():
        print(f"{key} = {json.dumps(value)}")
    return 0
