"""Curves: a few panels of lines over the hours of a day, as one SVG that a page may show by itself."""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 460, 200, 52, 130, 34, 26
TONES = ("#1b1b1b", "#0b6e4f", "#b5651d", "#3b6ea5", "#8a5a9e", "#a33b3b", "#6b7280", "#c2a83e")


class Curve(NamedTuple):
    name: str
    points: list[tuple[float, float]]
    """Hour and value."""


class Panel(NamedTuple):
    title: str
    unit: str
    curves: list[Curve]


def drawn(title: str, panels: Sequence[Panel]) -> str:
    """Two panels in a row."""
    rows = math.ceil(len(panels) / 2)
    width, height = 2 * WIDTH, rows * HEIGHT + 40
    inside = "".join(
        f'<g transform="translate({(number % 2) * WIDTH} {40 + number // 2 * HEIGHT})">{_panel(panel)}</g>'
        for number, panel in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="Georgia, serif" font-size="11" fill="#1b1b1b"><title>{escape(title)}</title>'
        f'<rect width="{width}" height="{height}" fill="#fbfaf7"/>'
        f'<text x="{LEFT}" y="26" font-size="16">{escape(title)}</text>{inside}</svg>\n'
    )


def _panel(panel: Panel) -> str:
    points = [point for curve in panel.curves for point in curve.points] or [(0.0, 0.0)]
    hours, most = max(hour for hour, _ in points) or 1.0, _round_up(max(value for _, value in points))
    across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(hour: float) -> float:
        return LEFT + hour / hours * across

    def y(value: float) -> float:
        return TOP + (1 - value / most) * down

    found = [f'<text x="{LEFT}" y="20" font-size="13">{escape(panel.title)}, {escape(panel.unit)}</text>']
    for step in range(5):
        value = most * step / 4
        found.append(f'<path d="M{LEFT} {y(value):.1f}h{across}" stroke="#ddd9d0" fill="none"/>')
        found.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    found += [
        f'<text x="{x(hour):.1f}" y="{HEIGHT - 10}" text-anchor="{anchor}">{hour:.0f} h</text>'
        for hour, anchor in ((0.0, "middle"), (hours / 4, "middle"), (hours / 2, "middle"), (hours, "end"))
    ]
    labels: list[float] = []
    for number, curve in sorted(enumerate(panel.curves), key=lambda each: -_last(each[1])):
        if not curve.points:
            continue
        tone = TONES[number % len(TONES)]
        path = "L".join(f"{x(hour):.1f} {y(value):.1f}" for hour, value in curve.points)
        found.append(f'<path d="M{path}" stroke="{tone}" stroke-width="1.4" fill="none" stroke-linejoin="round"/>')
        # Names stand beside the ends of their lines, a line apart at least.
        place = max(y(_last(curve)) + 4, labels[-1] + 13 if labels else 0.0)
        labels.append(place)
        said = f"{escape(curve.name)} {_last(curve):,.3g}"
        found.append(f'<text x="{WIDTH - RIGHT + 8}" y="{place:.1f}" fill="{tone}">{said}</text>')
    return "".join(found)


def _last(curve: Curve) -> float:
    return curve.points[-1][1] if curve.points else 0.0


def _round_up(value: float) -> float:
    """To something that four lines divide well."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 6, 8, 10, 20) if step * power >= value)
