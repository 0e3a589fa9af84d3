"""What the compiler makes: the least state, shared; and never a text of a user in compile()."""

import ast
from types import CodeType
from typing import Any

import pytest

from tactful.aggregates.spec import CAP, AggregateSpec
from tactful.language import emit
from tactful.language.check import check
from tactful.language.compile import compile_condition, compile_test
from tactful.language.compiled import Reads
from tactful.language.vocabulary import Vocabulary
from tests.language.live import DAY, HOUR, SHOP, Happened, Numbers, Person, after, condition, value, valued


def states(text: str) -> list[tuple[str, tuple[str, ...], str, str, int, int | None]]:
    specs = [fold.spec for fold in condition(text, SHOP).folds]
    return [(spec.kind, spec.events, spec.where, spec.value, spec.keep, spec.older_us) for spec in specs]


def newest(
    keep: int, older_us: int | None = None, where: str = ""
) -> tuple[str, tuple[str, ...], str, str, int, int | None]:
    return ("newest", ("A",), where, "", keep, older_us)


def test_a_threshold_keeps_only_what_decides_it() -> None:
    assert states('any("A", last="7d")') == [newest(1, 7 * DAY)]
    assert states('count("A", last="7d") >= 3') == [newest(3, 7 * DAY)]
    assert states('count("A") > 2.5') == [newest(3)]
    assert states('3 >= count("A")') == [newest(4)]
    assert states('count("A") == 0') == [newest(1)]
    assert states('count("A") in (1, 4)') == [newest(5)]
    assert states('count("A", last="1d") > limit') == [newest(CAP, DAY)]
    assert states('any("A", between=("7d", "1d"))') == [newest(CAP, 7 * DAY)]
    assert states('time_since("A") < "7d"') == [newest(1, 7 * DAY)]
    assert states('count("A", same=x, last="1d") >= 3') == [("grouped", ("A",), "", "properties.x", 3, DAY)]


def test_of_all_time_many_are_a_number() -> None:
    assert states('count("A") > limit') == [("tally", ("A",), "", "", CAP, None)]
    assert states('count("A") >= 100') == [("tally", ("A",), "", "", CAP, None)]
    assert states('count("A") >= 5000') == [("tally", ("A",), "", "", CAP, None)]
    many = [Happened(at) for at in range(100)]
    for text, answer in (('count("A") >= 100', True), ('count("A") > 100', False), ('count("A")', 100)):
        assert value(text, many, 200) == answer


def test_counts_of_the_same_share_one_state() -> None:
    text = 'any(["B", "A"], where=x == 1) and 2 <= count(["A", "B", "A"], where=properties["x"] == 1.0) <= 5'
    assert states(text) == [("newest", ("A", "B"), "properties.x == 1", "", 6, None)]
    assert states('count("A") >= 5 and any("A")') == [newest(5)]
    assert states('any("A") and latest("A") > "2025-01-01"') == [newest(1)]
    assert states('any(["*", "A", "$page", "$identify"])') == [("newest", ("$identify", "*"), "", "", 1, None)]
    assert states('any("A", where=True)') == [newest(1)]
    assert states('sum("A", x) / 2 > avg("A", x)') == [("total", ("A",), "", "properties.x", CAP, None)]
    assert len(states('any("A", last="1d") and any("A", last="2d") and any("A")')) == 3


def test_definitions_share_states_through_their_numbers() -> None:
    numbers = Numbers()
    for text in (
        'any("A", where=not x == "a")',
        "not any('A',\n where = (properties.x != 'a'))",
        'latest("A", where=x != "a") is None',
    ):
        (fold,) = compile_condition(check(text), numbers).folds
        assert fold.number == 1


def test_what_cannot_decide_keeps_nothing() -> None:
    assert states('count("A") >= 0 and 1 == 1') == []
    assert states('1 == 2 and any("A")') == []
    assert states('any("A", where=1 == 2)') == []


def test_thresholds_are_known_as_such() -> None:
    """An event that cannot change their answer is not told of (test_reader.py)."""
    rows = {
        'any("A")': [1],
        'count("A", last="1d") >= 3 or not any("A", last="1d")': [1],
        'count("A", last="1d") in (3, 5)': [3],
        'any("A") and latest("A") > "2025-01-01"': [0],
        'count("A", last="1d") > limit': [0],
        'sum("A", x) > 1 and any("B")': [0, 1],
        'any("A", where=x == profile.y)': [0],
    }
    assert {text: [fold.least for fold in condition(text).folds] for text in rows} == rows


