"""Holdgate with other software of a mail server: signers, tables, and recipients that need no approval."""

import email.parser
import email.policy
import re
from functools import partial
from pathlib import Path

from tests.support import other_services
from tests.support.installed import SECRET, checked, hold, postfix_files
from tests.support.machine import Machine


def test_only_recipients_that_need_an_approval_wait(server: Machine) -> None:
    # Not a user of the machine: the milter must not read their .forward file, so they would count as external.
    mailboxes = "virtual_mailbox_maps=inline:{anna@corp.example=carla}"
    owner = ("virtual_minimum_uid=1", "virtual_uid_maps=static:8", "virtual_gid_maps=static:8")
    server.run(
        "postconf", "-e", "virtual_mailbox_domains=corp.example", "virtual_mailbox_base=/var/mail", mailboxes, *owner
    )
    server.run("holdgate", "attach", "--yes")
    policies = server.root / "etc/holdgate/policies.toml"
    shipped = policies.read_text()
    policies.write_text(shipped.replace("internal_domains = []", 'internal_domains = ["corp.example"]'))
    assert policies.read_text() != shipped
    server.run("holdgate", "reload")
    # A bounce to a domain other than corp.example would leave the site too.
    both = {"sender": "anna@corp.example", "to": "anna@corp.example,bob@localhost"}
    server.send(f"divided: her social security number is {SECRET}", **both)
    server.wait_for(lambda: "divided:" in server.mailbox("carla"), "the delivery to the colleague")
    server.wait_for(server.held, "the copy to be held")
    (incident,) = server.held()
    assert "divided:" not in server.mailbox("bob")
    server.run("holdgate", "release", incident)
    server.wait_for(lambda: "divided:" in server.mailbox("bob"), "the delivery of the copy")
    assert server.mailbox("carla").count("divided: her") == server.mailbox("bob").count("divided: her") == 1


def test_outgoing_mail_has_valid_signatures(server: Machine) -> None:
    keys = other_services.start_signers(server)
    other_services.start_next_hop(server)
    server.run("systemctl", "restart", "postfix")
    settings = postfix_files(server)
    server.run("holdgate", "attach", "--yes")
    entries = server.run("postconf", "-h", "smtpd_milters").stdout
    places = [entries.find(name) for name in ("holdgate/milter.sock", other_services.RSPAMD, other_services.OPENDKIM)]
    assert -1 not in places
    assert places == sorted(places)

    def arrives_signed(word: str) -> None:
        message = server.wait_for(lambda: other_services.received(server, word), "the delivery")
        assert message is not None
        assert other_services.valid_signers(message, keys) == {"opendkim", "rspamd"}
        assert b"X-Netskope" not in message
        assert b"X-Holdgate" not in message
        assert not other_services.valid_signers(message.replace(b"anna@", b"eve@"), keys)

    addresses = {"sender": "anna@corp.example", "to": "carol@partner.example"}
    server.send("clean lunch at half past twelve", **addresses)
    arrives_signed("half past twelve")
    server.send(f"kept her social security number is {SECRET}", **addresses)
    server.wait_for(server.held, "the message to be held")
    assert other_services.received(server, SECRET) is None
    server.run("holdgate", "release", *server.held())
    arrives_signed(SECRET)

    server.run("holdgate", "detach", "--yes")
    assert postfix_files(server) == settings
    server.send("afterwards we sign as before", **addresses)
    arrives_signed("as before")


def test_units_can_query_tables_of_every_type(server: Machine) -> None:
    server.run("useradd", "boss")
    tables = other_services.make_tables(server)
    server.run("holdgate", "attach", "--yes")
    policies = [
        f'[[policy]]\nname = "asked-{kind}"\nrecipient = "{table}"\naction = "quarantine"\n'
        f'[policy.moderation]\nmanagers = "{table}"\n'
        for kind, table in tables.items()
    ]
    server.path("/etc/holdgate/policies.toml").write_text("\n".join([*policies, ""]))
    # Without it the milter cannot connect to other machines, if the kernel has control groups of version 2.
    drop_in = server.path("/etc/systemd/system/holdgate-milter.service.d/directory.conf")
    drop_in.parent.mkdir()
    drop_in.write_text(f"[Service]\nIPAddressAllow={other_services.DIRECTORY}\n")
    server.run("systemctl", "daemon-reload")
    server.run("systemctl", "restart", "holdgate-milter", "holdgate-desk")
    for kind in tables:
        server.send(f"asked-{kind} nothing of interest", to=f"bob+{kind}@localhost")

    def is_asked(kind: str) -> bool:
        return f"To: <boss+{kind}@localhost>" in server.mailbox("boss")

    for kind in tables:
        server.wait_for(partial(is_asked, kind), f"the request by {kind}")
    assert len(server.held()) == len(tables)
    server.send("unknown to all tables", to="bob@localhost")
    server.wait_for(lambda: "unknown to all tables" in server.mailbox("bob"), "the delivery")

    before = checked(server)
    assert not [line for line in before if "asked-" in line]
    # A file that root can read is not readable for the daemons.
    server.run("chmod", "0640", "/etc/postfix/tables/sqlite.cf")
    added = set(checked(server)) - set(before)
    assert ['policy "asked-sqlite": recipient: sqlite:' in line for line in added] == [True]


