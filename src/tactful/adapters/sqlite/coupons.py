"""Coupons in SQLite: the table `coupon` of DATA/outbox.db, since a code is given in the transaction of the claim that
is for it. A pool's codes are given in the order in which they were loaded."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

from tactful.runtime.claiming import Given, Pool

SLICE = 10_000
"""Codes of one transaction: claims go on between two."""

Execute = Callable[..., Any]


class SqliteCoupons:
    """The port `Coupons`, by the ways in which its outbox changes and reads the file."""

    def __init__(
        self,
        changing: Callable[[], AbstractContextManager[Execute]],
        read: Callable[[str, Sequence[object]], list[Any]],
    ) -> None:
        self._changing = changing
        self._read = read

    def load(self, pool: str, codes: Iterable[str], at_us: int) -> int:
        new, left = 0, iter(codes)
        while some := list(islice(left, SLICE)):
            with self._changing() as execute:
                for code in some:
                    new += execute("INSERT OR IGNORE INTO coupon (pool, code) VALUES (?, ?)", (pool, code)).rowcount
        return new

    def pools(self) -> list[Pool]:
        sql = "SELECT pool, count(*), sum(owner IS NULL) FROM coupon GROUP BY pool ORDER BY pool"
        return [Pool(*row) for row in self._read(sql, ())]

    def given(self, pool: str, after: str, limit: int) -> list[Given]:
        rows = self._read(
            "SELECT pool, code, owner, intent, at_us FROM coupon WHERE pool = ? AND code > ? AND owner IS NOT NULL "
            "ORDER BY code LIMIT ?",
            (pool, after, limit),
        )
        return [Given(*row) for row in rows]


def code(execute: Execute, pool: str, owners: Sequence[str]) -> str | None:
    """Claiming.code."""
    marks = ", ".join("?" * len(owners))
    found = execute(
        f"SELECT code FROM coupon WHERE pool = ? AND owner IN ({marks}) ORDER BY at_us, id LIMIT 1", (pool, *owners)
    ).fetchone()
    if found is None:
        sql = "SELECT code FROM coupon WHERE pool = ? AND owner IS NULL ORDER BY id LIMIT 1"
        found = execute(sql, (pool,)).fetchone()
    return None if found is None else str(found[0])


def give(execute: Execute, pool: str, code: str, owner: str, intent: str, at_us: int) -> None:
    """Claiming.give."""
    sql = "UPDATE coupon SET owner = ?, intent = ?, at_us = ? WHERE pool = ? AND code = ? AND owner IS NULL"
    execute(sql, (owner, intent, at_us, pool, code))
