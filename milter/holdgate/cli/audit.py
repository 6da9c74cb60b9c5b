"""`holdgate audit` and `token`: proves that the audit trail is whole, exports it, and makes tokens for the API."""

import argparse
import hashlib
import json
import secrets
import sys

from pydantic import ValidationError

from holdgate.config import ApiToken
from holdgate.configfile import ConfigError, load_settings
from holdgate.quarantine.store import open_store


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommands."""
    audit = commands.add_parser("audit", help="verify or export the audit trail")
    kinds = audit.add_subparsers(dest="kind", required=True, metavar="COMMAND")
    verify = kinds.add_parser(
        "verify",
        help="compute the chain of hashes anew",
        description="Exit code 0: nothing was changed or taken out; 1: something was.",
    )
    verify.add_argument("--head", default="", help="a hash from an earlier export or from the log, to be in the chain")
    verify.set_defaults(run=_verify)
    export = kinds.add_parser("export", help="print every event, one JSON object a line, oldest first")
    export.set_defaults(run=_export)

    token = commands.add_parser("token", help="make a token for the JSON API, and the lines for holdgate.toml")
    token.add_argument("name", help="stands in the audit trail: A-Z a-z 0-9 . _ -")
    token.add_argument("--may-decide", action="store_true", help="let it decide, not only read")
    token.set_defaults(run=_token)


def _verify(arguments: argparse.Namespace) -> int:
    found = open_store(load_settings(arguments.config).store.url).audit.verify(arguments.head)
    if found.problem:
        print(f"holdgate: the audit trail is not whole after {found.count} events: {found.problem}", file=sys.stderr)
        return 1
    print(f"{found.count} events, nothing changed; head {found.head}")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    for event in open_store(load_settings(arguments.config).store.url).audit.export():
        print(json.dumps(event))
    return 0


def _token(arguments: argparse.Namespace) -> int:
    token = secrets.token_urlsafe(32)
    sha256 = hashlib.sha256(token.encode()).hexdigest()
    try:
        entry = ApiToken(name=arguments.name, sha256=sha256, may_decide=arguments.may_decide)
    except ValidationError:
        name = json.dumps(arguments.name)
        raise ConfigError([f"{name} is no name for a token; take up to 64 of A-Z a-z 0-9 . _ -"]) from None
    print(f"token: {token}")
    print("It is shown only now. Add to holdgate.toml, behind the table [desk], and restart holdgate-desk:")
    print("[[desk.api_tokens]]")
    for key, value in entry.model_dump().items():
        print(f"{key} = {json.dumps(value)}")
    return 0
