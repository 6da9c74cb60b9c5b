"""Compiles the catalogues of mail and pages and, where HOLDGATE_COMPILE is set, some modules and two written in C.

The package is built so. Without it, the modules run as they are, and expat and hashlib do what those in C do. See
docs/decisions/0007-the-engine-is-compiled.md and 0008-a-scanner-before-expat.md. HOLDGATE_OPTIMIZE is the compiler's
level, 3 by default: level 0 takes a fifth of the time. All else is in setup.cfg.
"""

import os
import runpy
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_py import build_py

# What only loads rules, or runs once a message, is not worth it.
ENGINE = (
    "detect/camelcase",
    "detect/candidates",
    "detect/decode",
    "detect/deobfuscate",
    "detect/detector",
    "detect/figures",
    "detect/forms",
    "detect/keywords",
    "detect/labels",
    "detect/lexicon",
    "detect/naming",
    "detect/normal",
    "detect/obfuscation",
    "detect/reach",
    "detect/scoring",
    "detect/statements",
    "detect/tables",
    "detect/wordset",
    "detect/finders/address",
    "detect/finders/bic",
    "detect/finders/credentials",
    "detect/finders/date",
    "detect/finders/email",
    "detect/finders/finder",
    "detect/finders/mrz",
    "detect/finders/network",
    "detect/finders/password",
    "detect/finders/person",
    "detect/finders/phone",
    "detect/finders/series",
    "detect/finders/track",
    "extract/budget",
    "extract/readers/archives/zip_package",
    "extract/readers/office/biff",
    "extract/readers/office/compound",
    "extract/readers/office/excel",
    "extract/readers/office/excel_records",
    "extract/readers/office/excel_workbook",
    "extract/readers/office/mapi",
    "extract/readers/office/msg",
    "extract/readers/office/powerpoint",
    "extract/readers/office/property_set",
    "extract/readers/office/rtf",
    "extract/readers/office/rtf_compressed",
    "extract/readers/openxml/number_format",
    "extract/readers/openxml/odf",
    "extract/readers/openxml/office_xml",
    "extract/readers/openxml/ooxml",
    "extract/readers/openxml/ooxml_relations",
    "extract/readers/openxml/ooxml_sheet",
    "extract/readers/openxml/ooxml_text",
    "extract/readers/openxml/revisions",
    "extract/readers/openxml/xlsb",
    "extract/readers/texts/byte_strings",
    "extract/readers/texts/expat",
    "extract/readers/texts/html_scan",
)


def _extensions() -> list[Extension]:
    if not os.environ.get("HOLDGATE_COMPILE"):
        return []
    from mypyc.build import mypycify

    # Types were checked with all libraries in place before; here there are none but mypy.
    os.environ["MYPYPATH"] = "milter"
    options = ["--config-file=", "--explicit-package-bases", "--ignore-missing-imports", "--follow-imports=silent"]
    paths = [f"milter/holdgate/{name}.py" for name in ENGINE]
    level = os.environ.get("HOLDGATE_OPTIMIZE", "3")
    scanner = Extension(
        "holdgate.extract.readers.texts.xml_scan",
        ["milter/holdgate/extract/readers/texts/xml_scan.c"],
        depends=[
            "milter/holdgate/extract/readers/texts/xml_text.h",
            "milter/holdgate/extract/readers/texts/xml_cells.h",
        ],
        extra_compile_args=[f"-O{level}", "-Wall", "-Wextra"],
    )
    rounds = Extension(
        "holdgate.extract.readers.office.hash_rounds",
        ["milter/holdgate/extract/readers/office/hash_rounds.c"],
        extra_compile_args=[f"-O{level}", "-Wall", "-Wextra"],
    )
    return [
        scanner,
        rounds,
        *mypycify([*options, *paths], opt_level=level, debug_level="0", group_name="holdgate_engine"),
    ]


class _BuildPy(build_py):
    """Puts each catalogue (.po) beside its source in the form that gettext reads (.mo): a package has no Babel."""

    def run(self) -> None:
        """Do what is always done, then this."""
        super().run()
        if self.editable_mode:
            return  # a checkout reads its sources
        source = Path("milter/holdgate/desk/language")
        compile_catalogue = runpy.run_path(str(source / "catalogue.py"))["compile_catalogue"]
        target = Path(self.build_lib) / "holdgate/desk/language/locale"
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted((source / "locale").glob("*.po")):
            (target / f"{path.stem}.mo").write_bytes(compile_catalogue(path))


setup(ext_modules=_extensions(), cmdclass={"build_py": _BuildPy})
