"""Which variant and which language a person gets: the first that fits, always the same, as shares say."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactful.aggregates.spec import AggregateSpec
from tactful.kernel.state import Fragment
from tactful.kernel.view import Around, PersonView
from tactful.language.compile import compile_condition, compile_value
from tactful.messages import languages, rules
from tactful.messages.render import texts_of
from tactful.messages.rules import MessageRule
from tactful.messages.source import MessageSource, SourceVariant, source_of
from tactful.people import locales
from tactful.people.traits import TraitWrite
from tests.messages.scene import NOW, mail, message

BASE = "subject: base\ntext: y\n"


def person(**traits: Any) -> PersonView:
    writes = {name: TraitWrite(value, NOW, NOW, 0) for name, value in traits.items()}
    return PersonView({}, {"u:1#1": Fragment([], {}, writes, {})}, Around("Europe/Berlin", dict))


def rule(text: str, ready_at: Callable[[str], int] = lambda name: 0) -> MessageRule:
    found = message(text)
    numbers: dict[str, int] = {}

    def number(spec: AggregateSpec) -> int:
        return numbers.setdefault(spec.canonical(), len(numbers) + 1)

    conditions = {name: compile_condition(one, number) for name, one in rules.conditions(found).items()}
    values = {name: compile_value(one, number) for name, one in rules.values(found).items()}
    return rules.rule_of(found, conditions, ready_at, values)


VARIANTS = """variants:
  - {name: german, if: country == "DE", subject: a}
  - {name: adult, if: age >= 18, subject: b}
  - {name: bold, share: 20%, subject: c}
"""


def test_the_first_that_fits() -> None:
    made = rule(BASE + VARIANTS)
    assert rules.choose(made, person(country="DE", age=20), "u:1", NOW) == "german"
    assert rules.choose(made, person(country="AT", age=20), "u:1", NOW) == "adult"
    outside = next(key for key in map("u:{}".format, range(100)) if rules.place("m", key) >= 0.2)
    inside = next(key for key in map("u:{}".format, range(100)) if rules.place("m", key) < 0.2)
    assert rules.choose(made, person(), outside, NOW) == ""
    assert rules.choose(made, person(), inside, NOW) == "bold"


def test_a_condition_that_is_warming_fits_nobody() -> None:
    made = rule(BASE + VARIANTS, lambda name: NOW + 1 if name == "message/m/german" else 0)
    assert rules.choose(made, person(country="DE", age=20), "u:1", NOW) == "adult"
    assert rules.choose(made, person(country="DE", age=20), "u:1", NOW + 1) == "german"


def test_shares_are_what_they_say_and_lie_side_by_side() -> None:
    made = rule(
        BASE + "variants:\n  - {name: a, share: 20%, subject: a}\n  - {name: b, share: 30%, subject: b}\n"
        "  - {name: c, share: 50%, subject: c}\n"
    )
    drawn = [rules.choose(made, person(), f"u:{number}", NOW) for number in range(4000)]
    assert {one: round(drawn.count(one) / 4000, 1) for one in "abc"} == {"a": 0.2, "b": 0.3, "c": 0.5}
    assert "" not in drawn, "100% leaves nobody out"
    assert drawn == [rules.choose(made, person(), f"u:{number}", NOW + 1) for number in range(4000)]


def test_shares_within_a_condition_are_of_those_for_whom_it_holds() -> None:
    made = rule(
        BASE + "variants:\n  - {name: a, if: age >= 18, share: 50%, subject: a}\n"
        "  - {name: b, if: age >= 18, share: 50%, subject: b}\n  - {name: c, share: 50%, subject: c}\n"
    )
    adults = {rules.choose(made, person(age=20), f"u:{number}", NOW) for number in range(200)}
    others = {rules.choose(made, person(age=10), f"u:{number}", NOW) for number in range(200)}
    assert (adults, others) == ({"a", "b"}, {"c", ""})


@given(st.text(), st.text())
def test_a_place_is_always_the_same(name: str, key: str) -> None:
    assert 0 <= rules.place(name, key) < 1
    assert rules.place(name, key) == rules.place(name, key)


def test_what_is_frozen() -> None:
    made = rule("subject: '{{ metric.spent }}'\ntext: '{{ segments | size }}{{ key | local_date }}'\n" + VARIANTS)
    found = rules.frozen(made, person(country="DE"), "u:1", NOW, lambda: ["regulars", "buyers"])
    assert found == {
        "variant": "german",
        "seen": {"metric": {"spent": 0}},
        "segments": ["buyers", "regulars"],
        "zone": "Europe/Berlin",
    }
    assert rules.frozen(rule(BASE), person(), "u:1", NOW) == {}


def test_what_is_seen_of_a_cart() -> None:
    made = rule("subject: x\ntext: '{% for one in cart.items %}{{ one.name }}{% endfor %}{{ cart.changed_at }}'\n")
    found = rules.frozen(made, person(), "u:1", NOW)
    assert found == {"seen": {"cart": {"items": [], "changed_at": None}}}


# ---- languages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("de", "de"), ("DE_at", "de-AT"), ("de_AT.UTF-8", "de-AT"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"),
        ("german", ""), ("", ""), ("d", ""), (None, ""), (7, ""), ("de" * 90, ""), ("de-AT-x", "de-AT"),
    ],
)  # fmt: skip
def test_tags(text: object, tag: str) -> None:
    assert locales.tag(text) == tag


@pytest.mark.parametrize(
    ("language", "translations", "own", "chain", "locale"),
    [
        ("de-AT", {"de", "de-AT"}, "en", ["de", "de-AT"], "de-AT"),
        ("de-CH", {"de", "de-AT"}, "en", ["de"], "de-CH"),
        ("fr", {"de"}, "en", [], "en"),
        ("fr", {"de"}, "", [], "en"),
        ("en-GB", {"de"}, "en", [], "en-GB"),
        ("en-GB", {"en-GB"}, "en", ["en-GB"], "en-GB"),
        ("", {"de"}, "pt-BR", [], "pt-BR"),
        ("fr", set(), "", [], "fr"),
        ("fr", set(), "en", [], "en"),
        ("", set(), "", [], "en"),
        ("zh-Hant-TW", {"zh", "zh-Hant"}, "en", ["zh", "zh-Hant"], "zh-Hant-TW"),
    ],
)
def test_the_nearest_language(language: str, translations: set[str], own: str, chain: list[str], locale: str) -> None:
    assert languages.chosen(language, translations, own) == (chain, locale)


TRANSLATED = """subject: Hi
html: |
  <p>Hello {{ profile.name }}, {{ 1234.5 | money: "EUR" }}</p>
