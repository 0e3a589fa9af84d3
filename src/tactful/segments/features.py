"""A file of features, features/NAME.yaml: values of each person that models learn from, and that score them later.

description: What models of the shop learn from      # optional
features:
  orders_90d: count("Order Completed", last="90d")
  country: {value: country, type: text}              # where nothing declares the type

Each is one value of one type, since it becomes a column: whoever trains on it and whoever scores by it read the same
text (operations/features/tables.py).
"""

import re

from msgspec import Struct

from tactful.language.check import Checked
from tactful.language.document import Document, Fields
from tactful.language.known import KINDS, declared_kind
from tactful.language.tree import Aggregate, Node, Property, Trait
from tactful.language.types import ANYTHING, BOOLEAN, DURATION, NUMBER, TEXT, TIME, kind_of
from tactful.language.vocabulary import Vocabulary
from tactful.language.yaml_nodes import Mapping as Pairs

TYPES = {"number": NUMBER, "text": TEXT, "boolean": BOOLEAN, "time": TIME, "duration": DURATION}
"""As files call them."""
RESERVED = ("at", "person", "person_now")
"""Columns that every table of features has."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NAME_HINT = "begin with a small letter, and go on with small letters, digits and _, 64 at most"
_TYPE_HINT = "write {value: ..., type: number}, or declare it in events/; types are " + ", ".join(TYPES)


class Feature(Struct, frozen=True):
    name: str
    value: Checked
    kind: str
    """One of TYPES."""


class FeatureSet(Struct, frozen=True):
    name: str
    description: str
    features: tuple[Feature, ...]
    version: str
    """Digest of the source."""


def read(name: str, document: Document, vocabulary: Vocabulary) -> FeatureSet | None:
    """The set; None where the document now has problems."""
    fields = document.fields(known=("description", "features"), required=("features",))
    if fields is None:
        return None
    description, features = fields.text("description"), []
    for key, node in fields.pairs("features"):
        if not _NAME.fullmatch(key.value):
            document.refuse(key.start, f'"{key.value}" cannot be the name of a feature', _NAME_HINT)
        elif key.value in RESERVED:
            document.refuse(key.start, f'every table of features has a column "{key.value}"', "take another name")
        elif isinstance(node, Pairs):
            inner = document.fields_of(node, "a feature", ("value", "type"), ("value",))
            features += [] if inner is None else _feature(key.value, inner, "value", vocabulary)
        else:
            features += _feature(key.value, Fields(document, "a feature", {key.value: node}), key.value, vocabulary)
    if not features and not document.problems:
        fields.refuse("features", "the list of features is empty", 'write a name and an expression: visits: count("*")')
    return None if document.problems else FeatureSet(name, description, tuple(features), document.version)


def _feature(name: str, fields: Fields, at: str, vocabulary: Vocabulary) -> list[Feature]:
    value = fields.expression(at, vocabulary, wanted="value")
    if value is None:
        return []
    found = kind_of_feature(value.tree, vocabulary)
    if "type" in fields:
        wanted = TYPES.get(fields.choice("type", TYPES, "number"), NUMBER)
        if found not in (ANYTHING, wanted):
            fields.refuse("type", f"this is {found}", "leave the type out: it is known")
        return [Feature(name, value, wanted)]
    if found == ANYTHING:
        fields.refuse(at, "of which type this is, nothing says", _TYPE_HINT)
    elif found not in TYPES.values():
        fields.refuse(at, f"{found} is no value of a column", "ask something of it: len(...), ... in ...")
    return [Feature(name, value, found)]


def kind_of_feature(node: Node, vocabulary: Vocabulary) -> str:
    """As kind_of(), and where that is ANYTHING what events/ declares."""
    match node:
        case Trait(path=(str(name),)):
            return KINDS.get((vocabulary.traits or {}).get(name, ""), ANYTHING)
        case Aggregate(function="first" | "latest", value=Property() as value, selection=selection):
            return declared_kind(vocabulary, selection.events, value)
        case _:
            return kind_of(node)
