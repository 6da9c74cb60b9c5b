"""Settings of a valid form that cannot work are named."""

from pathlib import Path

import pytest

from holdgate.cli import check_settings
from holdgate.configfile import load_settings

CONFIG = Path("h.toml")
POLICY = '[[policy]]\nname = "a"\naction = "quarantine"\n'


def found(tmp_path: Path, text: str, policies: str = POLICY) -> list[str]:
    config, file = tmp_path / "h.toml", tmp_path / "p.toml"
    file.write_text(policies)
    table = "" if "[policy]" in text else "[policy]\n"
    config.write_text(f"{table}{text}".replace("[policy]\n", f'[policy]\nfile = "{file}"\n'))
    lines = check_settings.problems(CONFIG, load_settings(config))
    return [line.replace(f"{tmp_path}/", "") for line in lines]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[seal]\nkeys = "seal.keys"\n', '[seal] keys: "seal.keys" is relative'),
        ('[desk]\nproxy_secret = "secret"\n', '[desk] proxy_secret: "secret" is relative'),
        (f'[queue]\nsocket = "/{"x" * 107}"\n', "[queue] socket: the path of the socket is too long"),
        (f'[milter]\nsocket = "unix:/{"é" * 54}"\n', "[milter] socket: the path of the socket is too long"),
        (
            '[metrics]\nqueue = "127.0.0.1:9851"\n',
            "[metrics] queue: 127.0.0.1:9851 is also the address of [metrics] milter; write another port",
        ),
        (
            '[milter]\nsocket = "inet:9853@127.0.0.1"\n',
            "[metrics] desk: 127.0.0.1:9853 is also the address of [milter] socket",
        ),
        (
            '[policy]\ntrusted_scanner_headers = { "X-Panw-Action:" = "quarantine" }\n',
            '[policy] trusted_scanner_headers: "X-Panw-Action:" is no name of a header field; did you mean',
        ),
        ('[replies]\nlogin_domain = "@corp.example"\n', '[replies] login_domain: "@corp.example" is no domain; did'),
        ('[relations]\nexcept_for = ["*.corp.example"]\n', '[relations] except_for: "*.corp.example" has a wildcard'),
        ('[relations]\nexcept_for = ["anna@"]\n', '[relations] except_for: "anna@" has no domain'),
        ('[canary]\nrecipient = "canary"\n', '[canary] recipient: "canary" has no domain; write an address'),
        ('[moderation]\nchanges = ["redact"]\n', "[moderation] changes: no change is offered, because desk.change_re"),
        (
            '[moderation]\nchanges = ["encrypt"]\n[desk]\nchange_relay = "unix:/x"\n',
            '[moderation] changes: "encrypt" is not offered, because encrypt_through is not set',
        ),
        (
            '[moderation]\nchanges = ["redact"]\napprovals = 2\n[desk]\nchange_relay = "unix:/x"\n',
            "[moderation] changes: no change is offered, because several approvals are needed",
        ),
    ],
)
def test_a_setting_that_cannot_work_is_named(tmp_path: Path, text: str, problem: str) -> None:
    (line,) = found(tmp_path, text)
    assert line.startswith(f"{CONFIG}: {problem}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[scan]\nsocket = ""\n',
        f'[queue]\nsocket = "/{"x" * 106}"\n',
        '[metrics]\nqueue = "127.0.0.2:9851"\n',
        '[relations]\nexcept_for = ["*@corp.example", "partner.example", "anna@corp.example"]\n',
        '[replies]\nlogin_domain = "corp.example"\n',
        '[moderation]\nchanges = ["redact", "encrypt"]\nencrypt_through = "e:x"\n[desk]\nchange_relay = "unix:/x"\n',
    ],
)
def test_a_setting_that_can_work_is_not_named(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []


def test_changes_of_a_policy_are_checked_with_its_settings(tmp_path: Path) -> None:
    policies = f'{POLICY}moderation = {{ changes = ["encrypt"] }}\n'
    relay = '[desk]\nchange_relay = "unix:/x"\n'
    (line,) = found(tmp_path, relay, policies)
    assert line.startswith('p.toml: policy "a": moderation changes: "encrypt" is not offered')
    assert found(tmp_path, f'[moderation]\nencrypt_through = "e:x"\n{relay}', policies) == []
    assert found(tmp_path, relay, "policy = 1\n") == []
