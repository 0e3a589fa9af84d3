"""Blocks: pieces that messages share, with parameters, in each other, never in a circle."""

import pytest

from tactful.messages import engine
from tactful.messages.blocks import Block
from tactful.messages.template import TemplateError, check_template
from tests.messages.scene import mail, message, mistakes

HEADER = "parameters: {title: Hello, link: null}\nhtml: <h1>{{ title }}</h1><a href='{{ link }}'>{{ profile.name }}</a>\ntext: '{{ title }}!'\n"


def test_a_block_sees_its_parameters_and_what_the_message_sees() -> None:
    text = "subject: x\nhtml: |\n  {% block 'header', link: profile.site, title: 'A <b>' %}\n"
    html = mail(text, {"profile": {"name": "<Ada>", "site": "https://a.example/?a=1&b"}}, header=HEADER).html
    assert html == "<h1>A <b></h1><a href='https://a.example/?a=1&amp;b'>&lt;Ada&gt;</a>\n"


def test_defaults_and_parts() -> None:
    found = mail(
        "subject: x\nhtml: '{% block \"header\", link: 1 %}'\ntext: '{% block \"header\", link: 1 %}'\n", header=HEADER
    )
    assert (found.html[:14], found.text) == ("<h1>Hello</h1>", "Hello!")


def test_what_a_block_assigns_is_gone_behind_it_and_it_sees_nothing_of_its_surroundings() -> None:
    one = "html: '{% assign x = 1 %}{{ x }}{{ y }}'\n"
    assert mail("subject: x\nhtml: '{% assign y = 2 %}{% block \"one\" %}[{{ x }}]'\n", one=one).html == "1[]"


def test_blocks_within_blocks_and_loops() -> None:
    inner = "parameters: {item: null}\nhtml: '<li>{{ item }}</li>'\n"
    outer = "parameters: {items: null}\nhtml: '<ul>{% for one in items %}{% block \"inner\", item: one %}{% endfor %}</ul>'\n"
    text = "subject: x\nhtml: '{% block \"outer\", items: profile.list %}'\n"
    assert (
        mail(text, {"profile": {"list": ["a", "<"]}}, inner=inner, outer=outer).html
        == "<ul><li>a</li><li>&lt;</li></ul>"
    )
    assert [one.name for one in message(text, inner=inner, outer=outer).blocks] == ["inner", "outer"]


def test_conditions_around_blocks() -> None:
    text = "subject: x\nhtml: '{% if segment.regulars %}{% block \"vip\" %}{% else %}-{% endif %}'\n"
    assert mail(text, {"segments": ["regulars"]}, vip="html: VIP\n").html == "VIP"
    assert mail(text, {"segments": []}, vip="html: VIP\n").html == "-"


@pytest.mark.parametrize(
    ("text", "blocks", "said"),
    [
        (
            "subject: x\nhtml: |\n  <p>\n  {% block 'haeder' %}\n",
            {"header": HEADER},
            'messages/m.yaml:4:3: there is no block "haeder" / did you mean "header"?',
        ),
        (
            "subject: x\nhtml: |\n  {% block 'header', lnik: 1, link: 2 %}\n",
            {"header": HEADER},
            'messages/m.yaml:3:3: the template cannot be used: line 1: the block "header" has no parameter lnik / ',
        ),
        (
            "subject: x\nhtml: |\n  {% block 'header' %}\n",
            {"header": HEADER},
            'messages/m.yaml:3:3: the template cannot be used: line 1: the block "header" needs link: / ',
        ),
        (
            "subject: '{% block \"a\" %}'\ntext: x\n",
            {"a": "html: x\n"},
            'messages/m.yaml:1:11: the block "a" has no text: / add text: to blocks/a.yaml',
        ),
        (
            "subject: x\nhtml: '{% block \"a\" %}'\n",
            {"a": "html: '{% block \"b\" %}'\n", "b": "html: '{% block \"a\" %}'\n"},
            "messages/m.yaml:2:8: blocks go round in a circle: a → b → a / write one of them without the other",
        ),
        (
            "subject: x\nhtml: '{% block \"a\" %}'\n",
            {"a": "html: '{% block \"b\" %}'\n"},
            'messages/m.yaml:2:8: there is no block "b" (through a) / add blocks/b.yaml',
        ),
        ("subject: x\ntext: y\n", {"a": "description: x\n"}, "blocks/a.yaml:1:1: the block is empty / write one of html, mjml, text, amp"),
        (
            "subject: x\ntext: y\n",
            {"a": "html: '{% if %}'\n"},
            "blocks/a.yaml:1:8: the template cannot be used: line 1: missing expression / ",
        ),
        (
            "subject: x\nhtml: '{% block name %}'\n",
            {},
            'messages/m.yaml:2:8: the template cannot be used: line 1: a block is called by its name: {% block "header" %} / ',
        ),
    ],
)  # fmt: skip
def test_mistakes(text: str, blocks: dict[str, str], said: str) -> None:
    assert mistakes(text, **blocks) == [said]


def test_too_deep() -> None:
    blocks = {f"b{number}": f"html: '{{% block \"b{number + 1}\" %}}'\n" for number in range(9)} | {"b9": "html: x\n"}
    (said,) = mistakes("subject: x\nhtml: '{% block \"b0\" %}'\n", **blocks)
    assert "blocks stand in each other more than 8 deep" in said


def test_a_mistake_within_a_block_says_so() -> None:
    with pytest.raises(TemplateError, match=r'html: block "a": line 2: '):
        mail(
            "subject: x\nhtml: '{% block \"a\" %}'\n",
            {"profile": {"n": 0}},
            a="html: |\n  x\n  {{ 1 | divided_by: profile.n }}\n",
        )


def test_a_bomb_of_blocks_ends_by_counting() -> None:
    chain = [Block(f"b{number}", html=f"{{% block 'b{number + 1}' %}}" * 20 + "x" * 100) for number in range(7)]
    blocks = (*chain, Block("b7", html="x" * 1000))
    said = check_template("{% block 'b0' %}", part="html", blocks=blocks)
    assert said is not None
    assert "too much work" in said or "output stream limit" in said


def test_work_of_blocks_counts_for_the_message() -> None:
    block = Block("b", html="{% for i in (1..100) %}{% endfor %}")
    said = check_template("{% block 'b' %}" * (engine.ITERATIONS // 100 + 1), part="html", blocks=(block,))
    assert said is not None
    assert "loops more than" in said


def test_a_confirmation_may_use_blocks_that_say_no_more_than_it_may() -> None:
    text = "confirms: p\nsubject: x\nhtml: '{% block \"b\", link: confirm_url %}{{ confirm_url }}'\n"
    good = "parameters: {link: null}\nhtml: '<a href=\"{{ link }}\">{{ workspace.name }}</a>'\n"
    assert mail(text, {"workspace": {"name": "S"}}, "https://c.example/1", b=good).html.startswith("<a href")
    (said,) = mistakes(text, b="parameters: {link: null}\nhtml: '{{ profile.name }}{{ link }}'\n")
    assert "profile.name is not to be had here" in said
