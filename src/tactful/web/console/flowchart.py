"""Flowchart: a journey as SVG. The places come from journeys/flow.py, the words from operations/journeys/flow_words.py.

Text in SVG does not wrap, so it is cut into lines here by about how wide letters are; what is cut off stands in the
title of the box, and all of it in the table below the picture. Colours come from classes (journeys.css).
"""

from collections.abc import Mapping
from itertools import pairwise
from textwrap import wrap

from markupsafe import Markup
from msgspec import Struct

from tactful.journeys.flow import Box, Flow, Line, flow_of
from tactful.journeys.rules import JourneyRule
from tactful.operations.journeys.flow_words import Words

LETTERS = 30
"""Of a line."""
LINES = 3
NAME = 16
"""Letters of the name of a branch."""
HEAD, ROW, FOOT, BELOW = 34, 18, 24, 12
ROUND = 8
"""Radius of a line's corners."""
_ICONS = {
    "start": "play",
    "wait": "clock",
    "if": "split",
    "split": "split",
    "send": "send",
    "set": "tag",
    "exit": "log-out",
}


class Mark(Struct, frozen=True):
    """What stands at a box beside its words: how many wait there, what it has sent; each with where it leads."""

    inside: int = 0
    inside_href: str = ""
    foot: str = ""
    foot_href: str = ""


def flowchart(rule: JourneyRule, words: Mapping[str, Words], start: Words, marks: Mapping[str, Mark]) -> Markup:
    """The picture; `words` and `marks` by step."""
    texts = {step: _lines(one.text) for step, one in words.items()}
    heights = {
        step: HEAD + ROW * len(lines) + (FOOT if step in marks and marks[step].foot else 0) + BELOW
        for step, lines in texts.items()
    }
    first = _lines(start.text)
    flow = flow_of(rule.program, heights, HEAD + ROW * len(first) + BELOW, is_restarting=rule.is_restarting)
    drawn = [_line(line) for line in flow.lines]
    for box in flow.boxes:
        if box.kind == "end":
            drawn.append(_end(box))
        elif box.kind == "start":
            drawn.append(_box(box, start, first, Mark()))
        else:
            drawn.append(_box(box, words[box.step], texts[box.step], marks.get(box.step, Mark())))
    return _svg(rule.name, flow, Markup("").join(drawn))


def _svg(name: str, flow: Flow, drawn: Markup) -> Markup:
    return Markup(
        '<svg class="flow" role="group" aria-label="The journey {} as a flow" width="{}" height="{}" '
        'viewBox="0 0 {} {}"><defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto-start-reverse"><path class="tip" d="M0.5 0.5 7 4 0.5 7.5"/></marker></defs>'
        "{}</svg>"
    ).format(name, flow.width, flow.height, flow.width, flow.height, drawn)


def _box(box: Box, words: Words, lines: list[str], mark: Mark) -> Markup:
    parts = [
        Markup('<g class="box {}" transform="translate({} {})"><title>{}: {}</title>').format(
            words.kind, box.x, box.y, words.title, words.text
        ),
        Markup('<rect width="{}" height="{}" rx="10"/>').format(box.width, box.height),
        Markup('<use class="icon" href="/static/icons.svg#{}" x="14" y="12" width="16" height="16"/>').format(
            _ICONS[words.kind]
        ),
        Markup('<text class="title" x="38" y="24">{}</text>').format(words.title),
    ]
    for number, line in enumerate(lines):
        text = Markup('<text x="14" y="{}">{}</text>').format(HEAD + ROW * number + 12, line)
        parts.append(text)
    if mark.foot:
        text = Markup('<text class="foot" x="14" y="{}">{}</text>').format(box.height - BELOW, mark.foot)
        parts.append(_linked(text, mark.foot_href))
    if mark.inside:
        parts.append(_pill(box, mark))
    return Markup("").join(parts) + Markup("</g>")


def _pill(box: Box, mark: Mark) -> Markup:
    """How many are there now, on the upper edge."""
    said = f"{mark.inside:,}"
    width = 20 + 8 * len(said)
    x = box.width - 10 - width
    pill = Markup(
        '<g class="inside"><title>{} here now</title><rect x="{}" y="-11" width="{}" height="22" rx="11"/>'
        '<text x="{}" y="4" text-anchor="middle">{}</text></g>'
    ).format(said, x, width, x + width // 2, said)
    return _linked(pill, mark.inside_href)


def _linked(part: Markup, href: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(href, part) if href else part


def _end(box: Box) -> Markup:
    return Markup(
        '<g class="box end" transform="translate({} {})"><rect width="{}" height="{}" rx="{}"/>'
        '<text x="{}" y="21" text-anchor="middle">End</text></g>'
    ).format(box.x, box.y, box.width, box.height, box.height // 2, box.width // 2)


def _line(line: Line) -> Markup:
    kind = "line loop" if line.is_loop else "line"
    tip = Markup(' marker-end="url(#tip)"') if line.is_arrow else Markup("")
    path = Markup('<path class="{}" d="{}"{}/>').format(kind, _path(line), tip)
    if not line.name:
        return path
    x, y = line.name_at
    said = line.name if len(line.name) <= NAME else line.name[: NAME - 1] + "…"
    return path + Markup('<text class="way" x="{}" y="{}"><title>{}</title>{}</text>').format(x, y, line.name, said)


def _path(line: Line) -> str:
    """Through the points, with round corners."""
    before, last = line.points[0], line.points[-1]
    said = [f"M{before[0]} {before[1]}"]
    for corner, after in pairwise(line.points[1:]):
        x, y = _towards(corner, before)
        to_x, to_y = _towards(corner, after)
        said.append(f"L{x} {y}Q{corner[0]} {corner[1]} {to_x} {to_y}")
        before = corner
    said.append(f"L{last[0]} {last[1]}")
    return "".join(said)


def _towards(corner: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """A place on the way from a corner to another point, at most the radius away and at most half way."""
    x, y = corner
    over, down = other[0] - x, other[1] - y
    by = min(ROUND, max(abs(over), abs(down)) // 2)
    return x + by * ((over > 0) - (over < 0)), y + by * ((down > 0) - (down < 0))


def _lines(text: str) -> list[str]:
    """The text in a few lines; what does not fit is left out."""
    return wrap(text, LETTERS, max_lines=LINES, placeholder=" …") or [""]
