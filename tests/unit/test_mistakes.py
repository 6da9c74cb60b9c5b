"""Errors in settings files are sentences with the value, the allowed ones, and the probable intention."""

import itertools
import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from holdgate import mistakes
from holdgate.config import Settings
from holdgate.configfile import ConfigError, load_settings
from holdgate.configfile import _problem as settings_problem
from holdgate.policy.model import Policy, PolicyFile, load_policies
from holdgate.policy.model import _problem as policies_problem


def output(load: Any, path: Path, text: str | bytes) -> str:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    return "\n".join(caught.value.problems)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('user = "holdgate\n', "is a quote missing?"),
        ("user = 'holdgate\n", "is a quote missing?"),
        ('[scan]\ntime_limit = "30s # a comment\n', "is a quote missing?"),
        ('[moderation]\nmoderators = ["a@corp.example, "b@corp.example"]\n', "is a quote missing?"),
        ("user = holdgate\n", 'put a text in quotes: user = "holdgate"'),
        ("[scan]\ntime_limit = 30s  # it's short\n", 'put a text in quotes: time_limit = "30s"'),
        ("[moderation]\nreveal = True\n", "write true or false, in small letters"),
        ("[moderation]\nreveal = yes\n", "write true or false, in small letters"),
        ("user =\n", 'a value is missing after "user ="'),
        ("user: holdgate\n", 'write key = "value"'),
        (
            '[moderation]\ndeputies = { b@corp.example = "c@corp.example" }\n',
            'put quotes around a name with "@": "b@corp.example" = ',
        ),
        ('[moderation.deputies]\nb@corp.example = "c@corp.example"\n', ': "b@corp.example" = '),
        ('[moderation]\nmoderators = ["a@corp.example" "b@corp.example"]\n', 'is a comma or a "]" missing?'),
        ('[moderation]\nmoderators = ["a@corp.example"\n[desk]\n', 'is a comma or a "]" missing?'),
        ('[moderation]\nmoderators = "a@corp.example", "b@corp.example"\n', "write several values as a list"),
        ("[moderation\n", "is a bracket missing?"),
        ("[scan]\nworkers = 1\n[ocr]\n[scan]\n", "is given twice"),
        ("[scan]\nworkers = 1\nworkers = 2\n", "is given twice"),
        ("[moderation]\nholidays = [2026-1-1]\n", 'is a comma or a "]" missing?'),
        ('[policy]\naction_value = "a\\d"\n', "single quotes"),
        ("user = \N{LEFT DOUBLE QUOTATION MARK}holdgate\N{RIGHT DOUBLE QUOTATION MARK}\n", "typographic quotes"),
        ("\ufeffuser = 1\n", "byte order mark"),
        ("[scan]\nworkers = { a = 1\n", 'is a "}" missing?'),
        (b'user = "m\xfcller"\n', "byte 9 is not UTF-8; save the file in this encoding"),
    ],
)
def test_a_toml_syntax_error_gets_a_suggestion(tmp_path: Path, text: str | bytes, meant: str) -> None:
    assert meant in output(load_settings, tmp_path / "holdgate.toml", text)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("[moderation]\ndeadline = 2\n", ["[moderation] deadline: 2 has no unit; write a number and its unit"]),
        ('[moderation]\ndeadline = "two"\n', ['[moderation] deadline: "two" is no duration']),
        ("[moderation]\ndeadline = true\n", ["[moderation] deadline: true has no unit"]),
        ('[moderation]\nreveal = "no"\n', []),
        ('[moderation]\nreveal = "maybe"\n', ['reveal: must be true or false (without quotes), and is "maybe"']),
        ('[moderation]\nmoderators = "a@corp.example"\n', ["moderators: must be a list", '["a@corp.example"]']),
        ('[moderation]\nworking_days = ["mon", "tues"]\n', ['(entry 2): "tues" is not allowed', 'did you mean "tue"?']),
        ('[moderation]\nholidays = ["christmas"]\n', ['holidays (entry 1): must be a date as 2026-12-31, and is "chr']),
        ("[moderation]\napprovals = 9\n", ["approvals: must be at most 5, and is 9"]),
        ('[scan]\nworkers = "many"\n', ['workers: must be a whole number (without quotes), and is "many"']),
        ("[milter]\nsocket = 8890\n", ['socket: must be a text, and is 8890; write it in quotes: "8890"']),
        (
            "[desk]\nweb_listen = 9860\n",
            ['web_listen: must be an address in quotes, as in "127.0.0.1:9851", and is 9860'],
        ),
        ('[scan]\ntime_limit = "0s"\n', ['time_limit: "0s" is no time: each message would be deferred']),
        ('[desk]\ntime_zone = "Berlin"\n', ['"Berlin" is no time zone', 'did you mean "Europe/Berlin"?']),
        ('[desk]\ntime_zone = "new york"\n', ['did you mean "America/New_York"?']),
        ('[desk]\ntime_zone = "Europe/Berln"\n', ['did you mean "Europe/Berlin"?']),
        (
            '[store]\nurl = "sqlite:///relative.db"\n',
            ["url: has a relative path", 'write four slashes: "sqlite:////path"'],
        ),
        ('[moderation]\nworking_days = ["monday"]\n', ['did you mean "mon"?']),
        ('[moderation]\nlanguage = "de_DE"\n', ['"de_DE" is not a language', 'did you mean "de"?']),
        ('[moderation]\nlanguage = "Deutsch"\n', ['did you mean "de"?']),
        ('[moderation]\nlanguage = "PT-br"\n', ['did you mean "pt"?']),
        ('[moderation]\nmoderators = ["The Boss <b@corp.example>"]\n', ['did you mean "b@corp.example"?']),
        (
            '[moderation]\nmoderators = ["a@corp.example; b@corp.example"]\n',
            ['write several as a list: "a@corp.example", "b@corp.example"'],
        ),
        ('[moderation]\nmoderators = ["hash:/etc/x"]\n', ["is not a plain address; write one person's in each entry"]),
        ('[milter]\nsocket = "/run/x"\n', ['socket: "/run/x" is not a socket; write "unix:/path"']),
        ("[moderations]\n", ["moderations: no such setting", 'did you mean "moderation"?']),
        ('[desk]\ndeadline = "2d"\n', ["[desk] deadline: no such setting here; it belongs in [moderation]"]),
        ("[[moderation]]\n", ["moderation: must be a table, and is a list; write [moderation] with single brackets"]),
        ('moderation = "manager"\n', ['moderation: must be a table, and is "manager"']),
        ('[[policy]]\nname = "a"\n', ["policy: policies are in a separate file, policies.toml"]),
        ('[desk]\napi_tokens = { name = "a" }\n', ["api_tokens: must be a list of tables", "[[desk.api_tokens]]"]),
        ("[moderation]\nmoderators = { a = 1 }\n", ["moderators: must be a list, and is a table"]),
        (
            '[policy]\ntrusted_scanner_headers = "x"\n',
            ["or [policy.trusted_scanner_headers] on a line before its keys"],
        ),
        (f'[desk]\ntime_zone = "{"x" * 5000}"\n', ['xxx…" is no time zone; write one as "Europe/Berlin"']),
        ('[desk]\ndigest_time = "8"\n', ['digest_time: must be a time of day as 08:00, and is "8"']),
        (f'[desk]\nhouse = "{"x" * 61}"\n', ["house: must have at most 60 characters, and has 61"]),
        ('[desk]\ntrusted_proxies = ["proxy"]\n', ['(entry 1): "proxy" is no network; write 192.0.2.0/24']),
        ("[policy]\ninbound_clients = [3]\n", ["inbound_clients (entry 1): 3 is no network; write 192.0.2.0/24"]),
        ('[desk]\nnotice_relay = ["x"]\n', ['notice_relay: a list is no address; write "unix:/path", or host:port']),
        (
            '[desk]\nnotice_relay = "smtp:[localhost]:10026"\n',
            ['"smtp:[localhost]:10026" is no address; write "unix:/path"', 'did you mean "localhost:10026"?'],
        ),
        ('[desk]\nnotice_relay = "smtp:[2001:db8::1]:25"\n', ["is no address"]),
        ('[metrics]\nmilter = "inet:127.0.0.1:9851"\n', ['did you mean "127.0.0.1:9851"?']),
        ('[metrics]\nmilter = "[127.0.0.1:9851"\n', ['"[127.0.0.1:9851" is no address; write host:port']),
        ('[metrics]\nmilter = "a b:9851"\n', ['"a b:9851" is no address']),
        ('[metrics]\nmilter = "127.0.0.1:99999"\n', ['"127.0.0.1:99999" is no address']),
        ('[seal]\nlifetime = "0s"\n', ['lifetime: "0s" is no time; write a longer one']),
        ('[relations]\nhalf_life = "3d"\n', ['half_life: "3d" is too short; write at least "7d"']),
        ('[ocr]\nmode = "enabled"\n', ["write one of off, on, policies", 'did you mean "on"?']),
    ],
)
def test_an_error_in_a_setting_states_value_place_and_remedy(tmp_path: Path, text: str, sentences: list[str]) -> None:
    path = tmp_path / "holdgate.toml"
    if not sentences:
        path.write_text(text)
        load_settings(path)
        return
    found = output(load_settings, path, text)
    assert found.startswith(f"{path}: ")
    for one in sentences:
        assert one in found


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ('[[policies]]\nname = "a"\n', ["policies: no such setting", 'did you mean "policy"?']),
        ('[policy]\nname = "a"\n', ["policy: must be a list of tables", "[[policy]]"]),
        ('[[policy]]\nname = "a"\naction = "hold"\n', ['action: "hold" is not allowed', 'did you mean "quarantine"?']),
        (
            '[[policy]]\nname = "a"\naction = "block"\nprofile = ["dlp-pii"]\n',
            ['policy "a": profile: must be a table, and is a list; write profile = { dlp-pii = "low" }'],
        ),
        (
            '[[policy]]\nname = "a"\naction = "block"\nprofile = "x"\n',
            ['and is "x"; write profile = { dlp-pii = "low" }'],
        ),
        (
            '[[policy]]\nname = "a"\naction = "block"\nattachment = ["pdf"]\n',
            ["attachment: must be a table, and is a list; write { key = value }"],
        ),
        (
            '[[policy]]\nname = "a"\naction = "block"\nfound = ["us-ssn"]\n',
            ['found (entry 1): must be a table, and is "us-ssn"; write { id = "us-ssn" }'],
        ),
        ('action = "block"\n', ["action: no such setting here; it belongs in a [[policy]]"]),
        ("[moderation]\n", ["moderation: no such setting here; it belongs in a [[policy]]"]),
        ("[desk]\n", ["desk: no such setting here; it belongs in holdgate.toml"]),
        (
            '[[policy]]\nname = "a"\naction = "block"\nfound = [{ id = "iban" }, { id = "x", cont = 2 }]\n',
            ["found (entry 2).cont: no such setting", 'did you mean "count"?'],
        ),
        (
            '[[policy]]\nname = "a"\naction = "block"\nduring = { begin = "08:00" }\n',
            ["during.begin: no such setting; known here: days, from, until, zone"],
        ),
        (
            '[[policy]]\nname = "a"\naction = "block"\nmoderation = { deadlin = "2d" }\n',
            ["moderation.deadlin: no such setting", 'did you mean "deadline"?'],
        ),
    ],
)
def test_an_error_in_a_policy_states_value_place_and_remedy(tmp_path: Path, text: str, sentences: list[str]) -> None:
    found = output(load_policies, tmp_path / "policies.toml", text)
    for one in sentences:
        assert one in found


