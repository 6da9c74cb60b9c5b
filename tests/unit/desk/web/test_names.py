"""Addresses, names and choices as the pages show them."""

import re
from datetime import UTC, datetime

import pytest

from holdgate.desk import consult
from holdgate.quarantine.incident import Actor
from tests.unit.desk.conftest import Hold, MakeDesk
from tests.unit.desk.web.test_pages import Browser, signed_in

_HEBREW = "\u05d9\u05d5\u05e1\u05d9@partner.example"


@pytest.mark.parametrize("count", [1, 3, 60])
def test_each_address_is_displayed_left_to_right(
    make_desk: MakeDesk, hold: Hold, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a Hebrew mailbox would appear after its domain, or swap places with that of another address."""
    desk = make_desk()
    recipients = [_HEBREW, *(f"{number}@partner.example" for number in range(1, count))]
    incident = hold(desk, sender=f"a.{_HEBREW}", header_from=f"a.{_HEBREW}", recipients=recipients)
    browser = Browser(desk)
    page = browser.get(browser.link(incident)).text
    shown = re.findall(r'<bdi dir="ltr">([^<]*)</bdi>', page)
    assert shown == [f"a.{_HEBREW}", *recipients]  # all of them, however many there are
    listed = signed_in(desk, monkeypatch).get("/incidents").text
    assert f'<bdi dir="ltr">a.{_HEBREW}</bdi>' in listed
    assert bool(re.search(rf'<bdi dir="ltr">\s*{_HEBREW}\s*</bdi>', listed)) is (count == 1)


@pytest.mark.parametrize(
    ("name", "is_shown"),
    [
        ("boss@corp.example", False),
        ("Compliance (boss@corp.example)", False),
        ("boss\uff20corp.example", False),
        ("boss\ufe6bcorp.example", False),
        ("Anna Lindqvist", True),
        ("Boss at Corp Example", True),
    ],
)
def test_a_sender_does_not_pass_for_another_address(
    make_desk: MakeDesk, hold: Hold, name: str, is_shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The display name stood alone in the list and above the sender's reason: "boss@corp.example writes:"."""
    desk = make_desk()
    incident = hold(desk, header_from=f'"{name}" <anna@corp.example>', subject="Figures")
    consult.answer_as_sender(desk, incident, "It is allowed.", Actor("anna@corp.example", "page"))
    browser = Browser(desk)
    page = browser.get(browser.link(incident)).text
    assert (f"{name} writes:" in page, "anna@corp.example writes:" in page) == (is_shown, not is_shown)
    listed = signed_in(desk, monkeypatch).get("/incidents").text
    assert (f"<bdi>{name}</bdi>" in listed, ">anna@corp.example</bdi>" in listed) == (is_shown, not is_shown)
    assert name in page  # as a part of the From header


def test_the_list_can_be_searched_by_the_displayed_name(
    make_desk: MakeDesk, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk()
    hold(desk, sender="al@corp.example", header_from="Anna Lindqvist <al@corp.example>", subject="First")
    hold(desk, sender="bo@corp.example", header_from="Bert Olsen <bo@corp.example>", subject="Second")
    browser = signed_in(desk, monkeypatch)
    page = browser.get("/incidents?words=lindqvist").text
    assert ("Anna Lindqvist" in page, "First" in page, "Second" in page) == (True, True, False)


def test_the_choice_of_an_allowance_is_collapsed_in_the_bar(make_desk: MakeDesk, hold: Hold) -> None:
    """Open, it covers half of a phone."""
    desk = make_desk(classes=True, classes_days=7)
    incident = hold(desk)
    desk.store.machines.note(incident.id, 1, 5, [11], [], int(datetime.now(UTC).timestamp()))
    browser = Browser(desk)
    page = browser.get(browser.link(incident))
    closed = re.search(
        r'<details class="comment">\s*<summary>With an approval[^<]*</summary>(.*?)</details>', page.text, re.S
    )
    assert closed is not None
    assert closed[1].count('name="allow"') == 4
    again = browser.submit(page, "/decision", decision="later", allow="7")
    assert again.status_code == 422
    assert re.search(r'<details class="comment" open>\s*<summary>With an approval', again.text)
    assert re.findall(r'name="allow" value="(\w*)" checked', again.text) == ["7"]