def test_a_condition_that_names_the_profile_keeps_the_events() -> None:
    text = 'count("A", where=x == "a" and y > profile.limit and z is not None, last="7d") >= 2'
    assert states(text) == [
        ("kept", ("A",), "properties.x == 'a' and properties.z is not None", "properties.y", CAP, 7 * DAY)
    ]
    asked = condition(text)
    events = [Happened(at, "A", {"x": "a", "y": y, "z": 1}) for at, y in ((1, 5), (2, 7), (3, 9))]
    person = after(asked, [*events, Happened(4, "A", {"x": "b", "y": 9, "z": 1})], limit=6)
    assert asked.holds(person, 10)
    person.traits = {"limit": 7}
    assert not asked.holds(person, 10)
    person.traits = {"limit": "7"}
    assert not asked.holds(person, 10)
    assert asked.reads == Reads(traits=frozenset({"limit"}))


def test_what_names_the_profile_is_chosen_when_somebody_looks() -> None:
    events = [Happened(1, "A", {"x": 2, "t": "a"}), Happened(2, "A", {"x": 3, "t": "b"}), Happened(3, "B", {"x": 5})]
    rows: dict[str, Any] = {
        'sum("A", x * profile.factor)': 50,
        'max("A", x, where=t == profile.t)': 2,
        'latest("A", t, where=x < profile.factor)': "b",
        'distinct(["A", "B"], x, where=x != profile.two)': 2,
        'sequence(event("A", where=t == profile.t), event("B", where=x > profile.two))': True,
        'sequence(event("A", where=t == profile.t and x > 2), "B")': False,
        'sequence("B", event("A", where=t == profile.t))': False,
        'sequence("A", not event("B", where=x > profile.factor))': True,
    }
    for text, wanted in rows.items():
        assert value(text, events, 10, factor=10, t="a", two=2) == wanted, text


def test_sequences_and_carts() -> None:
    (fold,) = condition('sequence("A", not event("B", where=x == 1), ["C", "A"], within="1h", last="2h")').folds
    assert fold.spec == AggregateSpec(
        "sequence",
        (),
        older_us=2 * HOUR,
        within_us=HOUR,
        steps=("['A']", "not ['B'] where properties.x == 1", "['A', 'C']"),
    )
    assert [(feed.events, feed.step) for feed in fold.feeds] == [(("A",), 0), (("B",), 1), (("A", "C"), 2)]
    events = [
        Happened(1, "Add", {"sku": "a", "price": 5, "quantity": 3, "name": "Mug"}),
        Happened(2, "Add", {"sku": "b", "price": 1.5}),
        Happened(3, "Remove", {"sku": "a"}),
    ]
    rows: dict[str, Any] = {
        "cart.lines": 2,
        "cart.quantity": 3,
        "cart.value": 11.5,
        "cart.changed_at": 3,
        "cart.items": [{"sku": "a", "quantity": 2, "name": "Mug"}, {"sku": "b", "quantity": 1}],
        "cart.items.name": ["Mug"],
        'cart.items[0].name == "Mug" and "b" in cart.items.sku': True,
    }
    for text, wanted in rows.items():
        assert value(text, events, 10) == wanted, text
        assert value(text, [], 10) in (0, None, [], False)
    assert len(condition("cart.lines > 1 and cart.value > 10 and len(cart.items) < 5", SHOP).folds) == 1


def test_what_is_read_beside_the_events() -> None:
    vocabulary = Vocabulary(
        segments=("s",),
        segment=lambda name: check('country == "DE"').tree,
        metrics=("m",),
        metric=lambda name: check('active_days("A") + score("x")', "value").tree,
    )
    asked = condition(
        'segment("s") and profile.a.b == 1 and score("k") > 1 and percentile("m") >= 80 and consents("mail") and '
        'local_hour() < 5 and any("A", where=x == profile.c)',
        vocabulary,
    )
    assert asked.reads == Reads(
        traits=frozenset({"country", "a", "c"}),
        scores=frozenset({"k", "x"}),
        thresholds=frozenset({"m"}),
        purposes=frozenset({"mail"}),
        zone=True,
    )
    assert condition('1 == 2 and country == "DE"').reads == Reads()
    assert condition('active_days("A") > 2').reads.zone


