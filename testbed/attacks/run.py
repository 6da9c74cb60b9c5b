"""Runs all attempts on one site, counts them by kind, and writes the table into docs/explanation/security.md."""

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from testbed.attacks import deciding, inside, messages
from testbed.attacks.attempt import Attempt, Outcome
from testbed.site import Site

PAGE = Path(__file__).parents[2] / "docs/explanation/security.md"
PROMISES = {
    messages.PLACES: "the message is not delivered until somebody approves it",
    messages.MARKS: "the message is inspected as if it had no mark",
    messages.RECIPIENTS: "the message counts as outbound, or reaches nobody outside",
    deciding.LINKS: "the message stays held",
    deciding.REPLIES: "the message stays held",
    deciding.REQUESTS: "nothing is decided, and nothing is shown",
    deciding.AGENT: "the agent refuses",
    inside.STORE: "`holdgate audit verify` notices, or the database refuses",
    inside.WORKER: "the kernel refuses, or kills the worker",
    inside.ACCOUNT: "the message is refused or inspected",
}
_BEGIN, _END = "<!-- attempts: written by script/attack -->", "<!-- end of attempts -->"
_POLICIES = Path(__file__).parents[2] / "etc/policies.toml"
_OPTIONS = {
    # No proof for replies by mail, as on a site without these settings.
    "replies": "",
    "extra": '\n[moderation]\nmoderators = ["boss@corp.example"]\n',
}
_CHANGES = {
    "mydestination": "site.corp.example",
    "local_recipient_maps": "",
    "local_transport": "local",
    "myorigin": "site.corp.example",
    "recipient_delimiter": "+",
    "propagate_unmatched_extensions": "canonical, virtual, alias, forward, include",
    "strict_rfc821_envelopes": "no",
    "allow_untrusted_routing": "yes",
}


def attempts(root: bool) -> list[Attempt]:
    """Return every attempt; `root` is true if attacks can run as another user."""
    return [*messages.attempts(), *deciding.attempts(root), *inside.attempts(root)]


def run(report: Callable[[Outcome], None] = lambda _: None) -> list[Outcome]:
    """Begin and evaluate every attempt on a separate site; `report` gets each result at once. Needs root."""
    outcomes: list[Outcome] = []
    everything = attempts(root=True)
    policies = _POLICIES.read_text(encoding="utf-8").replace(
        "internal_domains = []", 'internal_domains = ["corp.example", "*.corp.example"]'
    )
    with tempfile.TemporaryDirectory(prefix="holdgate-attack-") as name:
        Path(name).chmod(0o755)
        options = _OPTIONS | {"changes": {**_CHANGES, **_tables(Path(name))}}
        site = Site(Path(name), policies=policies, **options)  # type: ignore[arg-type]
        try:
            site.start()
            for attempt in everything:
                attempt.prepare(site)
            for attempt in everything:
                outcomes.append(Outcome(attempt, _judged(attempt, site)))
                report(outcomes[-1])
        finally:
            site.stop()
    return outcomes


def _tables(directory: Path) -> dict[str, str]:
    """Write the tables that route recipients outside, and return the settings that name them."""
    settings = {"alias_maps": f"texthash:{directory}/aliases"}
    (directory / "aliases").write_text(messages.ALIASES.format(directory=directory), encoding="utf-8")
    (directory / "list").write_text("ext@partner.example\n", encoding="utf-8")
    for name, content in messages.TABLES.items():
        (directory / name).write_text(content.lstrip("\n"), encoding="utf-8")
        settings[name] = f"regexp:{directory}/{name}"
    return settings


def _judged(attempt: Attempt, site: Site) -> str:
    """Evaluate an attempt. One that could not be completed counts as a successful attack."""
    try:
        return attempt.evaluate(site)
    except Exception as error:
        return f"not made to its end: {type(error).__name__}: {str(error).splitlines()[0][:80]}"


def table(outcomes: list[Outcome]) -> Iterator[str]:
    """Yield the lines of the table, in Markdown."""
    tried = Counter(outcome.attempt.kind for outcome in outcomes)
    held = Counter(outcome.attempt.kind for outcome in outcomes if not outcome.reached)
    yield "| kind of attempt | promise | attempts | promise held |"
    yield "|---|---|---|---|"
    for kind, promise in PROMISES.items():
        yield f"| {kind} | {promise} | {tried[kind]} | {held[kind]} |"
    yield f"| all | | {sum(tried.values())} | {sum(held.values())} |"


def write(outcomes: list[Outcome], page: Path = PAGE) -> None:
    """Put the table between its marks on the page."""
    text = page.read_text(encoding="utf-8")
    lines = "\n".join([_BEGIN, "", *table(outcomes), "", _END])
    page.write_text(re.sub(f"(?s){_BEGIN}.*{_END}", lambda _: lines, text), encoding="utf-8")
