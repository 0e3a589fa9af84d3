"""What of a journey's file speaks of events: what starts a run, what ends it, what is waited for, what is its goal.

`same` compares with the run's key, so it can only stand where a run has one: from `key:`, from a call, or from what the
segment or the condition counts as the same thing several times.
"""

from tactful.journeys import notation
from tactful.journeys.definition import Ending, EventsWanted, Start, StartKind
from tactful.journeys.program import Schedule
from tactful.language.check import Checked
from tactful.language.document import Fields
from tactful.language.known import declared_kind
from tactful.language.mistakes import Mistake
from tactful.language.tree import Aggregate, Context, Node, Property, Trait, everything, walk
from tactful.language.types import ANYTHING, BOOLEAN, LIST, NUMBER, TEXT, kind_of
from tactful.language.vocabulary import Vocabulary
from tactful.language.yaml_nodes import Mapping, Sequence
from tactful.language.yaml_nodes import Node as YamlNode

_STARTS: tuple[StartKind, ...] = ("event", "segment", "left", "schedule", "campaign", "call")
_STARTS_HINT = "write one of event:, segment:, left:, schedule:, campaign: and call:"
_KEYS = (TEXT, NUMBER, BOOLEAN, ANYTHING)


class Events:
    """Reads one file; knows whether its runs have a key, once that is clear."""

    def __init__(self, fields: Fields, vocabulary: Vocabulary) -> None:
        self.fields = fields
        self.document = fields.document
        self.vocabulary = vocabulary
        self._has_key = True

    # ---- starts ------------------------------------------------------------------------------------------------------

    def start(self) -> Start:
        inner = self.fields.mapping("start", ("event", "where", "segment", "left", "schedule", "campaign", "call"))
        if inner is None:
            return Start()
        kinds = [kind for kind in _STARTS if kind in inner and not (kind == "segment" and "schedule" in inner)]
        if len(kinds) != 1:
            self.fields.refuse("start", "a journey starts in one way", _STARTS_HINT)
        kind = kinds[0] if kinds else "event"
        if "where" in inner and "event" not in inner:
            inner.refuse("where", "where: is a condition on the event", "for a condition on the person write if:")
        if kind == "call" and inner.choice("call", ("true",), "true") != "true":
            inner.refuse("call", "call: is true", "write start: {call: true}")
        events = inner.events("event", self.vocabulary)
        segment = ""
        for name in ("segment", "left", "campaign"):
            if name in inner:
                segment = inner.reference(name, "segments")
        return Start(
            kind=kind,
            events=events,
            where=self._where(inner, "where", events, "a start looks at the event alone"),
            segment=segment,
            schedule=_schedule(inner),
        )

    def key(self, start: Start) -> Checked | None:
        if "key" not in self.fields:
            return None
        if start.kind != "event":
            what = {
                "segment": "the key of a run that a segment starts is what the segment counts with same=",
                "call": "the key of a run that a call starts is the key which the call gives",
            }
            message = what.get(start.kind, "key: is a value of the starting event, and no event starts this")
            self.fields.refuse("key", message, "remove it here")
            return None
        return self._value(self.fields, "key", start.events, _KEYS, "a key")

    def learn_key(self, start: Start, key: Checked | None, condition: Checked | None) -> None:
        """Whether a run has anything that `same` could be compared with."""
        self._has_key = (
            key is not None
            or "key" in self.fields
            or start.kind == "call"
            or (condition is not None and _counts_the_same(condition.tree))
            or (start.kind == "segment" and self._segment_counts(start.segment))
        )

    def _segment_counts(self, name: str) -> bool:
        vocabulary = self.vocabulary
        if vocabulary.segment is None or name not in (vocabulary.segments or ()):
            return True  # What is not known is told elsewhere.
        tree = vocabulary.segment(name)
        return tree is None or _counts_the_same(tree)

    # ---- ends --------------------------------------------------------------------------------------------------------

    def unless(self) -> tuple[Ending, ...]:
        """Plain names of events are one ending together."""
        node = self.fields.nodes.get("unless")
        if node is None:
            return ()
        items = node.items if isinstance(node, Sequence) else [node]
        if not any(isinstance(item, Mapping) for item in items):
            names = self.fields.events("unless", self.vocabulary)
            return (Ending(EventsWanted(names)),) if names else ()
        plain: list[YamlNode] = [item for item in items if not isinstance(item, Mapping)]
        endings = []
        if plain:
            inner = Fields(self.document, '"unless"', {"unless": Sequence(plain, node.start)})
            endings.append(Ending(EventsWanted(inner.events("unless", self.vocabulary))))
        return (*endings, *(self._ending(item) for item in items if isinstance(item, Mapping)))

    def _ending(self, item: Mapping) -> Ending:
        inner = self.document.fields_of(item, '"unless"', ("event", "where", "same", "when"), ())
        if inner is None:
            return Ending()
        if ("event" in inner) == ("when" in inner):
            message = "a run ends with an event, or when a condition on the person holds"
            self.document.refuse(item.start, message, "write one of event: and when:")
            return Ending()
        if "when" in inner:
            self._refuse_beside(inner, "when")
            return Ending(when=inner.expression("when", self.vocabulary))
        return Ending(self.wanted(inner, "event"))

    def _refuse_beside(self, inner: Fields, kind: str) -> None:
        for name in ("where", "same"):
            if name in inner:
                hint = "put all of it into the condition" if name == "where" else "remove it"
                inner.refuse(name, f"{name}: speaks of an event, and {kind}: is a condition on the person", hint)

    # ---- events ------------------------------------------------------------------------------------------------------

    def wanted(self, inner: Fields, name: str) -> EventsWanted:
        """The events of a field, with `where` and `same` beside it."""
        events = inner.events(name, self.vocabulary)
        where = self._where(inner, "where", events, "where: looks at the event alone")
        if "same" not in inner:
            return EventsWanted(events, where)
        if not self._has_key:
            hint = "add key: to the journey, for example key: cart_id"
            inner.refuse("same", "same: is compared with the key of the run, and no run has one", hint)
        return EventsWanted(events, where, self._value(inner, "same", events, (*_KEYS, LIST), "what is compared"))

    def amount(self, inner: Fields, name: str, events: tuple[str, ...]) -> Checked | None:
        return self._value(inner, name, events, (NUMBER, ANYTHING), "what is added up")

    def _where(self, inner: Fields, name: str, events: tuple[str, ...], message: str) -> Checked | None:
        where = inner.expression(name, self.vocabulary, scope="event", events=events or None)
        return self._alone(inner, name, where, message)

    def _value(
        self, inner: Fields, name: str, events: tuple[str, ...], kinds: tuple[str, ...], what: str
    ) -> Checked | None:
        """Something of the event, of one of these kinds."""
        value = inner.expression(name, self.vocabulary, wanted="value", scope="event", events=events or None)
        if self._alone(inner, name, value, f"{name}: looks at the event alone") is None:
            return None
        assert value is not None
        tree = value.tree
        kind = declared_kind(self.vocabulary, events, tree) if isinstance(tree, Property) else kind_of(tree)
        if kind not in kinds:
            inner.refuse(name, f"{kind} is not {what}", "write a property of the event")
            return None
        if not any(isinstance(node, Property | Context) for node in walk(value.tree)):
            written = value.text.strip()
            inner.refuse(name, f"{written} is the same for every event", "write a property of the event")
            return None
        return value

    def _alone(self, inner: Fields, name: str, value: Checked | None, message: str) -> Checked | None:
        """None where a trait stands in what looks at an event: nobody could say later what the trait was."""
        for node in walk(value.tree) if value is not None else ():
            if isinstance(node, Trait):
                inner.refuse_in(name, node.span[0], message, "a condition on the person stands in if:")
                return None
        return value


def _counts_the_same(tree: Node) -> bool:
    return any(
        isinstance(node, Aggregate) and node.function == "count" and node.value is not None for node in everything(tree)
    )


def _schedule(inner: Fields) -> Schedule | None:
    text = inner.text("schedule")
    if not text:
        return None
    try:
        return notation.schedule(text)
    except Mistake as mistake:
        inner.refuse_in("schedule", mistake.remark.offset, mistake.remark.message, mistake.remark.hint)
        return None
