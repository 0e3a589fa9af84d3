"""Names that a project declares: events, properties, traits, how long events are kept (LANGUAGE.md 1.7, 10).

What nobody declared may be anything. What is declared and not named so is a mistake, or only worth a remark where the
vocabulary is not strict; a name that was seen often lately is proposed with how often.
"""

from collections.abc import Collection, Iterable

from tactful.language.calls import Reader
from tactful.language.mistakes import Mistake, closest
from tactful.language.names import CALL_NAMES, EVERYTHING, NOT_EVERYTHING
from tactful.language.tree import Literal, Property, Window
from tactful.language.types import ANYTHING, BOOLEAN, LIST, NUMBER, OBJECT, TEXT
from tactful.language.vocabulary import EventType, Vocabulary
from tactful.values import format_duration

KINDS = {"number": NUMBER, "text": TEXT, "boolean": BOOLEAN, "list": LIST, "object": OBJECT}
_OF_PAGES = ("name", "category", "path", "referrer", "search", "title", "url", "keywords")
"""What the libraries send with every page and screen."""


def event(reader: Reader, name: str, at: int) -> None:
    """Say it where nobody declared the event, or nobody sends it."""
    vocabulary = reader.vocabulary
    message, hint = unknown_event(vocabulary, name)
    if message:
        _say(reader, at, message, hint)
    elif vocabulary.events is None and vocabulary.seen and name not in {*vocabulary.seen, EVERYTHING, *CALL_NAMES}:
        reader.warn(at, f'no event "{name}" came in 7 days', _meant(vocabulary, name, []))


def unknown_event(vocabulary: Vocabulary, name: str) -> tuple[str, str]:
    """What to say of an event that is not declared, and what was meant probably; two "" where it is."""
    if vocabulary.events is None or name == EVERYTHING or name in CALL_NAMES or name in vocabulary.events:
        return "", ""
    hint = _meant(vocabulary, name, [*vocabulary.events]) or "declare it: a file in events/"
    return f'no event "{name}" is declared', hint


def _meant(vocabulary: Vocabulary, name: str, declared: list[str]) -> str:
    """`did you mean "Order Completed"? seen 12,431 times in 7 days`."""
    meant = closest(name, [*declared, *sorted(vocabulary.seen, key=lambda one: (-vocabulary.seen[one], one))])
    times = vocabulary.seen.get(meant, 0)
    if not meant:
        return ""
    return f'did you mean "{meant}"?' + (f" seen {times:,} times in 7 days" if times else "")


def trait(reader: Reader, name: str, at: int) -> None:
    """Say it where nobody declared the trait."""
    message, hint = unknown_trait(reader.vocabulary, name)
    if message and name in (reader.vocabulary.segments or ()):
        hint = f'for the segment write segment("{name}")'
    if message:
        _say(reader, at, message, hint)


def unknown_trait(vocabulary: Vocabulary, name: str) -> tuple[str, str]:
    """What to say of a trait that is not declared; two "" where it is, or where none is."""
    traits = vocabulary.traits
    if traits is None or name in traits:
        return "", ""
    meant = closest(name, [*traits])
    hint = f'did you mean "{meant}"?' if meant else "declare it among the properties of $identify in events/"
    return f'no trait "{name}" is declared', hint


def purpose(reader: Reader, name: str, at: int) -> None:
    """Say it where nobody declared the purpose."""
    message, hint = unknown_purpose(reader.vocabulary.purposes, name)
    if message:
        _say(reader, at, message, hint)


def unknown_purpose(declared: Collection[str], name: str) -> tuple[str, str]:
    """What to say of a purpose of consent that is not declared; two "" where it is, or where none is."""
    if not declared or name in declared:
        return "", ""
    meant = closest(name, [*declared])
    hint = f'did you mean "{meant}"?' if meant else f'add [consent.purposes."{name}"] to tactful.toml'
    return f'no purpose "{name}" is declared', hint


