"""Postfix's hold queue: the only user of Postfix's commands, and the comparison of queue and store."""
