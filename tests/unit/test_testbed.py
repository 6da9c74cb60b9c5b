"""The basis of the end-to-end tests: ports that no two processes share, and waiting for a condition."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from testbed.ports import LOOPBACK, free_port, is_free, is_listening, wait_for
from testbed.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
_SHOW_PORTS = "from testbed.ports import free_port; print(*(free_port() for _ in range(250)))"


def test_free_ports_differ_and_are_outside_the_ephemeral_range() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    # Linux gives those from 32768 on, unless set otherwise (ip(7), ip_local_port_range).
    assert all(1024 <= port < 32_768 for port in ports)


def test_a_port_in_use_is_skipped() -> None:
    with socket.create_server((LOOPBACK, free_port())) as listener:
        port = listener.getsockname()[1]
        assert not is_free(port)
        assert is_listening(port)
        assert port not in [free_port() for _ in range(120)]
    assert is_free(port)


def test_processes_do_not_share_ports() -> None:
    ours = {free_port() for _ in range(200)}
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'milter'}"}
    output = subprocess.check_output([sys.executable, "-c", _SHOW_PORTS], text=True, env=os.environ | path)
    assert ours.isdisjoint(map(int, output.split()))


def test_waiting_ends_with_the_first_true_value() -> None:
    answers = iter([0, [], "seen"])
    assert wait_for(lambda: next(answers), "it") == "seen"
    with pytest.raises(TimeoutError, match="for an event that never happens"):
        wait_for(lambda: False, "an event that never happens", 0)


@pytest.mark.postgresql
def test_a_database_can_be_created_and_copied_while_the_server_has_sessions(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    postgres.close_database(url)
    name = url.partition("?")[0].rpartition("/")[2]
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        psycopg.connect(url)
    with psycopg.connect(f"host={postgres.directory} user=holdgate dbname=template1"):
        for made in (postgres.new_database(), postgres.new_database(template=name)):
            psycopg.connect(made).close()
