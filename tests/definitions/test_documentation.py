"""What docs/ shows is what is read."""

import re
from pathlib import Path

from tactful.kernel.definitions import read_project
from tactful.language.check import check
from tactful.messages.template import check_template


def blocks(page: str, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", Path("docs", page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def test_every_expression_shown_is_understood() -> None:
    lines = [line for block in blocks("expressions.md", "expression") for line in block.splitlines()]
    assert len(lines) > 10
    for line in lines:
        assert check(line).warnings == ()


def test_every_definition_shown_is_read() -> None:
    segment, cart, hook, message = blocks("definitions.md", "yaml")
    files = {
        "segments/recent_buyers.yaml": segment,
        "journeys/cart.yaml": cart,
        "journeys/hook.yaml": hook,
        "messages/cart_reminder.yaml": message,
    }
    project = read_project(files, check_template)
    assert project.warnings == ()
    assert project.journeys["cart"].start.where is not None