def property_of_event(reader: Reader, name: str, at: int) -> None:
    """Of any of the events that are looked at; an event without declared properties may have any."""
    types = _types(reader.vocabulary, reader.events)
    if types is None or any(name in one.properties for one in types):
        return
    if any(one.name in ("$page", "$screen") for one in types) and name in _OF_PAGES:
        return
    declared = sorted({name for one in types for name in one.properties})
    meant = closest(name, declared)
    hint = f'did you mean "{meant}"?' if meant else f"declared are {', '.join(declared)}"
    if name in (reader.vocabulary.traits or {}):
        hint = f"for the person's trait write profile.{name}"
    if len(types) == 1:
        _say(reader, at, f'"{types[0].name}" has no property "{name}"', hint)
    else:
        _say(reader, at, f'none of these events has a property "{name}"', hint)


def kind_of_property(reader: Reader, node: Property) -> str:
    """As events/ declares it, where all of the events declare the same."""
    return declared_kind(reader.vocabulary, reader.events, node)


def declared_kind(vocabulary: Vocabulary, events: tuple[str, ...] | None, node: Property) -> str:
    types = _types(vocabulary, events)
    if types is None or len(node.path) > 1:
        return ANYTHING
    kinds = {KINDS.get(one.properties.get(str(node.path[0]), ""), ANYTHING) for one in types}
    return kinds.pop() if len(kinds) == 1 else ANYTHING


def choice(reader: Reader, node: Property, value: Literal) -> None:
    """Say it where a value is none of those that all of the events declare."""
    types = _types(reader.vocabulary, reader.events) or []
    declared = [one.choices.get(str(node.path[0]), ()) for one in types] if len(node.path) == 1 else []
    choices = [*dict.fromkeys(value for one in declared for value in one)]
    if not all(declared) or not choices or value.value in choices or value.value is None:
        return
    shown = ", ".join(f'"{one}"' if isinstance(one, str) else f"{one:g}" for one in choices)
    meant = closest(str(value.value), [one for one in choices if isinstance(one, str)])
    reader.warn(
        value.span[0], f"{node.path[0]} is declared as one of {shown}", f'did you mean "{meant}"?' if meant else ""
    )


def _types(vocabulary: Vocabulary, events: tuple[str, ...] | None) -> list[EventType] | None:
    """The declarations of all these events; None where one may hold what nobody declared."""
    if vocabulary.events is None or not events:
        return None
    found = [vocabulary.events.get(name) for name in events]
    types = [one for one in found if one is not None and one.properties]
    return types if len(types) == len(found) else None


def _say(reader: Reader, at: int, message: str, hint: str) -> None:
    if reader.vocabulary.is_strict:
        raise Mistake(at, message, hint)
    reader.warn(at, message, hint)


# ---- how long events are kept ----------------------------------------------------------------------------------------


def kept(
    vocabulary: Vocabulary, events: Iterable[str], window: Window | None, at: int, at_window: int
) -> Window | None:
    """The window, within what is kept of these events."""
    limits = _limits(vocabulary, events)
    known = {limit for limit in limits if limit is not None}
    if not known:
        return window
    least = min(known)
    longest = format_duration(least)
    if window is None:
        if len(limits) > 1 or EVERYTHING in events:
            raise Mistake(at, f"some of these events are forgotten after {longest}", f'give last="{longest}", or less')
        return Window(least)
    if window.older_us > least:
        raise Mistake(at_window, f"these events are forgotten after {longest}", f'write "{longest}", or less')
    return window


def forgotten(vocabulary: Vocabulary) -> str:
    """An event that "*" means and that has a retention; "" for none."""
    declared = (vocabulary.events or {}).values()
    return next((one.name for one in declared if one.retention_us and one.name not in NOT_EVERYTHING), "")


def _limits(vocabulary: Vocabulary, events: Iterable[str]) -> set[int | None]:
    declared = vocabulary.events or {}
    found = {declared[name].retention_us if name in declared else None for name in events if name != EVERYTHING}
    if EVERYTHING in events:
        found |= {one.retention_us for one in declared.values() if one.name not in NOT_EVERYTHING}
    return found