def test_the_page_works_behind_the_proxies_of_the_examples(server: Machine) -> None:
    server.run("useradd", "boss")
    secret = server.run("openssl", "rand", "-hex", "32").stdout.strip()
    server.path("/etc/holdgate/proxy.secret").write_text(f"{secret}\n")
    server.run("chgrp", "holdgate", "/etc/holdgate/proxy.secret")
    server.path("/etc/holdgate/holdgate.toml").write_text(
        '[moderation]\nmoderators = ["boss@localhost"]\n[desk]\nown_domains = ["localhost"]\n'
        'public_url = "https://approve.corp.example"\nweb_listen = "127.0.0.1:9860"\n'
        'user_header = "X-Remote-User"\nproxy_secret = "/etc/holdgate/proxy.secret"\n'
        'trusted_proxies = ["127.0.0.1/32"]\n'
    )
    server.run("systemctl", "restart", "holdgate-desk")
    server.run("holdgate", "attach", "--yes")
    examples = sorted((Path(__file__).parents[2] / "examples/proxies").iterdir())
    assert {example.name for example in examples} == set(other_services.PROXIES)
    for example in examples:
        service = other_services.start_proxy(server, example, secret, "boss@localhost", "password")
        _use_the_page(server, service)
        server.run("systemctl", "stop", service)


def _use_the_page(machine: Machine, service: str) -> None:
    """Open the link of a request and sign in, through a proxy on port 443. The link must not be in its log."""
    incident, _word = hold(machine)
    link = machine.wait_for(partial(_link_of, machine, incident), f"the request for {incident}")
    page = f"https://approve.corp.example/incidents/{incident}"
    jar = f"/root/{service}.cookies"

    def get(address: str, *options: str) -> str:
        """Return the page, and in the last line the status and the target of a redirect."""
        to_here = ("--connect-to", "approve.corp.example:443:127.0.0.1:443", "--cookie-jar", jar, "--cookie", jar)
        shown = ("--write-out", "\n%{http_code} %{redirect_url}", "--max-time", "30")
        return machine.run("curl", "-sk", *to_here, *shown, *options, address).stdout

    def log() -> str:
        journal = f"journalctl --no-pager -q _SYSTEMD_UNIT={service}.service"
        return machine.run("sh", "-c", f"{journal}; cat /var/log/{service}/*", check=False).stdout

    signed, forged = ("--user", "boss@localhost:password"), ("--header", "X-Remote-User: eve@localhost")
    # The link opens before the sign-in, and leads to an address without a secret. That one needs the sign-in.
    assert get(link, *forged).splitlines()[-1] == f"303 {page}", service
    assert get(page, *forged).splitlines()[-1].startswith("401"), service
    shown = get(page, *signed, *forged)
    assert shown.splitlines()[-1].startswith("200"), service
    assert "eve@localhost" not in shown
    assert "Signed in as boss@localhost" in get("https://approve.corp.example/incidents", *signed, *forged), service
    machine.wait_for(lambda: f"/incidents/{incident}" in log(), f"the log of {service}")
    assert link.rpartition("/")[2] not in log(), service


def _link_of(machine: Machine, incident: str) -> str:
    """Return the link of the request for an incident, "" if the moderator has none."""
    parser = email.parser.Parser(policy=email.policy.default)
    for one in re.split(r"(?m)^From .*\n", machine.mailbox("boss")):
        body = parser.parsestr(one).get_body(("plain",))
        text = body.get_content() if body is not None else ""
        found = re.search(r"https://\S+/t/\S+", text)
        if found and incident in text:
            return found[0]
    return ""
