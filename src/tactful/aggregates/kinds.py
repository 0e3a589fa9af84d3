"""Kinds: every kind of state by its name, and the union that a person's states are decoded as.

A window changes what has to be kept, hence up to three forms of one kind: all time, last= and between=. A kind whose
state changes its form gets another tag, and its kind another name (AggregateSpec.canonical).
"""

from collections.abc import Callable
from typing import Any

from tactful.aggregates.collection import Collection, CollectionOf
from tactful.aggregates.days import AllDays, AllDaysOf, BetweenDays, Days, DaysOf
from tactful.aggregates.distinct import BetweenDistinct, Distinct, DistinctOf
from tactful.aggregates.extreme import BetweenExtreme, Extreme, ExtremeOf, WindowExtreme, WindowExtremeOf
from tactful.aggregates.grouped import BetweenGrouped, Grouped, GroupedOf, Tallies, TalliesOf
from tactful.aggregates.kept import KeptOf
from tactful.aggregates.newest import Newest, NewestOf
from tactful.aggregates.ordered import Earliest, Latest, Ordered
from tactful.aggregates.sequence import Sequence, SequenceOf
from tactful.aggregates.sessions import Sessions, SessionsOf
from tactful.aggregates.spec import Aggregate, AggregateSpec
from tactful.aggregates.tally import Tally, TallyOf
from tactful.aggregates.total import BetweenTotal, Total, TotalOf, WindowTotal, WindowTotalOf

State = (
    Newest
    | Tally
    | Total
    | WindowTotal
    | Extreme
    | WindowExtreme
    | Distinct
    | Grouped
    | Ordered
    | Days
    | AllDays
    | Tallies
    | Sequence
    | Collection
    | Sessions
)

_Build = Callable[[AggregateSpec], Aggregate[Any]]
_EXTREME: tuple[_Build, _Build, _Build] = ExtremeOf, WindowExtremeOf, BetweenExtreme

KINDS: dict[str, tuple[_Build, _Build, _Build]] = {
    "newest": (NewestOf, NewestOf, NewestOf),
    "tally": (TallyOf, TallyOf, TallyOf),
    "total": (TotalOf, WindowTotalOf, BetweenTotal),
    "least": _EXTREME,
    "greatest": _EXTREME,
    "distinct": (DistinctOf, DistinctOf, BetweenDistinct),
    "grouped": (TalliesOf, GroupedOf, BetweenGrouped),
    "earliest": (Earliest, Earliest, Earliest),
    "latest": (Latest, Latest, Latest),
    "days": (AllDaysOf, DaysOf, BetweenDays),
    "kept": (KeptOf, KeptOf, KeptOf),
    "sequence": (SequenceOf, SequenceOf, SequenceOf),
    "collection": (CollectionOf, CollectionOf, CollectionOf),
    "sessions": (SessionsOf, SessionsOf, SessionsOf),
}
"""By AggregateSpec.kind: for all time, last= and between=."""


def build(spec: AggregateSpec) -> Aggregate[Any]:
    all_time, last, between = KINDS[spec.kind]
    if spec.older_us is None:
        return all_time(spec)
    return between(spec) if spec.is_between else last(spec)
