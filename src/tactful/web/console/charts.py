"""Charts: numbers as pictures, drawn on the server. Pure functions to SVG, which need no script to be seen.

Widths are percentages and heights are pixels, so that a chart fits any window and its letters stay as large as the text
around it; lines are drawn in a nested SVG that may be stretched. Colours come from classes (charts.css). What can be
pointed at says its value; what is behind a number is a link; and the same numbers stand as a table below.
"""

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape
from msgspec import Struct

from tactful.web.console.axes import between, brief, figure, moments, scale
from tactful.web.wording import local, moment

HEIGHT = 168
"""Of the drawn part, in pixels."""
ABOVE, BELOW = 20, 28
"""Room for the topmost number and for the words below."""
LABELS, FEW = 8, 5
"""Words below an axis at most; on a narrow window every second of them is left out."""


_NUMBER = ' class="number"'


class Bar(Struct, frozen=True):
    label: str
    value: float
    href: str = ""
    """What is behind the number."""
    tone: str = ""
    """good, busy, warn, bad, still; "" is the accent."""


class Series(Struct, frozen=True):
    name: str
    points: Sequence[tuple[int, float]]
    """(microseconds, value), ascending."""
    tone: str = ""


class Stage(Struct, frozen=True):
    label: str
    count: int
    href: str = ""
    note: str = ""
    """Below the label, such as what the number counts."""


# ---- charts --------------------------------------------------------------------------------------------------------


def spark(values: Sequence[float], label: str = "") -> Markup:
    """A line as small as a word: how a number went, without axes. `label` says of what."""
    if len(values) < 2:
        return Markup("")
    highest, lowest = max(values), min(0, *values)
    span = (highest - lowest) or 1
    step = 100 / (len(values) - 1)
    path = " ".join(f"{n * step:.2f},{27 - (value - lowest) / span * 24:.2f}" for n, value in enumerate(values))
    said = f"{label + ': ' if label else ''}from {figure(values[0])} to {figure(values[-1])}, at most {figure(highest)}"
    return Markup(
        '<svg class="spark" role="img" aria-label="{}" viewBox="0 0 100 30" preserveAspectRatio="none">'
        '<polyline points="{}" vector-effect="non-scaling-stroke"/></svg>'
    ).format(said, path)


def columns(bars: Sequence[Bar], title: str, unit: str = "") -> Markup:
    """One column for each bar, in their order."""
    return _bars(bars, title, unit, share=0.7)


def histogram(bars: Sequence[Bar], title: str, unit: str = "") -> Markup:
    """As columns, side by side: each label names a range."""
    return _bars(bars, title, unit, share=0.96)


def lines(series: Sequence[Series], title: str, unit: str, zone: ZoneInfo) -> Markup:
    """Values over time, all on one axis that begins at 0 (or below it)."""
    points = [point for each in series for point in each.points]
    if not points:
        return _nothing(title)
    from_us, until_us = min(at for at, _ in points), max(at for at, _ in points)
    top, ticks = scale(max(value for _, value in points))
    span = max(until_us - from_us, 1)
    drawn = [_lines_of(top, ticks), _numbers(top, ticks)]
    below = moments(from_us, until_us, zone)
    for number, (at, text) in enumerate(below):
        drawn.append(_below((at - from_us) / span * 100, text, "", is_odd=len(below) > FEW and number % 2 == 1))
    inner = [_line(each, from_us, span, top) for each in series]
    drawn.append(
        Markup(
            '<svg class="plot" x="0" y="{}" width="100%" height="{}" viewBox="0 0 1000 {}" preserveAspectRatio="none">'
        ).format(ABOVE, HEIGHT, HEIGHT)
        + _joined(inner)
        + Markup("</svg>")
    )
    names = _legend([(each.name, each.tone) for each in series]) if len(series) > 1 else Markup("")
    head = ["When", *(each.name for each in series)]
    rows = [[moment(local(at, zone)), *cells] for at, cells in _table_of(series)]
    return _figure(title, unit, _svg(title, _joined(drawn)), names, head, rows)


def funnel(stages: Sequence[Stage], title: str) -> Markup:
    """How many come from step to step: each bar against the first, each share against the step before."""
    if not stages:
        return _nothing(title)
    first = max(stage.count for stage in stages) or 1
    rows = [
        _stage(stage, stage.count / first, stages[number - 1].count if number else None)
        for number, stage in enumerate(stages)
    ]
    return Markup('<figure class="chart"><figcaption>{}</figcaption><ol class="funnel">{}</ol></figure>').format(
        title, _joined(rows)
    )


