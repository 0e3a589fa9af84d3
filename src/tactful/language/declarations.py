"""What a project declares for expressions to name: events/*.yaml and collections/NAME.yaml.

# events/order_completed.yaml: the file may have any name
name: Order Completed
description: Somebody paid        # optional
retention: 400d                   # optional: how long such an event counts
server_only: true                 # optional: no browser may send it
properties:                       # optional; of $identify these are the traits
  order_id: text
  total: {type: number, required: true, description: With tax}
  currency: {type: text, enum: [EUR, USD]}
  note: {type: text, personal: true}
  plan: {type: text, merge: first}  # only of $identify: which of several writes counts

# collections/cart.yaml
add: Product Added                # an event, or a list of them; so remove and clear, which are optional
remove: Product Removed
clear: Order Completed
key: product_id                   # the property that tells lines apart
quantity: quantity                # optional, as price: the properties with how many and for how much
price: price
fields: [name, category]          # optional: properties that a line shows
limit: 200                        # optional: changes that are kept exactly
"""

from collections.abc import Mapping
from typing import Literal as OneOf
from typing import NamedTuple, get_args

from tactful.aggregates.spec import CAP
from tactful.events.tracking import EventRule, PropertyRule
from tactful.language.calls import event_problem
from tactful.language.document import Document, Fields
from tactful.language.mistakes import did_you_mean
from tactful.language.names import EVERYTHING, ROOTS, is_plain
from tactful.language.tree import Path, Property
from tactful.language.vocabulary import Collection, EventType, PropertyType, TraitRule, Vocabulary
from tactful.language.yaml_nodes import Mapping as MappingNode
from tactful.language.yaml_nodes import Node, Text
from tactful.values import format_duration

TYPES: tuple[PropertyType, ...] = get_args(PropertyType)
_OTHER_NAMES: Mapping[str, PropertyType] = {
    **dict.fromkeys(("string", "str", "varchar", "uuid", "email", "url"), "text"),
    **dict.fromkeys(("integer", "int", "float", "double", "decimal", "money", "numeric"), "number"),
    **dict.fromkeys(("bool", "flag"), "boolean"),
    **dict.fromkeys(("date", "datetime", "timestamp"), "time"),
    **dict.fromkeys(("array",), "list"),
    **dict.fromkeys(("map", "dict", "json", "struct"), "object"),
    **dict.fromkeys(("any", "mixed", "unknown"), "anything"),
}
LONGEST_RETENTION_DAYS = 36_525
_PERSONAL = frozenset(
    {"email", "phone", "firstName", "first_name", "lastName", "last_name", "username", "birthday", "avatar"}
)
_PERSONAL_TRAITS = _PERSONAL | {"name", "address"}
"""Personal data unless the declaration says `personal: false`."""
MERGES: tuple[OneOf["newest", "first", "maximum", "minimum", "union"], ...] = (
    "newest",
    "first",
    "maximum",
    "minimum",
    "union",
)
"""Beside {sources: [...]}."""
SINGLE = frozenset({"email", "phone", "country", "address", "timezone"})
"""Traits that the engine itself reads, as one value."""


class _Declared(NamedTuple):
    """A property, as far as it can be read."""

    kind: PropertyType
    description: str = ""
    is_required: bool = False
    is_personal: bool | None = None
    """None: nothing is said."""
    choices: tuple[float | str, ...] = ()
    rule: TraitRule | None = None


# ---- events ----------------------------------------------------------------------------------------------------------


def read_event(document: Document) -> EventType | None:
    """The event, as far as it can be read; None where not even its name can."""
    fields = document.fields(
        known=("name", "description", "retention", "server_only", "properties"), required=("name",)
    )
    name = fields.text("name") if fields is not None else ""
    if fields is None or not name:
        return None
    problem, hint = event_problem(name)
    if problem or name == EVERYTHING:
        fields.refuse("name", problem or '"*" is no event of its own', hint or "write the event's name")
        return None
    retention_us = fields.duration("retention", 0, LONGEST_RETENTION_DAYS)
    is_server_only = fields.flag("server_only")
    declared: dict[str, _Declared] = {}
    for key, node in fields.pairs("properties"):
        found = _property(document, key, node, is_trait=name == "$identify")
        if found is not None:
            declared[key.value] = found
    usual = _PERSONAL_TRAITS if name == "$identify" else _PERSONAL
    personal = {key for key, one in declared.items() if (key in usual if one.is_personal is None else one.is_personal)}
    return EventType(
        name=name,
        # A file with mistakes is refused anyway; nothing should be told twice.
        properties={} if document.problems else {key: one.kind for key, one in declared.items()},
        retention_us=retention_us or None,
        description=fields.text("description"),
        required=frozenset(key for key, one in declared.items() if one.is_required),
        choices={key: one.choices for key, one in declared.items() if one.choices},
        descriptions={key: one.description for key, one in declared.items() if one.description},
        is_server_only=is_server_only,
        personal=frozenset(personal),
        merges={key: one.rule for key, one in declared.items() if one.rule is not None},
    )


