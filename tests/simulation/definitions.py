"""What a small shop publishes, as the engine reads it and as plain Python that the oracle believes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.people import Person

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
GRID = 10 * MINUTE

Holds = Callable[["Person", int], bool]
Where = Callable[[dict[str, object]], bool]


@dataclass(frozen=True)
class Segment:
    """`reads` are the aggregates behind it: anything that names one (events, where, how many) and its window."""

    name: str
    when: str
    holds: Holds
    reads: tuple[tuple[str, int | None], ...] = ()
    edges: tuple[int, ...] = ()
    """Other durations after an event at which it may change."""
    moments: Callable[["Person"], Iterable[int]] = lambda _: ()
    """Instants at which it may change that no event says."""
    means: str = ""
    """What the names in it mean, beside its text."""
    key: Callable[["Person", int], str] = lambda _, __: ""


@dataclass(frozen=True)
class Journey:
    name: str
    yaml: str
    event: str = ""
    where: Where = lambda _: True
    segment: str = ""
    condition: Holds | None = None
    condition_text: str = ""
    reads: tuple[tuple[str, int | None], ...] = ()
    wait: int = 0
    watches: str = ""
    """The aggregate that keeps the newest of `unless`."""
    unless: tuple[str, ...] = ()
    is_restarting: bool = False
    limit: tuple[int, int] | None = None
    validity: int = DAY
    channel: str = "email"
    message: str = ""
    purpose: str = ""


@dataclass(frozen=True)
class Shop:
    name: str
    segments: tuple[Segment, ...]
    journeys: tuple[Journey, ...]
    messages: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, str] = field(default_factory=dict)
    collections: dict[str, str] = field(default_factory=dict)

    def parts(self) -> tuple[Segment | Journey, ...]:
        """Everything that has a condition."""
        return (*self.segments, *self.journeys)

    def files(self) -> dict[str, str]:
        segments = {f"segments/{one.name}.yaml": f"when: '{one.when}'\n" for one in self.segments}
        journeys = {f"journeys/{one.name}.yaml": one.yaml for one in self.journeys}
        messages = {f"messages/{name}.yaml": text for name, text in self.messages.items()}
        metrics = {f"metrics/{name}.yaml": f"value: '{text}'\n" for name, text in self.metrics.items()}
        collections = {f"collections/{name}.yaml": text for name, text in self.collections.items()}
        return segments | journeys | messages | metrics | collections
