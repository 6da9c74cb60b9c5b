"""A milter after Holdgate: it adds a header field, and sometimes defers or refuses a message that Holdgate accepted."""

import random
import sys

import Milter


class NextMilter(Milter.Base):  # type: ignore[misc]
    """Decides randomly at the end of each message."""

    rng = random.Random(sys.argv[2] if len(sys.argv) > 2 else 0)

    def eom(self) -> int:
        """Answer a message."""
        chance = self.rng.random()
        if chance < 0.03:
            return int(Milter.TEMPFAIL)
        if chance < 0.05:
            return int(Milter.REJECT)
        self.addheader("X-Signed", "yes")
        return int(Milter.CONTINUE)


if __name__ == "__main__":
    Milter.factory = NextMilter
    Milter.set_flags(Milter.ADDHDRS)
    Milter.runmilter("next-milter", sys.argv[1], 300)
