"""What is asked of the events of a person, and what every kind of state can do. Knows no expression.

An aggregate is one such question with its state; two definitions that ask for the same share one. Every fold is
commutative (late, repeated and reordered events change nothing), every state can be merged with that of another
fragment of the person, and none outgrows CAP items: beyond it the oldest are thinned and the value is coarse
(LANGUAGE.md 6.2). Events are told apart, and ordered, by (timestamp, lag, ref): lag is received_at - timestamp, so this
is event order (LANGUAGE.md 1.4) in fewer bytes.
"""

from typing import Any, Protocol, TypeVar

from msgspec import Struct

CAP = 4096
"""Kept items per aggregate and person at most."""


class AggregateSpec(Struct, frozen=True):
    """What is asked. Texts are canonical, so that equal questions are equal specs."""

    kind: str
    """The kind of state, a key of kinds.KINDS."""
    events: tuple[str, ...]
    """Event names, sorted; "*" is any track, page or screen. Empty for a sequence and a collection, whose steps have
    their own."""
    where: str = ""
    """The condition on the event; "" for none."""
    value: str = ""
    """The value asked of each event; "" for none."""
    keep: int = CAP
    """How many items are enough to decide (1..CAP)."""
    older_us: int | None = None
    """Only events with T - older < timestamp count; None: all time."""
    newer_us: int = 0
    """Only events with timestamp <= T - newer count (between=)."""
    steps: tuple[str, ...] = ()
    """Of a sequence: each step's events and condition; an absent one begins with "not ". Of a collection: what adds,
    removes and clears, and the name of the key in an item."""
    within_us: int | None = None
    """Of a sequence."""
    gap_us: int = 0
    """Of sessions."""

    @property
    def is_between(self) -> bool:
        return self.newer_us > 0

    def canonical(self) -> str:
        """The same text for the same aggregate, whatever the process or version; its state has this number for ever.
        A kind whose state changes its form gets another name."""
        window = f"{self.older_us or 'all'}..{self.newer_us}"
        text = f"{self.kind} {self.keep} of {list(self.events)!r} where {self.where or 'true'} in {window}"
        text += f" value {self.value}" if self.value else ""
        text += f" steps {list(self.steps)!r} within {self.within_us or 'any'}" if self.steps else ""
        return text + (f" gap {self.gap_us}" if self.gap_us else "")


S = TypeVar("S")


class Aggregate(Protocol[S]):
    """One kind of state, set up for one spec: built once per plan by kinds.build(spec). States know nothing of specs.

    `at`, `now` are instants (microseconds). Readers of a kind (`value`, `at_least`, ...) are its own; they never change
    the state and take None for a person without one.
    """

    def new(self) -> S: ...

    def fold(self, state: S, at: int, lag: int, ref: int, value: Any, now: int) -> bool | None:
        """Take one matching event in. `value` is what the spec's value is for this event (None: missing); of a wrong
        type it is skipped. May forget what no window will see again. False where no answer at `now` is another for it,
        and none changes sooner by itself: then nobody needs to look."""

    def let_go(self, state: S, now: int) -> bool:
        """Forget what no window after `now` will see; True where nothing is left, so that the state can go."""

    def merge(self, one: S, other: S) -> S:
        """The state of both halves, which share no event; neither is changed."""

    def next_change(self, state: S | None, now: int) -> int | None:
        """First instant > now at which the value may change by itself; may be early, never late. None: never."""

    def refs(self, state: S | None, now: int) -> list[int]:
        """Events that count at `now`, newest last, for reasons; empty where the kind does not keep them."""

    def is_coarse(self, state: S | None, now: int) -> bool:
        """Whether items that are gone may still matter at `now`."""
