"""Readers by family, one format per file: `extract.reading` describes what a `read(document, sink)` gets and gives."""

import os

# By the name that the loader knows. libarchive-c would ask ldconfig(8) for it, whose cache is rebuilt only after all
# packages of a run are set up: too late for ours, which needs the library while it is set up itself.
os.environ.setdefault("LIBARCHIVE", "libarchive.so.13")
