"""Inspection in worker processes: the gate hands a message over by file descriptor and gets findings back, masked."""
