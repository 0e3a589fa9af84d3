"""Kinds: every kind of state by its name, and the union that a person's states are decoded as."""

from collections.abc import Callable
from typing import Any

from tactful.aggregates.days import Days
from tactful.aggregates.distinct import Distinct
from tactful.aggregates.extreme import Extreme, WindowExtreme
from tactful.aggregates.grouped import Grouped
from tactful.aggregates.newest import Newest
from tactful.aggregates.ordered import Ordered
from tactful.aggregates.spec import Aggregate, AggregateSpec
from tactful.aggregates.tally import Tally
from tactful.aggregates.total import Total, WindowTotal

# C: imports of sequence, sessions, collection here

State = (
    Newest | Tally | Total | WindowTotal | Extreme | WindowExtreme | Distinct | Grouped | Ordered | Days
    # C: | Sequence | Sessions | Collection
)

KINDS: dict[str, Callable[[AggregateSpec], Aggregate[Any]]] = {
    # C: "sequence": ..., "sessions": ..., "collection": ...,
}
"""By AggregateSpec.kind; the kind of a state that changes its form gets another name and another tag."""


def build(spec: AggregateSpec) -> Aggregate[Any]:
    return KINDS[spec.kind](spec)
