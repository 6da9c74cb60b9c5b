"""Readers by family, one format per file: `extract.reading` defines what `read(document, sink)` gets and returns."""

import os

# By the name that the dynamic loader knows. libarchive-c would use ldconfig(8), whose cache is rebuilt only after all
# packages of an installation are set up: too late for Holdgate's, which needs the library during its own setup.
os.environ.setdefault("LIBARCHIVE", "libarchive.so.13")