def test_a_value_that_may_contain_a_secret_is_not_repeated(tmp_path: Path) -> None:
    token = "a-token-that-was-pasted-here"
    for text in (
        f'[[desk.api_tokens]]\nname = "a"\nsha256 = "{token}"\n',
        f'[store]\nurl = ["{token}"]\n',
        f'[store]\nurl = "postgresql://role:{token}@db.corp.example/holdgate"\n',
    ):
        assert token not in output(load_settings, tmp_path / "holdgate.toml", text)


def test_each_setting_with_a_pattern_describes_the_allowed_values() -> None:
    def patterns(model: type[BaseModel]) -> set[str]:
        found = set()
        for name, field in model.model_fields.items():
            if any(getattr(one, "pattern", None) for one in field.metadata):
                found.add(name)
            for kind in (field.annotation, *get_args(field.annotation)):
                if isinstance(kind, type) and issubclass(kind, BaseModel):
                    found |= patterns(kind)
        return found

    assert patterns(Settings) | patterns(Policy) <= set(mistakes.FORMS)


WRONG: tuple[object, ...] = (
    *(7, -1, 10**30, 1.5, float("nan"), True, "", "xx y", "x" * 5000, "a\nb", "-1s", date(2026, 1, 1)),
    *(datetime(2026, 1, 1, 1, 1), time(3, 4, 5, 6), [], [3], [""], [[1]], [{"a": 1}], {}, {"a": {"b": 1}}, {"A b": 3}),
)
# Words of pydantic, which are for programmers, and representations of Python's objects.
FOR_PROGRAMMERS = re.compile(r"should|Input|valid |type=|lax-or|<|None|Error|\{'|b'|datetime")


