"""`holdgate check` on Postfix settings, with instances that are configured for it and never started."""

from collections.abc import Callable
from pathlib import Path

import pytest

from holdgate.cli.check_postfix import problems, remarks
from holdgate.config import Settings
from holdgate.queue.postfix import Postfix, PostfixError, Service

pytestmark = pytest.mark.postfix

SHIPPED = Path(__file__).parents[3] / "postfix"
MASTER = """\
smtp inet n - n - - smtpd
holdgate-notice unix n - n - - smtpd -o cleanup_service_name=holdgate-cleanup
crypt unix - - n - - smtp
"""
HOLDING = '[[policy]]\nname = "a"\naction = "quarantine"\nrecipient = "*@partner.example"\n'
MARKING = """
[[policy]]
name = "a"
action = "tag"
inspection = ["limited", "failed"]
headers = { X-Netskope-Action = "Quarantine" }
"""
ENCRYPTING = MARKING + '[[policy]]\nname = "b"\naction = "encrypt"\ntransport = "crypt:[gateway.corp.example]"\n'

Look = Callable[..., list[str]]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Return the problems of an instance; `changes` are main.cf settings on top of correct ones, None is without."""

    def problems_of(
        policies: str = HOLDING,
        master: str = MASTER,
        adopt: bool = False,
        relay: str = "",
        replacement: str | None = None,
        milter: dict[str, str] | None = None,
        **changes: str | None,
    ) -> list[str]:
        values: dict[str, str | None] = {
            "compatibility_level": "3.6",
            "queue_directory": str(tmp_path / "queue"),
            "smtpd_milters": "{ unix:/run/holdgate/milter.sock, default_action=tempfail, content_timeout=300s }",
            "non_smtpd_milters": "$smtpd_milters",
            "enable_long_queue_ids": "yes",
            "milter_header_checks": f"regexp:{SHIPPED}/milter_header_checks",
            "header_checks": f"regexp:{SHIPPED}/header_checks",
            "mime_header_checks": "",
            "nested_header_checks": "",
            "smtp_header_checks": f"regexp:{SHIPPED}/smtp_header_checks",
        }
        lines = [f"{name} = {value}\n" for name, value in (values | changes).items() if value is not None]
        (tmp_path / "main.cf").write_text("".join(lines))
        (tmp_path / "master.cf").write_text(master)
        (tmp_path / "policies.toml").write_text(policies)
        settings = Settings.model_validate(
            {
                "milter": {"socket": "unix:/run/holdgate/milter.sock"} | (milter or {}),
                "policy": {"file": tmp_path / "policies.toml"},
                "desk": {
                    "notice_relay": relay or f"unix:{tmp_path}/queue/public/holdgate-notice",
                    "replacement_relay": replacement,
                },
                "queue": {"postfix_config": tmp_path, "adopt_uninspected": adopt},
            }
        )
        return [line.replace(f"{tmp_path}/", "") for line in problems(tmp_path / "holdgate.toml", settings)]

    return problems_of


def test_correct_settings_are_not_named(look: Look) -> None:
    assert look() == []
    assert look(ENCRYPTING + HOLDING) == []


@pytest.mark.parametrize(("name", "relay"), [("split", None), ("replace", "unix:{}/queue/public/holdgate-replace")])
def test_smtpd_milter_maps_must_not_apply_to_holdgate_listeners(
    look: Look, tmp_path: Path, name: str, relay: str | None
) -> None:
    """Postfix gives it precedence over a listener's own milters, so that copies were inspected a second time."""
    line = (
        f"holdgate-{name} unix n - n - - smtpd -o smtpd_recipient_restrictions=check_client_access,static:HOLD,permit\n"
    )
    replacement = relay and relay.format(tmp_path)
    split_relay = {"split_relay": f"unix:{tmp_path}/queue/public/holdgate-split"}

    def found(option: str, table: str) -> list[str]:
        changed = MASTER + line.replace("\n", f" {option}\n")
        problems = look(master=changed, replacement=replacement, milter=split_relay, smtpd_milter_maps=table)
        return [one for one in problems if "smtpd_milter_maps" in one]

    assert found("", "") == []
    assert found("-o smtpd_milter_maps=", "static:DISABLE") == []
    (problem,) = found("", "static:DISABLE")
    assert problem.startswith(f"master.cf: holdgate-{name}: smtpd_milter_maps of main.cf has precedence")


