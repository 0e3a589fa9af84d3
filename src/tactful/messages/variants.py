"""Variants and translations of a message, as its file has them.

variants:
  - {name: regulars, if: 'segment("regulars")', subject: Good to see you again}   # people for whom a condition holds
  - {name: bold, share: 20%, subject: SALE}                                       # a fifth of all others
translations:
  de: {subject: Da liegt noch etwas}                                              # who reads German
  de-AT: {subject: Da liegt noch was}

Of the variants the first that a person fits is sent, else the message as it stands. Shares are drawn by person and
message, never by chance, so a person always gets the same one; the shares of variants with the same condition lie side
by side.
"""

import re
from collections.abc import Collection, Mapping

from msgspec import Struct

from tactful.language.check import Checked
from tactful.language.document import Fields
from tactful.language.vocabulary import Vocabulary
from tactful.language.yaml_nodes import Sequence
from tactful.messages.reading import TextReader

Translations = Mapping[str, Mapping[str, str]]
"""Texts by language ("de", "de-AT"), and by field."""

MOST_VARIANTS = 20
MOST_TRANSLATIONS = 100
_NAME = re.compile(r"[a-z0-9_-]{1,64}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-(?:[A-Z]{2}|[0-9]{3}))?")
_SHARE = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,3})?|100)\s?%")


class Variant(Struct, frozen=True):
    """Texts for some people in the place of the message's own."""

    name: str
    condition: Checked | None
    """`if`; None: for anybody."""
    share: float
    """Of those for whom the condition holds, from 0 to 1; 0: all of them."""
    texts: Mapping[str, str]
    translations: Translations = {}


def read_variants(fields: Fields, texts: TextReader, vocabulary: Vocabulary) -> list[Variant]:
    """Of the field `variants`, mistakes noted in the document."""
    names = texts.names
    node = fields.nodes.get("variants")
    if node is None:
        return []
    if not isinstance(node, Sequence) or not node.items:
        fields.refuse("variants", "variants are a list", "write - {name: bold, share: 20%, subject: ...}")
        return []
    if len(node.items) > MOST_VARIANTS:
        fields.refuse("variants", f"a message has {MOST_VARIANTS} variants at most", "make several messages of it")
        return []
    found: list[Variant] = []
    for item in node.items:
        inner = fields.document.fields_of(item, "a variant", ("name", "if", "share", "translations", *names), ("name",))
        if inner is None:
            continue
        variant = _variant(inner, texts, vocabulary)
        if variant.name in {one.name for one in found}:
            inner.refuse("name", f'two variants are called "{variant.name}"', "give each a name of its own")
        elif found and found[-1].condition is None and not found[-1].share:
            hint = "give it a share, or put it last"
            inner.refuse("name", f'nobody comes here: "{found[-1].name}" fits everybody', hint)
        found.append(variant)
    for shares in _side_by_side(found).values():
        if sum(shares) > 1.0000001:
            said = f"the shares of variants with the same condition add up to {sum(shares):.0%}"
            fields.refuse("variants", said, "100% is all there is")
    return found


def _variant(fields: Fields, reader: TextReader, vocabulary: Vocabulary) -> Variant:
    name = fields.text("name")
    if name and not _NAME.fullmatch(name):
        fields.refuse("name", f'"{name}" cannot be the name of a variant', "small letters, digits, _ and - only")
    share, text = 0.0, fields.text("share")
    if text:
        match = _SHARE.fullmatch(text.strip())
        share = float(match[1]) / 100 if match else 0.0
        if not share:
            fields.refuse("share", f'"{text}" is no share', "write share: 20%")
    mistakes = len(fields.document.problems)
    if "if" not in fields and "share" not in fields and "name" in fields:
        fields.refuse("name", "nobody says who gets this variant", "add a line if: or share:")
    condition = fields.expression("if", vocabulary)
    texts = reader.read(fields)
    says_nothing = not texts and not fields.pairs("translations")
    if says_nothing and "name" in fields and len(fields.document.problems) == mistakes:
        hint = f"give it one of {', '.join(reader.names)}"
        fields.refuse("name", "the variant says nothing else than the message", hint)
    return Variant(name, condition, share, texts, read_translations(fields, reader))


def _side_by_side(variants: Collection[Variant]) -> dict[str, list[float]]:
    """The shares of each condition, in their order."""
    found: dict[str, list[float]] = {}
    for one in variants:
        if one.share:
            found.setdefault(one.condition.canonical if one.condition else "", []).append(one.share)
    return found


def ranges(variants: Collection[Variant]) -> list[tuple[float, float]]:
    """From where to where in [0, 1) each variant's share lies."""
    filled: dict[str, float] = {}
    found = []
    for one in variants:
        key = one.condition.canonical if one.condition else ""
        low = filled.get(key, 0.0) if one.share else 0.0
        high = low + one.share if one.share else 1.0
        if one.share:
            filled[key] = high
        # What adds up to all of it leaves nobody out, however the parts were rounded.
        found.append((low, 1.0 if high > 0.9999999 else high))
    return found


def read_translations(fields: Fields, texts: TextReader) -> dict[str, dict[str, str]]:
    """Of the field `translations`."""
    found: dict[str, dict[str, str]] = {}
    pairs = fields.pairs("translations")
    if len(pairs) > MOST_TRANSLATIONS:
        fields.refuse("translations", f"at most {MOST_TRANSLATIONS} translations are allowed", "leave some out")
        return {}
    for key, node in pairs:
        if not is_language(key.value):
            hint = "write de, de-AT or zh-Hant-TW"
            fields.document.refuse(key.start, f'"{key.value}" is no language', hint)
        inner = fields.document.fields_of(node, f"the translation {key.value}", texts.names, ())
        if inner is not None:
            found[key.value] = texts.read(inner)
    return found


def is_language(tag: str) -> bool:
    """A language, perhaps with a script and a region (BCP 47)."""
    return bool(_LANGUAGE.fullmatch(tag))
