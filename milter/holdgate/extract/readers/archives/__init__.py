"""Containers: archives, compressed files, and what file systems put beside files."""
