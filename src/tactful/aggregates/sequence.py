"""Sequence: did these steps happen in this order, with nothing unwanted between or after (LANGUAGE.md 7)?

Events come in event order nearly always, so a state stands at the end of its events like an automaton: for each
positive step it holds when the chains began that came so far unbroken, and one more event moves it in a few operations.
The events that can still matter are held beside it; a late one, a merge or a removal runs through them again, so that
`starts` is always what a run over `keys` gives, and truth is the truth about `keys`.

Of two chains that are equally far, the one that began later is worth more: it may take longer (within=), it leaves
last= later, and whatever breaks one breaks both. So a step holds one start. Only where an absence must last until
start + within do all count, since the earlier ones are ripe earlier.

An arbitrarily old event may come at any time. What is forgotten is therefore only what decides nothing whatever may
come: each rule below says why. Whether events meet by folding or by merging makes no difference to that argument.

Bytes: 23 an event (27 if more than 65 ms late), 9 a start, 8 to 16 for the rest. Once A then B has happened: 30. Before
it, without within=: two events at most. A cart that was left (`A, not [A, B]`): one event, 40. With within= or last=:
the events that the rules leave, at most twice as many or 16, and never more than CAP; beyond it the oldest go, an
eighth at a time, and only false is coarse then, for what is held was seen in full.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from msgspec import Struct, field

from tactful.aggregates.spec import CAP, AggregateSpec
from tactful.aggregates.window import FOREVER, later

Key = tuple[int, int, int, int]
"""(timestamp, lag, ref, the steps that the event matches as bits): sorts in event order."""

FEW = 16
"""So many events are not looked through for what could go."""


class Sequence(Struct, array_like=True, tag=12):
    keys: list[Key]
    """Events that can still matter, in event order."""
    starts: list[list[int]]
    """Of each positive step, ascending: when the unbroken chains began that have come as far as this step."""
    limit: int = FEW
    """As soon as there are more keys, those that no longer matter are looked for."""
    gone: int | None = None
    """The newest time among what CAP has thinned."""
    chain: list[int] = field(default_factory=list)
    """Refs of the chain that made it true for ever; then nothing else is held."""


class SequenceOf:
    """Steps are numbered by their bit: `positives[i]` is that of the i-th positive step, `gaps[i]` those of the absent
    steps between it and the next one, `end` those behind the last."""

    def __init__(self, spec: AggregateSpec) -> None:
        self.positives: list[int] = []
        self.gaps: list[int] = []
        for index, step in enumerate(spec.steps):
            if step.startswith("not "):
                self.gaps[-1] |= 1 << index
            else:
                self.positives.append(1 << index)
                self.gaps.append(0)
        self.last, self.end = self.positives[-1], self.gaps[-1]
        self.older = FOREVER if spec.older_us is None else spec.older_us
        self.within = FOREVER if spec.within_us is None else spec.within_us
        if self.within >= self.older and not self.end:
            self.within = FOREVER  # Younger than L are all: that they are less than W apart says nothing more.
        self.cap = min(spec.keep, CAP)
        is_all_time, is_free = self.older == FOREVER, self.within == FOREVER
        has_between = any(self.gaps[:-1])
        self.is_once = is_all_time and not any(self.gaps)
        """Once true, it is true for ever."""
        self.is_waiting = bool(self.end) and not is_free
        self.is_settling = self.is_waiting and not has_between
        self.is_plain = is_all_time and is_free and not has_between
        self.is_pair = self.is_once and not is_free and len(self.positives) == 2
        self.is_overtaken = not (is_all_time or has_between or self.is_waiting)
        self._known_moves: dict[int, tuple[tuple[int, bool, bool], ...]] = {}

    # ---- events ------------------------------------------------------------------------------------------------------

    def new(self) -> Sequence:
        return Sequence([], [[] for _ in self.positives], min(self.cap, FEW))

    def fold(self, state: Sequence, at: int, lag: int, ref: int, value: int | None, now: int) -> bool:
        """`value` has the bits of the steps that the event matches. Only the last step and what is unwanted behind it
        change an answer at once, where the event is the newest."""
        if not value or state.chain or at <= now - self.older or (state.gone is not None and at <= state.gone):
            return False
        keys, key = state.keys, (at, lag, ref, value)
        is_told = bool(value & (self.last | self.end))
        if keys and key < keys[-1]:
            keys.insert(bisect_left(keys, key), key)
            state.starts = self._run(keys)
            is_told = True
        else:
            if self.is_plain and self._is_known(state, value):
                return False
            if value & self.end:
                self._end(state, at)
            keys.append(key)
            self._move(state.starts, at, value)
        self._conclude(state)
        if len(keys) > state.limit:
            self._tidy(state, now)
            is_told = True  # What is thinned may have been what made it true.
        return is_told

    def _move(self, starts: list[list[int]], at: int, mask: int) -> None:
        """One more event, newer than all before."""
        for step, is_step, is_unwanted in self._moves(mask):
            came: list[int] = []
            if is_step:
                came = starts[step - 1] if step else [at]
                if came and came[0] <= at - self.within:
                    came = came[bisect_right(came, at - self.within) :]
            reached = starts[step]
            if is_unwanted:
                reached.clear()  # But for the chain that ends with this very event: the absence is behind it.
            if not came:
                continue
            if not self.is_waiting:
                reached[:] = came
            elif step < len(starts) - 1:
                _add(reached, came)
                del reached[: bisect_right(reached, at - self.within)]
            elif self.older < FOREVER:
                _add(reached, came)
            elif not reached:
                reached.append(came[0])  # Nothing leaves, so the first to be ripe decides.

    def _moves(self, mask: int) -> tuple[tuple[int, bool, bool], ...]:
        """(step, is it this step, is it unwanted behind it), last step first: no event is used twice."""
        found = self._known_moves.get(mask)
        if found is None:
            steps = range(len(self.positives) - 1, -1, -1)
            moves = ((step, bool(mask & self.positives[step]), bool(mask & self.gaps[step])) for step in steps)
            found = self._known_moves[mask] = tuple(move for move in moves if move[1] or move[2])
        return found

    def _run(self, keys: Iterable[Key]) -> list[list[int]]:
        starts: list[list[int]] = [[] for _ in self.positives]
        for at, _, _, mask in keys:
            self._move(starts, at, mask)
        return starts

    def _is_known(self, state: Sequence, mask: int) -> bool:
        """Without any window: whether each step that this newest event can be was reached before. Whatever follows it
        can follow the earlier chain as well. (Not the last step, whose newest event decides if there is an end.)"""
        return not mask & (self.last | self.end) and all(state.starts[step] for step, _, _ in self._moves(mask))

    def _end(self, state: Sequence, at: int) -> None:
        """The newest event is unwanted behind the last step: every chain that was complete is dead, and one that holds
        an event from `within` before it or earlier would end before it."""
        if len(self.positives) == 1:
            state.keys.clear()
            state.gone = None
        elif self.within < FOREVER:
            _cut(state, at - self.within)

    def _conclude(self, state: Sequence) -> None:
        """Forget at once what a complete chain makes superfluous."""
        if not state.starts[-1]:
            return
        if self.is_once:
            state.chain = [key[2] for key in self._witness(state.keys, state.keys[-1][0])]
            state.keys.clear()
            state.starts, state.gone = [], None
        elif self.is_overtaken:
            # A chain with an event from before this start begins before it, so leaves earlier. It cannot outlive it
            # otherwise: where an end can kill (without within=), its last event could stand behind this chain's others.
            start = state.starts[-1][-1]
            if state.keys[0][0] < start:
                del state.keys[: bisect_left(state.keys, (start,))]

    # ---- what can go -------------------------------------------------------------------------------------------------

    def _tidy(self, state: Sequence, now: int) -> None:
        """Forget what can no longer matter, at the cost of one run, and set the limit so that this stays rare."""
        is_full = len(state.keys) > self.cap
        if self.older < FOREVER:
            _cut(state, now - self.older)
        if self.end:
            self._bury(state)
        if self.is_settling:
            self._settle(state, now)
        if self.is_plain:
            state.keys = self._completable(state.keys)
        if self.is_pair:
            state.keys = self._spread(state.keys)
        few = self.cap - self.cap // 8
        if is_full and len(state.keys) > few:
            # All of one instant go together: what is held is everything after `gone`, so a chain in it is a true one.
            _cut(state, state.keys[len(state.keys) - few - 1][0], is_thinned=True)
        state.limit = min(self.cap, max(FEW, 2 * len(state.keys)))
        state.starts = self._run(state.keys)

    def _bury(self, state: Sequence) -> None:
        """With U the newest unwanted event at the end: a chain that ends before U is dead for ever. So the last step
        counts from U on only, and so does an earlier one less than `within` before U; other unwanted events say
        nothing that U does not say."""
        newest = next((key for key in reversed(state.keys) if key[3] & self.end), None)
        if newest is not None:
            _cut(state, newest[0] - self.within)
            _strip(state, newest, self.last | self.end)

    def _settle(self, state: Sequence, now: int) -> None:
        """With a ripe chain from s to e: one that holds an event from e - within or earlier ends before e and begins
        before s, so it dies whenever this one dies and leaves earlier. Without last= none leaves, so each chain
        that ends before e is superfluous, dead or alive."""
        ripe = self._witness(state.keys, now)
        if ripe:
            _cut(state, ripe[-1][0] - self.within)
            if self.older == FOREVER:
                _strip(state, ripe[-1], self.last | self.end)

    def _completable(self, keys: list[Key]) -> list[Key]:
        """Without any window: `first[i]` ends the earliest chain of the steps up to i, `newest[i]` begins the latest of
        the steps from i. An event behind first[i] can be replaced by that chain as step i, one before newest[i] by that
        one; of the last step the newest alone counts."""
        size = len(self.positives)
        first: list[Key | None] = [None] * size
        newest: list[Key | None] = [None] * size
        for key in keys:
            for step in range(size - 1, -1, -1):
                if key[3] & self.positives[step] and first[step] is None and (not step or first[step - 1]):
                    first[step] = key
        for key in reversed(keys):
            for step in range(size):
                is_last = step == size - 1
                if key[3] & self.positives[step] and newest[step] is None and (is_last or newest[step + 1]):
                    newest[step] = key
        # When the steps but the last have come before anything that the last one can be, their first chain is enough.
        ready = first[-2] if size > 1 else keys[0]
        bound = max((key for key in keys if key[3] & (self.last | self.end)), default=None)
        is_ready = ready is not None and bound is not None and (size == 1 or ready < bound)
        kept = []
        for key in keys:
            mask = key[3] & self.end
            for step, bit in enumerate(self.positives):
                begin, end = newest[step], first[step]
                if step == size - 1:
                    is_kept = key == begin
                elif is_ready:
                    is_kept = key == end
                else:
                    is_kept = (begin is None or key >= begin) and (end is None or key <= end)
                mask |= key[3] & bit if is_kept else 0
            if mask:
                kept.append((*key[:3], mask))
        return kept

    def _spread(self, keys: list[Key]) -> list[Key]:
        """Two steps, not yet complete: of x1 < x2 < x3 that are the same step and less than `within` apart, x2 can go.
        Beside its partner p stands another: say they are first steps. Where p < x3, x1 does, since p is less than
        `within` behind x1; else x3 does. For second steps likewise, x3 where p > x1, else x1."""
        masks = [0] * len(keys)
        for bit in self.positives:
            own = [index for index, key in enumerate(keys) if key[3] & bit]
            before = None
            for place, index in enumerate(own):
                is_end = place == len(own) - 1
                if before is None or is_end or keys[own[place + 1]][0] >= before + self.within:
                    before = keys[index][0]
                    masks[index] |= bit
        return [(*key[:3], mask) for key, mask in zip(keys, masks, strict=True) if mask]

    def let_go(self, state: Sequence, now: int) -> bool:
        if state.chain:
            return False
        if self.older < FOREVER:
            horizon = now - self.older
            _cut(state, horizon)
            for starts in state.starts:
                del starts[: bisect_right(starts, horizon)]
        if self.is_settling and state.starts[-1] and 2 * len(state.keys) > state.limit:  # noqa: SIM102 - two matters
            # While events come, fold() does this; when they have ceased and all are ripe, once more.
            if state.keys[-1][0] <= now - self.within:
                self._tidy(state, now)
        return not state.keys and state.gone is None

    def merge(self, one: Sequence, other: Sequence) -> Sequence:
        merged = self.new()
        if one.chain or other.chain:
            merged.chain, merged.starts = max(one.chain, other.chain), []
            return merged
        merged.keys, merged.gone = sorted(one.keys + other.keys), later(one.gone, other.gone)
        if merged.gone is not None:
            _cut(merged, merged.gone, is_thinned=True)
        merged.starts = self._run(merged.keys)
        self._conclude(merged)
        if len(merged.keys) > merged.limit:
            self._tidy(merged, merged.keys[-1][0])  # It is later than every event, at least.
        return merged

    # ---- readers -----------------------------------------------------------------------------------------------------

    def holds(self, state: Sequence | None, now: int) -> bool:
        if state is None:
            return False
        if state.chain:
            return True
        complete = state.starts[-1]
        if self.is_waiting:
            ripe = bisect_right(complete, now - self.within)
            return ripe > 0 and complete[ripe - 1] > now - self.older
        return bool(complete) and complete[-1] > now - self.older

    def next_change(self, state: Sequence | None, now: int) -> int | None:
        """Exact: the next instant at which it becomes true, or false."""
        if state is None or state.chain or not state.starts[-1]:
            return None
        complete = state.starts[-1]
        if not self.holds(state, now):
            ripe = bisect_right(complete, now - self.within) if self.is_waiting else len(complete)
            return complete[ripe] + self.within if ripe < len(complete) and self.within < self.older else None
        if self.older == FOREVER:
            return None
        if not self.is_waiting:
            return complete[-1] + self.older
        start = complete[bisect_right(complete, now - self.within) - 1]
        while True:  # When this one leaves, the latest that is ripe by then takes over.
            next_start = complete[bisect_right(complete, start + self.older - self.within) - 1]
            if next_start == start:
                return start + self.older
            start = next_start

    def refs(self, state: Sequence | None, now: int) -> list[int]:
        """The chain that ends last, and of those the one that began last."""
        if state is None or not self.holds(state, now):
            return []
        return state.chain or [key[2] for key in self._witness(state.keys, now)]

    def _witness(self, keys: Iterable[Key], now: int) -> list[Key]:
        """A chain that makes it true at `now`. With the starts held to those that are ripe, the latest is the best."""
        youngest = now - self.within if self.is_waiting else now
        reached: list[list[Key]] = [[] for _ in self.positives]
        for key in keys:
            at = key[0]
            for step, is_step, is_unwanted in self._moves(key[3]):
                came: list[Key] = []
                if is_step and step:
                    before = reached[step - 1]
                    came = [*before, key] if before and before[0][0] > at - self.within else []
                elif is_step and at <= youngest:
                    came = [key]
                if came or is_unwanted:
                    reached[step] = came
        return reached[-1]

    def is_coarse(self, state: Sequence | None, now: int) -> bool:
        return (
            state is not None
            and state.gone is not None
            and state.gone > now - self.older
            and not self.holds(state, now)
        )


def _add(reached: list[int], came: list[int]) -> None:
    """Chains have one order in all steps, so only what began after the newest of `reached` is new there: what began
    earlier and could have come along did so when that one came."""
    if not reached:
        reached.extend(came)
    elif came[-1] > reached[-1]:
        reached.extend(came[bisect_right(came, reached[-1]) :])


def _cut(state: Sequence, horizon: int, *, is_thinned: bool = False) -> None:
    """Drop what lies at or before the horizon, because it cannot matter, or because there is too much of it."""
    if state.keys and state.keys[0][0] <= horizon:
        del state.keys[: bisect_left(state.keys, (horizon + 1,))]
    if is_thinned:
        state.gone = horizon
    elif state.gone is not None and state.gone <= horizon:
        state.gone = None


def _strip(state: Sequence, before: Key, bits: int) -> None:
    """Events before this one are no longer these steps."""
    keys = [(*key[:3], key[3] & ~bits) if key < before else key for key in state.keys]
    state.keys = [key for key in keys if key[3]]
