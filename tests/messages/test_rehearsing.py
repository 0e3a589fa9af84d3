"""Every message is rendered for sample people: what fails for all is a mistake, what looks odd for some is said."""

import pytest
from msgspec.structs import replace

from tactful.messages.looks import hole
from tactful.messages.samples import Declared, people
from tactful.operations.messages.rehearsing import Coverage, Rehearsal, rehearse
from tests.messages.scene import project

DARK = "@media (prefers-color-scheme: dark) { p { color: white } }"
LINK = '<p><a href="{{ unsubscribe_url }}">No more</a></p>'


def rehearsed(message: str, site: str | None = "", covering: Coverage | None = None) -> Rehearsal:
    definitions = project(message)
    return rehearse(
        definitions, {"messages/m.yaml": message}, site, "Shop", (lambda message: covering) if covering else None
    )  # fmt: skip


def problems(message: str, site: str | None = "") -> list[str]:
    return [f"{one.place.line}: {one.message}" for one in rehearsed(message, site).problems]


def warnings(message: str, covering: Coverage | None = None) -> list[str]:
    return [f"{one.place.line}: {one.message}" for one in rehearsed(message, "", covering).warnings]


def test_a_good_message_says_nothing() -> None:
    text = f"subject: Hi\nhtml: |\n  <p>Hello {{{{ profile.first_name | default: 'you' }}}}</p>{LINK}\n"
    assert rehearsed(text) == Rehearsal()


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("<a href='javascript:x'>x</a>", '2: a link to "javascript:x" is not allowed'),
        ("<a href='/cart'>x</a>", '2: "/cart" leads nowhere in a mail'),
        ("<img src='a.png' alt=''>", '2: "a.png" leads nowhere in a mail'),
        ("{{ 1 | divided_by: 0 }}", "2: it cannot be rendered: html: line 1: divided_by: can't divide by 0"),
    ],
)
def test_mistakes(html: str, said: str) -> None:
    assert problems(f"subject: Hi\nhtml: |\n  <p>x</p>{html}{LINK}\n") == [said]


def test_relative_links_are_fine_where_there_is_a_site() -> None:
    text = f"subject: Hi\nhtml: |\n  <p>x</p><a href='/cart'>x</a>{LINK}\n"
    assert problems(text, "https://shop.example") == []
    assert problems(text, None) == []


def test_mistakes_of_a_variant_and_a_translation_name_it() -> None:
    text = (
        f"subject: Hi\nhtml: |\n  <p>x</p>{LINK}\nvariants:\n  - {{name: bold, share: 5%, html: <a href='javascript:x'>x</a>}}\n"
        "translations: {de: {subject: '{{ 1 | divided_by: 0 }}'}}\n"
    )
    assert problems(text) == [
        '2: the variant "bold": a link to "javascript:x" is not allowed',
        "1: the translation de: it cannot be rendered: subject: line 1: divided_by: can't divide by 0",
    ]
    assert '2: the variant "bold": there is no link to unsubscribe' in warnings(text.replace("javascript:", "https://"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("html: <p>x</p>\n", "2: there is no link to unsubscribe"),
        (
            f"html: |\n  <p>x</p><img src='https://x.example/a'>{LINK}\n",
            "2: a picture has no words for who cannot see it",
        ),
        (f"html: |\n  <p>x</p><a href=''>x</a>{LINK}\n", "2: a link leads nowhere"),
        (
            f"html: |\n  <html><head><style>{DARK}</style></head><body><p>x</p>{LINK}</body></html>\n",
            '2: in dark mode "color: white" has no effect: inlined styles go first',
        ),
        (
            "html: |\n  " + "<p>long</p>" * 10_000 + LINK + "\n",
            "2: the HTML has 107 KB; Gmail cuts a mail off at 102 KB",
        ),
        (
            f"html: |\n  <p>Hello {{{{ profile.first_name }}}}, hi</p>{LINK}\n",
            '1: people without first_name see "Hello , hi"',
        ),
        (
            f"html: |\n  <p>{{% if profile.age > 1 %}}x{{% endif %}}{{{{ 7 | divided_by: profile.age }}}}</p>{LINK}\n",
            "2: people without age cannot get it: html: line 1: divided_by: can't divide by 0",
        ),
    ],
)
def test_remarks(text: str, said: str) -> None:
    assert said in warnings(f"subject: Hi\n{text}")


def test_amp_that_mailboxes_would_refuse() -> None:
    text = f"subject: Hi\nhtml: |\n  <p>x</p>{LINK}\namp: <img src='https://x.example/a'>\n"
    assert "4: AMP: <img> is not allowed; in its place stands amp-img" in problems(text)


def test_people_are_counted_where_there_are_some() -> None:
    text = (
        f"subject: Hi\nhtml: |\n  <p>Hello {{{{ profile.first_name }}}}, hi</p>{LINK}\n"
        "variants: [{name: a, share: 5%, subject: x}, {name: b, if: age > 90, subject: y}]\n"
    )
    some = Coverage(1200, {"": 900, "a": 300, "b": 0}, {"first_name": 31})
    said = warnings(text, some)
    assert '1: people without first_name (31 of 1,200) see "Hello , hi"' in said
    assert '4: nobody matches variant "b" (of 1,200 people)' in said
    assert not any("first_name" in one for one in warnings(text, Coverage(10, {}, {"first_name": 0})))


def test_a_note_is_rehearsed_too() -> None:
    assert warnings("channel: sms\ntext: " + "x" * 500 + "\n") == [
        "2: it has 500 characters, more than three SMS (480)"
    ]  # fmt: skip
    assert problems("channel: sms\ntext: '{{ 1 | divided_by: 0 }}'\n") == [
        "2: it cannot be rendered: text: line 1: divided_by: can't divide by 0"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "is_odd"),
    [
        ("Hello , hi", True), ("Hello, hi", False), ("Hello ,", True), ("It costs ()", True), ('You saw "" lately', True),
        ("Hello", False), ("a - b", False), ("12:30", False), ("Hello!", False), ("Hi !", True), ("", False),
    ],
)  # fmt: skip
def test_a_hole(line: str, is_odd: bool) -> None:
    assert bool(hole(line)) is is_odd


def test_a_sample_has_no_more_than_people_have() -> None:
    """What a collection does not keep of an item would be missing from every mail, and is missing from the sample."""
    text = f"subject: Hi\nhtml: |\n  <p>{{% for item in cart.items %}}{{{{ item.name }}}}{{% endfor %}}</p>{LINK}\n"
    definitions = project(text)
    message = definitions.messages["m"]
    sample = next(people(message, text, Declared(collections=definitions.collections)))
    assert [set(item) for item in sample.values["seen"]["cart"]["items"]] == [
        {"product_id", "quantity", "name", "price"}
    ] * 2
    cart = replace(definitions.collections["cart"], fields=("name",))
    sample = next(people(message, text, Declared(collections={"cart": cart})))
    assert [set(item) for item in sample.values["seen"]["cart"]["items"]] == [{"product_id", "quantity", "name"}] * 2