def test_all_problems_are_named_at_once(look: Look) -> None:
    found = look(
        smtpd_milters="unix:/other.sock",
        non_smtpd_milters="{ unix:/run/holdgate/milter.sock, default_action=accept, content_timeout=10s }",
        enable_long_queue_ids=None,
        milter_header_checks=None,
        smtp_header_checks="regexp:/nonexistent/table",
        master="smtp inet n - n - - smtpd\n",
        policies=HOLDING + ENCRYPTING.replace('name = "a"', 'name = "c"'),
    )
    for problem in (
        "main.cf: smtpd_milters: does not list Holdgate's socket",
        "main.cf: non_smtpd_milters: default_action=accept",
        "main.cf: non_smtpd_milters: content_timeout is 10 s, but an inspection can take 180 s",
        "main.cf: enable_long_queue_ids: must be yes",
        "main.cf: milter_header_checks: is not set, but must return HOLD",
        "main.cf: milter_header_checks: is not set, but must return FILTER crypt:[gateway.corp.example]",
        "main.cf: smtp_header_checks: regexp:/nonexistent/table",
        "master.cf: no listener on holdgate-notice",
        'master.cf: no transport "crypt", which policy "b"',
    ):
        assert sum(line.startswith(problem) for line in found) == 1, (problem, found)
    assert len(found) == 9


def test_mail_that_is_held_uninspected_must_be_adopted(look: Look) -> None:
    milter = "{ unix:/run/holdgate/milter.sock, default_action=quarantine, content_timeout=300s }"
    found = look(smtpd_milters=milter)
    assert [line.partition(" holds")[0] for line in found] == [
        "main.cf: smtpd_milters: default_action=quarantine",
        "main.cf: non_smtpd_milters: default_action=quarantine",
    ]
    assert look(smtpd_milters=milter, adopt=True) == []


def test_one_failed_command_does_not_stop_the_other_checks(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_postfix: Postfix) -> list[Service]:
        raise PostfixError("postconf -M: fatal: out of luck")

    monkeypatch.setattr(Postfix, "services", fail)
    found = look(ENCRYPTING, enable_long_queue_ids="no")
    assert [line.partition("; ")[0] for line in found] == [
        "main.cf: enable_long_queue_ids: must be yes, because short queue ids are reused",
        "master.cf: postconf -M: fatal: out of luck",
    ]


def test_an_error_that_fails_every_command_is_named_once(look: Look) -> None:
    (problem,) = look(ENCRYPTING, master="smtp inet\n")
    assert problem.endswith("master.cf: line 1: bad field count")


def test_a_site_that_only_marks_mail_needs_no_table_to_hold_it(look: Look) -> None:
    assert look(MARKING, milter_header_checks=None, smtp_header_checks=None) == []


@pytest.mark.parametrize(
    "policies",
    [
        HOLDING,
        HOLDING + 'mode = "observe"\n',
        # mail that was not fully inspected is held if no policy matches it
        MARKING.replace('"limited", ', ""),
    ],
)
def test_a_site_that_holds_mail_needs_a_table_that_holds_it(look: Look, policies: str) -> None:
    (problem,) = look(policies, milter_header_checks=None)
    assert problem.startswith("main.cf: milter_header_checks: is not set, but must return HOLD")


@pytest.mark.parametrize(
    ("table", "output"),
    [
        ("/^X-Netskope-Action: *quarantine$/ HOLD seen", ""),
        ("/^X-Netskope-Action:/ WARN", 'returns "WARN" for "X-Netskope-Action: Quarantine", but must return HOLD'),
        (
            "/^X-Netskope-Action:/ HOLDING",
            'returns "HOLDING" for "X-Netskope-Action: Quarantine", but must return HOLD',
        ),
        ("/^X-Other:/ HOLD", 'no table has a result for "X-Netskope-Action: Quarantine", but must return HOLD'),
    ],
)
def test_the_table_is_queried_with_the_actual_header(look: Look, tmp_path: Path, table: str, output: str) -> None:
    (tmp_path / "table").write_text(f"{table}\n")
    found = look(milter_header_checks=f"regexp:{tmp_path}/table")
    assert [line.partition("; ")[0] for line in found] == (
        [f"main.cf: milter_header_checks: {output}"] if output else []
    )


def test_the_second_table_can_be_the_one_that_holds(look: Look, tmp_path: Path) -> None:
    (tmp_path / "first").write_text("/^X-Other:/ WARN\n")
    both = f"regexp:{tmp_path}/first, regexp:{SHIPPED}/milter_header_checks"
    assert look(milter_header_checks=both) == []


