"""A collection against a plain reading of the same operations, whatever the order, the halves and the encoding."""

import math
from random import Random
from typing import Any, NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.aggregates.collection import Collection, CollectionOf
from tactful.aggregates.spec import AggregateSpec
from tests.tries import tries

NOW = 1 << 50


class Did(NamedTuple):
    at: int
    lag: int
    ref: int
    word: str
    key: Any
    quantity: Any
    price: Any
    fields: dict[str, Any]


def kind(limit: int = 200) -> CollectionOf:
    return CollectionOf(AggregateSpec("collection", (), keep=limit, steps=("add", "remove", "clear", "sku")))


keys = st.sampled_from(["a", "b", 1, 1.0, True, None, ["a"], {"x": 1}, "x" * 300])
quantities = st.sampled_from([None, 1, 2, 0.5, 0.333333, 0, -3, "2", True, 1e13, 1e-9])
prices = st.sampled_from([None, True, 1, 9.99, 0.0000015, -2.5, "3", 1e300, 1.7e308])
fields = st.dictionaries(st.sampled_from(["name", "size"]), st.sampled_from(["N", 4]), max_size=2)
times = st.tuples(st.integers(0, 6), st.integers(0, 2))


@st.composite
def histories(draw: st.DrawFn) -> list[Did]:
    drawn = draw(
        st.lists(
            st.tuples(
                times, st.sampled_from(["add", "add", "add", "remove", "clear"]), keys, quantities, prices, fields
            ),
            max_size=14,
        )
    )
    return [
        Did(at, lag, ref, word, *((key, quantity, price, shown) if word != "clear" else (None, None, None, {})))
        for ref, ((at, lag), word, key, quantity, price, shown) in enumerate(drawn, 1)
    ]


def folded(aggregate: CollectionOf, history: list[Did]) -> Collection:
    state = aggregate.new()
    for did in history:
        aggregate.fold(state, did.at, did.lag, did.ref, tuple(did[3:]), NOW)
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=Collection)
    return state


def answers(aggregate: CollectionOf, state: Collection) -> list[Any]:
    readers = (aggregate.lines, aggregate.quantity, aggregate.value, aggregate.changed_at, aggregate.items)
    return [reader(state, NOW) for reader in readers]


def usable(key: Any) -> bool:
    return isinstance(key, str | int | float)


def same(one: Any, other: Any) -> bool:
    return one == other and (type(one) is bool) == (type(other) is bool)


def millionths(quantity: Any) -> int:
    is_number = isinstance(quantity, int | float) and not isinstance(quantity, bool) and 0 < quantity < 1e12
    return math.floor(quantity * 1e6 + 0.5) if is_number else 1_000_000


def plain(history: list[Did]) -> list[Any]:
    """What the readers say, by looking at everything again for every line."""
    every = [did for did in sorted(history, key=lambda did: did[:3]) if did.word == "clear" or usable(did.key)]
    after = every
    for index, did in enumerate(every):
        if did.word == "clear":
            after = every[index + 1 :]
    items, worth = [], 0
    for place, did in enumerate(after):
        mine = [one for one in after if same(one.key, did.key)]
        amount = sum(millionths(one.quantity) * (1 if one.word == "add" else -1) for one in mine)
        is_newest = did.word == "add" and not any(
            one.word == "add" and same(one.key, did.key) for one in after[place + 1 :]
        )
        if is_newest and amount > 0:
            items.append({**did.fields, "sku": did.key, "quantity": amount / 1e6})
            if isinstance(did.price, int | float) and not isinstance(did.price, bool):
                product = amount / 1e6 * did.price
                worth += math.floor(product * 1e6 + 0.5) if abs(product) < 1e12 else 0
    quantity = sum(millionths_of(item["quantity"]) for item in items) / 1e6
    return [len(items), quantity, worth / 1e6, every[-1].at if every else None, items]


def millionths_of(quantity: float) -> int:
    return round(quantity * 1e6)


