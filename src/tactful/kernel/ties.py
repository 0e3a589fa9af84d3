"""Ties: what identifiers tell each other, so that a person has one state (IDENTITY.md).

    a call names two      the stronger takes the weaker (Take; an alias: Link), which gives all that it holds (Give) and
                          from then on is a mark: what reaches it is passed on (Passed)
    a device moves        records go to the new owner, the past stays (Lost)
    un-merged             what came through the identifier comes back (Detach, Give); until then it waits, and what
                          reaches it is kept in order

Each of these is read by the identifier that it is addressed to, in the order of its partition's log. Pure.
"""

from collections.abc import Callable
from typing import Any, cast

from msgspec import Raw
from msgspec.structs import replace

from tactful.events.derived import (
    BecameKnown,
    DeviceMoved,
    FragmentsCame,
    FragmentsWent,
    IntentMoved,
    RecordKept,
    Row,
    SegmentLeft,
    TieRefused,
    ref,
)
from tactful.events.records import (
    Between,
    Consent,
    Detach,
    Enter,
    Event,
    Give,
    Link,
    Lost,
    Outcome,
    Passed,
    Score,
    Take,
    Unmerge,
    decode_told,
    encode,
)
from tactful.journeys.runs import Run
from tactful.kernel import fragments, seeding
from tactful.kernel.fragments import Bundle, Journeys, name_of
from tactful.kernel.instants import IMPORT, due_runs, flip, pass_time
from tactful.kernel.joining import join
from tactful.kernel.looks import origin_of
from tactful.kernel.state import Identity, Profile
from tactful.kernel.turn import Turn
from tactful.people import identity


def row_of(profile: Profile) -> Identity:
    """What the identifier knows of its ties, to be changed."""
    if profile.identity is None:
        profile.identity = Identity()
    return profile.identity


# ---- a call that names more than one ---------------------------------------------------------------------------------


def meet(turn: Turn, profile: Profile, event: Event, rows: list[Row]) -> None:
    """Tie what the call names to the identifier where it entered, where that has not been done."""
    rules, ties = turn.plan.identity, profile.identity.ties if profile.identity is not None else {}
    is_said = event.kind in ("identify", "alias")
    for key in event.ids[1:]:
        if (ties.get(key) and not is_said) or not rules.may_tie(event.key, key, event.kind):
            continue
        why = rules.over(key, ties)
        if why or rules.is_shared(key) or rules.is_shared(event.key):
            if key not in ties:
                rows.append(TieRefused(turn.state.clock, key, event.key, why or "it is declared as shared"))
            continue
        ties = row_of(profile).ties
        ties[key] = True
        if event.kind == "alias" and key[0] == event.key[0]:
            weaker, stronger = sorted((event.key, key), key=rules.order, reverse=True)
            turn.send(Link(weaker, stronger, event.is_import, event.timestamp))
        else:
            is_alias, is_import = event.kind == "alias", event.is_import
            turn.send(Take(key, event.key, is_alias=is_alias, is_import=is_import, timestamp=event.timestamp))


def ask(turn: Turn, event: Event, here: int, epoch: int = 0) -> bool:
    """Whether a visitor whom the call names as well can be asked: their consent is that of whom they turn out to be.
    The call goes with the question; nothing is kept before the answer."""
    rules, profile = turn.plan.identity, turn.known(event.key)
    ties = profile.identity.ties if profile is not None and profile.identity is not None else {}
    for key in reversed(event.ids[1:]):
        is_anybodys = rules.is_shared(key) or rules.is_shared(event.key)
        if rules.may_tie(event.key, key, event.kind) and not (is_anybodys or ties.get(key)):
            said = event.kind == "alias", epoch, event.is_import, event.timestamp
            turn.send(Take(key, event.key, Raw(encode(event)), here, *said))
            return True
    return False


def pass_on(turn: Turn, profile: Profile, record: Event | Consent | Score | Enter | Outcome, here: int) -> None:
    """A record that entered here belongs to the owner."""
    owner = profile.owner()
    assert owner is not None
    edge = (profile.key, profile.epoch)
    tied = row_of(profile).tied.get(profile.epoch, 0)
    turn.send(Passed(owner, Raw(encode(record)), here, name_of(*edge), (edge,), tied=tied))


