"""Postfix's hold queue: the only package that runs Postfix's commands; compares queue and store."""
