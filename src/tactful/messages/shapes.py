"""Mails of one shape: what is the same for everybody is made once, and what differs is put in.

From a filled in template to a finished mail it is a long way (MJML, styles inlined, links made whole), and two people's
mails differ in a name and a few links. So a value that is plain is replaced by a placeholder before it goes that way,
which is gone once for all mails that are alike then; into what comes out the values are put. That is right where a
value only passes through: text between tags, and quoted attributes that hold words or an address (`_PASSING`); and
where it is of a kind that nothing on the way treats otherwise than its placeholder (`_WORD`, `_ADDRESS`). Any other
value stays in the text, and so in the shape. The first mail that could be made so is made the long way as well, and a
shape that does not give the same mail is never used. What comes out is the same either way. Pure.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from tactful.messages.html_tags import Attribute, Tag, decoded, tags
from tactful.messages.markup import TAG, MarkupError

Places = Sequence[tuple[int, int]]
"""Where values stand in a text, in order."""


class Made(NamedTuple):
    """A finished mail."""

    html: str
    text: str
    """Made from the HTML; "" where it is not wanted."""
    tags: tuple[Tag, ...] | None = None
    """Of the HTML those that links are about (`READ`), where they are known."""


Make = Callable[[str, str], Made]
"""The long way: a filled in body and a preheader ("": none) -> the mail. Has to be hashable. Raises MarkupError."""

READ = frozenset({"a", "area", "body", "html"})
LINKS = frozenset({"a", "area"})
MARK = "data-track"
"""What an author says of a link (messages/tracking.py)."""

_NAME, _HOST = "zqv{:04}x", "https://zqw{:04}x"
"""Placeholders of words and of addresses."""
_NAMED = re.compile(r"(?:zqv|https://zqw)([0-9]{4})x")
_OURS = ("zqv", "zqw")
_MOST = 1000
"""Values of one mail that are put in; the others are of its shape."""
_LETTER = "0-9A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017f"
_WORD = re.compile(rf"[{_LETTER}](?:[.,/:+-]?[ ]?[{_LETTER}])*[.]?")
"""Words and numbers: nothing in them means anything to HTML, CSS or a URL's parser, and no blank stands at their ends
or beside another."""
_SIGN = re.compile(rf"&(?:#[0-9]+|[a-z]+);|({_WORD.pattern})|[^&<>]")
_SIGNS = re.compile(r"(?:&(?:#[0-9]+|[a-z]+);|[^&<>])*+")
"""What an escaped value is made of: references, words, and signs that are neither."""
_ADDRESS = re.compile(r"https?://[0-9a-z][0-9a-z.-]*(?::[0-9]{1,5})?(?:/(?:[0-9A-Za-z._~/?#%=+,:@!$*-]|&amp;)*)?")
_WHOLE = ("https://", "http://", "mailto:", "tel:", "sms:")
"""With that in front of it a value does not decide where an address leads."""
_PASSING = {
    "a": frozenset({"href", "title"}),
    "img": frozenset({"src", "alt", "title"}),
    "mj-button": frozenset({"href", "title"}),
    "mj-image": frozenset({"src", "href", "alt", "title"}),
}
_HOLDING = frozenset(
    {
        "script",
        "style",
        "title",
        "textarea",
        "xmp",
        "iframe",
        "noembed",
        "noframes",
        "plaintext",
        "mj-style",
        "mj-title",
    }
    | {"mj-include", "mj-html-attribute", "mj-selector"}
)
"""What stands in these is no text."""
_LOOKED_AT = re.compile(r"\[\s*(?:href|src|alt|title)", re.IGNORECASE)
"""Rules about what placeholders may stand in."""


def made(make: Make, text: str, places: Places, preheader: str, hidden: str, *, is_told: bool) -> Made:
    """What `make(text, preheader)` makes; `places` are those of values in `text`, `hidden` is the preheader as it
    stands in the mail, `is_told` says that a text is made from the HTML. Raises MarkupError."""
    baked: frozenset[int] = frozenset()
    for _ in range(3):
        cut = _cut(text, places, baked, is_told=is_told)
        if cut is None or not _is_common(make, cut.skeleton, bool(preheader)):
            break
        shape = _shape(make, cut.skeleton, bool(preheader))
        if shape.baked:
            baked = baked | shape.baked
            continue
        if not shape.is_usable:
            break
        values = cut.values
        if preheader:
            values = {**values, _MOST: hidden}
        if shape.trust:
            return shape.filled(values)
        whole = make(text, preheader)
        if not shape.is_tried:
            found = shape.filled(values)
            shape.trust = found[:2] == whole[:2] and found.tags == _read(whole.html)
            shape.is_tried = True
        return whole
    return make(text, preheader)


def forget() -> None:
    """Every shape."""
    _shape.cache_clear()
    _sightings.cache_clear()


# ---- what differs ----------------------------------------------------------------------------------------------------


class _Cut(NamedTuple):
    skeleton: str
    values: dict[int, str]
    """By the number of the placeholder."""


def _cut(text: str, places: Places, baked: frozenset[int], *, is_told: bool) -> _Cut | None:
    """The text with placeholders. What is the same has the same one, so that what compares them finds them equal."""
    if not places or any(one in text for one in _OURS):
        return None
    parts: list[str] = []
    numbers: dict[str, int] = {}
    read: str | None = None
    done = 0
    for begin, end, name in _plain(text, places):
        value = text[begin:end]
        number = numbers.setdefault(value, len(numbers))
        if number >= _MOST:
            return None
        if is_told and name is _HOST:
            read = TAG.sub("", text) if read is None else read
            if _is_shown(value, read):
                return None
        if number not in baked:
            parts += (text[done:begin], name.format(number))
            done = end
    if not parts:
        return None
    return _Cut("".join((*parts, text[done:])), {number: value for value, number in numbers.items()})


def _plain(text: str, places: Places) -> Iterator[tuple[int, int, str]]:
    """Where words and addresses stand in values, and what their placeholders are called. Signs between words, which
    the long way may write otherwise, are of the shape."""
    for begin, end in places:
        if _WORD.fullmatch(text, begin, end):
            yield begin, end, _NAME
        elif _ADDRESS.fullmatch(text, begin, end):
            yield begin, end, _HOST
        elif _SIGNS.fullmatch(text, begin, end):
            for found in _SIGN.finditer(text, begin, end):
                if found[1] is not None:
                    yield found.start(), found.end(), _NAME


def _is_shown(address: str, read: str) -> bool:
    """Whether what is read shows an address without its scheme: the text part says it once then (plain.py)."""
    shown = address.partition("//")[2].removesuffix("/")
    return read.count(shown) > read.count(f"//{shown}")


class _Sightings:
    """How often a shape was met."""

    def __init__(self) -> None:
        self.number = 0


@lru_cache(maxsize=4096)
def _sightings(mark: int) -> _Sightings:
    return _Sightings()


def _is_common(make: Make, skeleton: str, has_preheader: bool) -> bool:
    """Not at the first sight: making a shape costs as much as making a mail."""
    seen = _sightings(hash((make, skeleton, has_preheader)))
    seen.number += 1
    return seen.number > 1


# ---- what is the same ------------------------------------------------------------------------------------------------


class _Filler:
    """A text with placeholders, to be filled."""

    def __init__(self, text: str) -> None:
        self._pieces = _NAMED.split(text)
        self._numbers = [int(one) for one in self._pieces[1::2]]
        found = list(_NAMED.finditer(text))
        self._starts = [one.start() for one in found]
        self._lengths = [len(one[0]) for one in found]
        self.is_whole = not any(ours in piece for piece in self._pieces[::2] for ours in _OURS)
        """Whether every placeholder came through as it was."""

    def filled(self, values: Mapping[int, str]) -> tuple[str, list[int]]:
        """The text, and by how much what stands behind so many placeholders has moved."""
        put = [values[number] for number in self._numbers]
        pieces = self._pieces.copy()
        pieces[1::2] = put
        moved = [0, *accumulate(len(value) - length for value, length in zip(put, self._lengths, strict=True))]
        return "".join(pieces), moved

    def before(self, place: int) -> int:
        """How many placeholders stand before a place."""
        return bisect_left(self._starts, place)


class _Placed(NamedTuple):
    """A tag of the shape's HTML, and how many placeholders stand before each place that it names."""

    tag: Tag
    start: int
    end: int
    attributes: tuple[tuple[Attribute, int, int, int], ...]
    """Each with those before its start, end and value."""


