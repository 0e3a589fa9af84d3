"""Buckets grow one by one: only rows of the one that is split move, and only to the new one."""

from zlib import crc32

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tactful.history.buckets import Buckets

PEOPLE = [f"u:{number}" for number in range(500)]


@given(st.integers(1, 70), st.integers(0, 300))
def test_a_split_moves_rows_of_one_bucket_to_a_new_one(first: int, splits: int) -> None:
    buckets = Buckets(first, first + splits)
    before, after = buckets.dealt(PEOPLE), buckets.grown().dealt(PEOPLE)
    assert 0 <= buckets.next < buckets.now
    assert set(before) <= set(range(buckets.now))
    moved = before != after
    assert set(before[moved]) <= {buckets.next}
    assert set(after[moved]) <= {buckets.now}


@given(st.integers(1, 40), st.integers(0, 4))
def test_after_a_whole_round_it_is_the_hash_modulo_their_number(first: int, rounds: int) -> None:
    number = first << rounds
    assert [*Buckets(first, number).dealt(PEOPLE)] == [crc32(one.encode()) % number for one in PEOPLE]


@given(st.integers(1, 70), st.integers(0, 300), st.sampled_from(PEOPLE))
def test_where_rows_have_ever_been_is_known(first: int, splits: int, person: str) -> None:
    been = {Buckets(first, first + before).of(person) for before in range(splits + 1)}
    ever = Buckets(first, first + splits).ever([person])
    assert been <= ever
    assert len(ever) <= 10


def test_each_row_goes_by_its_identifier() -> None:
    buckets = Buckets(3, 8)
    column = pa.chunked_array([PEOPLE[:9], PEOPLE[5:20]])
    assert [*buckets.of_each(column)] == [buckets.of(one) for one in (*PEOPLE[:9], *PEOPLE[5:20])]
