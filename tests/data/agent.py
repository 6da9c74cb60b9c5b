"""The script of a program: 500 messages in ten days, 30 of them with a planted mistake."""

import random
from dataclasses import dataclass, field, replace

DAY, DAYS, EACH_DAY, CLIENTS = 86_400, 10, 50, 40
PORTAL = "portal.corp.example"
BURST = (DAYS - 1) * DAY + 5 * 1000
"""When the program begins to repeat a message each second."""
ALLOWED = 20
"""How many of these are correct."""
MISTAKES = ("wrong recipient", "look-alike", "twin", "link", "attachment", "burst")


@dataclass
class Sending:
    """One message of the script."""

    at: float
    to: str
    hosts: list[str] = field(default_factory=lambda: [PORTAL])
    file: str = "invoice-1.pdf"
    mistake: str = ""


def script(seed: int) -> list[Sending]:
    """Return the messages, 30 of them with a mistake: five of each kind, none on the first day.

    The first day has 40 clients; each further day has a new one.
    """
    draw = random.Random(seed)
    clients = [f"accounts{number}@client{number}.example" for number in range(CLIENTS)]
    sent: list[Sending] = []
    for day in range(DAYS):
        if day:
            clients.append(f"accounts{day}@newclient{day}.example")
        for number in range(EACH_DAY):
            one = number if day == 0 and number < CLIENTS else draw.randrange(len(clients))
            if day and number == 3:
                one = len(clients) - 1  # a new client, as there is one each day
            # Two or three messages an hour.
            at = day * DAY + number * (DAY / EACH_DAY) * 0.95
            sent.append(Sending(at, clients[one], file=f"invoice-{day}{number}.pdf"))
    usual = [place for place in range(EACH_DAY, len(sent)) if place % EACH_DAY > 4]
    for place, mistake in zip(sorted(draw.sample(usual, 25)), [*MISTAKES[:5]] * 5, strict=True):
        sent[place] = damaged(sent[place], mistake, place)
    # A loop: a program sends the same messages again and again. Messages over the limit are mistakes.
    outside_burst = [one for one in sent if not BURST - 4000 < one.at < BURST + 4000]
    burst = [Sending(BURST + number, clients[0], mistake="" if number < ALLOWED else "burst") for number in range(25)]
    return sorted(outside_burst + burst, key=lambda one: one.at)


def damaged(one: Sending, mistake: str, place: int) -> Sending:
    box, _, domain = one.to.partition("@")
    match mistake:
        case "wrong recipient":
            return replace(one, to=f"someone{place}@other.example", mistake=mistake)
        case "look-alike":
            return replace(one, to=f"{box}@{domain.replace('client', 'cIient')}", mistake=mistake)
        case "twin":
            return replace(one, to=f"{box}.{domain.partition('.')[0]}@gmail.com", mistake=mistake)
        case "link":
            return replace(one, hosts=[PORTAL, f"files{place}.example"], mistake=mistake)
    return replace(one, file=f"salaries{'abcdefghij'[place % 10] * (place % 7 + 1)}.xlsx", mistake=mistake)
