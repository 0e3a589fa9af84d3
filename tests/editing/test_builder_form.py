"""The builder's page: what is shown is what is sent, so that a form that nobody touches writes the same condition."""

import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest

from tactful.errors import DefinitionError
from tactful.kernel.definitions import read_project, vocabulary_of
from tactful.language.check import check
from tactful.language.vocabulary import EMPTY, Vocabulary
from tactful.operations.definitions.building import Group, Row, Words
from tactful.operations.definitions.building_reading import plain, read
from tactful.operations.definitions.building_text import write
from tactful.web.console import builder_form, conditions
from tactful.web.console.builder_form import Choices, Fields
from tactful.web.console.workshop import Workshop
from tests.editing.served import Installation
from tests.editing.test_building import is_condition, specs
from tests.parity.expressions import Writer
from tests.parity.histories import PURPOSES, SCORES
from tests.parity.projects import files, project

Render = Callable[[Group], str]
NOTHING = Choices(["Product Viewed"], {"Product Viewed": ["category"]}, ["country"], [], [], [], [])


class Form(HTMLParser):
    """The fields that a browser would send."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: Fields = {}
        self._select: tuple[str, list[str], list[str]] | None = None
        self._area: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "input" and "name" in given:
            self.fields.setdefault(given["name"], []).append(given.get("value", ""))
        elif tag == "select":
            self._select = given["name"], [], []
        elif tag == "option" and self._select is not None:
            self._select[1].append(given["value"])
            if "selected" in given:
                self._select[2].append(given["value"])
        elif tag == "textarea":
            self._area = given["name"], []

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._select is not None:
            name, all_, chosen = self._select
            assert len(chosen) <= 1, f"{name} has two choices"
            self.fields.setdefault(name, []).append((chosen or all_)[0])
            self._select = None
        elif tag == "textarea" and self._area is not None:
            self.fields.setdefault(self._area[0], []).append("".join(self._area[1]))
            self._area = None


@pytest.fixture(scope="module")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    shop = Path(shutil.copytree("examples/shop", tmp_path_factory.mktemp("project") / "shop"))
    console = Installation(shop).console("")
    conditions.routes(console, Workshop(console))
    template = console.templates.get_template("segments/builder.html")

    def rendered(rows: Group) -> str:
        around = {"visitor": SimpleNamespace(csrf=""), "query": {}, "when": "", "told": {"unfinished": []}}
        return template.render(rows=rows, choices=NOTHING, **around)

    return rendered


def sent(page: str) -> Fields:
    form = Form()
    form.feed(page)
    return form.fields


def unchanged(render: Render, text: str, vocabulary: Vocabulary = EMPTY) -> None:
    rows = read(text, vocabulary)
    again = builder_form.group(sent(render(rows)))
    assert builder_form.unfinished(again) == [], text
    written = write(again)
    before, after = (plain(check(one, vocabulary=vocabulary).tree) for one in (text, written))
    assert after == before, (text, written)


def test_every_condition_of_the_specs(render: Render) -> None:
    for text, vocabulary in specs():
        if is_condition(text, vocabulary):
            unchanged(render, text, vocabulary)


@pytest.mark.parametrize("seed", range(100, 108))
def test_random_conditions(render: Render, seed: int) -> None:
    random, seen = Random(seed), 0
    while not seen:
        drawn = project(random)
        try:
            vocabulary = vocabulary_of(read_project(files(drawn), is_strict=False), is_strict=False)
        except DefinitionError:
            continue
        writer = Writer(random, drawn, SCORES, PURPOSES)
        for _ in range(40):
            text = writer.expression()
            if is_condition(text, vocabulary):
                unchanged(render, text, vocabulary)
                seen += 1


def test_values_that_look_like_html_stay_values(render: Render) -> None:
    unchanged(render, """name == "</select><script>" and any("A", where=x == '"><b onclick=')""")
    page = render(read("""name == "</select><script>alert(1)</script>" """))
    assert "<script>" not in page


BUTTONS: list[tuple[str, str, Group]] = [
    ("vip", "add row p", Group("all", (Row(quantity="field", name="vip"), Row(quantity="any")))),
    ("vip", "add words p", Group("all", (Row(quantity="field", name="vip"), Words("")))),
    ("vip", "add group p", Group("all", (Row(quantity="field", name="vip"), Group("any", (Row(quantity="any"),))))),
    ("vip and not a", "remove p.0", Group("all", (Row(quantity="field", name="a", comparison="false"),))),
    (
        'any("A")',
        "add where p.0.w",
        Group(
            "all",
            (
                Row(
                    quantity="any",
                    events=("A",),
                    where=Group("all", (Row(quantity="field", comparison="=="),)),
                ),
            ),
        ),
    ),
    ('any("A")', "add event p.0", Group("all", (Row(quantity="any", events=("A", builder_form.ANOTHER)),))),
]


@pytest.mark.parametrize(("text", "do", "found"), BUTTONS, ids=[do for _, do, _ in BUTTONS])
def test_what_a_button_does(render: Render, text: str, do: str, found: Group) -> None:
    assert builder_form.group(builder_form.act(sent(render(read(text))), do)) == found


@pytest.mark.parametrize(
    "do", ["remove p", "remove", "remove shown", "add row q", "add row ../p", "rm -rf p", "", "add"]
)
def test_no_button_does_anything_else(render: Render, do: str) -> None:
    fields = sent(render(read("vip")))
    assert builder_form.act(fields, do) == fields


def test_steps_of_a_sequence(render: Render) -> None:
    fields = sent(render(Group("all", (Row(quantity="sequence"),))))
    assert builder_form.unfinished(builder_form.group(fields)) == [
        "Line 1: choose an event for each of two steps or more."
    ]
    fields |= {"p.0.s.0.e": ["A"], "p.0.s.1.e": ["B"]}
    fields = builder_form.act(fields, "add step p.0.s") | {"p.0.s.2.e": ["C"], "p.0.s.2.how": ["not"]}
    assert write(builder_form.group(fields)) == 'sequence("A", "B", not "C")'