def tables_of(model: type[BaseModel], *place: str | int) -> Iterator[tuple[str | int, ...]]:
    """Yield the place of each key; an entry of a list is 0."""
    for name, field in model.model_fields.items():
        key = field.alias or name
        yield (*place, key)
        kinds = [one for one in (field.annotation, *get_args(field.annotation)) if isinstance(one, type)]
        below = next((one for one in kinds if issubclass(one, BaseModel)), None)
        if below is not None:
            entry = (0,) if get_origin(field.annotation) is list else ()
            yield from tables_of(below, *place, key, *entry)


@pytest.mark.parametrize(("model", "describe"), [(Settings, settings_problem), (PolicyFile, policies_problem)])
def test_no_error_about_a_setting_uses_the_words_of_a_programmer(model: type[BaseModel], describe: Any) -> None:
    count = 0
    for place, value in itertools.product(tables_of(model), WRONG):
        content: Any = value
        for step in reversed(place):
            content = [content] if step == 0 else {step: content}
        try:
            model.model_validate(content)
        except ValidationError as error:
            for detail in error.errors():
                described = describe(content, detail)
                assert not FOR_PROGRAMMERS.search(described), described
                count += 1
    assert count > 1000


@given(st.text(max_size=200), st.integers(1, 300))
def test_any_text_gets_one_sentence(text: str, line: int) -> None:
    error = tomllib.TOMLDecodeError(f"Invalid value (at line {line}, column 1)")
    assert mistakes.of_toml(error, text).startswith(f"not valid TOML: {error}")


@given(st.one_of(st.text(), st.integers(), st.booleans(), st.lists(st.text()), st.dictionaries(st.text(), st.text())))
def test_a_value_is_written_in_one_short_line(value: object) -> None:
    shown = mistakes.written(value)
    assert len(shown) <= 62
    assert shown.isprintable()