text: Hello
translations:
  de: {subject: Hallo, html: "<p>Guten Tag, {{ 1234.5 | money: 'EUR' }}</p>"}
  de-AT: {subject: Servus}
variants:
  - name: short
    share: 1%
    subject: Hey
    translations: {de: {subject: Na}}
"""


@pytest.mark.parametrize(
    ("values", "subject", "text"),
    [
        ({"profile": {"name": "Ada"}}, "Hi", "Hello"),
        ({"profile": {"locale": "de"}}, "Hallo", "Guten Tag, 1.234,50 €\n"),
        ({"profile": {"language": "de_AT"}}, "Servus", "Guten Tag, € 1.234,50\n"),
        ({"profile": {"locale": "fr"}}, "Hi", "Hello"),
        ({"profile": {"locale": "de"}, "variant": "short"}, "Na", "Guten Tag, 1.234,50 €\n"),
        ({"profile": {"locale": "it"}, "variant": "short"}, "Hey", "Hello"),
        ({"profile": {}, "variant": "gone"}, "Hi", "Hello"),
        ({"locale": "de-AT"}, "Servus", "Guten Tag, € 1.234,50\n"),
        ({"profile": {"locale": "fr"}, "locale": "de"}, "Hallo", "Guten Tag, 1.234,50 €\n"),
    ],
)
def test_a_person_reads_their_language(values: Mapping[str, Any], subject: str, text: str) -> None:
    made = mail(TRANSLATED, dict(values))
    assert (made.subject, made.text.replace("\xa0", " ")) == (subject, text)


def test_who_replaces_the_body_replaces_what_was_made_of_it() -> None:
    source = MessageSource(
        "m", "s", html="h", text="t", amp="a", preheader="p",
        variants=(SourceVariant("v", {"mjml": "m"}), SourceVariant("w", {"subject": "w"})),
    )  # fmt: skip
    assert texts_of(source, "v", "")[0] == {"subject": "s", "preheader": "p", "mjml": "m"}
    assert texts_of(source, "w", "")[0] == {"subject": "w", "preheader": "p", "html": "h", "text": "t", "amp": "a"}


def test_templates_see_which_variant_and_language_it_is() -> None:
    text = "subject: '{{ message }} {{ variant }} {{ locale }}'\ntext: x\nvariants: [{name: v, share: 1%, text: y}]\n"
    assert mail(text, {"variant": "v", "profile": {"locale": "de"}}).subject == "m v de"
    assert source_of(message(text)).variants[0].name == "v"
