"""What people (or whoever sends events) write about themselves, in every letter of the shop: it stays text, in one place."""

from email import message_from_bytes, policy
from html.parser import HTMLParser
from typing import Any

import pytest

from tactful.messages.amp import mistakes
from tactful.messages.mail import Rendered, compose
from tactful.messages.template import TemplateError
from tests.messages.letters import LEAVE, PERSON, SITE, Letter, letters
from tests.messages.scene import NOW

SENDER = "Nordlicht <hello@nordlicht.example>"
HOSTILE = {
    "liquid": "{{ unsubscribe_url }}{% if true %}yes{% endif %}{% block 'head' %}{{",
    "closing liquid": "}} %} {% endraw %} -%}",
    "html": "\"'><script>alert(1)</script><img src=x onerror=alert(1)><style>*{display:none}</style>",
    "mjml": '</mj-text></mj-column><mj-raw><script>alert(1)</script></mj-raw><mj-include path="/etc/passwd"/>',
    "comments": "--><!-- <!--[if mso]> ]]> <![CDATA[",
    "entities": "&lt;script&gt;&#60;script&#62;&amp;lt;",
    "headers": "x\r\nBcc: all@people.example\r\n\r\n<p>body</p>\x00\x0b\x85\u2028\u2029",
    "encoded words": "=?utf-8?q?=0D=0ABcc:_all@people.example?=",
    "boundary": "\r\n--=_boundary--\r\nContent-Type: text/html\r\n\r\nx",
    "overrides": "\u202egnp.exe\u202d \u2066 \u2067 \u200f",
    "link": "javascript:alert(1)",
    "path": "../../../etc/passwd?x=1&y=2#z",
    "zalgo": "a" + "\u0301" * 500,
    "css": "}</style>{{color:red}} expression(alert(1)) url(javascript:x)",
}  # fmt: skip
each_kind = pytest.mark.parametrize("kind", HOSTILE)


def person(evil: Any) -> dict[str, Any]:
    """Somebody of whom all that can be said is that."""
    item = {"product_id": evil, "name": evil, "category": evil, "price": evil, "quantity": evil}
    return {
        **PERSON,
        "profile": {"firstName": evil, "email": evil, "locale": evil, "language": evil},
        "zone": evil,
        "journey": evil,
        "key": evil,
        "event": {**PERSON["event"], "key": evil, "properties": item},
        "seen": {"cart": {"items": [item, item], "lines": 2, "quantity": 2.0, "value": evil, "changed_at": None}},
        "coupon": {"code": evil, "pool": "fjord"},
    }


class Shape(HTMLParser):
    """The tags of a document with the names of their attributes, where its links lead, and what it says."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.said: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "background")]

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def made(evil: Any) -> dict[str, Letter]:
    return {letter.name: letter for letter in letters(person(evil))}


@each_kind
def test_it_changes_no_markup(kind: str) -> None:
    harmless, hostile = made("1"), made(HOSTILE[kind])
    for name, letter in hostile.items():
        for was, now in ((harmless[name].mail.html, letter.mail.html), (harmless[name].mail.amp, letter.mail.amp)):
            shape = Shape(now)
            assert shape.tags == Shape(was).tags, name
            assert all(link.startswith((f"{SITE}/", LEAVE, "https://cdn.ampproject.org/")) for link in shape.links), (
                name
            )
        if letter.mail.amp:
            assert list(mistakes(letter.mail.amp)) == []


@each_kind
def test_it_adds_no_header_and_no_part(kind: str) -> None:
    harmless, hostile = made("1"), made(HOSTILE[kind])
    for name, letter in hostile.items():
        read = [_parsed(one.mail) for one in (harmless[name], letter)]
        assert list(read[0].keys()) == list(read[1].keys())
        kinds = [[part.get_content_type() for part in mail.walk()] for mail in read]
        assert kinds[0] == kinds[1]
        assert str(read[1]["Subject"]) == letter.mail.subject
        assert len(letter.mail.subject.splitlines()) == 1
        assert not set(letter.mail.subject) & set("\u202d\u202e"), "what follows would be read backwards"


def _parsed(mail: Rendered) -> Any:
    return message_from_bytes(compose(mail, SENDER, "ada@people.example", "i1", NOW), policy=policy.default)


def test_liquid_in_a_value_is_read_and_not_followed() -> None:
    for letter in made(HOSTILE["liquid"]).values():
        if "{{ unsubscribe_url }}" in letter.mail.subject:
            assert "{% if true %}yes{% endif %}" in letter.mail.subject
    assert "{{ unsubscribe_url }}{% if true %}" in made(HOSTILE["liquid"])["welcome_3"].mail.text


@pytest.mark.parametrize(
    "evil",
    [
        "x" * 1_000_000, "<" * 300_000, "&" * 300_000, "\U0001f600" * 250_000, "\r\n" * 500_000, "<a href='" * 100_000,
        "<!--" * 200_000, ["x"] * 100_000, {"a": {"b": "c" * 500_000}}, 10**4000, True, None, 1e308, "9" * 100_000,
        "\ud800x\udfff",
    ],
    ids=["text", "signs", "entities", "emoji", "lines", "links", "comments", "list", "object", "huge", "boolean", "null", "float", "digits", "surrogates"],
)  # fmt: skip
def test_a_value_of_any_size_and_kind_gives_a_mail_or_says_why_not(evil: Any) -> None:
    found: list[Letter] = []
    said = ""
    try:
        found = letters(person(evil))
    except TemplateError as error:
        said = str(error)
    assert len(said) < 300
    assert found or said
    for letter in found:
        assert len(letter.mail.html) < 4_000_000
        _parsed(letter.mail)
