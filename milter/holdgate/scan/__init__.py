"""Inspection in worker processes: the milter passes a message as a descriptor and gets masked findings."""