def test_a_failed_table_does_not_hide_the_results_of_others(look: Look, tmp_path: Path) -> None:
    missing = f"regexp:{tmp_path}/missing"
    (problem,) = look(milter_header_checks=f"{missing}, regexp:{SHIPPED}/milter_header_checks")
    assert problem.startswith("main.cf: milter_header_checks: regexp:missing: ")
    problems = look(milter_header_checks=missing)
    assert [line.partition(": ")[2].partition(",")[0] for line in problems[1:]] == [
        'milter_header_checks: no table has a result for "X-Netskope-Action: Quarantine"'
    ]


def test_a_listener_does_not_count_as_a_transport(look: Look) -> None:
    (problem,) = look(ENCRYPTING, master=MASTER.replace("crypt unix", "crypt inet"))
    assert problem.startswith('master.cf: no transport "crypt"')


def test_postfix_is_checked_even_if_the_policies_are_invalid(look: Look) -> None:
    (problem,) = look("policy = 1", milter_header_checks=None)
    assert problem.startswith("main.cf: milter_header_checks: is not set")


def test_bypass_paths_give_a_warning(look: Look, tmp_path: Path) -> None:
    assert look(master=f"{MASTER}587 inet n - n - - smtpd -o smtpd_milters=\n") == []
    settings = Settings.model_validate({"queue": {"postfix_config": tmp_path}})
    (remark,) = (one for one in remarks(settings) if one.startswith("master.cf"))
    assert remark.startswith("master.cf: 587/inet has separate milters")
    (tmp_path / "master.cf").write_text("smtp inet\n")
    assert list(remarks(settings)) == []


@pytest.mark.parametrize("checks", [None, "", "regexp:{tmp_path}/own"])
def test_header_checks_that_would_not_hold_a_requeued_message_are_named(
    look: Look, tmp_path: Path, checks: str | None
) -> None:
    (tmp_path / "own").write_text("/^X-Holdgate-Held:/ WARN\n")
    (problem,) = look(header_checks=checks and checks.format(tmp_path=tmp_path))
    assert problem.startswith(
        'main.cf: header_checks: no table returns HOLD for "X-Holdgate-Held: yes", so "postsuper -r ALL"'
    )
    assert look(MARKING, header_checks=None) == []


def test_the_holdgate_table_must_apply_only_to_the_message_header(look: Look) -> None:
    problems = look(mime_header_checks=None, nested_header_checks="$header_checks")
    assert [problem.partition(" so a message")[0] for problem in problems] == [
        'main.cf: mime_header_checks: returns HOLD for "X-Holdgate-Held: yes",',
        'main.cf: nested_header_checks: returns HOLD for "X-Holdgate-Held: yes",',
    ]


def test_a_listener_that_each_user_can_reach_is_named(look: Look) -> None:
    tcp = "127.0.0.1:10027 inet n - n - - smtpd -o cleanup_service_name=holdgate-cleanup\n"
    (problem,) = look(master=MASTER + tcp, relay="127.0.0.1:10027")
    assert "every user of this machine can send uninspected mail through 127.0.0.1:10027" in problem
    assert look(master=MASTER, relay="relay.corp.example:25") == []


def test_a_socket_in_another_directory_is_named(look: Look, tmp_path: Path) -> None:
    (problem,) = look(relay=f"unix:{tmp_path}/elsewhere/holdgate-notice")
    assert 'set it to "unix:queue/public/holdgate-notice"' in problem


@pytest.mark.parametrize("setting", ["always_bcc", "recipient_bcc_maps", "sender_bcc_maps"])
def test_copies_of_holdgate_notices_are_named(look: Look, setting: str) -> None:
    copies = {setting: "archive@corp.example" if setting == "always_bcc" else "static:archive@corp.example"}
    plain = "holdgate-notice unix n - n - - smtpd\ncrypt unix - - n - - smtp\n"
    assert any(f"the recipients of copies ({setting})" in problem for problem in look(master=plain, **copies))
    assert not any("the recipients of copies" in problem for problem in look(**copies))


