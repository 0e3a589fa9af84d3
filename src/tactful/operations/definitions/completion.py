"""Completion: everything that an expression of a project may name, for `tactful vocabulary` and for editors.

The language's own words come from its one table (language/names.py); names come from the definitions, from what they
speak of already, and, where there is a data folder, from what came in lately.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from tactful.events import responses
from tactful.events.addressed import event_of
from tactful.events.records import decode, unpack
from tactful.kernel.definitions import Definitions
from tactful.language import names
from tactful.language.check import Checked
from tactful.language.tree import Aggregate, Consents, Node, Score, Sequence, Trait, everything
from tactful.language.vocabulary import EventType, with_messages
from tactful.runtime.ports import Log

SAMPLE = 20_000
"""So many of the newest records are looked into for the names of properties."""
MOST_PROPERTIES = 200
"""Of one event; some clients make names of ids."""
KEYWORDS = {
    "and": "both sides are true",
    "or": "at least one side is true",
    "not": "what follows is not true; before a step of a sequence: it did not come there",
    "in": 'equals an element of a list: country in ("DE", "AT")',
    "not in": "equals no element of a list; true for what is missing",
    "is None": "is missing",
    "is not None": "is there",
    "True": "the value of flags and conditions that hold",
    "False": "the value of flags and conditions that do not hold",
}
ROOTS = {
    "profile": "the person's traits, also inside where=: profile.country",
    "traits": 'a trait with any name: traits["first order"]',
    "properties": 'inside where=: a property with any name: properties["order id"]',
    "context": "inside where=: page, device, campaign: context.page.path",
}
PARTS = {
    "lines": ("number", "how many different things are in it"),
    "quantity": ("number", "how many things in all"),
    "value": ("number", "the sum of quantity times price"),
    "items": ("list", "an object for each line: the key, quantity and the fields that are kept"),
    "changed_at": ("time", "when something was last added, removed or cleared"),
}
CALLS = {
    "*": "any track, page or screen call",
    "$page": "a page call; name and category are properties",
    "$screen": "a screen call; name and category are properties",
    "$identify": "an identify call; its traits are properties",
    "$group": "a group call; its traits are properties",
    "$alias": "an alias call",
}


class Lately(Struct, frozen=True):
    """What came in: how often each event did, and which properties its newest ones had, with their types."""

    counts: Mapping[str, int] = {}
    properties: Mapping[str, Mapping[str, str]] = {}


def vocabulary(definitions: Definitions, lately: Lately) -> dict[str, Any]:
    """As JSON; lists are in the order in which they should be offered."""
    return {
        "functions": [_function(function) for function in names.FUNCTIONS.values()],
        "keywords": [{"name": name, "help": text} for name, text in KEYWORDS.items()],
        "roots": [{"name": name, "help": text} for name, text in ROOTS.items()],
        "events": _events(definitions, lately),
        "traits": _traits(definitions, lately),
        "collections": [
            {
                "name": one.name,
                "help": one.description,
                "parts": [{"name": name, "type": kind, "help": text} for name, (kind, text) in PARTS.items()],
                "fields": [str(one.key[-1]), "quantity", *one.fields],
            }
            for one in definitions.collections.values()
        ],
        "segments": [{"name": one.name, "help": one.description} for one in definitions.segments.values()],
        "metrics": [{"name": one.name, "help": one.description} for one in definitions.metrics.values()],
        "models": [{"name": name} for name in sorted(_models(definitions))],
        "purposes": [{"name": name} for name in sorted(_purposes(definitions))],
    }


def _function(function: names.Function) -> dict[str, Any]:
    return {
        "name": function.name,
        "group": function.group,
        "signature": function.signature,
        "gives": function.gives,
        "help": function.help,
        "example": function.example,
        "options": [{"name": option, "help": names.OPTIONS[option]} for option in function.options],
    }


# ---- names -----------------------------------------------------------------------------------------------------------


def _events(definitions: Definitions, lately: Lately) -> list[dict[str, Any]]:
    """What is declared, spoken of or seen; the most frequent first, then by name."""
    spoken = {name for tree in _trees(definitions) for name in events_named(tree)}
    known = {*definitions.events, *spoken, *lately.counts, *lately.properties} | {*CALLS} | responses.NAMES
    declared = with_messages(definitions.events)
    return [
        {
            "name": name,
            "help": _help(name, declared.get(name)),
            "isDeclared": name in declared,
            "seen": lately.counts.get(name, 0),
            "properties": _properties(declared.get(name), lately.properties.get(name, {})),
        }
        for name in sorted(known, key=lambda name: (-lately.counts.get(name, 0), _place(name), name))
    ]


def _place(name: str) -> int:
    """Among those equally frequent: the shop's own, what comes back from messages, calls without a name."""
    return 2 if name in CALLS else int(name in responses.NAMES)


