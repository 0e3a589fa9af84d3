"""A person in a test: states folded from events by the generated reader, and the rest of what expressions look at."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from tactful.aggregates.kinds import State
from tactful.aggregates.spec import AggregateSpec
from tactful.language.check import check
from tactful.language.compile import compile_condition, compile_value
from tactful.language.compiled import Condition, Fold, Reader, Valued
from tactful.language.reader import compile_reader
from tactful.language.vocabulary import EMPTY, Collection, Vocabulary

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
CART = Collection("cart", ("A", "Add"), ("B", "Remove"), ("Order",), ("sku",), fields=("name",))
SHOP = Vocabulary(collections={"cart": CART}, is_strict=False)


class Numbers:
    """Numbers for aggregates, as a plan gives them."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def __call__(self, spec: AggregateSpec) -> int:
        return self.known.setdefault(spec.canonical(), len(self.known) + 1)


class Happened(Struct, frozen=True):
    at: int
    name: str = "A"
    properties: Mapping[str, Any] = {}
    received: int | None = None
    context: Mapping[str, Any] = {}


class Person:
    """The View of language/compiled.py."""

    def __init__(self, zone: str = "UTC", **traits: Any) -> None:
        self.states: dict[int, State] = {}
        self.traits: Mapping[str, Any] = traits
        self.scores: dict[str, float] = {}
        self.thresholds: dict[str, dict[float, float]] = {}
        self.consents: dict[str, bool] = {}
        self.zone = zone

    def take(self, folds: Iterable[Fold], event: Happened, place: int = 1) -> list[int]:
        now = event.at if event.received is None else event.received
        reader = _reader(event.name, tuple(folds))
        return reader.read(self.states, event.at, now - event.at, place, now, event.properties, event.context)


@lru_cache
def _reader(name: str, folds: tuple[Fold, ...]) -> Reader:
    return compile_reader((name,) if name.startswith("$") else (name, "*"), folds)


def condition(text: str, vocabulary: Vocabulary = EMPTY) -> Condition:
    return compile_condition(check(text, vocabulary=vocabulary), Numbers())


def valued(text: str, vocabulary: Vocabulary = EMPTY) -> Valued:
    return compile_value(check(text, wanted="value", vocabulary=vocabulary), Numbers())


def after(one: Condition | Valued, events: Iterable[Happened], zone: str = "UTC", **traits: Any) -> Person:
    """Somebody with these events, in the order in which they came."""
    person = Person(zone, **traits)
    for place, event in enumerate(events, 1):
        person.take(one.folds, event, place)
    return person


def value(text: str, events: Iterable[Happened], now: int, **traits: Any) -> Any:
    asked = valued(text, SHOP)
    return asked.value(after(asked, events, **traits), now)
