"""Several mail servers, each with its own Postfix, on one PostgreSQL, with desks behind one address."""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from holdgate.cli.authority import Authority
from testbed.balancer import Balancer
from testbed.ports import LOOPBACK, free_port
from testbed.postgres import PostgresServer
from testbed.site import Site


class Node(Site):
    """One of several servers: `key` is the key file for links, which is the same at each desk.

    One with `has_desk` false only holds messages; desks of other nodes read them there.
    """

    def __init__(self, directory: Path, *, key: Path | None = None, has_desk: bool = True, **options: Any) -> None:
        super().__init__(directory, **options)
        self._key = key
        self._has_desk = has_desk

    @property
    def daemons(self) -> list[str]:
        """The daemons of this node, in the order in which they start."""
        return [name for name in super().daemons if name != "desk" or self._has_desk]

    def prepare(self) -> None:
        """Write the settings, with the key of the other desks."""
        super().prepare()
        if self._key is not None and self._key.exists():
            shutil.copy(self._key, self.settings.desk.token_key)


def certify(directory: Path, names: Sequence[str]) -> None:
    """Create an authority in a directory, and a folder with the files of each node."""
    now = datetime.now(UTC)
    for name in names:
        Authority.open(directory, now).write(directory / name, name, now, timedelta(days=100))


def node_table(name: str, files: Path) -> str:
    """Return the table [node] of a node with a listener."""
    return (
        f'[node]\nname = "{name}"\nlisten = "{LOOPBACK}:{free_port()}"\nauthority = "{files}/authority.crt"\n'
        f'certificate = "{files}/node.crt"\nprivate_key = "{files}/node.key"\n'
    )


class Several:
    """Nodes `names`, of which the first `desks` have a desk, all below one directory. `extra` is as for a site."""

    def __init__(self, directory: Path, ports: dict[str, int], *, desks: int, extra: str = "") -> None:
        self._directory = directory
        self._postgres = PostgresServer(directory / "postgres")
        self._stack = ExitStack()
        certify(directory / "authority", list(ports))
        address = free_port()
        self.url = f"http://{LOOPBACK}:{address}"
        self.nodes: list[Node] = []
        self._extra = extra
        self._ports, self._desks, self._address = ports, desks, address

    def start(self) -> None:
        """Start everything; return when all of it answers. `stop` stops all started parts, also after an error."""
        self._stack.callback(self._postgres.stop)
        self._postgres.start()
        url = self._postgres.new_database()
        for number, (name, port) in enumerate(self._ports.items()):
            (self._directory / name).mkdir()
            node = Node(
                self._directory / name,
                key=self.nodes[0].settings.desk.token_key if self.nodes else None,
                has_desk=number < self._desks,
                smtp_port=port,
                store_url=url,
                public_url=self.url,
                extra=node_table(name, self._directory / "authority" / name) + self._extra,
            )
            self.nodes.append(node)
            self._stack.callback(node.stop)
            node.start()
        self.balancer = Balancer(self._address, [node.web_port for node in self.nodes[: self._desks]])
        self._stack.callback(self.balancer.stop)
        self.balancer.start()

    def stop(self) -> None:
        """Stop everything that runs."""
        self._stack.close()
