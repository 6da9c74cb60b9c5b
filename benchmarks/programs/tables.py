# ruff: noqa: E501 (contents of files as they are)
"""Tables and databases: columnar files, spreadsheets with formats, structured text."""

import datetime
import io
import json
import plistlib
import sqlite3
import struct
import tempfile
from pathlib import Path

import fastavro
import h5py
import openpyxl
import pandas
import pyarrow as pa
import pyreadstat
import xlsxwriter
from pyarrow import orc, parquet

from benchmarks.programs.making import CARD, IBAN, LINES, ROWS, SSN, maker

_COLUMNS = {
    "ssn": [SSN, "", None] * 3,
    "card": [CARD, "x", None] * 3,
    "iban": [IBAN, "y", None] * 3,
}


@maker("plain.parquet", "snappy.parquet", "gzip.parquet", "zstd.parquet", "lz4.parquet", "brotli.parquet",
       "nodict.parquet", "delta.parquet", "deltabytes.parquet", "v2.parquet", "nested.parquet", "numbers.parquet",
       "bytesplit.parquet")  # fmt: skip
def parquets(name: str) -> bytes:
    """Write Parquet files in each compression and encoding."""
    kind = name.partition(".")[0]
    table = pa.table(_COLUMNS)
    options: dict[str, object] = {
        "compression": kind if kind in ("snappy", "gzip", "zstd", "lz4", "brotli") else "none"
    }
    if kind == "nodict":
        options |= {"use_dictionary": False, "compression": "snappy"}
    elif kind == "delta":
        options |= {"use_dictionary": False, "column_encoding": dict.fromkeys(_COLUMNS, "DELTA_LENGTH_BYTE_ARRAY")}
    elif kind == "deltabytes":
        options |= {"use_dictionary": False, "column_encoding": dict.fromkeys(_COLUMNS, "DELTA_BYTE_ARRAY")}
    elif kind == "v2":
        options |= {"data_page_version": "2.0", "version": "2.6", "compression": "snappy"}
    elif kind == "nested":
        table = pa.table({"people": [[{"ssn": SSN, "card": CARD}, {"iban": IBAN}]]})
    elif kind in ("numbers", "bytesplit"):
        numbers = {"ssn": [219099999, 536904399], "card": [4111111111111111] * 2, "iban": [IBAN, None]}
        table = pa.table({**numbers, "f": [1.5, 2.5]})
        if kind == "bytesplit":
            options |= {
                "use_dictionary": False,
                "column_encoding": {"card": "DELTA_BINARY_PACKED", "f": "BYTE_STREAM_SPLIT"},
            }
    file = io.BytesIO()
    parquet.write_table(table, file, **options)
    return file.getvalue()


@maker("table.orc", "pandas.feather", "pandas.pkl", "pandas.h5", "pandas.dta", "pandas.html", "pandas.tex",
       "pandas.jsonl", "pandas.md", "pandas-split.json", "stats.sav", "stats.xpt", "stats.por", "records.avro")  # fmt: skip
def frames(name: str) -> bytes:
    """Write a data frame as pandas, pyreadstat and fastavro do."""
    form = name.rpartition(".")[2]
    frame = pandas.DataFrame({key: [value or "" for value in values] for key, values in _COLUMNS.items()})
    file = io.BytesIO()
    if form == "orc":
        orc.write_table(pa.table(_COLUMNS), file)
    elif form == "feather":
        frame.to_feather(file)
    elif form == "pkl":
        frame.to_pickle(file)
    elif form == "dta":
        frame.to_stata(file)
    elif form == "html":
        return str(frame.to_html()).encode()
    elif form == "tex":
        return _latex(frame)
    elif form == "jsonl":
        return str(frame.to_json(orient="records", lines=True)).encode()
    elif form == "json":
        return str(frame.to_json(orient="split")).encode()
    elif form == "md":
        return "\n".join("| " + " | ".join(row) + " |" for row in ROWS).encode()
    elif form == "avro":
        fields = [{"name": key, "type": "string"} for key in _COLUMNS]
        fastavro.writer(
            file, {"type": "record", "name": "a", "fields": fields}, frame.to_dict("records"), codec="deflate"
        )
    else:
        return _by_name(frame, name)
    return file.getvalue()


def _latex(frame: pandas.DataFrame) -> bytes:
    rows = "\n".join(" & ".join(row) + r" \\" for row in frame.to_numpy().tolist())
    return (r"\begin{tabular}{lll}" + "\nssn & card & iban \\\\\n" + rows + "\n\\end{tabular}\n").encode()


