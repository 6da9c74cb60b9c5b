"""Actions: each declares itself, and a new action is one file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from holdgate.config import PolicySettings
from holdgate.configfile import ConfigError
from holdgate.envelope import Envelope
from holdgate.findings import Inspection
from holdgate.gate import edits
from holdgate.policy.action import REGISTRY, Action, ActionError, Handling
from holdgate.policy.actions import Alert, Encrypt, Quarantine
from holdgate.policy.asking import SenderRules
from holdgate.policy.model import policies_of
from holdgate.policy.verdict import PolicySet, Verdict
from holdgate.tables import Tables

PAGE = Path(__file__).resolve().parents[3] / "docs/howto/add-an-action.md"
DECLARING = "from holdgate.policy.action import Action\nclass A(Action):\n {}\nACTIONS = (A,)"
INCIDENT = "7K3M-Q9TX-2ABC"


def blocks(language: str) -> list[str]:
    """Return the code of the page that is in `language`, without its indent."""
    parts = PAGE.read_text(encoding="utf-8").split(f"```{language}\n")[1:]
    return ["\n".join(line[3:] for line in part.partition("   ```")[0].splitlines()) + "\n" for part in parts]


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the additions of a test from the registry afterwards."""
    monkeypatch.setattr(REGISTRY, "actions", dict(REGISTRY.actions))


def site(directory: Path, module: str, code: str, policies: str) -> PolicySettings:
    (directory / f"{module}.py").write_text(code, encoding="utf-8")
    (directory / "policies.toml").write_text(policies, encoding="utf-8")
    return PolicySettings(file=directory / "policies.toml", actions=[module], actions_directory=directory)


def decide(settings: PolicySettings, subject: str) -> Verdict:
    policies = PolicySet(policies_of(settings), Tables(Path("/nonexistent")))
    envelope = Envelope(sender="a@corp.example", recipients=["b@partner.example"], subject=subject)
    return policies.decide(envelope, Inspection(), datetime.now(UTC))


def test_the_action_of_the_documentation_works(tmp_path: Path) -> None:
    settings = site(tmp_path, "page_review", blocks("python")[0], blocks("toml")[1])
    assert policies_of(settings) == policies_of(settings)  # loaded once for all callers
    verdict = decide(settings, "the contract")
    assert (verdict.action.name, verdict.policy) == ("review", "contracts")
    fields = dict(edits.additions(Inspection(), verdict, settings, INCIDENT, ""))
    assert fields["X-Holdgate-Review"] == "review@corp.example"
    assert fields["X-Netskope-Action"] == "Review"
    assert fields["X-Holdgate-Incident"] == INCIDENT
    assert list(verdict.action.lookups().values()) == ["REDIRECT review@corp.example"]
    assert list(verdict.action.details()) == [("mailbox", "review@corp.example")]
    assert decide(settings, "lunch").action.name == "allow"


def test_the_keys_of_a_site_action_are_checked_like_those_of_a_shipped_one(tmp_path: Path) -> None:
    policy = blocks("toml")[1]
    settings = site(tmp_path, "page_review_again", blocks("python")[0], policy.replace("review@corp", "review corp"))
    with pytest.raises(ConfigError, match=r'policy "contracts": action: mailbox: "review corp.example" is not'):
        policies_of(settings)
    settings.file.write_text(policy.replace('"review"', '"block"'), encoding="utf-8")
    with pytest.raises(ConfigError, match='"block" has no key mailbox; it belongs to "review"'):
        policies_of(settings)


def test_an_action_that_holds_adds_the_held_field_in_any_case() -> None:
    class AskSender(Action):
        name: ClassVar[str] = "ask-sender"
        handling: ClassVar[Handling] = Handling.HOLD

    verdict = Verdict(AskSender(), headers=(("X-Netskope-Action", "Monitor"),))
    fields = dict(edits.additions(Inspection(), verdict, PolicySettings(), INCIDENT, ""))
    assert (fields["X-Netskope-Action"], fields["X-Holdgate-Held"]) == ("Quarantine", "yes")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("", "AttributeError"),
        ('ACTIONS = ("block",)', "must be a tuple of subclasses of Action"),
        (DECLARING.format("name = 'block'"), 'the action "block" is declared twice'),
        (DECLARING.format("name = 'Send it to the moon'"), "no name of an action"),
        (DECLARING.format("name = 'a'; sender: str = ''"), '"sender", which every policy has'),
        (DECLARING.format("name = 'a'; notify: str = ''"), 'the actions "alert" and "a" declare the same key "notify"'),
    ],
)
def test_a_module_without_a_valid_action_is_named(tmp_path: Path, code: str, why: str) -> None:
    name = f"site_action_{abs(hash(code))}"
    settings = site(tmp_path, name, code, '[[policy]]\nname = "a"\naction = "block"\n')
    with pytest.raises(ConfigError, match=f"policy.actions: {name}.*{why}"):
        policies_of(settings)


def test_the_stricter_handling_comes_first() -> None:
    names = [one.name for one in REGISTRY.ordered()]
    assert names == ["allow", "alert", "tag", "encrypt", "ask-sender", "quarantine", "block", "tempfail"]
    assert Quarantine.rank() > Encrypt.rank()