class Shape:
    """What mails of one shape have in common."""

    def __init__(self, whole: Made | None = None, baked: frozenset[int] = frozenset()) -> None:
        """Without `whole` there is none: its mails are made the long way."""
        self.baked = baked
        """Values that cannot be put in later: they are of the shape."""
        self.is_tried = False
        self.trust = False
        """Whether it gave what the long way gives."""
        whole = whole or Made("", "")
        self._html, self._text = _Filler(whole.html), _Filler(whole.text)
        self.is_usable = bool(whole.html) and self._html.is_whole and self._text.is_whole
        self._tags = [self._placed(tag) for tag in _read(whole.html)]

    def _placed(self, tag: Tag) -> _Placed:
        before = self._html.before
        attributes = tuple((one, before(one.start), before(one.end), before(one.value_start)) for one in tag.attributes)
        return _Placed(tag, before(tag.start), before(tag.end), attributes)

    def filled(self, values: Mapping[int, str]) -> Made:
        html, moved = self._html.filled(values)
        found = tuple(_tag(placed, html, moved) for placed in self._tags)
        text = self._text.filled({number: value.replace("&amp;", "&") for number, value in values.items()})[0]
        return Made(html, text, found)


def _tag(placed: _Placed, html: str, moved: Sequence[int]) -> Tag:
    tag = placed.tag
    attributes = tuple(_attribute(html, moved, *one) for one in placed.attributes)
    return Tag(tag.name, tag.start + moved[placed.start], tag.end + moved[placed.end], tag.is_end, attributes)


