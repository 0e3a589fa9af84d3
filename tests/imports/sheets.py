"""Sheets as Excel writes them, cell by cell, so that a test can write what no library would."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

_TYPES = """<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>
<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>
</Types>"""
_RELATIONS = """<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{what}" Target="{target}"/>
{more}</Relationships>"""
_BOOK = """<?xml version="1.0" encoding="UTF-8"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
 xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>{sheets}</sheets></workbook>"""
_STYLES = """<?xml version="1.0" encoding="UTF-8"?>
<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>"""
DAY = 's="1"'
"""A cell whose number is a date."""


def text(said: str) -> str:
    return f'<c t="inlineStr"><is><t>{said}</t></is></c>'


def number(value: float, style: str = "") -> str:
    return f"<c {style}><v>{value}</v></c>"


def formula(said: str, result: str = "", kind: str = "") -> str:
    return f"<c {kind}><f>{said}</f>{f'<v>{result}</v>' if result else ''}</c>"


def write(path: Path, *sheets: Sequence[Sequence[str]]) -> Path:
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("[Content_Types].xml", _TYPES)
        book.writestr("_rels/.rels", _RELATIONS.format(what="officeDocument", target="xl/workbook.xml", more=""))
        more = "".join(
            f'<Relationship Id="rId{place}" Target="worksheets/sheet{place}.xml" '
            'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/>'
            for place in range(2, len(sheets) + 1)
        )
        more += (
            '<Relationship Id="rId99" Target="styles.xml" '
            'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"/>'
        )
        relations = _RELATIONS.format(what="worksheet", target="worksheets/sheet1.xml", more=more)
        book.writestr("xl/_rels/workbook.xml.rels", relations)
        named = "".join(
            f'<sheet name="Sheet {place}" sheetId="{place}" r:id="rId{place}"/>' for place in range(1, len(sheets) + 1)
        )
        book.writestr("xl/workbook.xml", _BOOK.format(sheets=named))
        book.writestr("xl/styles.xml", _STYLES)
        for place, rows in enumerate(sheets, 1):
            cells = "".join(f'<row r="{row}">{"".join(one)}</row>' for row, one in enumerate(rows, 1))
            sheet = f'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{cells}</sheetData></worksheet>'
            book.writestr(f"xl/worksheets/sheet{place}.xml", sheet)
    return path
