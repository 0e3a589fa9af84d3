"""Templates mean what Liquid means: the cases of golden-liquid (golden_liquid.json, MIT, see golden_liquid.LICENSE).

They go through the environment that messages are rendered with; those about files (`include`, `render`), which messages
have none of, through the same one with these two tags put back.
"""

import json
from pathlib import Path
from typing import Any

import liquid
import pytest

from tactful.messages import engine
from tactful.messages.template import TemplateError, parse

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "golden_liquid.json").read_text())["tests"]
KNOWN = {
    # Of both, one asks that the rest of `when` be passed over and one that it be refused; what is silently passed over
    # helps nobody who writes a mail.
    "tags, case, unexpected when token",
    # A comment that is never closed, to Ruby's lexer; it is closed for a reader.
    "tags, comment, incomplete tags are not parsed",
}
FILES = {"include tag", "render tag"}


def rendered(case: dict[str, Any]) -> str:
    data = case.get("data") or {}
    if not FILES.isdisjoint(case.get("tags", [])) or case.get("templates"):
        return with_files(case).from_string(case["template"]).render(**data)
    return parse(case["template"], html=False).render(data, 0)


def with_files(case: dict[str, Any]) -> liquid.Environment:
    environment = engine.Environment(loader=liquid.DictLoader(case.get("templates") or {}))
    environment.add_filter("date", engine.environment(html=False).filters["date"])
    return environment


@pytest.mark.parametrize("number", range(len(CASES)))
def test_golden(number: int) -> None:
    case = CASES[number]
    try:
        made = rendered(case)
    except (TemplateError, liquid.exceptions.LiquidError) as error:
        made = f"refused: {error}"
        is_right = bool(case.get("invalid"))
    else:
        is_right = not case.get("invalid") and made in (case.get("results") or [case["result"]])
    assert is_right is (case["name"] not in KNOWN), (case, made)


def test_how_many_there_are() -> None:
    assert len(CASES) == 1054
    assert len(KNOWN) <= 6
    assert {case["name"] for case in CASES} >= KNOWN
