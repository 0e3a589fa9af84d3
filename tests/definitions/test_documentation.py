"""What docs/ shows is what is read, and every example says what both engines say."""

import re
from pathlib import Path

import pytest

from tactful.kernel.definitions import read_project, vocabulary_of
from tactful.language.check import check
from tactful.language.mistakes import Mistake, definition_error
from tactful.language.names import FUNCTIONS, OPTIONS
from tactful.messages.template import check_template
from tactful.operations.definitions.project import load
from tactful.operations.evaluation.cases import Engine, read_cases
from tactful.operations.evaluation.cases import differences as case_differences
from tactful.operations.evaluation.evaluate_lines import Question
from tactful.operations.messages.rehearsing import rehearse
from tactful.values import parse_time
from tests.definitions.examples import Example, differences, read_example
from tests.definitions.shop_histories import IN_OUT
from tests.parity.batches import ENGINES

SHOP = Path("examples/shop")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", Path("docs", page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def files(page: str) -> dict[str, str]:
    """The definitions that a page shows; the first line of each says where it stands."""
    return {block.split("\n", 1)[0].removeprefix("# "): block for block in blocks(page, "yaml")}


def check_example(example: Example, project: dict[str, str], engine: Engine) -> None:
    texts = {said.text: said.text for _, group in example.checks for said in group}
    answers = engine(Question(texts, project), example.lines, [at for at, _ in example.checks])
    for at, group in example.checks:
        for said in group:
            found = {person: answer.value for person, answer in answers[at][said.text].items()}
            assert differences(said.values, found) == {}, said.text


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize(
    "text", blocks("language.md", "example"), ids=lambda text: text.split("→")[0].split("\n")[-1].strip()
)
def test_every_example_is_true(text: str, engine: Engine) -> None:
    check_example(read_example(text), files("language.md"), engine)


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("segment", IN_OUT)
def test_the_segments_of_the_shop(segment: str, engine: Engine) -> None:
    asked = re.sub(r"^(?=\S+ (?:true|false)\b)", f'segment("{segment}") → ', IN_OUT[segment], flags=re.MULTILINE)
    check_example(read_example(asked), load(SHOP), engine)


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_what_is_shown_of_eval(engine: Engine) -> None:
    (lines,) = blocks("language.md", "jsonl")
    instant = parse_time("2025-03-02T00:00:00Z") or 0
    asked = {"both": 'segment("buyers") and percentile("spend_90d") >= 80 and score("will_return") > 0.5'}
    answers = engine(Question(asked, files("language.md")), lines.encode().splitlines(), [instant])
    assert answers[instant]["both"]["ada"].value is True
    (shown,) = blocks("language.md", "json")
    (case,) = read_cases(shown.encode(), "docs/language.md")
    assert list(case_differences(case, engine, Question({}))) == []


def test_every_segment_of_the_shop_has_a_history() -> None:
    assert {path.stem for path in (SHOP / "segments").glob("*.yaml")} == set(IN_OUT)


def test_the_questions_of_a_shop_are_its_segments() -> None:
    """The table in docs/language.md says what the files say."""
    page = Path("docs/language.md").read_text(encoding="utf-8")
    table = page.split("## Questions of a shop")[1].split("\n## ")[0]
    shown = re.findall(r"^\| .* \| `(.*)` \|$", table, re.MULTILINE)
    project = read_project(load(SHOP))
    vocabulary = vocabulary_of(project)
    asked = {segment.when.canonical for segment in project.segments.values()}
    assert len(shown) == 12
    assert [text for text in shown if check(text, vocabulary=vocabulary).canonical not in asked] == []


def test_every_expression_shown_is_understood() -> None:
    for block in blocks("language.md", "expression"):
        assert check(block).warnings == ()


def test_every_function_has_an_example() -> None:
    shown = "".join(blocks("language.md", "example"))
    assert [name for name in FUNCTIONS if f"{name}(" not in shown] == []
    assert [name for name in OPTIONS if f"{name}=" not in shown] == []


def said(text: str) -> str:
    """What `tactful eval` says of an expression."""
    try:
        return "".join(f"warning: {remark.message}\n    {remark.hint}\n" for remark in check(text).warnings)
    except Mistake as mistake:
        return f"{definition_error(mistake, text)}\n"


@pytest.mark.parametrize("block", blocks("language.md", "mistake"))
def test_what_is_said_about_mistakes(block: str) -> None:
    text, _, shown = block.partition("\n\n")
    assert said(text) == shown


def test_every_definition_shown_is_read() -> None:
    shown = files("definitions.md")
    assert {path.split("/")[0] for path in shown} >= {"segments", "journeys", "messages", "events", "collections"}
    project = read_project(shown, check_template)
    assert project.warnings == ()
    assert project.journeys["cart_reminder"].start.where is not None


def test_the_messages_shown_are_read() -> None:
    shown = files("messages.md")
    project = read_project(shown, check_template, is_strict=False)
    reminder = project.messages["cart_reminder"]
    assert [one.name for one in reminder.blocks] == ["header"]
    assert {one.path[1] for one in reminder.sees} >= {"items", "value", "lines"}
    assert rehearse(project, shown, "https://shop.example").problems == ()


def test_the_journeys_shown_are_read() -> None:
    """With stand-ins for the messages and segments that the page does not show."""
    shown = files("journeys.md")
    beside = {
        "messages/cart_reminder.yaml": "subject: x\nhtml: y\ntext: z\n",
        "messages/last_call.yaml": "channel: sms\ntext: x\n",
        "segments/cart_in_hand.yaml": 'when: any("Product Added", last="1d")\n',
    }
    project = read_project(shown | beside, check_template)
    assert project.warnings == ()
    assert set(project.journeys) == {path.split("/")[1].removesuffix(".yaml") for path in shown}
