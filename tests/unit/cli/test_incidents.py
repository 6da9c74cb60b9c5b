"""What the commands say of a decision."""

import pytest

from holdgate.cli.incidents import told
from holdgate.quarantine.incident import Incident


@pytest.mark.parametrize(
    ("sender", "tells", "output"),
    [
        ("anna@corp.example", True, "anna@corp.example has been told"),
        ("eve@partner.example", False, "eve@partner.example is not told: its domain is none of desk.own_domains"),
        (
            "eve\x1b[2J@partner.example",
            False,
            "eve [2J@partner.example is not told: its domain is none of desk.own_domains",
        ),
        ("", False, "it has no sender to tell"),
    ],
)
def test_only_who_is_told_is_said_to_know(sender: str, tells: bool, output: str) -> None:
    assert told(Incident("4a", sender, ["bob@partner.example"], "p"), tells=tells) == output


def test_who_asked_for_no_report_is_not_told() -> None:
    incident = Incident("4a", "anna@corp.example", ["bob@partner.example"], "p")
    output = "anna@corp.example is not told: the message asked for no report (NOTIFY=NEVER)"
    assert told(incident, tells=True, dropped=True) == output
