"""What the compiler makes: the least state, exact instants, reasons, and never a text of a user in compile()."""

import ast
from collections.abc import Mapping
from types import CodeType
from typing import Any

import pytest

from tactful.aggregates.newest import CAP, AggregateSpec, Newest
from tactful.events.derived import Group, Reading, SegmentEntered, decode_groups, encode_groups
from tactful.language import generate
from tactful.language.check import check
from tactful.language.compile import compile_condition, compile_test, compile_value
from tactful.language.compiled import Condition
from tests.language.test_meaning import Numbers

DAY = 86_400_000_000


def compiled(text: str) -> Condition:
    return compile_condition(check(text), Numbers())


def kept(text: str) -> list[tuple[tuple[str, ...], str, int, int | None]]:
    return [(spec.events, spec.where, spec.keep, spec.window_us) for _, spec, _ in compiled(text).aggregates]


def test_a_threshold_keeps_only_what_decides_it() -> None:
    assert kept('any("A", last="7d")') == [(("A",), "", 1, 7 * DAY)]
    assert kept('count("A", last="7d") >= 3') == [(("A",), "", 3, 7 * DAY)]
    assert kept('count("A") > 2.5') == [(("A",), "", 3, None)]
    assert kept('3 >= count("A")') == [(("A",), "", 4, None)]
    assert kept('count("A") == 0') == [(("A",), "", 1, None)]
    assert kept('count("A") in (1, 4)') == [(("A",), "", 5, None)]
    assert kept('count("A") > limit') == [(("A",), "", CAP, None)]


def test_counts_of_the_same_share_one_aggregate() -> None:
    text = 'any(["B", "A"], where=x == 1) and 2 <= count(["A", "B", "A"], where=properties["x"] == 1.0) <= 5'
    assert kept(text) == [(("A", "B"), "x == 1", 6, None)]
    assert kept('count("A") >= 5 and any("A")') == [(("A",), "", 5, None)]
    assert kept('any(["*", "A", "$page", "$identify"])') == [(("$identify", "*"), "", 1, None)]
    assert kept('any("A", where=True)') == [(("A",), "", 1, None)]


def test_what_cannot_decide_keeps_nothing() -> None:
    assert kept('count("A") >= 0 and 1 == 1') == []
    assert compiled('1 == 2 and any("A")').because({}, {}, 0) == (Reading("1 == 2", value=False),)


def test_the_edges_of_a_window() -> None:
    condition = compiled('count("A", last="1d") >= 2')
    newest = {1: Newest([0, 5], [1, 2])}
    assert condition.holds(newest, {}, DAY - 1)
    assert condition.next_change(newest, DAY - 1) == DAY
    assert not condition.holds(newest, {}, DAY)
    assert condition.next_change(newest, DAY) is None
    counted = compile_value(check('count("A", last="1d")', wanted="value"), Numbers())
    assert [counted.value(newest, {}, at) for at in (5, DAY - 1, DAY, DAY + 4, DAY + 5)] == [2, 2, 1, 1, 0]
    assert [counted.next_change(newest, at) for at in (5, DAY, DAY + 5)] == [DAY, DAY + 5, None]


def test_strict_types() -> None:
    rows: list[tuple[str, Mapping[str, Any], bool]] = [
        ('"5" == x', {"x": 5}, False),
        ("x < 6", {"x": "5"}, False),
        ("x == 1", {"x": True}, False),
        ("x == True", {"x": 1}, False),
        ("x in (1, 2)", {"x": True}, False),
        ("x == 1", {"x": 1.0}, True),
        ("x == 0", {"x": -0.0}, True),
        ("x == 9007199254740993", {"x": 9007199254740992}, True),
        ("x < y", {"x": 9007199254740992, "y": 9007199254740993}, False),
        ("x <= y", {"x": True, "y": True}, False),
        ("x == y", {"x": [], "y": []}, False),
        ("x == y", {}, False),
        ("x != y", {}, True),
        ("not x < 1", {}, True),
        ('"ab" in x', {"x": "abc"}, False),
        ("x", {"x": 1}, False),
        ("x", {"x": True}, True),
        ("not x", {"x": "yes"}, True),
        ("x is None", {"x": None}, True),
        ("x is None", {"x": ""}, False),
        ('"Z" < x', {"x": "a"}, True),
        ("x == y", {"x": 10**400, "y": 10**400}, False),
    ]
    for text, traits, answer in rows:
        assert compiled(text).holds({}, traits, 0) is answer, text