@pytest.mark.parametrize(
    ("moderation", "lifetime", "output"),
    [
        ("", "5d", ""),
        ("", "3d", ""),
        ("", "2d", "is 2d, but a decision can take 2d"),
        ("", "4h", "is 4h, but a decision can take 2d"),
        ('deadline = "12h"', "1d", "is 1d, but a decision can take 2d"),  # asked without a policy
        ('levels = [["a@corp.example"], ["b@corp.example"]]', "5d", ""),
        (
            'levels = [["a@corp.example"], ["b@corp.example"], ["c@corp.example"]]',
            "5d",
            "is 5d, but a decision can take 6d",
        ),
        ('working_days = ["mon", "tue", "wed", "thu", "fri"]', "5d", ""),
        (
            'deadline = "5d"\nworking_days = ["mon", "tue", "wed", "thu", "fri"]',
            "7d",
            "is 7d, but a decision can take 7d",
        ),
        (
            'working_days = ["mon", "tue", "wed", "thu", "fri"]\nholidays = [2026-12-24, 2026-12-25, 2026-12-28]',
            "5d",
            "is 5d, but a decision can take 7d",
        ),
    ],
)
def test_the_queue_lifetime_must_exceed_the_deadline(look: Look, moderation: str, lifetime: str, output: str) -> None:
    policies = HOLDING + f"[policy.moderation]\n{moderation}\n" if moderation else HOLDING
    for name in ("maximal_queue_lifetime", "bounce_queue_lifetime"):
        lifetimes = {"maximal_queue_lifetime": "30d", "bounce_queue_lifetime": "30d"} | {name: lifetime}
        problems = look(policies, **lifetimes)
        assert len(problems) == bool(output)
        assert all(f"main.cf: {name}: {output}" in line.replace(" (mail of the null sender)", "") for line in problems)


@pytest.mark.parametrize(
    ("changes", "back", "is_named"),
    [
        (
            {"content_filter": "scan:[127.0.0.1]:10024"},
            "127.0.0.1:10025 inet n - n - - smtpd -o content_filter=\n",
            True,
        ),
        ({"content_filter": "scan:[127.0.0.1]:10024"}, "[::1]:10025 inet n - n - - smtpd\n", True),
        ({"content_filter": "scan:[192.0.2.1]:10024"}, "10025 inet n - n - - smtpd -o content_filter=\n", True),
        (
            {"content_filter": "scan:[127.0.0.1]:10024"},
            "127.0.0.1:10025 inet n - n - - smtpd -o content_filter= -o receive_override_options=no_milters\n",
            False,
        ),
        (
            {"content_filter": "scan:[127.0.0.1]:10024"},
            "127.0.0.1:10025 inet n - n - - smtpd -o content_filter= -o smtpd_milters=\n",
            False,
        ),
        ({}, "127.0.0.1:10025 inet n - n - - smtpd\n", False),
        ({}, "587 inet n - n - - smtpd -o content_filter=scan:x:1\n127.0.0.1:10025 inet n - n - - smtpd\n", True),
    ],
)
def test_a_content_filter_that_causes_a_second_inspection_is_a_problem(
    look: Look, changes: dict[str, str], back: str, is_named: bool
) -> None:
    found = [line for line in look(master=MASTER + back, **changes) if "a second time" in line]
    assert len(found) == is_named
    assert all("receive_override_options=no_milters" in line and "10025/inet" in line for line in found)


ASKING = '[[policy]]\nname = "asks"\naction = "ask-sender"\n'


def test_excluding_recipients_needs_the_listener_for_changed_messages(look: Look) -> None:
    (problem,) = look(policies=HOLDING + ASKING)
    assert problem.startswith('master.cf: desk.change_relay is not set, so senders who are asked by policy "asks"')


REPLACE = (SHIPPED / "replace.cf").read_text()
SOCKET = "unix:/var/spool/postfix/public/holdgate-replace"


@pytest.mark.parametrize(
    ("master", "relay", "words"),
    [
        (REPLACE, SOCKET, ""),
        ("", SOCKET, "master.cf has no listener holdgate-replace that holds all mail; run: holdgate attach"),
        (REPLACE.replace("static:HOLD,", ""), SOCKET, "no listener holdgate-replace"),
        (REPLACE, "127.0.0.1:10028", "no listener 127.0.0.1:10028"),
        (REPLACE + "    -o smtpd_milters=\n", SOCKET, "does not use Holdgate's milter"),
        (REPLACE + "    -o receive_override_options=no_milters\n", SOCKET, "does not use Holdgate's milter"),
        ("", None, ""),
    ],
)
def test_amended_messages_need_a_listener_that_inspects_and_holds(
    look: Look, master: str, relay: str | None, words: str
) -> None:
    found = [one for one in look(master=MASTER + master, replacement=relay) if "replace" in one]
    assert bool(found) == bool(words)
    assert all(words in one or "separate milters" in one or "no_milters" in one for one in found)
    assert not words or any(words in one for one in found)


def test_amended_messages_need_the_original_recipients(look: Look) -> None:
    found = look(master=MASTER + REPLACE, replacement=SOCKET, enable_original_recipient="no")
    assert any("programs cannot replace held messages" in one for one in found)
