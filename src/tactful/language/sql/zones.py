"""Local time in SQL: the person's zone as of T, and the offset there at any instant (LANGUAGE.md 8).

Offsets come from the table `zones`, which is the pinned tzdata: no engine's own zones are asked.
"""

from sqlglot import exp

from tactful.language.sql import build
from tactful.language.sql.build import Select, Sql, column
from tactful.language.sql.layout import ZONES
from tactful.language.sql.relations import ORDER, Match, Query
from tactful.language.sql.traits import trait
from tactful.language.sql.values import Scalar, Value
from tactful.language.types import NUMBER
from tactful.values import DAY_US, HOUR_US, MINUTE_US

_DAYS_BEFORE = 719_162
"""From the first day of the year 1, a Monday, to 1970: whole numbers are divided from there, where none is negative."""


def zone(query: Query) -> str:
    """The relation (person, zone)."""
    text = trait(query, ("timezone",)).text()
    seen = column("e", "zone")
    newest = query.events.row([column("e", name) for name in ORDER], build.is_there(seen))(seen)
    assert text is not None

    def write(_: str) -> Select:
        names = build.select({"zone": column("n", "zone")}, (ZONES, "n"), by=[column("n", "zone")])
        found = build.coalesced(column("v", "zone"), newest, build.text(query.time_zone))
        mine = build.select({"person": column("a", "person"), "zone": found}, "a")
        build.joined_by(mine, "t", build.compared("==", column("a", "person"), column("t", "person")))
        return build.joined_by(mine, (names, "v"), build.compared("==", column("v", "zone"), text))

    return query.relation("zone", write, is_joined=False)


def clock(query: Query, function: str) -> Value:
    """local_hour(), local_weekday(), local_month() at T."""
    zones = zone(query)

    def write(_: str) -> Select:
        local = build.calculated(
            "+", build.calculated("+", build.T, column(ZONES, "offset_us")), build.whole(_SHIFT_US)
        )
        mine = build.select({"person": column(zones, "person"), "local": local}, zones)
        return build.joined_by(mine, ZONES, _is_in_force(zones, build.T), is_left=False)

    local = column(query.relation("clock", write), "local")
    return Scalar(NUMBER, build.cast(_CLOCKS[function](local), "number"), is_sure=True)


_SHIFT_US = _DAYS_BEFORE * DAY_US


def _hour(local: Sql) -> Sql:
    return build.calculated("%", build.halved(local, build.whole(HOUR_US)), build.whole(24))


def _weekday(local: Sql) -> Sql:
    day = build.calculated("%", build.halved(local, build.whole(DAY_US)), build.whole(7))
    return build.calculated("+", day, build.whole(1))


def _month(local: Sql) -> Sql:
    days = build.calculated("-", build.halved(local, build.whole(DAY_US)), build.whole(_DAYS_BEFORE))
    epoch = exp.cast(build.text("1970-01-01"), "DATE")
    return exp.Month(this=exp.DateAdd(this=epoch, expression=exp.cast(days, "INT"), unit=exp.var("DAY")))


_CLOCKS = {"local_hour": _hour, "local_weekday": _weekday, "local_month": _month}


def active_days(query: Query, found: Match) -> Value:
    """Different local dates, each event's that of the beginning of its quarter of an hour."""
    zones = zone(query)
    mask = query.rows.mask(found)
    shifted = query.rows.add(_quarter(_shifted()))
    stretches = _stretches(query, zones)

    def write(_: str) -> Select:
        local = build.calculated("+", shifted, column(stretches, "offset_us"))
        person = column("r", "person")
        days = build.different(build.halved(local, build.whole(DAY_US)))
        mine = build.select({"person": person, "n": days}, "r", mask, by=[person])
        build.joined_by(mine, zones, build.compared("==", person, column(zones, "person")), is_left=False)
        # An engine may turn inner joins round, and meet each event with all zones first; this one it leaves for last.
        is_there = build.both(
            build.compared("==", column(stretches, "zone"), column(zones, "zone")),
            build.compared("==", column(stretches, "cell"), _cell(shifted)),
            build.compared("<=", column(stretches, "from_us"), shifted),
            build.compared("<", shifted, column(stretches, "until_us")),
        )
        return build.joined_by(mine, stretches, is_there)

    counted = build.coalesced(column(query.relation(f"days {mask.sql()}", write), "n"), build.whole(0))
    return Scalar(NUMBER, build.cast(counted, "number"), is_sure=True)


def _stretches(query: Query, zones: str) -> str:
    """The relation (zone, cell, from_us, until_us, offset_us): of the zones that people have, the offsets in each cell
    of some days. So an event is found by equality, beside one offset or two, and not compared with all that a zone ever
    had. Times are from the year 1, as in _shifted()."""

    def write(_: str) -> Select:
        mine = build.select({"zone": column(zones, "zone")}, zones, by=[column(zones, "zone")])
        from_us, until_us = (build.calculated("+", column(ZONES, name), build.whole(_SHIFT_US)) for name in _BOUNDS)
        first, last = _cell(from_us), _cell(build.calculated("-", until_us, build.whole(1)))
        size = build.calculated("+", build.calculated("-", last, first), build.whole(1))
        held = {"zone": column("m", "zone"), "from_us": from_us, "until_us": until_us}
        each = {**held, "offset_us": column(ZONES, "offset_us"), "first": first, "i": build.opened(size)}
        is_same = build.compared("==", column(ZONES, "zone"), column("m", "zone"))
        opened = build.joined_by(build.select(each, (mine, "m")), ZONES, is_same, is_left=False)
        kept = {name: column("q", name) for name in (*held, "offset_us")}
        return build.select(
            {**kept, "cell": build.calculated("+", column("q", "first"), column("q", "i"))}, (opened, "q")
        )

    return query.relation("zone stretches", write, is_joined=False)


_BOUNDS = ("from_us", "until_us")
_CELL_US = 32 * DAY_US


def _shifted() -> Sql:
    """When an event happened, from the year 1."""
    return build.calculated("+", column("e", "timestamp"), build.whole(_SHIFT_US))


def _cell(shifted: Sql) -> Sql:
    return build.halved(shifted, build.whole(_CELL_US))


def _quarter(shifted: Sql) -> Sql:
    return build.calculated("-", shifted, build.calculated("%", shifted, build.whole(15 * MINUTE_US)))


def _is_in_force(zones: str, at: Sql) -> Sql:
    return build.both(
        build.compared("==", column(ZONES, "zone"), column(zones, "zone")),
        build.compared("<=", column(ZONES, "from_us"), at),
        build.compared("<", at, column(ZONES, "until_us")),
    )
