"""One question over events, looked at in a person: its state, and what is said of it beside its value."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from tactful.language.compiled import View
from tactful.language.folds import Folds, questions
from tactful.language.generate import Asked
from tactful.language.tree import Node


class Look(Struct, frozen=True):
    asked: Asked
    n: int | None
    """The threshold where only that is asked."""

    def state(self, view: View, now: int) -> Any:
        """The state that answers."""
        held = view.states.get(self.asked.number)
        return held if self.asked.narrow is None else self.asked.narrow(held, view.traits, now)

    def refs(self, view: View, now: int) -> list[int]:
        refs: list[int] = self.asked.reader.refs(self.state(view, now), now)
        return refs

    def is_coarse(self, view: View, now: int) -> bool:
        kept = self.asked.kept
        if kept is not None and kept.is_coarse(view.states.get(self.asked.number), now):
            return True
        is_coarse: bool = self.asked.reader.is_coarse(self.state(view, now), now)
        return is_coarse


def looks(lowered: Node, folds: Folds) -> Iterator[Look]:
    """Each question once, in the order of the text."""
    seen = set()
    for question, n in questions(lowered):
        asked = folds.asked(question, n)
        what = (asked.number, asked.spec, n)
        if what not in seen:
            seen.add(what)
            yield Look(asked, n)