def between(record: Raw) -> Between:
    return cast("Between", decode_told(record))


def defer(profile: Profile, record: Between) -> None:
    """Everything has to wait, in order, until what was un-merged is back."""
    row_of(profile).deferred.append(Raw(encode(record)))


# ---- records between identifiers -------------------------------------------------------------------------------------


def _take(turn: Turn, take: Take, position: int) -> None:
    profile = turn.person(take.key)
    owner = profile.owner()
    if owner == take.by:
        return
    why = why_not(turn, profile, take)
    apart = row_of(profile).apart
    if take.is_alias and take.by in apart:
        apart.remove(take.by)
    if why:
        _refuse(turn, profile, take.by, why, position)
    elif owner is None:
        give(turn, profile, take.by, position, take)
        if take.ref:
            name = name_of(take.by, take.epoch or 1)
            turn.send(Passed(take.by, take.record, take.ref, name, (), is_entering=not take.epoch))
    else:
        _move(turn, profile, owner, take, position)


def why_not(turn: Turn, profile: Profile, take: Take) -> str:
    """Why the taker does not get the identifier; "" where it does."""
    row, owner, rules = row_of(profile), profile.owner(), turn.plan.identity
    if row.is_shared:
        return "it is taken for a shared one, since it went to and fro"
    if take.by in row.apart and not take.is_alias:
        return "they were un-merged; an alias ties them again"
    if rules.order(take.by) >= rules.order(take.key):
        return "it is the stronger of the two"
    if owner is not None and not rules.may_move(take.key, owner, take.by):
        return f"it belongs to {owner}"
    return ""


def _refuse(turn: Turn, profile: Profile, by: str, why: str, position: int) -> None:
    """They stay apart. What was due before fires before: a row is a look at the person."""
    rows: list[Row] = []
    pass_time(turn, profile, turn.state.clock, rows)
    rows.append(TieRefused(turn.state.clock, profile.key, by, why))
    if profile.tail or profile.owner() is not None:
        turn.close(profile, position, rows)
    else:  # Nothing else is known of them.
        _become_known(turn, profile, rows)
        look_at_all(turn, profile, position, rows)


def _become_known(turn: Turn, profile: Profile, rows: list[Row]) -> None:
    """The identifier is a person of its own now; whoever is a person has a fragment of their own."""
    own = name_of(profile.key, profile.epoch)
    name = next((one for one in profile.fragments if fragments.entry_of(one) == profile.key), own)
    fragments.fragment(profile, name, seeded=turn.seeded, since=turn.plan.version)
    rows.append(BecameKnown(turn.state.clock, name))


def _move(turn: Turn, profile: Profile, owner: str, take: Take, position: int) -> None:
    """A device goes to somebody else, or is found out to be everybody's."""
    by = take.by
    row, now, limit = row_of(profile), turn.state.clock, turn.plan.identity.moves_per_hour
    row.moves = identity.moved(row.moves, now)[-limit - 1 :]
    row.is_shared = len(row.moves) > limit
    profile.epoch += 1
    if not row.is_shared:
        row.owners[profile.epoch], row.tied[profile.epoch] = by, take.timestamp
    turn.send(Lost(owner, profile.key))
    rows: list[Row] = [DeviceMoved(now, profile.epoch, "" if row.is_shared else by, take.timestamp)]
    if row.is_shared:
        turn.state.profiles += 1
        _become_known(turn, profile, rows)
        look_at_all(turn, profile, position, rows, IMPORT if take.is_import else "merge")
    else:
        turn.close(profile, position, rows)


def _lost(turn: Turn, lost: Lost, position: int) -> None:
    row = row_of(turn.person(lost.key))
    if lost.identifier in row.ties:
        row.ties[lost.identifier] = False


