"""Writes compound files ([MS-CFB], version 3) for tests of their readers."""

import struct

FREE, END, FAT = 0xFFFF_FFFF, 0xFFFF_FFFE, 0xFFFF_FFFD
SECTOR, MINI, CUTOFF = 512, 64, 4_096
Tree = dict[str, "bytes | Tree"]


def compound(tree: Tree) -> bytes:
    """Return a compound file with the streams (bytes) and storages (dictionaries) of `tree`."""
    writer = _Writer()
    writer.add("Root Entry", 5, tree)
    return writer.finish()


class _Writer:
    def __init__(self) -> None:
        self.entries: list[list[object]] = []
        self.sectors = bytearray()
        self.fat: list[int] = []
        self.mini = bytearray()
        self.mini_fat: list[int] = []

    def add(self, name: str, kind: int, content: "bytes | Tree") -> int:
        """Add a directory entry and return its number."""
        number = len(self.entries)
        entry: list[object] = [name, kind, FREE, FREE, FREE, END, 0]
        self.entries.append(entry)
        if isinstance(content, bytes):
            entry[6] = len(content)
            if content:
                entry[5] = self.chain(content) if len(content) >= CUTOFF else self.mini_chain(content)
        else:
            names = sorted(content, key=lambda name: (len(name), name.upper()))
            kids = [self.add(name, 2 if isinstance(content[name], bytes) else 1, content[name]) for name in names]
            entry[4] = self.balance(kids)
        return number

    def balance(self, kids: list[int]) -> int:
        """Link siblings as a balanced tree and return its root."""
        if not kids:
            return FREE
        middle = len(kids) // 2
        entry = self.entries[kids[middle]]
        entry[2], entry[3] = self.balance(kids[:middle]), self.balance(kids[middle + 1 :])
        return kids[middle]

    def chain(self, content: bytes) -> int:
        """Store bytes in sectors and return the first."""
        first = len(self.fat)
        count = -(-len(content) // SECTOR)
        self.sectors += content.ljust(count * SECTOR, b"\0")
        self.fat += [*range(first + 1, first + count), END]
        return first

    def mini_chain(self, content: bytes) -> int:
        """Store bytes in the mini stream and return the first of its sectors."""
        first = len(self.mini_fat)
        count = -(-len(content) // MINI)
        self.mini += content.ljust(count * MINI, b"\0")
        self.mini_fat += [*range(first + 1, first + count), END]
        return first

    def finish(self) -> bytes:
        """Return the file."""
        mini_fat = b"".join(struct.pack("<I", sector) for sector in self.mini_fat)
        mini_fat += b"\xff" * (-len(mini_fat) % SECTOR)
        root = self.entries[0]
        root[6] = len(self.mini)
        if self.mini:
            root[5] = self.chain(bytes(self.mini))
        mini_fat_start = self.chain(mini_fat) if mini_fat else END
        directory = b"".join(self.entry(*entry) for entry in self.entries)  # type: ignore[arg-type]
        directory_start = self.chain(directory + (b"\0" * 128) * (-len(self.entries) % 4))
        count = 1
        while (len(self.fat) + count) * 4 > count * SECTOR:
            count += 1
        fat_start = len(self.fat)
        table = [*self.fat, *[FAT] * count]
        table += [FREE] * (count * SECTOR // 4 - len(table))
        fat = struct.pack(f"<{len(table)}I", *table)
        locations = [fat_start + index for index in range(count)] + [FREE] * (109 - count)
        header = struct.pack(
            "<8s16s5H6s9I109I",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, b"", 0, count, directory_start, 0, CUTOFF,
            mini_fat_start, len(mini_fat) // SECTOR, END, 0, *locations,
        )  # fmt: skip
        return header + bytes(self.sectors) + fat

    def entry(self, name: str, kind: int, left: int, right: int, child: int, start: int, size: int) -> bytes:
        """Return a directory entry."""
        encoded = name.encode("utf-16-le")
        return struct.pack(
            "<64sHBBIII16sIQQIQ", encoded, len(encoded) + 2, kind, 1, left, right, child, b"", 0, 0, 0, start, size
        )