def test_of_the_person() -> None:
    person = Person("America/New_York")
    assert not condition('consents("mail")').holds(person, 0)
    assert not condition('percentile("m") >= 80').holds(person, 0) and not condition('percentile("m") < 80').holds(
        person, 0
    )
    person.consents, person.scores, person.thresholds = {"mail": True}, {"m": 5.0}, {"m": {80.0: 5.0}}
    for text in (
        'consents("mail")',
        'percentile("m") >= 80',
        'not percentile("m") < 80',
        'score("m") == 5',
        "local_hour() == 19",
    ):
        assert condition(text).holds(person, 0), text
    assert condition("local_weekday() == 3 and local_month() == 12").holds(person, 0)


def test_the_key_of_a_grouped_count() -> None:
    asked = condition('any("B") or count("A", same=x, last="1d") >= 2 or count("A", same=y) >= 2')
    person = after(asked, [Happened(1, "A", {"x": "a", "y": 7}), Happened(2, "A", {"x": "b", "y": 7})])
    assert asked.key(person, 5) == 7
    person = after(asked, [Happened(at, "A", {"x": "b", "y": at}) for at in (1, 2)])
    assert asked.key(person, 5) == "b"
    assert asked.key(person, 5 * DAY) is None
    assert condition('any("A")').key(Person(), 0) is None


def test_values_say_whether_they_are_coarse() -> None:
    asked = valued('count("A", last="1d") + 1')
    person = after(asked, [Happened(at) for at in range(CAP + 600)])
    assert asked.is_coarse(person, CAP) and not asked.is_coarse(person, 3 * DAY)
    assert not asked.is_coarse(Person(), 0)


def test_reads_context_only_where_it_does() -> None:
    assert compile_test(check('context.page.path == "/"', scope="event")).reads_context
    assert not compile_test(check("x == 1", scope="event")).reads_context


def test_no_text_of_a_user_reaches_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, texts and numbers are bound, so the code holds none of them; and it has no builtins to call."""
    seen: list[ast.Module] = []

    def watched(tree: ast.Module, name: str, mode: str) -> CodeType:
        seen.append(tree)
        code: CodeType = compile(tree, name, mode)
        return code

    monkeypatch.setattr(emit, "compile", watched, raising=False)
    text = (
        'any("__import__", where=evil_name == "os.system" and properties["x y"][7] == 424242 and profile.bad > 1) and '
        '__class__.mro == 7.5 and sum("evil", bad * 424242, last="7d") > 7.5 and now() - time(evil) < "3w" and '
        'sequence("evil", not event("system", where=bad == "class"), within="1h")'
    )
    asked = condition(text)
    asked.because(Person(), 0)
    asked.next_change(Person(), 0)
    Person().take(asked.folds, Happened(1, "evil"))

    assert len(seen) > 4
    for tree in seen:
        code = ast.unparse(tree)
        for word in ("import", "evil", "system", "x y", "424242", "class", "mro", "7.5", "bad"):
            assert word not in code
    assert asked.holds.__globals__["__builtins__"] == {}
    assert condition("__class__.mro == 7.5").holds(Person(__class__={"mro": 7.5}), 0)


def test_large_and_deep_expressions() -> None:
    wide = " or ".join(f"x == {n}" for n in range(300))
    assert condition(wide).holds(Person(x=299), 0)
    counts = " and ".join(f'count("A", last="{n}d") >= 1' for n in range(1, 120))
    asked = condition(counts)
    person = after(asked, [Happened(0)])
    assert asked.holds(person, 1) and asked.next_change(person, 1) == DAY
    deep = "x == 1"
    for n in range(20):
        deep = f'not ({deep} and any("A", last="{n + 1}d"))'
    assert condition(deep).next_change(person, 1) is not None


def test_what_names_mean_is_part_of_the_identity_and_not_of_what_is_said() -> None:
    asked = condition("cart.quantity==0", SHOP)
    assert asked.said == "cart.quantity == 0"
    assert asked.text.startswith("cart.quantity == 0  # cart: ")


def test_who_numbers_alike_gets_the_same_and_who_does_not_another() -> None:
    """So the partitions of a process make each condition of a plan once."""
    checked = check('count("A", last="7d") >= 2')
    first = compile_condition(checked, Numbers())
    assert compile_condition(checked, Numbers()) is first
    other = compile_condition(checked, lambda spec: 7)
    assert [fold.number for fold in other.folds] == [7]
    assert [fold.number for fold in first.folds] != [7]