def _help(name: str, declared: EventType | None) -> str:
    return (declared.description if declared is not None else "") or CALLS.get(name, "")


def _properties(
    declared: EventType | None, seen: Mapping[str, str], *, are_traits: bool = False
) -> list[dict[str, Any]]:
    own: dict[str, str] = {}
    if declared is not None:
        own = dict(declared.trait_types if are_traits else declared.properties)
    texts = dict(declared.descriptions) if declared is not None else {}
    if declared is not None and declared.name in responses.NAMES:
        texts = {**responses.PROPERTY_HELP, **texts}
    return [
        {"name": name, "type": own.get(name) or seen[name], "help": texts.get(name, "")} for name in {**own, **seen}
    ]


def _traits(definitions: Definitions, lately: Lately) -> list[dict[str, Any]]:
    known = _properties(definitions.events.get("$identify"), lately.properties.get("$identify", {}), are_traits=True)
    names_of_known = {one["name"] for one in known}
    spoken = {node.name for tree in _trees(definitions) for node in everything(tree) if isinstance(node, Trait)}
    more = [{"name": name, "type": "anything", "help": ""} for name in sorted(spoken - names_of_known)]
    return [*known, *more]


def _trees(definitions: Definitions) -> Iterator[Node]:
    checked: Iterable[Checked] = (
        *(segment.when for segment in definitions.segments.values()),
        *(metric.value for metric in definitions.metrics.values()),
        *(one for journey in definitions.journeys.values() for one in journey.expressions()),
    )
    return (one.tree for one in checked)


def events_named(tree: Node) -> Iterator[str]:
    """Events that an expression speaks of."""
    for node in everything(tree):
        if isinstance(node, Aggregate):
            yield from node.selection.events
        elif isinstance(node, Sequence):
            for step in node.steps:
                yield from step.events


def _models(definitions: Definitions) -> set[str]:
    return {node.model for tree in _trees(definitions) for node in everything(tree) if isinstance(node, Score)}


def _purposes(definitions: Definitions) -> set[str]:
    asked = {node.purpose for tree in _trees(definitions) for node in everything(tree) if isinstance(node, Consents)}
    messages = {message.purpose or message.confirms for message in definitions.messages.values()}
    sent = {step.purpose for journey in definitions.journeys.values() for step in journey.sends()}
    return (asked | messages | sent) - {""}


# ---- what came in ----------------------------------------------------------------------------------------------------


def sample(log: Log) -> dict[str, dict[str, str]]:
    """Properties by event, each with its type, in the newest records; the most frequent first."""
    found: dict[str, Counter[str]] = {}
    types: dict[tuple[str, str], set[str]] = {}
    for partition in range(log.partitions):
        share = SAMPLE // log.partitions
        for _, body in log.read(partition, max(log.start(partition), log.end(partition) - share), share):
            event = event_of(decode(body))
            if event is not None:
                for name, value in unpack(event.properties).items():
                    found.setdefault(event.name, Counter())[name] += 1
                    types.setdefault((event.name, name), set()).add(_type(value))
    return {
        event: {name: _common(types[event, name]) for name, _ in counts.most_common(MOST_PROPERTIES)}
        for event, counts in sorted(found.items())
    }


def _type(value: object) -> str:
    kinds = {bool: "boolean", int: "number", float: "number", str: "text", list: "list", dict: "object"}
    return kinds.get(type(value), "")


def _common(types: set[str]) -> str:
    """The one type there was, null apart."""
    real = types - {""}
    return real.pop() if len(real) == 1 else "anything"
