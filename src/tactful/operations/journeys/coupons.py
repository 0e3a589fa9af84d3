"""Coupons: pools of codes that messages give out, each code to one person (`coupon:` in messages/NAME.yaml)."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from msgspec import Struct

from tactful.errors import UsageError
from tactful.kernel.definitions import read_published
from tactful.kernel.fragments import entry_of
from tactful.kernel.state import PlanState
from tactful.operations.doctor import Finding
from tactful.operations.lists import Line, Told, read, sliced
from tactful.runtime.claiming import Coupons, Pool
from tactful.values import format_time

COLUMNS = ("code",)
EXPORTED = ("pool", "code", "person", "givenAt", "intent")
CODE_CHARS = 128
LOW = 1_000
"""Codes left, under which somebody should load more."""
PAGE = 10_000
_POOL = re.compile(r"[a-z0-9_]{1,64}")
_CODE = re.compile(
    rf"[^\s\x00-\x1f\x7f-\x9f\u2028\u2029](?:[^\x00-\x1f\x7f-\x9f\u2028\u2029]{{0,{CODE_CHARS - 2}}}\S)?"
)


class _Code(Struct, frozen=True):
    code: str


class Listed(Struct, frozen=True, rename="camel"):
    """One pool as `coupons list` shows it."""

    pool: str
    codes: int
    left: int
    is_low: bool


def load(coupons: Coupons, pool: str, file: BinaryIO, now_us: int) -> Told:
    """One code a line; those that the pool has already, or that the file has twice, are counted and change nothing.
    Raises UsageError for a name that no message could give."""
    if not _POOL.fullmatch(pool):
        raise UsageError(f'"{pool}" cannot be the name of a pool: small letters, digits and _ only, 64 at most')
    told = Told()
    for codes in sliced(read(file, COLUMNS), told, _code):
        new = coupons.load(pool, [one.code for one in codes], now_us)
        told.new += new
        told.known += len(codes) - new
    return told


def _code(line: Line) -> _Code | str:
    code = line.values.get("code", "")
    if not _CODE.fullmatch(code):
        return f"a code has 1 to {CODE_CHARS} signs, none of them a control character"
    return _Code(code)


def listed(coupons: Coupons) -> list[Listed]:
    return [Listed(one.name, one.codes, one.left, is_low(one)) for one in coupons.pools()]


def is_low(pool: Pool) -> bool:
    """Less than a tenth is left, and of a great many less than LOW."""
    return pool.left * 10 < pool.codes and pool.left < LOW


def look(coupons: Coupons, plan: PlanState | None) -> list[Finding]:
    """What the doctor says of them, and of messages of the plan in force whose pool nobody has loaded."""
    pools = listed(coupons)
    found = [
        Finding("note", "coupons", f"{one.left:,} of {one.codes:,} codes are left in the pool {one.pool}")
        for one in pools
        if one.is_low
    ]
    known = {one.pool for one in pools}
    messages = read_published(plan.plan.publish).messages.values() if plan is not None else ()
    for one in messages:
        if one.coupon and one.coupon not in known:
            text = f"the pool {one.coupon} of messages/{one.name}.yaml was never loaded: nobody gets that message"
            found.append(Finding("note", "coupons", f"{text} (`tactful coupons load {one.coupon} FILE`)"))
    return found


def exported(coupons: Coupons, pool: str) -> Iterator[tuple[str, ...]]:
    """Who got what, by code."""
    after = ""
    while page := coupons.given(pool, after, PAGE):
        for one in page:
            yield one.pool, one.code, entry_of(one.owner), format_time(one.at_us), one.intent
        after = page[-1].code
