"""The API against its own description (OpenAPI): every response matches the description, for any request."""

import hashlib
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.applications import Starlette
from starlette.routing import Route

from holdgate.config import Settings
from holdgate.desk.changing import Changer
from holdgate.desk.context import Desk
from holdgate.desk.replacing import Replacer
from holdgate.desk.web.api import Api
from holdgate.desk.web.guard import Guard
from holdgate.desk.web.machine_api import MachineApi
from holdgate.quarantine.incident import Actor, Incident
from holdgate.quarantine.machine_tokens import Bearer
from holdgate.quarantine.states import State
from holdgate.quarantine.store import migrate, open_store
from tests.fuzz.frame import Target, Try

# The policies of these tests allow no changes: no message is read.
NO_PREVIEWER: Any = None

ACTOR = Actor("holdgate-queue", "queue")
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]


@schemathesis.serializer("message/rfc822")
def _message(_context: Any, value: Any) -> bytes:
    """Return the body of a request for programs as it is sent: schemathesis knows no way for this type."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


_NOT_SET_UP = 501


class Site:
    """A desk with held incidents in a separate directory, which is deleted with the object."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="holdgate-fuzz-"))
        url = f"sqlite:///{self._directory}/holdgate.db"
        migrate(url)
        policies = self._directory / "policies.toml"
        policies.write_text('[[policy]]\nname = "all"\naction = "quarantine"\n')
        (self._directory / "main.cf").touch()
        token = {"name": "t", "sha256": hashlib.sha256(b"secret").hexdigest(), "may_decide": True}
        tables: dict[str, Any] = {
            "queue": {"postfix_config": self._directory},
            "policy": {"file": policies},
            "desk": {
                "notice_from": "Holdgate <holdgate@corp.example>",
                "web_listen": "127.0.0.1:1",
                "public_url": "https://approve.corp.example",
                "api_tokens": [token],
            },
            "moderation": {"moderators": ["boss@corp.example"], "fallback": ["desk@corp.example"]},
        }
        self.store = open_store(url)
        self.desk = Desk(self.store, Settings.model_validate(tables))
        self.ids = [self._hold(number) for number in range(3)]
        self.app = Guard(
            Starlette(routes=[*Api(self.desk, Changer(self.desk, NO_PREVIEWER)).routes(), *self._machine_routes()]),
            "https://approve.corp.example",
            [],
        )

    def _machine_routes(self) -> list[Route]:
        """Return the addresses for programs; the token is of an account to which two of the incidents belong."""
        self.store.machine_tokens.add(hashlib.sha256(b"secret").hexdigest(), Bearer("billing", 1))
        for name in self.ids[:2]:
            self.store.machines.note(name, 1, 0, [], [], 1_700_000_000)
        return MachineApi(self.desk, Replacer(self.desk, NO_PREVIEWER)).routes()

    def _hold(self, number: int) -> str:
        incident = Incident(
            queue_id=f"4{number}", sender="anna@corp.example", recipients=["bob@partner.example"], policy="all"
        )
        self.store.record(incident, ACTOR)
        return self.store.change(incident, State.HELD, ACTOR, held_at=datetime.now(UTC)).id

    def __del__(self) -> None:
        self.store.close()
        shutil.rmtree(self._directory, ignore_errors=True)


def make() -> Try:
    site = Site()
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", site.app)
    operations = [found.ok() for found in schema.get_all_operations()]
    cases = st.sampled_from(operations).flatmap(lambda operation: operation.as_strategy())

    @given(cases, st.sampled_from([*site.ids, ""]), st.sampled_from(["Bearer secret", "Bearer secret", "Bearer x", ""]))
    def any_request(case: Any, incident: str, token: str) -> None:
        if incident and "incident" in (case.path_parameters or {}):
            case.path_parameters["incident"] = incident
        answer = case.call(headers={"Authorization": token} if token else {})
        # What the site has not set up is described as such (RFC 9110, 15.6.2), and is no fault.
        checks = [one for one in CHECKS if one is not not_a_server_error or answer.status_code != _NOT_SET_UP]
        case.validate_response(answer, checks=checks)
        assert {one.id for one in site.store.incidents()} == set(site.ids)
        if token != "Bearer secret" and case.operation.path != "/api/v1/openapi.json":
            assert answer.status_code in (400, 401, 403, 404, 405, 413, 429), answer.status_code

    return any_request


TARGET = Target("api", "the API, by its own description", make)