def test_alerts_of_several_policies_notify_everyone_once() -> None:
    joined = Alert(notify=["a@corp.example"]).joined([Alert(notify=["b@corp.example", "a@corp.example"])])
    assert joined.alerted() == ["a@corp.example", "b@corp.example"]


def test_an_unknown_action_name_is_refused() -> None:
    with pytest.raises(ActionError, match='"shred" is not allowed; write one of allow, alert'):
        REGISTRY.make("shred", {})


def test_an_alert_notifies_each_address_once() -> None:
    one, other = Alert(notify=["a@corp.example"]), Alert(notify=["b@corp.example", "a@corp.example"])
    joined = one.joined([other])
    assert list(joined.alerted()) == ["a@corp.example", "b@corp.example"]
    assert dict(joined.fields("X-Action")) == {"X-Action": "Alert"}


def test_encrypt_reports_its_route_and_the_postfix_settings_it_needs() -> None:
    one = Encrypt(transport="encrypt:[gateway.corp.example]")
    route = "X-Holdgate-Route"
    assert dict(one.fields("X-Action")) == {"X-Action": "Encrypt", route: one.transport}
    assert dict(one.lookups()) == {f"{route}: {one.transport}": f"FILTER {one.transport}"}
    assert list(one.transports()) == ["encrypt"]
    assert list(one.details()) == [("transport", one.transport)]


def test_a_plain_action_adds_no_fields_requirements_or_notices() -> None:
    one = Quarantine()
    assert not one.alerted()
    assert not one.lookups()
    assert not one.transports()
    assert list(one.details()) == []
    assert one.joined([Quarantine()]) == one


@pytest.mark.parametrize(
    ("name", "handling", "records"),
    [
        ("allow", Handling.ACCEPT, False),
        ("alert", Handling.ACCEPT, True),
        ("tag", Handling.ACCEPT, True),
        ("encrypt", Handling.ACCEPT, True),
        ("quarantine", Handling.HOLD, True),
        ("ask-sender", Handling.HOLD, True),
        ("block", Handling.REFUSE, True),
        ("tempfail", Handling.DEFER, False),
    ],
)
def test_each_action_has_its_handling_and_record_setting(name: str, handling: Handling, records: bool) -> None:
    action = REGISTRY.actions[name]
    assert (action.handling, action.records) == (handling, records)


def test_the_order_of_strictness_equals_the_documented_one() -> None:
    assert Alert(notify=["a@corp.example"]).alerted() == ["a@corp.example"]
    shipped = [one for one in REGISTRY.ordered() if one.handling is Handling.ACCEPT]
    assert {one.name: one.strictness for one in shipped} == {"allow": 0, "alert": 10, "tag": 20, "encrypt": 30}
    assert REGISTRY.actions["ask-sender"].strictness < REGISTRY.actions["quarantine"].strictness == 0


@pytest.mark.parametrize(
    ("owners", "asked"),
    [("texthash:/x", "the owner of an application, otherwise the sender"), ("", "the sender")],
)
def test_ask_sender_shows_whom_it_asks(owners: str, asked: str) -> None:
    action = REGISTRY.make("ask-sender", {"ask_owners": owners})
    assert list(action.details()) == [("asked", asked)]
    rules: object = action.sender_rules()
    assert rules is action
    assert REGISTRY.make("quarantine", {}).sender_rules() is None


@pytest.mark.parametrize(
    ("key", "usual", "most"), [("ask_recipients", 20, 100), ("ask_overrides", 5, 1000), ("ask_per_day", 10, 1000)]
)
def test_the_limits_of_ask_sender_have_defaults_and_bounds(key: str, usual: int, most: int) -> None:
    assert getattr(REGISTRY.make("ask-sender", {}), key) == usual
    for value in (1, most):
        assert getattr(REGISTRY.make("ask-sender", {key: value}), key) == value
    for value in (0, most + 1):
        with pytest.raises(ValueError, match=key):
            REGISTRY.make("ask-sender", {key: value})


def test_the_default_rules_of_ask_sender() -> None:
    rules = SenderRules()
    assert (rules.ask_reason, rules.ask_owners, rules.ask_beyond) == ("never", "", "moderators")
    assert (rules.ask_severity, rules.ask_overrides_within) == ("medium", timedelta(days=7))


def test_an_action_that_declares_nothing_accepts_and_records() -> None:
    class Plain(Action):
        name: ClassVar[str] = "plain"
        summary: ClassVar[str] = "nothing"

    assert Plain.rank() == (Handling.ACCEPT, 0)
    assert (Plain.records, Plain.for_policies, Plain.for_uninspected, Plain.needs_headers) == (True, True, False, False)
    assert dict(Plain().fields("X-Action")) == {}


def test_a_stricter_handling_ranks_above_any_strictness() -> None:
    assert [one.name for one in sorted(Handling)] == ["ACCEPT", "HOLD", "REFUSE", "DEFER"]
    assert Encrypt.rank() < REGISTRY.actions["ask-sender"].rank() < Quarantine.rank() < REGISTRY.actions["block"].rank()
