"""A preview as text for a terminal: numbers in columns, and bars of blocks beside them."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tactful.operations.previews.previewing_history import Point, Preview
from tactful.operations.previews.spread import Spread
from tactful.values import format_time

WIDTH = 40
"""Of the longest bar, in letters."""
WIDEST = 60
"""Of a value, in letters."""
BLOCK = "█"


def as_text(found: Preview) -> str:
    """Ends in a line end."""
    return "\n".join([*_head(found), *_over_time(found), *_values(found), *_spreads(found), *_sample(found)]) + "\n"


def _head(found: Preview) -> Iterator[str]:
    share = f" ({found.people / found.everybody:.1%})" if found.everybody else ""
    said = "match" if found.kind == "condition" else "have a value"
    seen = "at" if found.sees == "known" else "by what had happened until"
    yield f"{found.people:,} of {found.everybody:,} people{share} {said} {seen} {format_time(found.at_us)}"
    if found.begins_at_us is not None:
        yield f"nobody was known then; the first of whom anything is known came at {format_time(found.begins_at_us)}"
    if not found.everybody and found.sees == "known":
        yield "--happened asks by what had happened, also where it came in later (an import)"
    for name, hint in found.unheard:
        yield f'nothing called "{name}" has ever come in' + (f"; {hint}" if hint else "")


def _over_time(found: Preview) -> Iterator[str]:
    if len(found.points) < 2:
        return
    yield ""
    yield "over time" + (f", of 1 person in {found.step:,}" if found.step > 1 else "")
    rows = [
        (
            format_time(one.at_us)[:10],
            one.people,
            " ".join(
                part for part in (f"{one.low:,} to {one.high:,}" if one.low < one.high else "", _at(one, found)) if part
            ),
        )
        for one in found.points
    ]
    yield from _bars(rows)


def _at(one: Point, found: Preview) -> str:
    """How a value lay over people then."""
    if not one.percentiles:
        return ""
    spread = found.spreads[0]
    return ", ".join(f"{percent} %: {_number(value, spread)}{spread.unit}" for percent, value in one.percentiles)


def _values(found: Preview) -> Iterator[str]:
    if found.values:
        yield ""
        yield "most frequent"
        yield from _bars([(_said(value), people, "") for value, people in found.values])


def _spreads(found: Preview) -> Iterator[str]:
    for one in found.spreads:
        yield ""
        yield one.text
        unit = one.unit if one.unit != "time" else ""
        yield "  " + ", ".join(f"{percent} %: {_number(value, one)}{unit}" for percent, value in one.percentiles)
        if one.missing:
            yield f"  {one.missing:,} have none"
        last = len(one.bars) - 1
        rows = [
            (_number(edge, one) + unit, people, "and more" if one.is_open and place == last else "")
            for place, (edge, people) in enumerate(zip(one.edges, one.bars, strict=True))
        ]
        yield from _bars(rows)
        if one.threshold is not None:
            yield f"  {one.op} {_number(one.threshold, one)}{unit}: {one.beyond:,} ({one.share(one.beyond):.1%})"


def _sample(found: Preview) -> Iterator[str]:
    if not found.sample:
        return
    yield ""
    yield "some of them"
    width = max(len(one.key) for one in found.sample)
    for one in found.sample:
        yield f"  {one.key.ljust(width)}  {_said(one.value)}".rstrip() if one.value is not None else f"  {one.key}"


def _bars(rows: Sequence[tuple[str, int, str]]) -> Iterator[str]:
    left = max(len(name) for name, _, _ in rows)
    middle = max(len(f"{number:,}") for _, number, _ in rows)
    most = max(number for _, number, _ in rows) or 1
    for name, number, note in rows:
        bar = BLOCK * max(round(number / most * WIDTH), 1 if number else 0)
        yield f"  {name.rjust(left)}  {f'{number:,}'.rjust(middle)}  {bar} {note}".rstrip()


def _number(value: float, one: Spread) -> str:
    if one.unit == "time":
        return format_time(int(value))[:10]
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def _said(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
