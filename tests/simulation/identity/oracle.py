"""The oracle of identity: IDENTITY.md played with lists of everything that ever happened, and no state that adds up.

A half is one partition: identifiers, the people whose home it is, and what it has told others. It reads the records of
its log in order; of what came from other partitions it believes the kind and the names only, and only if its own model
of the sender has said the same: what such a message carries is the model's. People are the plain oracle's, whose
conditions look at every event again at every instant.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from typing import Any

from tactful.events.derived import SendMessage
from tactful.events.derived import ref as place_of
from tactful.events.identifiers import partition_of
from tactful.events.records import (
    Consent,
    Detach,
    Event,
    Forwarded,
    Give,
    Link,
    Lost,
    Outcome,
    Passed,
    Plan,
    Publish,
    Record,
    Score,
    Take,
    Tick,
    Unmerge,
    decode_told,
)
from tests.simulation.definitions import HOUR
from tests.simulation.identity.bodies import Bodies
from tests.simulation.identity.parts import (
    Content,
    FragmentRun,
    Identifier,
    Message,
    Passing,
    Send,
    strength,
)
from tests.simulation.oracle import Era

Named = tuple[str, int, str, int, int, str]
"""Whose an intent is, and when it was sent; journey, start and entry key of its run."""
PURPOSES = ("email_marketing", "profiling")
MOST_MOVES = 20


class Whole:
    """All halves of an installation, and what is on its way between them."""

    def __init__(self, partitions: int, shop: Any, moves_per_hour: int = MOST_MOVES) -> None:
        self.shop = shop
        self.moves_per_hour = moves_per_hour
        self.under_way: dict[tuple[int, int], list[Message]] = defaultdict(list)
        """By sender and receiver, in the order in which they were sent."""
        self.intents: dict[str, tuple[Named, int]] = {}
        """What it is known by, and how many before it were known by the same: who leaves a segment and enters it again at
        one instant may start two runs then. Told by the test."""
        self._known: Counter[Named] = Counter()
        self.halves = [Half(partition, partitions, self) for partition in range(partitions)]

    def half_of(self, key: str) -> "Half":
        return self.halves[partition_of(key, len(self.halves))]

    def identifier(self, key: str) -> Identifier:
        return self.half_of(key).identifier(key)

    def root(self, key: str) -> str:
        """Along the marks."""
        while (owner := self.identifier(key).owner) is not None:
            assert strength(owner) < strength(key), "marks go down the order"
            key = owner
        return key

    def read(self, logs: list[list[Record]], *, is_all: bool = True) -> None:
        """Each log from where it was left; what was told is read after it was said. `is_all`: nothing may stay unread,
        since everything that was said stands in these logs."""
        goes_on = True
        while goes_on:
            goes_on = False
            for half, log in zip(self.halves, logs, strict=True):
                while half.position < len(log) and half.may_read(log[half.position]):
                    half.read(half.position + 1, log[half.position])
                    goes_on = True
        for half, log in zip(self.halves, logs, strict=True):
            assert half.position >= len(log) or not is_all, f"nobody said that: {half.partition} {log[half.position]}"

    def know(self, intents: Iterable[SendMessage]) -> None:
        """In the order in which they were decided."""
        for one in intents:
            if one.intent not in self.intents:
                named = one.key, one.at, one.journey, one.started_at, one.started_ref, one.entry_key
                self.intents[one.intent] = named, self._known[named]
                self._known[named] += 1

    def sent_twice(self) -> list[tuple[Send, Send]]:
        """Messages to a half that already got the same from a part that is now merged: their runs waited apart, the
        first was sent since the second had begun, and the second was sent when they were one."""
        sends = sorted((one for half in self.halves for one in half.sends), key=lambda one: one.at)
        return [
            (first, second)
            for place, second in enumerate(sends)
            for first in sends[:place]
            if (first.run.journey, first.run.key) == (second.run.journey, second.run.key)
            and not first.run.is_given_back
            and first.run.origin in second.mates
            and first.run.origin not in second.run.mates
            and second.run.origin not in first.mates
            and second.run.start[0] <= first.at < second.at
        ]

    def run_of(self, intent: str) -> FragmentRun:
        """The run behind an intent, which the engine has named: its id is a digest."""
        (key, at, *about), place = self.intents[intent]
        sends = (one for half in self.halves for one in half.sends if one.key == key and one.at == at)
        runs = ((one.run, [one.run.journey, one.run.start[0], one.run.start[2], one.run.key]) for one in sends)
        found = [run for run, named in runs if named == about]
        assert place < len(found), f"nobody was to have that message: {self.intents[intent]}"
        return found[place]


class Half(Bodies):
    def __init__(self, partition: int, partitions: int, whole: Whole) -> None:
        super().__init__(partition)
        self.partitions = partitions
        self.whole = whole
        self.local: deque[Message] = deque()
        self.permits: dict[tuple[str, str], list[tuple[int, bool]]] = defaultdict(list)
        """By person and purpose: from which position on it was allowed, or was not."""

    def run_of(self, intent: str) -> FragmentRun:
        return self.whole.run_of(intent)

    # ---- the log -----------------------------------------------------------------------------------------------

    def may_read(self, record: Record) -> bool:
        """Whether the model of the sender has got so far."""
        if not isinstance(record, Forwarded) or (record.src, record.seq) in self.heard:
            return True
        told = decode_told(record.record)
        return isinstance(told, Plan) or self._find(record.src, told) is not None

    def _find(self, src: int, told: Any) -> Message | None:
        """What the sender's model said and is read here; the first such one."""
        said = _said(told)
        waiting = self.whole.under_way[src, self.partition]
        return next((one for one in waiting if (one.kind, one.key, *one.names) == said), None)

    def _take(self, position: int, record: Record) -> None:
        if isinstance(record, Forwarded):
            self.clock = max(self.clock, record.received_at)
            if (record.src, record.seq) not in self.heard:
                self.heard.add((record.src, record.seq))
                self.clock = max(self.clock, record.clock)
                told = decode_told(record.record)
                message = self._find(record.src, told)
                if message is not None:
                    self.whole.under_way[record.src, self.partition].remove(message)
                    self.local.append(message)
                else:
                    assert isinstance(told, Plan), told
                    self._apply(position, told)
        else:
            self.clock = max(self.clock, getattr(record, "received_at", 0))
            self._apply(position, record)
        while self.local:
            self._receive(self.local.popleft())
        self._note_permits(position)

    def _apply(self, position: int, record: Record) -> None:
        here = place_of(self.partition, position)
        match record:
            case Publish() | Plan():
                self.eras.append(Era(self.clock, 0, self.whole.shop, is_empty=True, ready=defaultdict(int)))
            case Event() | Consent() | Score():
                self._enter(record, here)
            case Unmerge():
                self._unmerge(record.key)
            case Outcome():
                one = self.identifier(record.key)
                self._pass(Passing(record, here, f"{one.key}#{one.epoch}"), one)
            case Tick():
                pass
            case _:
                raise AssertionError(record)

    def _note_permits(self, position: int) -> None:
        for key, body in self.bodies.items():
            for purpose in PURPOSES:
                is_allowed, noted = body.has_consented(purpose), self.permits[key, purpose]
                if (noted[-1][1] if noted else False) != is_allowed:
                    noted.append((position, is_allowed))

    def was_allowed(self, key: str, purpose: str, position: int) -> bool:
        noted = [is_allowed for at, is_allowed in self.permits[key, purpose] if at <= position]
        return bool(noted) and noted[-1]

    # ---- who is who --------------------------------------------------------------------------------------------

    def _send(self, message: Message) -> None:
        to = partition_of(message.key, self.partitions)
        if to == self.partition:
            self.local.append(message)
        else:
            self.whole.under_way[self.partition, to].append(message)

    def _enter(self, record: Event | Consent | Score, here: int) -> None:
        one = self.identifier(record.key)
        if record.message_id in one.seen:
            return
        one.seen.add(record.message_id)
        self._pass(Passing(record, here, f"{one.key}#{one.epoch}"), one)
        if isinstance(record, Event):
            self._meet(one, record)

    def _meet(self, one: Identifier, event: Event) -> None:
        for key in event.ids[1:]:
            is_said = event.kind in ("identify", "alias")
            if one.ties.get(key) and not is_said:
                continue
            if key[0] == "u":
                if event.kind != "alias" or one.key[0] != "u":
                    continue
                weaker, stronger = sorted((one.key, key), key=strength, reverse=True)
                one.ties[key] = True
                self._send(Message("Link", weaker, (stronger,), is_import=event.is_import))
            elif one.key[0] not in "ad" and strength(one.key) < strength(key) and not (key[0] == one.key[0] in "ep"):
                one.ties[key] = True
                self._send(Message("Take", key, (one.key, event.kind == "alias"), is_import=event.is_import))

    def _receive(self, message: Message) -> None:
        one = self.identifier(message.key)
        is_back = message.kind == "Give" and message.names[2]
        if one.is_waiting and not is_back and message.kind != "Lost":
            one.deferred.append(message)
            return
        match message.kind:
            case "Passed":
                self._pass(message.content, one)
            case "Take":
                self._taken(one, *message.names, is_import=message.is_import)
            case "Link":
                self._linked(one, message.names[0], is_import=message.is_import)
            case "Lost":
                if message.names[0] in one.ties:
                    one.ties[message.names[0]] = False
            case "Give":
                self._given(one, message)
            case "Detach":
                self._detach(one, message)

    def _pass(self, passing: Passing, one: Identifier) -> None:
        if one.is_waiting:
            one.deferred.append(Message("Passed", one.key, _names(passing), passing))
        elif one.owner is not None:
            onward = Passing(passing.record, passing.ref, passing.fragment, (*passing.path, one.edge))
            self._send(Message("Passed", one.owner, _names(onward), onward))
        else:
            self._tell(self.body(one.key), passing)

    def _taken(self, one: Identifier, by: str, is_alias: bool, *, is_import: bool) -> None:
        if one.owner == by:
            return
        is_leaf = one.key[0] in "ad"
        if is_alias:
            one.apart.discard(by)
        is_refused = one.is_shared or by in one.apart or strength(by) >= strength(one.key)
        if one.owner is not None:
            is_refused = is_refused or not is_leaf or strength(by)[0] > strength(one.owner)[0]
        if is_refused:
            self.stories[one.key].append((self.clock, "refused", one.key, by))
        elif one.owner is None:
            self._give(one, by, is_import=is_import)
        else:
            one.moves = [*(at for at in one.moves if at > self.clock - HOUR), self.clock]
            one.is_shared = len(one.moves) > self.whole.moves_per_hour
            before, one.epoch = one.owner, one.epoch + 1
            if not one.is_shared:
                one.owners[one.epoch] = by
            self._send(Message("Lost", before, (one.key,)))
            self.stories[one.key].append((self.clock, "moved", one.epoch, "" if one.is_shared else by))
            if one.is_shared:
                self._own(self.body(one.key))

    def _linked(self, one: Identifier, to: str, *, is_import: bool) -> None:
        if to in (one.key, one.owner):
            return
        if one.owner is None:
            one.apart.discard(to)
            self._give(one, to, is_import=is_import)
        else:
            weaker, stronger = sorted((one.owner, to), key=strength, reverse=True)
            self._send(Message("Link", weaker, (stronger,), is_import=is_import))

    def _give(self, one: Identifier, to: str, *, is_import: bool) -> None:
        """Everything goes; whoever was here is nobody any more."""
        body = self.body(one.key)
        self._pass_time(body, self.clock)
        for name in sorted(body.members):
            body.rows.append((self.clock, "left", name, "merge"))
        for fragment in body.fragments.values():
            fragment.path.append(one.edge)
        body.rows.append((self.clock, "went", "merge", to, *sorted(body.fragments)))
        content = Content(body.fragments, body.runs, body.counted, self.clock)  # type: ignore[arg-type]  # our runs
        del self.bodies[one.key]
        one.owners[one.epoch] = to
        self._send(Message("Give", to, (one.key, one.epoch, False), content, is_import))

    def _given(self, one: Identifier, message: Message) -> None:
        giver, _, is_back = message.names
        content: Content = message.content
        if one.owner is not None:
            for fragment in content.fragments.values():
                fragment.path.append(one.edge)
            self._send(Message("Give", one.owner, message.names, content, message.is_import))
            return
        deferred: list[Message] = []
        if is_back:
            one.is_waiting, deferred, one.deferred = False, one.deferred, []
        cause = "unmerge" if is_back else "merge"
        self._join(self.body(one.key), content, giver, cause, is_import=message.is_import)
        self.local.extendleft(reversed(deferred))

    def _detach(self, one: Identifier, message: Message) -> None:
        if one.owner is not None:
            self._send(Message("Detach", one.owner, message.names))
            return
        edge = (message.names[0], message.names[1])
        body = self.body(one.key)
        self._pass_time(body, self.clock)
        going = {name: one for name, one in body.fragments.items() if edge in one.path}
        for name, fragment in going.items():
            del body.fragments[name]
            del fragment.path[fragment.path.index(edge) :]
        runs = [run for run in body.runs if isinstance(run, FragmentRun) and run.origin in going]
        body.runs = [run for run in body.runs if run not in runs]
        body.rows.append((self.clock, "went", "unmerge", edge[0], *sorted(going)))
        body.gather()
        self._look(body, self.clock, "merge")
        content = Content(going, runs, list(body.counted), self.clock)
        self._send(Message("Give", edge[0], (one.key, 0, True), content))

    def _unmerge(self, key: str) -> None:
        one = self.identifiers.get(key)
        if one is None:
            return
        if one.is_waiting or one.owner is None:
            self.stories[key].append((self.clock, "refused", key, ""))
            return
        one.apart.add(one.owner)
        self._send(Message("Detach", one.owner, one.edge))
        one.epoch += 1
        one.is_waiting = True


def _names(passing: Passing) -> tuple[Any, ...]:
    return (passing.ref, passing.fragment, tuple(passing.path))


def _said(told: Any) -> tuple[Any, ...]:
    """A record between identifiers in the model's words."""
    match told:
        case Take():
            return ("Take", told.key, told.by, told.is_alias)
        case Link():
            return ("Link", told.key, told.to)
        case Give():
            return ("Give", told.key, told.giver, told.epoch, told.is_back)
        case Lost():
            return ("Lost", told.key, told.identifier)
        case Detach():
            return ("Detach", told.key, told.identifier, told.epoch)
        case Passed():
            return ("Passed", told.key, told.ref, told.fragment, tuple(told.path))
        case _:
            return (type(told).__name__,)