def interval(estimate: float, low: float, high: float, title: str, unit: str = "") -> Markup:
    """An estimate with its interval on a line that shows where 0 is; green and red are for effects that are sure."""
    reach = max(abs(low), abs(high), 1e-12) * 1.15
    left, right = min(0.0, low * 1.15, -reach * 0.12), max(0.0, high * 1.15, reach * 0.12)

    def at(value: float) -> float:
        return (value - left) / (right - left) * 100

    tone = "good" if low > 0 else "bad" if high < 0 else "still"
    said = f"{title}: {_with(estimate, unit)}, between {_with(low, unit)} and {_with(high, unit)}"
    ticks = _joined(_tick(at(value), _with(round(value, 12), unit)) for value in between(left, right))
    drawn = Markup(
        '<line class="axis" x1="0" x2="100%" y1="34" y2="34"/>'
        '<line class="zero" x1="{zero:.2f}%" x2="{zero:.2f}%" y1="6" y2="34"/>'
        '<line class="range {tone}" x1="{low:.2f}%" x2="{high:.2f}%" y1="20" y2="20"/>'
        '<circle class="point {tone}" cx="{middle:.2f}%" cy="20" r="5.5"/>{ticks}'
    ).format(zero=at(0), tone=tone, low=at(low), high=at(high), middle=at(estimate), ticks=ticks)
    svg = Markup('<svg class="interval" role="img" aria-label="{}" width="100%" height="56">{}</svg>').format(
        said, drawn
    )
    rows: list[list[object]] = [[_with(estimate, unit), _with(low, unit), _with(high, unit)]]
    return _figure(title, "", svg, Markup(""), ["Estimate", "From", "To"], rows)


# ---- parts ---------------------------------------------------------------------------------------------------------


