"""Loads what readers otherwise load on first use, because a confined worker cannot open files."""

import codecs
import contextlib
import encodings.aliases
import importlib
import pkgutil

import msoffcrypto
import PIL.Image

from holdgate.extract import readers

# What readers, msoffcrypto-tool, cryptography and expat import during their work.
_LATE = (
    "cryptography.hazmat.backends.openssl.backend",
    "cryptography.hazmat.primitives.ciphers",
    "xml.dom.expatbuilder",
)


def preload() -> None:
    """Import every reader and every text encoding, and what the libraries load on first use."""
    for package in (readers, msoffcrypto):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for name in _LATE:
        importlib.import_module(name)
    for module in pkgutil.iter_modules(encodings.__path__):
        with contextlib.suppress(ImportError):  # encodings of other systems, such as mbcs
            importlib.import_module(f"{encodings.__name__}.{module.name}")
    for encoding in set(encodings.aliases.aliases.values()):
        with contextlib.suppress(LookupError):
            codecs.lookup(encoding)
    PIL.Image.init()
