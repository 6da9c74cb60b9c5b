"""Two approvers and two levels, with a real Postfix: by page and mail, then by command and API."""

import hashlib

import httpx2

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed.ports import PATIENCE
from testbed.site import Site
from tests.e2e.desk import closed, events, link_in, mail_about, press, reply, submit, text_of

BOSS, SECOND, LAW = "boss@corp.example", "second@corp.example", "law@corp.example"
SITE = {
    "extra": f"""
[moderation]
levels = [["{BOSS}", "{SECOND}"], ["{LAW}", "privacy@corp.example"]]
approvals = 2
[[desk.api_tokens]]
name = "reader"
sha256 = "{hashlib.sha256(b"only-reads").hexdigest()}"
[[desk.api_tokens]]
name = "helpdesk"
sha256 = "{hashlib.sha256(b"may-decide").hexdigest()}"
may_decide = true
"""
}


def api(site: Site, token: str) -> httpx2.Client:
    return httpx2.Client(
        base_url=f"{site.settings.desk.public_url}/api/v1",
        headers={"Authorization": f"Bearer {token}"},
        timeout=PATIENCE,
    )


def still_held(site: Site, incident: Incident) -> bool:
    found = site.store.incident(incident.id)
    return found is not None and found.state is State.HELD


def test_two_people_at_two_levels_approve_by_four_methods(site: Site) -> None:
    recipient = "four-ways@partner.example"
    incident = submit(site, "anna@corp.example", recipient)
    first, second = mail_about(site, BOSS, incident), mail_about(site, SECOND, incident)
    assert "2 people must approve." in text_of(first)
    assert "This is step 1 of 2." in text_of(first)
    assert "Others have to approve as well" in press(link_in(first), decision="approve").text
    # The same person twice is one person.
    reply(site, BOSS, first, "approve")
    mail_about(site, BOSS, incident, "you had already approved")
    assert still_held(site, incident)
    assert site.next_hop.to(LAW) == []
    reply(site, SECOND, second, "approve")
    third = mail_about(site, LAW, incident)
    assert "This is step 2 of 2." in text_of(third)
    assert still_held(site, incident)
    done = site.command("release", incident.id, "--as", LAW)
    assert "others must approve it too" in done.stdout, done.stderr
    assert not site.next_hop.to(recipient)
    with api(site, "may-decide") as client:
        answer = client.post(
            f"/incidents/{incident.id}/decision", json={"decision": "approve", "as": "privacy@corp.example"}
        )
        assert answer.status_code == 200
        assert answer.json()["state"] == "approved"
    assert closed(site, incident, State.RELEASED).decided_by == "privacy@corp.example (helpdesk)"
    site.wait_for(lambda: site.next_hop.to(recipient), "delivery")
    assert len(site.next_hop.to(recipient)) == 1
    assert events(site, incident).count("approval") == 3


def test_a_rejection_at_the_second_level_is_final(site: Site) -> None:
    incident = submit(site, "anna@corp.example", "refused@partner.example")
    for person in (BOSS, SECOND):
        press(link_in(mail_about(site, person, incident)), decision="approve")
    reply(site, LAW, mail_about(site, LAW, incident), "Reject. Not without a contract.")
    closed(site, incident, State.RETURNED)
    report = mail_about(site, "anna@corp.example", incident, "Rejected")
    assert "Not without a contract." in text_of(report)
    mail_about(site, "privacy@corp.example", incident, f"{LAW} rejected the message")
    assert not site.next_hop.to("refused@partner.example")


def test_the_api_lists_shows_and_decides_with_a_permitted_token(site: Site) -> None:
    incident = submit(site, "anna@corp.example", "api@partner.example")
    path = f"/incidents/{incident.id}"
    with api(site, "wrong") as client:
        assert client.get("/incidents").status_code == 401
        assert client.post(f"{path}/decision", json={"decision": "approve"}).status_code == 401
        assert client.get("/openapi.json").json()["openapi"].startswith("3.1")
    with api(site, "only-reads") as client:
        listed = client.get("/incidents", params={"state": "held", "limit": 1}).json()["incidents"]
        assert [one["id"] for one in listed] == [incident.id]
        shown = client.get(path.lower()).json()
        assert {one["moderator"] for one in shown["requests"]} == {BOSS, SECOND}
        assert [one["event"] for one in shown["history"]][:3] == ["recorded", "held", "requested"]
        assert client.post(f"{path}/decision", json={"decision": "approve"}).status_code == 403
        assert client.get("/incidents", params={"state": "nonsense"}).status_code == 422
    with api(site, "may-decide") as client:
        for wrong in ({}, {"decision": "maybe"}, {"decision": "approve", "comment": 1}, ["approve"]):
            assert client.post(f"{path}/decision", json=wrong).status_code == 422
        assert client.post("/incidents/AAAA/decision", json={"decision": "reject"}).status_code == 404
        assert client.post(f"{path}/decision", json={"decision": "reject", "comment": "No"}).status_code == 200
        again = client.post(f"{path}/decision", json={"decision": "approve"})
        assert (again.status_code, again.json()["error"]) == (409, "decided")
        assert again.json()["incident"]["decided_by"] == "helpdesk"
    closed(site, incident, State.RETURNED)
