"""The port Store, over every adapter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.adapters.memory.store import MemoryStore
from tactful.adapters.sqlite.store import SqliteStore
from tactful.errors import Fenced
from tactful.runtime.ports import Checkpoint, Outgoing, StateWrite
from tests.contracts.conftest import StoreMaker
from tests.contracts.values import commit
from tests.tries import tries


def test_a_new_store_is_empty(open_store: StoreMaker) -> None:
    store = open_store()
    assert store.checkpoint() == Checkpoint(0, 0, b"")
    assert (store.load(["u:1"]), store.next_wake(), store.due(10**15, 5), store.keys_after("", 5)) == ({}, None, [], [])
    assert (store.derived(), store.outgoing()) == ([], [])


def test_everything_of_a_commit_is_there(open_store: StoreMaker) -> None:
    store = open_store()
    writes = [StateWrite("u:1", b"one", 7), StateWrite("u:2", b"two", None), StateWrite("e:ä@ö", b"three", 5)]
    out = [Outgoing(1, 1, b"r1"), Outgoing(2, 1, b"r2"), Outgoing(1, 2, b"r3")]
    store.commit(commit(0, 9, writes, derived=b"groups", first=3, outgoing=out))
    for view in (store, open_store()):
        assert view.checkpoint() == Checkpoint(1, 9, b"partition state at 9")
        assert view.load(["u:1", "u:9", "e:ä@ö", "u:1"]) == {"u:1": b"one", "e:ä@ö": b"three"}
        assert (view.next_wake(), view.due(6, 9), view.due(7, 9), view.due(7, 1)) == (
            5,
            ["e:ä@ö"],
            ["e:ä@ö", "u:1"],
            ["e:ä@ö"],
        )
        assert (view.keys_after("", 2), view.keys_after("u:1", 9)) == (["e:ä@ö", "u:1"], ["u:2"])
        assert view.derived() == [(3, 9, b"groups")]
        assert view.outgoing() == [out[0], out[2], out[1]]


def test_a_wake_up_moves_stays_and_goes(open_store: StoreMaker) -> None:
    store = open_store()
    store.commit(commit(0, 1, [StateWrite("a", b"1", 5), StateWrite("b", b"1", 5), StateWrite("c", b"1", None)]))
    assert store.due(5, 9) == ["a", "b"]
    store.commit(commit(1, 2, [StateWrite("a", b"2", 5), StateWrite("b", b"2", 8), StateWrite("c", b"2", 3)]))
    assert (store.due(7, 9), store.due(9, 9)) == (["c", "a"], ["c", "a", "b"])
    store.commit(commit(2, 3, [StateWrite("c", b"3", None), StateWrite("a", b"3", None)]))
    assert (store.due(9, 9), store.next_wake()) == (["b"], 8)
    assert store.load(["a", "b", "c"]) == {"a": b"3", "b": b"2", "c": b"3"}


def test_a_forgotten_profile_is_gone_and_may_come_back(open_store: StoreMaker) -> None:
    store = open_store()
    store.commit(commit(0, 1, [StateWrite("a", b"1", 5), StateWrite("b", b"1", 6)]))
    store.commit(commit(1, 2, [StateWrite("b", None, None), StateWrite("z", None, None)]))
    assert (store.load(["a", "b"]), store.next_wake(), store.keys_after("", 9)) == ({"a": b"1"}, 5, ["a"])
    store.commit(commit(2, 3, [StateWrite("c", b"c", None), StateWrite("b", b"again", None)]))
    assert store.load(["a", "b", "c"]) == {"a": b"1", "b": b"again", "c": b"c"}


def test_derived_and_outgoing_stay_until_they_are_forgotten(open_store: StoreMaker) -> None:
    store = open_store()
    for n in range(3):
        store.commit(
            commit(n, 10 * (n + 1), derived=b"%d" % n, first=10 * n + 1, outgoing=[Outgoing(1, n + 1, b"%d" % n)])
        )
    store.commit(commit(3, 31, relayed=19, sent={1: 1, 5: 3}))
    assert store.derived() == [(11, 20, b"1"), (21, 30, b"2")]
    assert [one.seq for one in store.outgoing()] == [2, 3]
    store.commit(commit(4, 32, relayed=30, sent={1: 3}))
    assert (store.derived(), store.outgoing()) == ([], [])


def test_who_is_behind_is_fenced_off_and_changes_nothing(open_store: StoreMaker) -> None:
    mine, other = open_store(), open_store()
    mine.commit(commit(0, 1, [StateWrite("a", b"1", 5)]))
    assert other.load(["a"]) == {"a": b"1"}
    mine.commit(commit(1, 2, [StateWrite("a", None, None)]))
    open_store().commit(commit(2, 3, [StateWrite("b", b"b", None)]))
    assert other.load(["a", "b"]) == {"b": b"b"}, "an id remembered for a is not b's"
    with pytest.raises(Fenced):
        other.commit(
            commit(1, 2, [StateWrite("a", b"wrong", 1)], derived=b"wrong", outgoing=[Outgoing(1, 1, b"wrong")])
        )
    for view in (mine, other, open_store()):
        assert view.checkpoint() == Checkpoint(3, 3, b"partition state at 3")
        assert view.load(["a", "b"]) == {"b": b"b"}
        assert (view.next_wake(), view.derived(), view.outgoing()) == (None, [], [])


def test_a_worker_that_takes_over_again_forgets_what_it_remembered(open_store: StoreMaker) -> None:
    mine, other = open_store(), open_store()
    mine.commit(commit(0, 1, [StateWrite("a", b"1", 5)]))
    assert other.load(["a"]) == {"a": b"1"}
    mine.commit(commit(1, 2, [StateWrite("a", None, None)]))
    open_store().commit(commit(2, 3, [StateWrite("b", b"b", None)]))
    other.commit(commit(other.checkpoint().version, 4, [StateWrite("a", b"anew", 5)]))
    assert mine.load(["a", "b"]) == {"a": b"anew", "b": b"b"}


_write = st.tuples(st.sampled_from("abcdef"), st.one_of(st.none(), st.integers(0, 9)), st.integers(0, 5))


@settings(max_examples=tries(50), deadline=None)
@given(turns=st.lists(st.tuples(st.lists(_write, max_size=5), st.booleans()), max_size=15))
def test_sqlite_and_memory_hold_the_same(
    turns: list[tuple[list[tuple[str, int | None, int]], bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("store")
    memory, sqlite = MemoryStore(), SqliteStore(folder, 0)
    for version, (writes, reopen) in enumerate(turns):
        by_key = {key: StateWrite(key, b"%d" % wake if wake else None, at) for key, at, wake in writes}
        states = [one if one.state is not None else StateWrite(one.key, None, None) for one in by_key.values()]
        for store in (memory, sqlite):
            store.commit(commit(version, version + 1, states))
        if reopen:
            sqlite.close()
            sqlite = SqliteStore(folder, 0)
        assert sqlite.load("abcdef") == memory.load("abcdef")
        assert (sqlite.due(9, 99), sqlite.next_wake()) == (memory.due(9, 99), memory.next_wake())
        assert sqlite.keys_after("", 99) == memory.keys_after("", 99)
    sqlite.close()


def test_a_power_cut_takes_commits_from_the_end_only() -> None:
    store = MemoryStore()
    store.commit(commit(0, 1, [StateWrite("a", b"1", 5)]))
    store.sync()
    store.commit(commit(1, 2, [StateWrite("a", b"2", 6), StateWrite("b", b"2", None)], derived=b"d"))
    store.commit(commit(2, 3, [StateWrite("a", None, None)], relayed=2))
    assert store.unsynced() == 2
    store.power_cut(keep=1)
    assert (store.checkpoint().version, store.load(["a", "b"]), store.derived()) == (
        2,
        {"a": b"2", "b": b"2"},
        [(2, 2, b"d")],
    )
    store.commit(commit(2, 3, [StateWrite("a", b"3", None)]))
    store.power_cut()
    assert (store.checkpoint().version, store.load(["a"]), store.next_wake()) == (2, {"a": b"2"}, 6)


def test_a_sample_of_people_is_drawn_by_chance(open_store: StoreMaker) -> None:
    store = open_store()
    people = [StateWrite(f"u:{number:04}", b"state %d" % number, None) for number in range(1000)]
    store.commit(commit(0, 1, [StateWrite("$plan", b"plan", None), *people]))
    all_of_them = {one.key: one.state for one in people}
    assert store.sample(1.0, 1) == store.sample(2.0, 1) == all_of_them
    some = store.sample(0.1, 1)
    assert 90 <= len(some) <= 101 and some.items() <= all_of_them.items()
    assert store.sample(0.1, 1) == some != store.sample(0.1, 2)
    halves = [sum(key < "u:0500" for key in store.sample(0.1, seed)) for seed in range(30)]
    assert 35 < sum(halves) / len(halves) < 65, "nobody is preferred"


def test_of_nobody_no_sample_is_drawn(open_store: StoreMaker) -> None:
    store = open_store()
    assert store.sample(0.5, 1) == store.sample(1.0, 1) == {}