def test_paths_walk_through_lists() -> None:
    bag = {"products": [{"sku": "a", "tags": ["x", "y"]}, {"tags": [["z"]]}, 5, {"sku": None}], "n": {"a b": 1}}
    rows = {
        '"a" in products.sku': True,
        '"z" in products.tags': True,
        'products[0].sku == "a"': True,
        "products[9].sku is None": True,
        'products.tags[2] == "z"': True,
        'n["a b"] == 1': True,
        "n[0] is None": True,
        "products[2].sku is None": True,
    }
    for text, answer in rows.items():
        assert compile_test(check(text, scope="event")).holds(bag, {}) is answer, text
        assert compiled(text).holds({}, bag, 0) is answer, text


def test_reads_context_only_where_it_does() -> None:
    assert compile_test(check('context.page.path == "/"', scope="event")).reads_context
    assert not compile_test(check("x == 1", scope="event")).reads_context


def test_because_tells_values_and_events() -> None:
    condition = compiled('count("A", last="1d") >= 2 and (country == "DE" or n > count("B")) and not any("C")')
    newest = {1: Newest([10, 20, 30], [7, 5, 6]), 2: Newest([1], [3])}
    assert condition.because(newest, {"n": 2}, 25 + DAY) == (
        Reading('count("A", last="1d") >= 2', value=False, refs=(6,)),
        Reading('country == "DE"', value=False),
        Reading("country", None),
        Reading('n > count("B")', value=True, refs=(3,)),
        Reading("n", 2),
        Reading('count("B")', 1, (3,)),
        Reading('any("C")', value=False),
    )


def test_because_tells_what_was_written() -> None:
    condition = compiled('country != "DE" and not plan in ("a",) and x is not None')
    assert [(one.text, one.value) for one in condition.because({}, {"plan": "a"}, 0)] == [
        ('country != "DE"', True),
        ("country", None),
        ('plan in ("a",)', True),
        ("plan", "a"),
        ("x is not None", False),
        ("x", None),
    ]


def test_because_says_when_a_count_is_coarse() -> None:
    condition = compiled('count("A", last="1d") > limit')
    newest = {1: Newest(list(range(CAP)), list(range(CAP)), is_coarse=True)}
    assert condition.because(newest, {}, CAP)[1].text == 'count("A", last="1d") (coarse: at least)'
    assert condition.because(newest, {}, DAY)[1].text == 'count("A", last="1d")'


def test_because_shows_large_values_short() -> None:
    condition = compiled("x == 1")
    for value in ("a" * 5000, ["a" * 5000], {"a": "b" * 5000}):
        (_, shown) = condition.because({}, {"x": value}, 0)
        assert isinstance(shown.value, str) and len(shown.value) < 300
        group = Group(1, "u:1", 0, (SegmentEntered(1, "s", "event", (shown,)),))
        assert decode_groups(encode_groups([group])) == [group]
    assert condition.because({}, {"x": [1, "ä"]}, 0)[1] == Reading("x", '[1,"ä"]')


def test_no_text_of_a_user_reaches_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, texts and numbers are bound, so the code holds none of them; and it has no builtins to call."""
    seen: list[ast.Expression] = []

    def watched(tree: ast.Expression, name: str, mode: str) -> CodeType:
        seen.append(tree)
        code: CodeType = compile(tree, name, mode)
        return code

    monkeypatch.setattr(generate, "compile", watched, raising=False)
    text = (
        'any("__import__", where=evil_name == "os.system" and properties["x y"][7] == 424242) and __class__.mro == 7.5'
    )
    condition = compiled(text)
    condition.because({}, {}, 0)

    assert seen
    for tree in seen:
        code = ast.unparse(tree)
        for word in ("import", "evil", "system", "x y", "424242", "class", "mro", "7.5"):
            assert word not in code
    assert condition.holds.__globals__["__builtins__"] == {}
    assert condition.holds({}, {"__class__": {"mro": 7.5}}, 0) is False


def test_specs_are_canonical() -> None:
    specs: list[AggregateSpec] = []
    for text in ('any("A", where=not x == "a")', "any('A',\n where = (properties.x != 'a'))"):
        specs += [spec for _, spec, _ in compiled(text).aggregates]
    assert specs[0] == specs[1]
