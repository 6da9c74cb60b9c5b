"""Incidents: the lasting record of every message that a policy wants recorded, its states and who decided.

The message itself stays in Postfix's hold queue; this room is an index of it.
"""