def _attribute(html: str, moved: Sequence[int], one: Attribute, start: int, end: int, value_start: int) -> Attribute:
    last, first = one.end + moved[end], one.value_start + moved[value_start]
    written = html[first:last]
    value = decoded(written[1:-1] if written[:1] in ("'", '"') else written)
    return Attribute(one.name, value, one.start + moved[start], last, first)


def _read(html: str) -> tuple[Tag, ...]:
    """What messages/tracking.py reads of a mail."""
    found = []
    for tag in tags(html, READ):
        told = tuple(one for one in tag.attributes if one.name in ("href", MARK))
        if tag.is_end or (told and tag.name in LINKS):
            found.append(Tag(tag.name, tag.start, tag.end, tag.is_end, () if tag.is_end else told))
    return tuple(found)


@lru_cache(maxsize=128)
def _shape(make: Make, skeleton: str, has_preheader: bool) -> Shape:
    baked = frozenset(_not_passing(skeleton))
    if baked:
        return Shape(baked=baked)
    if _LOOKED_AT.search(skeleton):
        return Shape()
    try:
        whole = make(skeleton, _NAME.format(_MOST) if has_preheader else "")
    except MarkupError:
        return Shape()
    return Shape(whole)


def _not_passing(skeleton: str) -> Iterator[int]:
    """The placeholders that stand elsewhere than in text, or in an attribute that passes through."""
    read = list(tags(skeleton))
    ends = [tag.end for tag in read]
    for found in _NAMED.finditer(skeleton):
        number, at = int(found[1]), found.start()
        index = bisect_left(ends, at + 1)
        inside = read[index] if index < len(read) and read[index].start < at else None
        if inside is not None:
            if not _passes(inside, skeleton, at, is_address=found[0].startswith("http")):
                yield number
            continue
        last = read[index - 1] if index else None
        is_held = last is not None and last.name in _HOLDING and not last.is_end
        comment = skeleton.rfind("<!--", last.end if last is not None else 0, at)
        if is_held or (comment >= 0 and skeleton.find("-->", comment, at) < 0):
            yield number


def _passes(tag: Tag, skeleton: str, at: int, *, is_address: bool) -> bool:
    attribute = next((one for one in tag.attributes if one.value_start <= at < one.end), None)
    if (
        attribute is None
        or attribute.name not in _PASSING.get(tag.name, ())
        or skeleton[attribute.value_start] not in "'\""
    ):
        return False
    if attribute.name not in ("href", "src"):
        return True
    before = skeleton[attribute.value_start + 1 : at]
    return (is_address and not before) or before.startswith(_WHOLE)
