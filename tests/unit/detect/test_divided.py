"""Numbers that a file divides into several fields, and escaped texts, with near misses: figures that look like them."""

import json
from collections.abc import Callable

import pytest

from holdgate.detect import Confidence, Detector
from holdgate.extract.extractor import extract_file

PARTS = {
    "us-ssn": ("ssn", ["219", "09", "9999"]),
    "payment-card": ("card_number", ["4111", "1111", "1111", "1111"]),
    "iban": ("iban", ["GB82", "WEST", "1234", "5698", "7654", "32"]),
    "gb-nino": ("national_insurance_number", ["AB", "12", "34", "56", "C"]),
}


@pytest.fixture(scope="module")
def detector(detector: Detector) -> Detector:
    return detector.with_profile("dlp-pii")


def found(detector: Detector, name: str, text: str) -> set[str]:
    extraction = extract_file(name, text.encode())
    return {
        match.identifier
        for part in extraction.parts
        for match in detector.find(part.text, part.places)
        if match.confidence >= Confidence.MEDIUM
    }


def numbered(key: str, parts: list[str]) -> dict[str, str]:
    return {f"{key}{number}": part for number, part in enumerate(parts, 1)}


def inputs(key: str, parts: list[str]) -> str:
    fields = "".join(f'<input name="{k}" value="{v}" maxlength=4>' for k, v in numbered(key, parts).items())
    return f"<form>{fields}</form>"


WRITERS: dict[str, Callable[[str, list[str]], str]] = {
    "array.json": lambda key, parts: json.dumps({key: parts}),
    "fields.json": lambda key, parts: json.dumps(numbered(key, parts)),
    "record.json": lambda key, parts: json.dumps({key: dict(zip("abcdef", parts, strict=False))}, indent=1),
    "siblings.xml": lambda key, parts: (
        "<?xml version='1.0'?><a>" + "".join(f"<{k}>{v}</{k}>" for k, v in numbered(key, parts).items()) + "</a>"
    ),
    "children.xml": lambda key, parts: (
        f"<?xml version='1.0'?><a><{key}>{''.join(f'<part>{part}</part>' for part in parts)}</{key}></a>"
    ),
    "form.html": inputs,
    "labels.html": lambda key, parts: (
        f"<form><label>{key.replace('_', ' ')}</label>{' - '.join(f'<input value={part}>' for part in parts)}</form>"
    ),
    "columns.csv": lambda key, parts: ",".join(numbered(key, parts)) + "\n" + ",".join(parts) + "\n",
    "columns_.csv": lambda key, parts: ",".join(numbered(f"{key}_", parts)) + "\n" + ",".join(parts) + "\n",
    "insert.sql": lambda key, parts: (
        f"INSERT INTO t ({', '.join(numbered(key, parts))}) VALUES ({', '.join(map(repr, parts))});"
    ),
    "list.yaml": lambda key, parts: f"{key}:\n" + "\n".join(f"  - '{part}'" for part in parts),
    "lines.ini": lambda key, parts: "\n".join(f"{k}={v}" for k, v in numbered(key, parts).items()),
    "query.txt": lambda key, parts: "&".join(f"{k}={v}" for k, v in numbered(key, parts).items()),
}


@pytest.mark.parametrize("identifier", PARTS)
@pytest.mark.parametrize("name", WRITERS)
def test_a_number_in_several_fields_is_found(detector: Detector, name: str, identifier: str) -> None:
    assert identifier in found(detector, name, WRITERS[name](*PARTS[identifier]))


@pytest.mark.parametrize("key", ["quantity", "position", "date", "count", "size"])
@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("parts", [["219", "09", "9999"], ["12", "31", "2025"], ["52", "31", "13", "24"]])
def test_other_fields_are_not_joined_to_a_number(detector: Detector, name: str, key: str, parts: list[str]) -> None:
    assert found(detector, name, WRITERS[name](key, parts)) == set()


ESCAPED = {
    "key.json": '{{"\\t{key}": "{value}"}}',
    "value.json": '{{"{key}": "\\n{value}\\n"}}',
    "lines.json": '{{"text": "hello\\r\\n{key}\\r\\n{value}\\r\\nbye"}}',
    "cells.json": '{{"text": "name\\t{key}\\t{value}\\tbye"}}',
    "script.js": "var a = '\\t{key}\\x20{value}\\n';",
    "insert.sql": "INSERT INTO t VALUES (E'a\\n{key}\\t{value}\\r\\n');",
    "body.csv": 'id,body\n1,"{{""\\t{key}"": ""{value}""}}"\n',
    "twice.log": '2026-11-29 INFO "{{\\\\\\"\\\\t{key}\\\\\\":\\\\\\"\\\\t{value}\\\\\\"}}"',
    "bytes.txt": "[b'\\t{key}\\t{value}\\r\\n']",
    "octal.sh": "printf '\\011{key}\\011{value}\\012'",
}
VALUES = {
    "us-ssn": ("ssn", "219099999"),
    "payment-card": ("card number", "4111111111111111"),
    "iban": ("iban", "GB82WEST12345698765432"),
    "gb-nino": ("National Insurance", "AB123456C"),
    "de-tax-id": ("Steuer-ID", "86095742719"),
}


@pytest.mark.parametrize("identifier", VALUES)
@pytest.mark.parametrize("name", ESCAPED)
def test_an_escape_before_a_label_or_a_number_is_white_space(detector: Detector, name: str, identifier: str) -> None:
    key, value = VALUES[identifier]
    assert identifier in found(detector, name, ESCAPED[name].format(key=key, value=value))


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_json_in_json_is_read_at_each_level(detector: Detector, levels: int) -> None:
    text = "hello\nssn\t219099999\nbye"
    for _ in range(levels):
        text = json.dumps({"message": text})
    assert found(detector, "a.json", text) == {"us-ssn"}


@pytest.mark.parametrize(
    "text",
    [
        r"C:\new\report\tax\2190999\notes.txt",
        r"\\fileserver\backup\nightly\219099999\root",
        r"\begin{tabular} \textbf{219} \num{099999} \newline \frac{219}{9999}",
        r"\b\d{3}-\d{2}-\d{4}\b",
        r"{\rtf1\ansi\f0\fs22 hello\par}",
    ],
)
def test_paths_and_commands_are_not_numbers(detector: Detector, text: str) -> None:
    assert found(detector, "a.txt", text) == set()
