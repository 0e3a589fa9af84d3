"""Templates that would take for ever, in every place where one can stand: refused when they are read, and said where."""

import json
from collections.abc import Callable

import pytest

from tactful.messages import engine
from tactful.messages.blocks import DEEPEST
from tactful.messages.template import SOURCE_CHARS
from tests.messages.scene import mistakes


def written(text: str) -> str:
    """As a text of YAML."""
    return json.dumps(text, ensure_ascii=False)


def field(name: str) -> Callable[[str], str]:
    return lambda bomb: f"subject: x\nhtml: <p>x</p>\n{name}: {written(bomb)}\n"


def mjml(bomb: str) -> str:
    column = f"<mj-section><mj-column><mj-text>{bomb}</mj-text></mj-column></mj-section>"
    return f"subject: x\nmjml: {written(f'<mjml><mj-body>{column}</mj-body></mjml>')}\n"


def html(around: str) -> Callable[[str], str]:
    return lambda bomb: f"subject: x\nhtml: {written(around.replace('BOMB', bomb))}\n"


PLACES: dict[str, Callable[[str], str]] = {
    "subject": lambda bomb: f"subject: {written(bomb)}\nhtml: <p>x</p>\n",
    "preheader": field("preheader"),
    "text": field("text"),
    "amp": field("amp"),
    "html": html("<p>BOMB</p>"),
    "css": html("<html><head><style>BOMB</style></head><body><p>x</p></body></html>"),
    "attribute": html('<a href="https://x.example/BOMB">x</a>'),
    "mjml": mjml,
    "variant": lambda bomb: f"subject: x\nhtml: x\nvariants: [{{name: v, share: 5%, subject: {written(bomb)}}}]\n",
    "translation": lambda bomb: f"subject: x\nhtml: x\ntranslations: {{de: {{html: {written(bomb)}}}}}\n",
    "fetch": lambda bomb: f"subject: x\nhtml: x\nfetch: {{s: {{url: {written(f'https://x.example/{bomb}')}}}}}\n",
    "sms": lambda bomb: f"channel: sms\ntext: {written(bomb)}\n",
    "title": lambda bomb: f"channel: push\ntext: x\ntitle: {written(bomb)}\n",
    "url": lambda bomb: f"channel: push\ntext: x\ntitle: x\nurl: {written(f'https://x.example/{bomb}')}\n",
    "block": lambda bomb: "subject: x\nhtml: '{% block \"bomb\" %}'\n",
}
TOO_MUCH = "too much work"
BOMBS = {
    "loops": ("{% for i in (1..9000) %}{% for j in (1..9000) %}x{% endfor %}{% endfor %}", "loops more than"),
    "a table": (
        "{% tablerow i in (1..10000) %}{% tablerow j in (1..10000) %}{% endtablerow %}{% endtablerow %}",
        "loop",
    ),
    "doubling": ("{% assign s = 'aaaaaaaaaa' %}" + "{% assign s = s | append: s %}" * 40, "too "),
    "squaring": ("{% assign n = 99 %}" + "{% assign n = n | times: n %}" * 60, "too "),
    "a range": ("{{ (1..100000000) | join: ',' }}", f"more than {engine.RANGE_ITEMS} items"),
    "conditions": ("{% if true %}" * 500 + "x" + "{% endif %}" * 500, "nest"),
    "brackets": ("{{ " + "(" * 2000 + "1" + ")" * 2000 + " }}", "line 1"),
    "paths": ("{{ a" + "[a" * 2000 + "]" * 2000 + " }}", "nested too deeply"),
    "alternatives": ("{% if " + " or ".join(["a"] * 5000) + " %}x{% endif %}", "nested too deeply"),
    "filters": ("{{ 'x'" + " | append: 'y'" * 10_000 + " }}", TOO_MUCH),
    "outputs that never end": ("{{ x " * 20_000, "line 1"),
    "tags that never end": ("{% if x " * 20_000, "line 1"),
    "blanks": ("{{" + " " * 60_000 + "}}", "more than 200 blanks"),
    "length": ("x" * (SOURCE_CHARS + 1), f"at most {SOURCE_CHARS} are allowed"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", BOMBS)
def test_it_is_refused(kind: str, place: str) -> None:
    bomb, said = BOMBS[kind]
    found = mistakes(PLACES[place](bomb), **({"bomb": f"html: {written(bomb)}\n"} if place == "block" else {}))
    assert found
    assert said in found[0], found[0][:300]
    assert len(found[0]) < 400
    assert found[0].startswith("blocks/bomb.yaml:1:" if place == "block" else "messages/m.yaml:")


@pytest.mark.parametrize("part", ["html", "mjml", "amp", "text"])
def test_blocks_that_multiply_are_refused_in_every_part(part: str) -> None:
    """Each has twenty of the next: 20 to the seventh of the last."""
    names = [f"b{number}" for number in range(DEEPEST - 1)]
    use = "{% block 'NEXT' %}" * 20
    blocks = {name: f"{part}: {written(use.replace('NEXT', f'b{number + 1}'))}\n" for number, name in enumerate(names)}
    blocks[f"b{DEEPEST - 1}"] = f"{part}: {written('x' * 100)}\n"
    body = "" if part in ("html", "mjml") else "html: <p>x</p>\n"
    (said,) = mistakes(f"subject: x\n{body}{part}: \"{{% block 'b0' %}}\"\n", **blocks)
    assert TOO_MUCH in said or "output stream limit" in said
