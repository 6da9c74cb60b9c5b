"""Other software of a mail server: signers, the next hop, and tables of every type."""

import re
import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import dkim

from tests.support.machine import Machine

# Signers of corp.example, in the order in which Postfix calls them.
RSPAMD, OPENDKIM = "inet:127.0.0.1:11332", "inet:127.0.0.1:8891"
# On the loopback interface, but not a loopback address: for the units it is another machine.
DIRECTORY = "192.0.2.10"
_NEXT_HOP = "/var/next-hop"


# -- signers and the next hop -------------------------------------------------------------------------------------


def start_signers(machine: Machine) -> dict[bytes, bytes]:
    """Start OpenDKIM and rspamd and add them to Postfix's settings; return their public keys as DNS would."""
    keys = {}
    for name, user in (("opendkim", "opendkim"), ("rspamd", "_rspamd")):
        directory = f"/etc/keys/{name}"
        machine.run("install", "-d", directory)
        machine.run("opendkim-genkey", "-D", directory, "-d", "corp.example", "-s", name)
        machine.run("chown", "-R", user, directory)
        record = machine.path(f"{directory}/{name}.txt").read_text()
        keys[f"{name}._domainkey.corp.example.".encode()] = "".join(re.findall(r'"([^"]*)"', record)).encode()
    machine.path("/etc/opendkim.conf").write_text(
        "Mode s\nDomain corp.example\nSelector opendkim\nKeyFile /etc/keys/opendkim/opendkim.private\n"
        "Canonicalization relaxed/simple\nSocket inet:8891@127.0.0.1\n"
        "UserID opendkim\nPidFile /run/opendkim/opendkim.pid\n"
    )
    rspamd = machine.path("/etc/rspamd/local.d")
    # Without a name server each query would wait for its timeout.
    (rspamd / "options.inc").write_text('dns { nameserver = ["127.0.0.1"]; timeout = 0.1s; retransmits = 1; }\n')
    (rspamd / "dkim_signing.conf").write_text(
        'path = "/etc/keys/rspamd/rspamd.private";\nselector = "rspamd";\nallow_username_mismatch = true;\n'
    )
    machine.run("systemctl", "start", "opendkim", "rspamd")
    for port in (11332, 8891):
        machine.wait_for(partial(_accepts, machine, port), f"port {port}", 120)
    machine.run("postconf", "-e", f"smtpd_milters={RSPAMD}, {OPENDKIM}", "milter_default_action=tempfail")
    return keys


def start_next_hop(machine: Machine) -> None:
    """Start the mail server of partner.example, which keeps each message, and route mail there."""
    machine.run("install", "-d", "-o", "nobody", _NEXT_HOP)
    machine.run(
        *("systemd-run", "--quiet", "--unit=next-hop", "--uid=nobody", f"--working-directory={_NEXT_HOP}"),
        *("smtp-sink", "-d", "%H%M%S.", "127.0.0.1:2626", "10"),
    )
    machine.run("postconf", "-e", "transport_maps=inline:{ partner.example=smtp:[127.0.0.1]:2626 }")


def received(machine: Machine, word: str) -> bytes | None:
    """Return the message with `word` that the next hop has received, or None."""
    messages = (path.read_bytes() for path in machine.path(_NEXT_HOP).iterdir())
    return next((message for message in messages if word.encode() in message), None)


def valid_signers(message: bytes, keys: dict[bytes, bytes]) -> set[str]:
    """Return the selectors of a message's valid signatures."""
    verifier = dkim.DKIM(message)
    signatures = [value for name, value in verifier.headers if name.lower() == b"dkim-signature"]
    valid = [
        number
        for number, _ in enumerate(signatures)
        if verifier.verify(number, dnsfunc=lambda name, timeout=5: keys.get(name))
    ]
    return {re.search(rb"\bs=(\w+)", signatures[number])[1].decode() for number in valid}  # type: ignore[index]


# -- tables -------------------------------------------------------------------------------------------------------