def _bars(bars: Sequence[Bar], title: str, unit: str, share: float) -> Markup:
    if not bars:
        return _nothing(title)
    top, ticks = scale(max(bar.value for bar in bars))
    slot = 100 / len(bars)
    every = -(-len(bars) // LABELS)
    drawn = [_lines_of(top, ticks)]
    for number, bar in enumerate(bars):
        middle = (number + 0.5) * slot
        drawn.append(_column(bar, middle, min(slot * share, 12), top, unit))
        if number % every == 0:
            drawn.append(_below(middle, bar.label, "middle", is_odd=len(bars) > FEW and (number // every) % 2 == 1))
    drawn.append(_numbers(top, ticks))  # Last, so that a wide column hides none.
    is_linked = any(bar.href for bar in bars)
    table: list[list[object]] = [[bar.label, _linked(bar.value, bar.href)] for bar in bars]
    svg = _svg(title, _joined(drawn), is_linked=is_linked)
    return _figure(title, unit, svg, Markup(""), [title, unit or "Number"], table)


def _column(bar: Bar, middle: float, width: float, top: float, unit: str) -> str:
    height = max(bar.value, 0) / top * HEIGHT
    height = max(height, 2.0) if bar.value > 0 else 0.0
    said = f"{bar.label}: {_with(bar.value, unit)}"
    drawn = (
        f'<g class="bar {escape(bar.tone)}"><title>{escape(said)}</title>'
        f'<rect class="catch" x="{middle - width / 2:.3f}%" y="{ABOVE}" width="{width:.3f}%" height="{HEIGHT}"/>'
        f'<rect x="{middle - width / 2:.3f}%" y="{ABOVE + HEIGHT - height:.1f}" width="{width:.3f}%"'
        f' height="{height:.1f}" rx="2"/></g>'
    )
    return f'<a href="{escape(bar.href)}" aria-label="{escape(said)}">{drawn}</a>' if bar.href else drawn


def _line(series: Series, from_us: int, span: int, top: float) -> Markup:
    where = [((at - from_us) / span * 1000, HEIGHT - max(value, 0) / top * HEIGHT) for at, value in series.points]
    if is_alone := len(where) == 1:
        where *= 2  # A line from a point to itself is drawn as a dot.
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in where)
    area = ""
    if not series.tone and where:
        area = f"M{where[0][0]:.1f},{HEIGHT} L{path} L{where[-1][0]:.1f},{HEIGHT} Z"
    return (Markup('<path class="area" d="{}"/>').format(area) if area else Markup("")) + Markup(
        '<polyline class="line {}" points="{}" vector-effect="non-scaling-stroke"><title>{}</title></polyline>'
    ).format(f"{series.tone} alone" if is_alone else series.tone, path, series.name)


def _table_of(series: Sequence[Series]) -> list[tuple[int, list[object]]]:
    """One row for each moment; "" where a series has no value then."""
    values = [dict(each.points) for each in series]
    every = sorted({at for each in values for at in each})
    return [(at, [figure(each[at]) if at in each else "" for each in values]) for at in every]


def _stage(stage: Stage, share: float, before: int | None) -> Markup:
    # Where more come to a step than to the one before, they came by another way, and a share says nothing.
    of_before = f"{stage.count / before:.0%}" if before and stage.count <= before else ""
    return Markup(
        '<li><span class="label">{label}{note}</span>'
        '<svg aria-hidden="true" width="100%" height="12"><rect class="track" width="100%" height="12" rx="3"/>'
        '<rect class="fill" width="{width:.2f}%" height="12" rx="3"/></svg>'
        '<span class="count">{count}{of}</span></li>'
    ).format(
        label=stage.label,
        note=Markup('<span class="quiet">{}</span>').format(stage.note) if stage.note else "",
        width=max(share * 100, 0.4) if stage.count else 0,
        count=_linked(stage.count, stage.href),
        of=Markup(' <span class="quiet">{}<span class="hidden"> of the step before</span></span>').format(of_before)
        if of_before
        else "",
    )


def _lines_of(top: float, ticks: Sequence[float]) -> str:
    return "".join(
        f'<line class="{"grid" if value else "axis"}" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
        for value, y in _heights(top, ticks)
    )


def _numbers(top: float, ticks: Sequence[float]) -> str:
    """They stand on their lines, so that the whole width is the chart's."""
    return "".join(
        f'<text class="number" x="0" y="{y:.1f}" dy="-4">{brief(value)}</text>'
        for value, y in _heights(top, ticks)
        if value
    )


def _heights(top: float, ticks: Sequence[float]) -> list[tuple[float, float]]:
    return [(value, ABOVE + HEIGHT - value / top * HEIGHT) for value in ticks]


def _below(percent: float, text: str, anchor: str, *, is_odd: bool = False) -> str:
    anchor = anchor or ("start" if percent < 6 else "end" if percent > 94 else "middle")
    return (
        f'<text class="below{" odd" if is_odd else ""}" x="{percent:.2f}%" y="{ABOVE + HEIGHT + 19}"'
        f' text-anchor="{anchor}">{escape(text)}</text>'
    )


def _tick(percent: float, text: str) -> Markup:
    anchor = "start" if percent < 8 else "end" if percent > 92 else "middle"
    return Markup('<text class="below" x="{:.2f}%" y="52" text-anchor="{}">{}</text>').format(percent, anchor, text)


def _svg(title: str, drawn: Markup, *, is_linked: bool = False) -> Markup:
    """With links inside it is a group, since nothing within an image can be reached."""
    role = "group" if is_linked else "img"
    return Markup('<svg role="{}" aria-label="{}" width="100%" height="{}">{}</svg>').format(
        role, title, ABOVE + HEIGHT + BELOW, drawn
    )


def _legend(names: Sequence[tuple[str, str]]) -> Markup:
    each = Markup('<li class="{}">{}</li>')
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(each.format(tone, name) for name, tone in names))


def _figure(
    title: str, unit: str, svg: Markup, names: Markup, head: Sequence[str], rows: Sequence[Sequence[object]]
) -> Markup:
    top = _joined(f'<th scope="col"{_NUMBER if n else ""}>{escape(text)}</th>' for n, text in enumerate(head))
    body = _joined(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f'<td class="number">{escape(cell)}</td>' for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    said = Markup('{} <span class="quiet">{}</span>').format(title, unit) if unit else escape(title)
    return Markup(
        '<figure class="chart"><figcaption>{}</figcaption>{}{}<details><summary>As a table</summary>'
        '<div class="scroll" tabindex="0"><table class="table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>'
        "</div>"
        "</details></figure>"
    ).format(said, names, svg, top, body)


def _nothing(title: str) -> Markup:
    return Markup(
        '<figure class="chart"><figcaption>{}</figcaption><p class="quiet">Nothing to draw yet.</p></figure>'
    ).format(title)


def _linked(value: float, href: str) -> Markup:
    return _joined([f'<a href="{escape(href)}">{figure(value)}</a>' if href else figure(value)])


def _joined(parts: Iterable[str]) -> Markup:
    """Of parts in which everything that somebody has written is escaped; Markup.format of each would take most of the
    time of a page with charts."""
    return Markup("".join(parts))  # noqa: S704  (see above)


def _with(value: float, unit: str) -> str:
    return f"{figure(value)}{unit}" if unit == "%" else f"{figure(value)} {unit}".rstrip()