@settings(max_examples=tries(400), deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_as_if_all_were_read_again(history: list[Did], random: Random) -> None:
    aggregate = kind()
    shuffled = list(history)
    random.shuffle(shuffled)
    state = folded(aggregate, shuffled)
    expected = plain(history)
    assert answers(aggregate, state) == expected
    in_order = folded(aggregate, sorted(history, key=lambda did: did[:3]))
    assert msgspec.msgpack.encode(in_order) == msgspec.msgpack.encode(state)
    half = random.randrange(len(history) + 1)
    one, other = folded(aggregate, shuffled[:half]), folded(aggregate, shuffled[half:])
    assert msgspec.msgpack.encode(aggregate.merge(one, other)) == msgspec.msgpack.encode(state)
    assert aggregate.next_change(state, NOW) is None
    assert not aggregate.is_coarse(state, NOW)


@settings(max_examples=tries(400), deadline=None)
@given(histories(), st.integers(1, 6), st.randoms(use_true_random=False))
def test_beyond_the_limit_what_is_not_coarse_is_exact(history: list[Did], limit: int, random: Random) -> None:
    aggregate = kind(limit)
    random.shuffle(history)
    halves = [aggregate.new(), aggregate.new()]
    for count, did in enumerate(history, 1):
        aggregate.fold(random.choice(halves), did.at, did.lag, did.ref, tuple(did[3:]), NOW)
        for state, known in (
            (aggregate.merge(*halves), history[:count]),
            (aggregate.merge(*reversed(halves)), history[:count]),
        ):
            assert len(state.orders) <= limit
            if not aggregate.is_coarse(state, NOW):
                assert answers(aggregate, state) == plain(known)


def added(ref: int, at: int | None = None) -> Did:
    return Did(ref if at is None else at, 0, ref, "add", f"k{ref}", 1, 2, {"name": "N"})


def test_the_limit_forgets_the_oldest_and_says_so_until_a_clear_behind_them() -> None:
    aggregate = kind(limit=3)
    state = folded(aggregate, [added(1), added(2), added(3)])
    assert not aggregate.is_coarse(state, NOW)
    state = folded(aggregate, [added(n) for n in range(1, 6)])
    assert aggregate.is_coarse(state, NOW)
    assert [item["sku"] for item in aggregate.items(state, NOW)] == ["k3", "k4", "k5"]
    aggregate.fold(state, 9, 0, 9, ("clear", None, None, None, {}), NOW)
    assert not aggregate.is_coarse(state, NOW)
    assert answers(aggregate, state) == [0, 0, 0, 9, []]
    assert aggregate.refs(state, NOW) == [9]


def test_what_was_thinned_stays_in_doubt_when_something_older_is_thinned_too() -> None:
    aggregate = kind(limit=2)
    state = folded(aggregate, [added(5), added(6), added(7), added(8), added(1)])
    aggregate.fold(state, 3, 0, 99, ("clear", None, None, None, {}), NOW)
    assert aggregate.is_coarse(state, NOW)


def test_a_line_is_worth_what_doubles_make_of_it() -> None:
    aggregate = kind()
    state = folded(aggregate, [added(1)._replace(quantity=3, price=10.0681815)])
    assert aggregate.value(state, NOW) == 30.204544, "3 * 10.0681815 * 1e6 + 0.5 in this order; exactly it were ...545"


def test_a_line_that_is_worth_a_trillion_adds_nothing() -> None:
    aggregate = kind()
    dear = [added(1)._replace(price=5e11, quantity=1), added(2)._replace(price=5e11, quantity=2)]
    assert aggregate.value(folded(aggregate, dear), NOW) == 5e11


def test_bytes_of_an_operation() -> None:
    aggregate = kind()
    clear = Did(1_700_000_000_000_000, 50_000, 1, "clear", None, None, None, {})
    ten = [added(n, 1_700_000_000_000_000 + n)._replace(lag=50_000, fields={}) for n in range(2, 12)]
    taken = [did._replace(word="remove") for did in ten]
    empty, full = folded(aggregate, [clear]), folded(aggregate, [clear, *taken])
    size = len(msgspec.msgpack.encode(full)) - len(msgspec.msgpack.encode(empty))
    assert size / 10 < 26