def _link(turn: Turn, link: Link, position: int) -> None:
    """Concurrent union by the fixed order: each step goes down in it, so this ends and makes no circle."""
    profile = turn.person(link.key)
    owner = profile.owner()
    if link.key == link.to:
        return
    if owner is not None:
        if owner != link.to:
            weaker, stronger = sorted((owner, link.to), key=turn.plan.identity.order, reverse=True)
            turn.send(Link(weaker, stronger, link.is_import, link.timestamp))
        return
    row = row_of(profile)
    if link.to in row.apart:
        row.apart.remove(link.to)
    give(turn, profile, link.to, position, link)


def give(turn: Turn, profile: Profile, to: str, position: int, asked: Take | Link) -> None:
    """Hand everything over, and be a mark from now on. What was due before fires before."""
    rows: list[Row] = []
    now = turn.state.clock
    pass_time(turn, profile, now, rows)
    _leave_all(turn, profile, now, rows)
    edge = (profile.key, profile.epoch)
    going = profile.fragments
    fragments.crossed(going, edge)
    rows.append(FragmentsWent(now, "merge", to, tuple(going)))
    _hand_over(turn, profile.runs, now, rows)
    turn.close(profile, position, rows)
    for run in profile.runs:
        run.origin = origin_of(profile, run)
    for one in profile.pursuits:
        one.origin = origin_of(profile, one)
    journeys = Journeys(profile.runs, profile.sent, profile.pursuits, profile.entered)
    bundle = Bundle(going, journeys, turn.state.partition, profile.tail, now)
    profile.fragments, profile.runs, profile.sent, profile.pursuits, profile.entered = {}, [], {}, [], {}
    profile.segments, profile.wakes, profile.wake_at, profile.view = {}, {}, None, None
    row_of(profile).owners[profile.epoch], row_of(profile).tied[profile.epoch] = to, asked.timestamp
    turn.state.profiles -= 1
    packed = fragments.pack(bundle)
    turn.send(Give(to, profile.key, profile.epoch, packed, is_import=asked.is_import, timestamp=asked.timestamp))


def _leave_all(turn: Turn, profile: Profile, now: int, rows: list[Row]) -> None:
    rules = turn.plan.by_number
    rows += [SegmentLeft(now, rules[number].name, "merge") for number in profile.segments if number in rules]


def _hand_over(turn: Turn, runs: list[Run], now: int, rows: list[Row]) -> None:
    """Intents that wait for their claim are nobody's until the other profile has them."""
    for run in runs:
        if run.intent:
            _move_intent(turn, run, "", now, rows)


def _move_intent(turn: Turn, run: Run, key: str, now: int, rows: list[Row]) -> None:
    run.hop += 1
    moved = IntentMoved(now, run.intent, key, run.hop)
    rows.append(moved)
    turn.moved.append(moved)


def _give(turn: Turn, given: Give, position: int) -> None:
    profile = turn.person(given.key)
    owner = profile.owner()
    row = profile.identity
    if row is not None and row.is_waiting:
        if given.is_back:
            _back(turn, profile, given, position)
        else:
            defer(profile, given)
    elif owner is not None:
        bundle = fragments.unpack(given.bundle)
        fragments.crossed(bundle.fragments, (profile.key, profile.epoch))
        turn.send(replace(given, key=owner, bundle=fragments.pack(bundle)))
    else:
        _absorb(turn, profile, given, position, "merge")


def _absorb(turn: Turn, profile: Profile, given: Give, position: int, cause: str) -> None:
    """Fragments come, with their runs; everything that is known of the person is looked at again."""
    rows: list[Row] = []
    now = turn.state.clock
    bundle = fragments.unpack(given.bundle)
    if profile.fragments:
        pass_time(turn, profile, now, rows)
    profile.settled = turn.state.generation
    arrived = fragments.arrived(bundle.fragments, given.timestamp)
    came = tuple(bundle.fragments), *arrived
    rows.append(FragmentsCame(now, cause, given.giver, bundle.partition, bundle.tail, *came))
    known = [one.aggregates for one in profile.fragments.values()]
    seeding.hear_of(turn, bundle.fragments.values())
    profile.fragments |= bundle.fragments
    seeding.fill(profile, turn.plan_state, turn.plan.aggregates, turn.seed)
    if cause == "unmerge" or not profile.tail:
        _become_known(turn, profile, rows)
    fragments.merge(profile, turn.plan.aggregates)
    join(turn, profile, bundle, known, rows)
    for run in bundle.journeys.runs:
        if run.intent:
            _move_intent(turn, run, profile.key, now, rows)
    look_at_all(turn, profile, position, rows, IMPORT if given.is_import else "merge")


