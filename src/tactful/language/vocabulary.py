"""Vocabulary: what an expression may name in a project, beside the language itself.

Definitions of events, collections, segments and metrics are read elsewhere and handed over here; an empty vocabulary
knows nothing, and then nothing that could be a name is refused (`tactful eval` without a project).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING
from typing import Literal as OneOf

from msgspec import Struct
from msgspec.structs import replace

from tactful.events import responses
from tactful.values import MINUTE_US

if TYPE_CHECKING:
    from tactful.language.tree import Node

DEFAULT_GAP_US = 30 * MINUTE_US
"""Between sessions, where the workspace says nothing."""

PropertyType = OneOf["number", "text", "boolean", "time", "list", "object", "anything"]
MergeRule = OneOf["newest", "first", "maximum", "minimum", "union", "sources"]


class TraitRule(Struct, array_like=True, frozen=True):
    """Which of several writes of a trait counts, or that all do together (people/traits.py)."""

    merge: MergeRule = "newest"
    sources: tuple[str, ...] = ()
    """Of `sources`: those whose writes go first; all others come after them."""
    is_time: bool = False
    """Of `maximum` and `minimum`: texts count as the times that they read as; else numbers do."""


TraitRules = Mapping[str, TraitRule]
"""By trait; of those that are not here the newest write counts."""
NO_RULES: TraitRules = {}


class EventType(Struct, frozen=True):
    """An event as events/NAME.yaml declares it."""

    name: str
    properties: Mapping[str, PropertyType]
    """By top-level name."""
    retention_us: int | None = None
    """The event exists only while timestamp > T - retention (LANGUAGE.md 1.7)."""
    description: str = ""
    required: frozenset[str] = frozenset()
    """Properties that every such event should have."""
    choices: Mapping[str, tuple[float | str, ...]] = {}
    """The only values that a property should have."""
    descriptions: Mapping[str, str] = {}
    """Of properties, for people."""
    is_server_only: bool = False
    """Only a source of trust `server` may send it."""
    personal: frozenset[str] = frozenset()
    """Properties that hold personal data."""
    merges: TraitRules = NO_RULES
    """Of $identify."""

    @property
    def trait_types(self) -> Mapping[str, PropertyType]:
        """What expressions find in the traits: of a union a list, whatever each call writes."""
        unions: dict[str, PropertyType] = {
            name: "list" for name, rule in self.merges.items() if rule.merge == "union" and name in self.properties
        }
        return {**self.properties, **unions} if unions else self.properties


class Collection(Struct, frozen=True):
    """collections/NAME.yaml: what is added, removed and cleared by which events (LANGUAGE.md 8.1)."""

    name: str
    add: tuple[str, ...]
    """Event names, sorted."""
    remove: tuple[str, ...]
    clear: tuple[str, ...]
    key: tuple[str | int, ...]
    """Path of the property that tells lines apart."""
    quantity: tuple[str | int, ...] = ("quantity",)
    """Path of the property with the quantity; 1 where it is missing or no number above 0."""
    price: tuple[str | int, ...] = ("price",)
    fields: tuple[str, ...] = ()
    """Top-level properties of the newest addition that a line shows, beside the key and `quantity`."""
    limit: int = 200
    """Operations kept exactly; beyond it the value is coarse."""
    description: str = ""


def with_messages(declared: Mapping[str, EventType]) -> dict[str, EventType]:
    """With the events that come back from messages, which nobody has to declare. A shop whose own events have such a
    name (of another system for mail, which speaks the same spec) may ask for the properties of both."""
    found = dict(declared)
    for name, properties in responses.PROPERTIES.items():
        own = declared.get(name)
        if own is None:
            found[name] = EventType(name, properties, description=responses.HELP[name])
        elif own.properties:
            found[name] = replace(own, properties={**properties, **own.properties})
    return found


class Vocabulary:
    """Lookups raise nothing: they answer None for what is not there."""

    def __init__(
        self,
        *,
        events: Mapping[str, EventType] | None = None,
        traits: Mapping[str, PropertyType] | None = None,
        collections: Mapping[str, Collection] | None = None,
        segment: "Callable[[str], Node | None] | None" = None,
        segments: tuple[str, ...] | None = None,
        metric: "Callable[[str], Node | None] | None" = None,
        metrics: tuple[str, ...] = (),
        gap_us: int = DEFAULT_GAP_US,
        is_strict: bool = True,
        seen: Mapping[str, int] | None = None,
        purposes: Iterable[str] = (),
    ) -> None:
        self.events = with_messages(events) if events is not None else None
        """Declared events by name, and what comes back from messages; None: nothing is declared, every name may be."""
        self.traits = traits
        """Declared traits by name; None: nothing is declared."""
        self.collections = collections or {}
        self.segment = segment
        """The checked condition of a segment by name; a Mistake without a place where it is part of a cycle."""
        self.segments = segments
        """Names of segments; None: unknown, segment() is refused."""
        self.metric = metric
        self.metrics = metrics
        self.gap_us = gap_us
        self.is_strict = is_strict
        """Unknown names are mistakes; else they are warnings (`eval`, `preview`)."""
        self.seen = seen or {}
        """How often events came in the last 7 days, by name, for `did you mean`."""
        self.purposes = tuple(purposes)
        """Declared purposes of consent; (): nothing is declared, every purpose may be."""


EMPTY = Vocabulary()