def _by_name(frame: pandas.DataFrame, name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        if name.endswith(".h5"):
            with h5py.File(path, "w") as file:
                for key, values in _COLUMNS.items():
                    file.create_dataset(key, data=[value or "" for value in values], compression="gzip")
        else:
            writers = {"sav": pyreadstat.write_sav, "xpt": pyreadstat.write_xport, "por": pyreadstat.write_por}
            writers[name.rpartition(".")[2]](frame, path)
        return path.read_bytes()


@maker("format-ssn.xlsx", "format-phone.xlsx", "format-text.xlsx", "three-cells.xlsx", "three-cells-numbers.xlsx",
       "formula.xlsx", "rich.xlsx", "note.xlsx", "textbox.xlsx", "validation.xlsx", "header.xlsx", "name.xlsx",
       "chart.xlsx", "constant.xlsx", "hyperlink.xlsx", "conditional.xlsx")  # fmt: skip
def sheets(name: str) -> bytes:
    """Write numbers in all forms of a sheet: by a format, across cells, in formulas, notes, boxes and rules."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "constant_memory": name.startswith("constant")})
    sheet = book.add_worksheet("Staff")
    kind = name.partition(".")[0]
    if kind == "format-ssn":
        form = book.add_format({"num_format": "000-00-0000"})
        sheet.write("A1", "Social security number")
        for row, number in enumerate((219099999, 536904399, 78051120), 1):
            sheet.write_number(row, 0, number, form)
        sheet.write("B1", "Card")
        sheet.write_number("B2", 4111111111111110, book.add_format({"num_format": "0000 0000 0000 0000"}))
        sheet.write("B3", CARD)
        sheet.write("C2", f"IBAN {IBAN}")
    elif kind == "format-phone":
        form = book.add_format({"num_format": "[<=9999999]###-####;(###) ###-####"})
        sheet.write("A1", "Phone")
        sheet.write_number("A2", 4155550132, form)
        _lines(sheet)
    elif kind == "format-text":
        sheet.write("A1", "Card")
        sheet.write_string("A2", CARD, book.add_format({"num_format": "@"}))
        _lines(sheet)
    elif kind.startswith("three-cells"):
        numbers = "numbers" in kind
        sheet.write_row("A1", ["SSN"])
        sheet.write_row("A2", [536, 90, 4399] if numbers else SSN.split("-"))
        sheet.write_row("A4", ["Card"])
        sheet.write_row("A5", [int(part) for part in CARD.split()] if numbers else CARD.split())
        sheet.write("A7", f"IBAN {IBAN}")
    elif kind == "formula":
        for row, line in enumerate(LINES):
            sheet.write_formula(row, 0, f'=CONCATENATE("{line[:20]}","{line[20:]}")', None, line)
    elif kind == "rich":
        bold = book.add_format({"bold": True})
        for row, line in enumerate(LINES):
            sheet.write_rich_string(row, 0, line[:27], bold, line[27:29], line[29:] + " ")
    elif kind == "note":
        sheet.write_comment("A1", "\n".join(LINES))
    elif kind == "textbox":
        sheet.insert_textbox("A1", "\n".join(LINES))
    elif kind == "validation":
        sheet.data_validation(
            "A1", {"validate": "list", "source": [SSN, CARD, IBAN], "input_message": "\n".join(LINES)}
        )
    elif kind == "header":
        sheet.set_header("&L" + " ".join(LINES))
    elif kind == "name":
        for number, line in enumerate(LINES):
            book.define_name(f"line_{number}", f'="{line}"')
    elif kind == "chart":
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=Staff!$A$1:$A$2", "name": LINES[0]})
        chart.set_title({"name": LINES[1]})
        chart.set_x_axis({"name": LINES[2]})
        sheet.insert_chart("C1", chart)
    elif kind == "hyperlink":
        for row, line in enumerate(LINES):
            sheet.write_url(row, 0, "https://partner.example/", string="here", tip=line)
    elif kind == "conditional":
        for row, line in enumerate(LINES):
            rule = {"type": "text", "criteria": "containing", "value": line, "format": book.add_format({"bold": True})}
            sheet.conditional_format(row, 0, row, 0, rule)
    else:
        _lines(sheet)
    book.close()
    return file.getvalue()


def _lines(sheet: "xlsxwriter.worksheet.Worksheet") -> None:
    for row, line in enumerate(LINES, 3):
        sheet.write(row, 0, line)


@maker("openpyxl.xlsx", "openpyxl-readonly.xlsx", "three-cells-ssn-text.xlsx", "dates.xlsx", "hidden.xlsx")
def openpyxls(name: str) -> bytes:
    """Write a workbook with openpyxl."""
    book = openpyxl.Workbook(write_only="readonly" in name)
    sheet = book.create_sheet("a") if "readonly" in name else book.active
    if "three" in name:
        sheet.append(["Social Security Number", None, None])
        sheet.append(["219", "09", "9999"])
        sheet.append(["x"])
        sheet.append([f"{LINES[1]}; {LINES[2]}"])
    else:
        for row in ROWS:
            sheet.append(row)
    if name.startswith("hidden"):
        sheet.sheet_state = "veryHidden"
        book.create_sheet("b").append(["words"])
    if name.startswith("dates"):
        sheet.append([datetime.date(2026, 1, 1)])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@maker("table.plist", "binary.plist", "nested.json", "lines.ndjson", "keys.json", "deep.xml", "attributes.xml", "keys.yaml",
       "keys.toml", "keys.ini", "insert.sql", "dump.sql", "escaped.json", "table.bson", "blob.db", "wide.tsv",
       "utf16.csv", "semicolon.csv", "three.csv", "quoted.csv", "fixed.prn", "table.dif", "table.slk")  # fmt: skip
def structured(name: str) -> bytes:
    """Write structured text as programs do, and a few binary forms of it."""
    fields = {"socialSecurityNumber": SSN, "creditCardNumber": CARD.replace(" ", ""), "iban": IBAN.replace(" ", "")}
    kind, _, form = name.partition(".")
    if form == "plist":
        return plistlib.dumps(fields, fmt=plistlib.FMT_BINARY if kind == "binary" else plistlib.FMT_XML)
    if name == "nested.json":
        return json.dumps({"customers": [{"person": fields}]}, indent=1).encode()
    if name == "lines.ndjson":
        return (json.dumps({"SSN": 219099999, "card": 4111111111111111, "iban": IBAN}) + "\n").encode() * 3
    if name == "escaped.json":
        return json.dumps({"body": json.dumps(fields)}).replace("-", "\\u002d").encode()
    if name == "keys.json":
        return json.dumps(fields, separators=(",", ":")).encode()
    if name == "deep.xml":
        inner = "".join(f"<{key}><value>{value}</value></{key}>" for key, value in fields.items())
        return f"<?xml version='1.0'?><a><b>{inner}</b></a>".encode()
    if name == "attributes.xml":
        inner = " ".join(f'{key}="{value}"' for key, value in fields.items())
        return f"<?xml version='1.0'?><a><person {inner}/></a>".encode()
    if form in ("yaml", "toml", "ini"):
        sign = ": " if form == "yaml" else " = "
        return (
            "[a]\n" * (form != "yaml") + "\n".join(f"{key}{sign}'{value}'" for key, value in fields.items())
        ).encode()
    if form == "sql":
        values = ", ".join(f"'{value}'" for value in fields.values())
        names = f" ({', '.join(fields)})" if kind == "insert" else ""
        return f"CREATE TABLE a ({', '.join(fields)});\nINSERT INTO a{names} VALUES ({values});\n".encode()
    if form == "bson":
        elements = b"".join(
            b"\2" + key.encode() + b"\0" + struct.pack("<i", len(value) + 1) + value.encode() + b"\0"
            for key, value in fields.items()
        )
        return struct.pack("<i", len(elements) + 5) + elements + b"\0"
    if form == "db":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "a.db")
            with sqlite3.connect(path) as base:
                base.execute("CREATE TABLE a (socialSecurityNumber INTEGER, creditCardNumber INTEGER, iban BLOB)")
                base.execute("INSERT INTO a VALUES (219099999, 4111111111111111, ?)", (IBAN.encode("utf-16-le"),))
            base.close()
            return path.read_bytes()
    return _plain(name)


def _plain(name: str) -> bytes:
    kind, _, form = name.partition(".")
    if name == "fixed.prn":
        return "\n".join("".join(cell.ljust(30) for cell in row) for row in ROWS).encode()
    if form == "dif":
        cells = "".join(f'1,0\n"{cell}"\n' for row in ROWS for cell in row)
        return (
            f'TABLE\n0,1\n"a"\nVECTORS\n0,4\n""\nTUPLES\n0,2\n""\nDATA\n0,0\n""\n-1,0\nBOT\n{cells}-1,0\nEOD\n'.encode()
        )
    if form == "slk":
        cells = "".join(f'C;X{x};Y{y};K"{cell}"\n' for y, row in enumerate(ROWS, 1) for x, cell in enumerate(row, 1))
        return f"ID;PWXL;N;E\n{cells}E\n".encode()
    if kind == "three":
        return f"SSN,,,\n{','.join(SSN.split('-'))},\n,,,\nCard,,,\n{','.join(CARD.split())}\n,,,\nIBAN {IBAN},,,\n".encode()
    if kind == "quoted":
        return "\n".join(",".join(f'"{cell}"' for cell in row) for row in ROWS).encode()
    joiner = {"wide": "\t", "utf16": ",", "semicolon": ";"}[kind]
    text = "\r\n".join(joiner.join(row) for row in ROWS)
    return text.encode("utf-16" if kind == "utf16" else "cp1252")