def look_at_all(turn: Turn, profile: Profile, position: int, rows: list[Row], cause: str = "merge") -> None:
    """The person is another one now."""
    view, now = turn.view(profile), turn.state.clock
    profile.wakes, profile.wake_at = {}, None
    flip(turn, profile, view, turn.plan.segments, now, cause, rows)
    due_runs(turn, profile, view, now, rows)
    turn.close(profile, position, rows)


# ---- un-merge --------------------------------------------------------------------------------------------------------


def unmerge(turn: Turn, asked: Unmerge, position: int) -> None:
    """Take the last tie of an identifier back: it waits until everything that came through it is here again."""
    profile = turn.known(asked.key)
    if profile is None:
        return
    row = row_of(profile)
    owner = profile.owner()
    if owner is None or row.is_waiting:
        why = "it waits for its fragments already" if row.is_waiting else "it belongs to nobody"
        _refuse(turn, profile, "", why, position)
        return
    row.apart = [*(one for one in row.apart if one != owner), owner]
    epoch = profile.epoch
    profile.epoch += 1
    row.is_waiting = True
    # Of the first period, for that fragment is always somebody's.
    kept = RecordKept(turn.state.clock, "unmerge", ref(turn.state.partition, position), begun=profile.epoch)
    turn.close(profile, position, [kept])
    turn.send(Detach(owner, profile.key, epoch, asked.received_at))


def _detach(turn: Turn, detach: Detach, position: int) -> None:
    profile = turn.person(detach.key)
    owner = profile.owner()
    if owner is not None:
        turn.send(replace(detach, key=owner))
        return
    rows: list[Row] = []
    now = turn.state.clock
    pass_time(turn, profile, now, rows)
    edge = (detach.identifier, detach.epoch)
    going = fragments.returning(profile.fragments, edge)
    profile.fragments = {name: one for name, one in profile.fragments.items() if name not in going}
    leaving = [run for run in profile.runs if run.origin in going]
    profile.runs = [run for run in profile.runs if run.origin not in going]
    pursuits = [one for one in profile.pursuits if one.origin in going]
    profile.pursuits = [one for one in profile.pursuits if one.origin not in going]
    fragments.merge(profile, turn.plan.aggregates)
    fragments.cut(going, edge)
    rows.append(FragmentsWent(now, "unmerge", detach.identifier, tuple(going)))
    _hand_over(turn, leaving, now, rows)
    look_at_all(turn, profile, position, rows)
    journeys = Journeys(leaving, profile.sent, pursuits, profile.entered)
    bundle = Bundle(going, journeys, turn.state.partition, 0, now)
    packed = fragments.pack(bundle)
    turn.send(Give(detach.identifier, profile.key, 0, packed, is_back=True, timestamp=detach.timestamp))


def _back(turn: Turn, profile: Profile, given: Give, position: int) -> None:
    """Everything is here: what came meanwhile is read, in order."""
    row = row_of(profile)
    row.is_waiting = False
    turn.state.profiles += 1
    deferred, row.deferred = row.deferred, []
    _absorb(turn, profile, given, position, "unmerge")
    # Before what this very step told itself since: it came earlier.
    turn.local.extendleft(reversed([between(record) for record in deferred]))


_PASSES: dict[type, Callable[[Turn, Any, int], None]] = {
    Take: _take,
    Link: _link,
    Give: _give,
    Lost: _lost,
    Detach: _detach,
}


def receive(turn: Turn, record: Between, position: int) -> None:
    """One record between identifiers, but for Passed, whose reading is a person's record (step.py)."""
    profile = turn.known(record.key)
    is_waiting = profile is not None and profile.identity is not None and profile.identity.is_waiting
    if is_waiting and not isinstance(record, Lost | Give):
        assert profile is not None
        defer(profile, record)
    else:
        _PASSES[type(record)](turn, record, position)
