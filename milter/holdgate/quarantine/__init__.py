"""Incidents: the permanent record of every message that a policy records, its states and who decided.

The message itself stays in Postfix's hold queue; this package is an index of it.
"""
