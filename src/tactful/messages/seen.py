"""What a message's templates look at, told from their tags without parsing Liquid.

The gate freezes what a message is rendered from, and should freeze no more than that: a cart is put together only for
mails that show it. Whoever decides renders nothing and does not load a template engine, so names are found by looking
at the words within tags. That may find a word too much (in a quoted text), and never one too few.
"""

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from tactful.language.check import Checked, check
from tactful.language.mistakes import Mistake
from tactful.language.vocabulary import Vocabulary
from tactful.messages.blocks import tags

RESERVED = frozenset(
    {
        "profile", "traits", "event", "workspace", "journey", "message", "variant", "locale", "key", "coupon", "now",
        "today", "segment", "segments", "metric", "unsubscribe_url", "confirm_url", "zone",
    }
)  # fmt: skip
"""Names that templates have whatever is declared; a collection or fetched data of such a name is not seen by it."""
PARTS_OF_COLLECTIONS = ("items", "lines", "quantity", "value", "changed_at")
METRIC, SEGMENT, SEGMENTS, COUPON = "metric", "segment", "segments", "coupon"
_WORD = re.compile(r"[A-Za-z_][\w-]*")


class Seen(Struct, frozen=True):
    """A value over the person that templates look at."""

    path: tuple[str, ...]
    """Where they find it: ("cart", "items"), ("metric", "spend_90d")."""
    value: Checked


def words(texts: Iterable[str]) -> frozenset[str]:
    """Every word within a tag."""
    return frozenset(word for text in texts for _, tag in tags(text) for word in _words(tag))


def _words(tag: str) -> Iterator[str]:
    for word in _WORD.findall(tag):
        yield word
        # `items-1` is one name to Liquid and three to who meant a difference.
        if "-" in word:
            yield from word.split("-")


def seen(names: frozenset[str], vocabulary: Vocabulary) -> tuple[Seen, ...]:
    """The values that templates with these words look at, by path."""
    wanted = [
        ((collection, part), f"{collection}.{part}")
        for collection in sorted(vocabulary.collections)
        if collection in names and collection not in RESERVED
        for part in PARTS_OF_COLLECTIONS
        # `{% assign c = cart %}` and `{{ cart[part] }}` hide which part it is.
        if part in names or not names.intersection(PARTS_OF_COLLECTIONS)
    ]
    found = [Seen(path, checked) for path, text in wanted if (checked := _checked(text, vocabulary)) is not None]
    if METRIC in names and (metric := vocabulary.metric) is not None:
        trees = [(name, metric(name)) for name in sorted(vocabulary.metrics) if name in names]
        found += [Seen((METRIC, name), Checked(name, tree)) for name, tree in trees if tree is not None]
    return tuple(found)


def _checked(text: str, vocabulary: Vocabulary) -> Checked | None:
    """None where its own file has mistakes, which are told there."""
    try:
        return check(text, "value", "person", vocabulary)
    except Mistake:
        return None