def _property(document: Document, key: Text, node: Node, *, is_trait: bool) -> _Declared | None:
    if isinstance(node, Text):
        one = Fields(document, "properties", {key.value: node})
        return _Declared("anything" if node.is_null else _type(one, node.value, key.value))
    if not isinstance(node, MappingNode):
        document.refuse(node.start, "a property is declared by its type", f"write {key.value}: text")
        return None
    known = ("type", "description", "required", "enum", "personal", "merge")
    more = document.fields_of(node, f'the property "{key.value}"', known, ())
    assert more is not None
    kind = _type(more, more.text("type", "anything"), "type")
    return _Declared(
        kind,
        more.text("description"),
        more.flag("required"),
        more.flag("personal") if "personal" in more else None,
        _choices(more, kind),
        _rule(more, key.value, kind, is_trait=is_trait),
    )


def _rule(fields: Fields, trait: str, kind: PropertyType, *, is_trait: bool) -> TraitRule | None:
    """None where the newest write counts."""
    if "merge" not in fields:
        return None
    if not is_trait:
        fields.refuse("merge", "only traits merge: what an event says stays as it is", "say it of $identify")
        return None
    if isinstance(fields.nodes["merge"], MappingNode):
        inner = fields.mapping("merge", ("sources",), ("sources",))
        sources = inner.texts("sources") if inner is not None else ()
        if inner is not None and "sources" in inner and len(set(sources)) != max(len(sources), 1):
            inner.refuse("sources", '"sources" names each source once', "write sources: [crm, website]")
        return TraitRule("sources", sources)
    merge = next((one for one in MERGES if one == fields.choice("merge", MERGES, "newest")), MERGES[0])
    if merge in ("maximum", "minimum") and kind not in ("number", "time"):
        fields.refuse("merge", f"a {merge} is one of numbers or times", "add type: number, or type: time")
    if merge == "union" and kind == "object":
        fields.refuse("merge", "a union is one of texts, numbers or lists", "write merge: newest")
    if merge == "union" and trait in SINGLE:
        fields.refuse("merge", f'"{trait}" is read as one value, and cannot be many', "write merge: newest")
    return None if merge == "newest" else TraitRule(merge, is_time=kind == "time")


def tracking_rule(event: EventType) -> EventRule:
    """What the tracking plan asks of such an event."""
    rules = {
        name: PropertyRule(kind, name in event.required, tuple(event.choices.get(name, ())), name in event.personal)
        for name, kind in event.properties.items()
    }
    return EventRule(event.name, event.is_server_only, rules)


def _type(fields: Fields, written: str, name: str) -> PropertyType:
    if written in TYPES:
        return written
    meant = _OTHER_NAMES.get(written.lower())
    hint = f"write {meant}" if meant else did_you_mean(written, TYPES) or f"types are {', '.join(TYPES)}"
    fields.refuse(name, f'"{written}" is no type', hint)
    return "anything"


def _choices(fields: Fields, kind: PropertyType) -> tuple[float | str, ...]:
    texts = fields.texts("enum")
    if kind != "number":
        return texts
    try:
        return tuple(float(text) for text in texts)
    except ValueError:
        fields.refuse("enum", "the values of a number are numbers", "write numbers, or type: text")
        return ()


# ---- collections -----------------------------------------------------------------------------------------------------


def read_collection(name: str, document: Document, vocabulary: Vocabulary) -> Collection:
    """The collection, as far as it can be read; the vocabulary knows the events."""
    known = ("description", "add", "remove", "clear", "key", "quantity", "price", "fields", "limit")
    if not is_plain(name) or name in ROOTS:
        document.refuse(0, f'"{name}" cannot be the name of a collection', "call the file cart.yaml, for cart.lines")
    fields = document.fields(known, required=("add", "key"))
    if fields is None:
        return Collection(name, (), (), (), ("",))
    add, remove, clear = (_events(fields, one, vocabulary) for one in ("add", "remove", "clear"))
    if {*add, *remove} & {*clear} or {*add} & {*remove}:
        message = "an event can only do one thing to a collection"
        fields.refuse("clear" if {*add, *remove} & {*clear} else "remove", message, "name it once")
    changing = tuple(sorted({*add, *remove}))
    return Collection(
        name=name,
        add=add,
        remove=remove,
        clear=clear,
        key=_path(fields, "key", changing, vocabulary) or ("",),
        quantity=_path(fields, "quantity", changing, vocabulary) or ("quantity",),
        price=_path(fields, "price", add, vocabulary) or ("price",),
        fields=tuple(dict.fromkeys(fields.texts("fields"))),
        limit=fields.whole_number("limit", 200, CAP),
        description=fields.text("description"),
    )


def _events(fields: Fields, name: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    found = fields.events(name, vocabulary)
    if EVERYTHING in found:
        fields.refuse(name, "a collection is changed by events with names", 'write them one by one, not "*"')
    for event in found:
        declared = (vocabulary.events or {}).get(event)
        if declared is not None and declared.retention_us is not None:
            # What was in it would come back, or vanish, by itself.
            kept = format_duration(declared.retention_us)
            message = f'"{event}" is forgotten after {kept}, so a collection cannot rest on it'
            fields.refuse(name, message, "leave its retention out")
    return found


def _path(fields: Fields, name: str, events: tuple[str, ...], vocabulary: Vocabulary) -> Path | None:
    if name not in fields:
        return None
    checked = fields.expression(name, vocabulary, wanted="value", scope="event", events=events or None)
    if checked is None:
        return None
    if not isinstance(checked.tree, Property):
        fields.refuse(name, f'"{name}" is the name of a property', "write product_id, or product.sku")
        return None
    return checked.tree.path
