"""Loads what readers otherwise load on first use: a confined worker can open no file any more."""

import codecs
import contextlib
import encodings.aliases
import importlib
import pkgutil

import chardet
import PIL.Image

from holdgate.extract import readers

# A short text and one of many different letters: they take chardet through each of its tables.
_CHARSET_SAMPLES = ("Grüße aus Köln".encode("cp1252"), bytes(range(128, 256)) * 40)


def preload() -> None:
    """Import every reader and every text encoding, and what Pillow and chardet load on first use."""
    for module in pkgutil.walk_packages(readers.__path__, f"{readers.__name__}."):
        importlib.import_module(module.name)
    for module in pkgutil.iter_modules(encodings.__path__):
        with contextlib.suppress(ImportError):  # encodings of other systems, such as mbcs
            importlib.import_module(f"{encodings.__name__}.{module.name}")
    for encoding in set(encodings.aliases.aliases.values()):
        with contextlib.suppress(LookupError):
            codecs.lookup(encoding)
    PIL.Image.init()
    for sample in _CHARSET_SAMPLES:
        chardet.detect(sample)
