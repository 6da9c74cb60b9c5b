"""Generates the reference page of all identifiers from the rules, so that it cannot become outdated."""

from collections import defaultdict

from holdgate.detect.identifiers import Identifier, Shape
from holdgate.detect.loader import Loaded

_HEAD = """# Identifiers

This page lists what Holdgate can find. `holdgate rules list --markdown` generates it from `rules/identifiers/`. The
sections are countries, by their ISO 3166 code.

| line | meaning |
|---|---|
| Verified | what is checked in addition to the shape: a check digit, or the structure, such as a date in it |
| Evidence | what raises the confidence: a keyword, a pattern or another identifier near the value, a column heading |
| Confidence | for each shape: the confidence without evidence → with evidence; "–": the value is not found |
| Source | the document of the issuer, or the standard |

The shipped profiles act on matches with medium and high confidence, and use low ones only in combinations.
"""


def markdown(loaded: Loaded) -> str:
    """Return the page for the identifiers of a set of rules."""
    regions: dict[str, list[Identifier]] = defaultdict(list)
    for identifier in loaded.identifiers.values():
        regions[identifier.region].append(identifier)
    pieces = [_HEAD]
    for region in sorted(regions, key=lambda name: (name != "global", name)):
        pieces.append(f"\n## {'Everywhere' if region == 'global' else region.upper()}\n")
        pieces.extend(_section(identifier) for identifier in regions[region])
    return "".join(pieces)


def _section(identifier: Identifier) -> str:
    lines = [f"\n### {identifier.id}\n", f"{identifier.description}.\n"]
    checks = "a check digit" if identifier.checksum else "structure"
    validated = identifier.validator or any(shape.validator for shape in identifier.shapes)
    lines.append(f"- Verified: {checks}" if validated else "- Verified: its shape only")
    lines.append(f"- Evidence: {_evidence(identifier)}")
    lines.append(f"- Confidence: {'; '.join(_worth(shape) for shape in identifier.shapes)}")
    lines.append(f"- Source: {'; '.join(identifier.source)}")
    return "\n".join(lines) + "\n"


def _evidence(identifier: Identifier) -> str:
    kinds: list[str] = []
    languages = sorted(identifier.keywords)
    words = sum(map(len, identifier.keywords.values()))
    if words:
        kinds.append(f"{words} keywords ({', '.join(languages)})")
    if identifier.keyword_lists:
        kinds.append(f"the lists {', '.join(identifier.keyword_lists)}")
    if identifier.evidence_patterns:
        kinds.append("a pattern near it")
    if identifier.evidence_identifiers:
        kinds.append(f"{', '.join(identifier.evidence_identifiers)} near it")
    if not kinds:
        return "none needed"
    return f"{'; '.join(kinds)}, up to {identifier.proximity} characters before or {identifier.proximity_after} after"


def _worth(shape: Shape) -> str:
    alone = "–" if shape.without_evidence == "none" else shape.without_evidence
    near = f" with {', '.join(shape.near_identifiers)} in its record" if shape.near_identifiers else ""
    fields = f" (fields: {', '.join(shape.field_lists)})" if shape.field_lists else ""
    return f"{shape.name}{fields}: {alone} → {shape.with_evidence}{near}"
