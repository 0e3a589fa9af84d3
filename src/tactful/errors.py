"""The errors that cross floors; each kind has its own road (docs/decisions/0001).

Our bug: assert. A wrong definition: DefinitionError. Bad data: a value, not an exception (events/verdicts.py).
The world failing: TransientError, raised by adapters only.
"""

from msgspec import Struct


class Place(Struct, frozen=True):
    """Where in a definition: file (relative to the project), line and column from 1, the line's text."""

    file: str
    line: int
    column: int
    text: str = ""


class Problem(Struct, frozen=True):
    """One mistake (or warning) in a definition: what, where, and what to write instead."""

    message: str
    place: Place
    hint: str = ""

    def __str__(self) -> str:
        lines = [f"{self.place.file}:{self.place.line}:{self.place.column}: {self.message}"]
        if self.place.text:
            lines += [f"    {self.place.text}", "    " + " " * (self.place.column - 1) + "^"]
        if self.hint:
            lines.append(f"    {self.hint}")
        return "\n".join(lines)


class DefinitionError(Exception):
    """A project that cannot be published, with every mistake found."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class UsageError(Exception):
    """The person at the keyboard asked for what cannot be; the text says what to do instead."""


class TransientError(Exception):
    """The world failed (disk full, server away); the text says what the operator can do. Nothing was lost."""


class Fenced(Exception):
    """This worker no longer owns the partition; it must stop and forget what it holds."""
