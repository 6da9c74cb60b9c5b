"""Containers: archives, compressed files, and metadata files of file systems."""
