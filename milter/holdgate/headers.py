"""The headers that only Holdgate writes. Copies that come in from outside are removed before ours are added."""

INSPECTED = "X-Netskope-Inspected"
ACTION = "X-Netskope-Action"
STATUS = "X-Holdgate-Status"
INCIDENT = "X-Holdgate-Incident"
SEAL = "X-Holdgate-Seal"

ALL = (INSPECTED, ACTION, STATUS, INCIDENT, SEAL)