# Answers "get KEY" as tcp_table(5) says, from the file it is given.
_TCP_SERVER = """\
import socketserver, sys
answers = dict(line.split() for line in open(sys.argv[1]))
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            key = line.decode().split()[1]
            answer = f"200 {answers[key]}" if key in answers else "500 no"
            self.wfile.write(answer.encode() + b"\\n")
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("127.0.0.1", 4242), Handler).serve_forever()
"""
_SLAPD = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile /run/slapd/slapd.pid
database mdb
directory /var/lib/directory
suffix "dc=corp,dc=example"
"""
_LDAP_TABLE = f"""\
server_host = ldap://{DIRECTORY}
search_base = dc=corp,dc=example
bind = no
query_filter = (uid=%s)
result_attribute = description
"""


def make_tables(machine: Machine) -> dict[str, str]:
    """Make a table of each type, by its name; each has the recipient bob+TYPE@localhost and anna's manager.

    The manager is boss+KIND@localhost. For units, the directory of "ldap" is on another machine.
    """
    place = "/etc/postfix/tables"
    directory = machine.path(place)
    directory.mkdir()
    indexed = machine.run("postconf", "-h", "default_database_type").stdout.strip()
    tables = {
        "indexed": f"{indexed}:{place}/indexed",
        "pcre": f"pcre:{place}/pcre",
        "regexp": f"regexp:{place}/regexp",
        "sqlite": f"sqlite:{place}/sqlite.cf",
        "proxy": f"proxy:texthash:{place}/proxy",
        "tcp": "tcp:127.0.0.1:4242",
        "ldap": f"ldap:{place}/ldap.cf",
    }
    for kind in tables:
        keys, answer = (f"bob+{kind}@localhost", "anna@localhost"), f"boss+{kind}@localhost"
        if kind == "sqlite":
            with sqlite3.connect(directory / "database") as database:
                database.execute("CREATE TABLE answers (key TEXT, answer TEXT)")
                database.executemany("INSERT INTO answers VALUES (?, ?)", [(key, answer) for key in keys])
            query = "SELECT answer FROM answers WHERE key = '%s'"
            (directory / "sqlite.cf").write_text(f"dbpath = {place}/database\nquery = {query}\n")
        elif kind == "ldap":
            (directory / "ldap.cf").write_text(_LDAP_TABLE)
            _start_directory(machine, keys, answer)
        else:
            form = "/^{}$/ {}\n" if kind in ("pcre", "regexp") else "{} {}\n"
            escape = re.escape if kind in ("pcre", "regexp") else str
            (directory / kind).write_text("".join(form.format(escape(key), answer) for key in keys))
    machine.run("postmap", tables["indexed"])
    allowed = machine.run("postconf", "-dh", "proxy_read_maps").stdout.strip()
    machine.run("postconf", "-e", f"proxy_read_maps={allowed} {tables['proxy']}")
    machine.run("systemctl", "restart", "postfix")
    (directory / "server.py").write_text(_TCP_SERVER)
    machine.run("systemd-run", "--quiet", "--unit=table", "python3", f"{place}/server.py", f"{place}/tcp")
    for table in tables.values():
        machine.wait_for(partial(_answers, machine, table), f"{table} to answer")
    return tables


def _accepts(machine: Machine, port: int) -> bool:
    return machine.run("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}", check=False).returncode == 0


def _answers(machine: Machine, table: str) -> bool:
    return "boss+" in _ask(machine, table)


def _ask(machine: Machine, table: str) -> str:
    return machine.run("postmap", "-q", "anna@localhost", table, check=False).stdout


def _start_directory(machine: Machine, keys: Sequence[str], answer: str) -> None:
    machine.run("ip", "address", "add", f"{DIRECTORY}/32", "dev", "lo")
    machine.path("/etc/ldap/directory.conf").write_text(_SLAPD)
    entries = ["dn: dc=corp,dc=example\nobjectClass: domain\ndc: corp\n"]
    for host, key in enumerate(keys):
        dn = f"dn: host={host},dc=corp,dc=example\nobjectClass: account\nhost: {host}"
        entries.append(f"{dn}\nuid: {key}\ndescription: {answer}\n")
    machine.run("install", "-d", "-o", "openldap", "/var/lib/directory", "/run/slapd")
    machine.run("runuser", "-u", "openldap", "--", "slapadd", "-f", "/etc/ldap/directory.conf", text="\n".join(entries))
    slapd = ("slapd", "-d", "none", "-u", "openldap", "-f", "/etc/ldap/directory.conf", "-h", f"ldap://{DIRECTORY}")
    machine.run("systemd-run", "--quiet", "--unit=directory", *slapd)


# -- proxies in front of the page ---------------------------------------------------------------------------------

# Each example of examples/proxies: the service that reads it, and where it belongs.
PROXIES = {
    "nginx.conf": ("nginx", "/etc/nginx/sites-enabled/approve.conf"),
    "Caddyfile": ("caddy", "/etc/caddy/Caddyfile"),
    "haproxy.cfg": ("haproxy", "/etc/haproxy/haproxy.cfg"),
    "apache.conf": ("apache2", "/etc/apache2/sites-enabled/approve.conf"),
}


def start_proxy(machine: Machine, example: Path, secret: str, user: str, password: str) -> str:
    """Start the proxy of an example file with one user; return its service."""
    service, place = PROXIES[example.name]
    machine.run(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9"),
        *("-subj", "/CN=approve.corp.example"),
        *("-keyout", "/etc/ssl/private/approve.key", "-out", "/etc/ssl/certs/approve.pem"),
    )
    machine.run("chmod", "0755", "/etc/ssl/private")
    machine.run("chmod", "0644", "/etc/ssl/private/approve.key")
    both = [machine.path(one).read_text() for one in ("/etc/ssl/certs/approve.pem", "/etc/ssl/private/approve.key")]
    machine.path("/etc/haproxy/approve.pem").write_text("".join(both))
    for directory in ("nginx", "apache2"):
        line = f"{user}:{machine.run('openssl', 'passwd', '-apr1', password).stdout}"
        machine.path(f"/etc/{directory}/approve.users").write_text(line)
    hashing = ("caddy", "hash-password", "--plaintext", password)
    hashed = machine.run(*(hashing if service == "caddy" else ("openssl", "passwd", "-6", password))).stdout.strip()
    text = (
        example.read_text(encoding="utf-8")
        .replace("PASSWORD-HASH", hashed)
        .replace("boss@corp.example", user)
        .replace("SECRET", secret)
    )
    if service == "haproxy":  # its package logs to the journal, as the global section has it
        text = f"global\n    log /dev/log local0\n\n{text}"
    if service == "apache2":
        machine.run("a2enmod", "--quiet", "ssl", "proxy", "proxy_http", "headers", "setenvif")
    machine.path(place).write_text(text)
    machine.run("systemctl", "restart", service)
    machine.wait_for(partial(_accepts, machine, 443), f"{service} to listen")
    return service
