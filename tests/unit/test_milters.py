"""The milter's address, in libmilter's notation and in Postfix's."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.config import MilterSettings
from holdgate.milters import Place, in_postfix, is_holdgate_milter, place_of

QUEUE = Path("/var/spool/postfix")
SOCKETS = st.one_of(
    st.from_regex(r"unix:(/var/spool/postfix)?(/[a-z.]{1,9}){1,4}", fullmatch=True),
    st.from_regex(r"inet6?:[1-9][0-9]{0,4}@([a-z]{1,9}(\.[a-z]{1,9})?|192\.0\.2\.[1-9])", fullmatch=True),
    st.from_regex(r"inet6:[1-9][0-9]{0,4}@(\[2001:db8::[1-9]\]|::1|::)", fullmatch=True),
)


@pytest.mark.parametrize(
    ("socket", "place", "written"),
    [
        (f"unix:{QUEUE}/holdgate/milter.sock", QUEUE / "holdgate/milter.sock", "unix:holdgate/milter.sock"),
        ("unix:/run/holdgate/milter.sock", Path("/run/holdgate/milter.sock"), "unix:/run/holdgate/milter.sock"),
        ("unix:/var/spool/postfix-out/m", Path("/var/spool/postfix-out/m"), "unix:/var/spool/postfix-out/m"),
        ("inet:8895@127.0.0.1", ("127.0.0.1", 8895), "inet:127.0.0.1:8895"),
        ("inet:8895@scanner.corp.example", ("scanner.corp.example", 8895), "inet:scanner.corp.example:8895"),
        ("inet:8895@0.0.0.0", ("0.0.0.0", 8895), "inet:127.0.0.1:8895"),
        ("inet6:8895@::1", ("::1", 8895), "inet:[::1]:8895"),
        ("inet6:8895@[2001:db8::1]", ("2001:db8::1", 8895), "inet:[2001:db8::1]:8895"),
        ("inet6:8895@::", ("::", 8895), "inet:[::1]:8895"),
    ],
)
def test_a_socket_is_recognised_in_both_notations(socket: str, place: Place, written: str) -> None:
    assert place_of(socket) == place
    assert in_postfix(socket, QUEUE) == written
    assert is_holdgate_milter(written, socket, QUEUE)


@given(SOCKETS)
def test_a_written_entry_is_recognised_in_braces_too(socket: str) -> None:
    written = in_postfix(socket, QUEUE)
    assert is_holdgate_milter(written, socket, QUEUE)
    assert is_holdgate_milter(f"{{ {written}, default_action=tempfail }}", socket, QUEUE)
    assert is_holdgate_milter(f"{{{written},default_action=tempfail}}", socket, QUEUE)


@pytest.mark.parametrize(
    ("entry", "socket"),
    [
        (f"unix:{QUEUE}/holdgate/milter.sock", f"unix:{QUEUE}/holdgate/milter.sock"),
        ("local:holdgate/milter.sock", f"unix:{QUEUE}/holdgate/milter.sock"),
        ("inet:localhost:8895", "inet:8895@127.0.0.1"),
        ("inet:127.0.0.1:8895", "inet:8895@localhost"),
        ("inet:[::1]:8895", "inet6:8895@localhost"),
        ("inet:Scanner.corp.example:8895", "inet:8895@scanner.corp.example"),
    ],
)
def test_another_notation_of_the_socket_is_recognised(entry: str, socket: str) -> None:
    assert is_holdgate_milter(entry, socket, QUEUE)


@pytest.mark.parametrize(
    ("entry", "socket"),
    [
        ("unix:other/milter.sock", f"unix:{QUEUE}/holdgate/milter.sock"),
        ("unix:holdgate/milter.sock.old", f"unix:{QUEUE}/holdgate/milter.sock"),
        ("{ unix:other, default_action=unix:holdgate/milter.sock }", f"unix:{QUEUE}/holdgate/milter.sock"),
        ("inet:127.0.0.1:8891", "inet:8895@127.0.0.1"),
        ("inet:192.0.2.1:8895", "inet:8895@127.0.0.1"),
        ("inet:8895@127.0.0.1", "inet:8895@127.0.0.1"),  # libmilter's notation, which Postfix cannot connect to
        ("inet:127.0.0.1:http", "inet:80@127.0.0.1"),
        ("", "inet:8895@127.0.0.1"),
        ("{ }", "unix:/run/holdgate/milter.sock"),
        ("unix:", f"unix:{QUEUE}"),
    ],
)
def test_another_milter_is_not_recognised_as_holdgate(entry: str, socket: str) -> None:
    assert not is_holdgate_milter(entry, socket, QUEUE)


def test_the_default_is_a_unix_socket_that_a_chrooted_smtpd_reaches() -> None:
    place = place_of(MilterSettings().socket)
    assert isinstance(place, Path)
    assert place.is_relative_to(QUEUE)
