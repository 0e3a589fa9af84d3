"""Durations that are scaled: only such as do not grow with time may be (docs/decisions/0007)."""

from collections.abc import Callable, Mapping

Text = str
Production = tuple[str, float, Callable[[int], Text]]
"""Its label, how likely it is before it was used, and what writes it at a depth."""
Still = Mapping[str, Callable[[int], Text]]
"""By a label, what writes durations that do not grow."""


def still(name: Callable[[str, str], Text], selection: Callable[[int], Text], scope: str) -> Still:
    """`name` writes the name of something in the scope of a kind, `selection` what is asked of events."""
    found: dict[str, Callable[[int], Text]] = {
        "of times": lambda _: f"(time({name(scope, 'time')}) - time({name(scope, 'time')}))"
    }
    if scope == "person":
        found["of events"] = lambda deep: f"(latest({selection(deep)}) - first({selection(deep)}))"
    return found


def scaled(durations: Still, value: Callable[[str, str, int], Text], scope: str) -> list[Production]:
    """`value` writes a value in the scope of a kind at a depth."""

    def by_number(label: str, write: Callable[[int], Text]) -> list[Production]:
        return [
            (f"{label} scaled", 0.3, lambda deep: f"({write(deep)} * {value(scope, 'number', deep)})"),
            (f"{label} multiple", 0.2, lambda deep: f"({value(scope, 'number', deep)} * {write(deep)})"),
            (f"{label} shared out", 0.3, lambda deep: f"({write(deep)} / {value(scope, 'number', deep)})"),
        ]

    return [production for label, write in durations.items() for production in by_number(label, write)]


def ratios(durations: Still) -> list[Production]:
    """Numbers: how often one goes into another, and a day and a half into it."""

    def of(label: str, write: Callable[[int], Text]) -> list[Production]:
        return [
            (f"{label} ratio", 0.2, lambda deep: f"({write(deep)} / {write(deep)})"),
            (f"{label} in units", 0.2, lambda deep: f'({write(deep)} / "36h")'),
        ]

    return [production for label, write in durations.items() for production in of(label, write)]
