"""Preparing: what is to be played, from a journey's file, the project around it, and what it is compared with."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tactful.consent import policy
from tactful.errors import DefinitionError, UsageError
from tactful.events.records import CONSENT, SESSION_GAP, Plan, Publish
from tactful.kernel.definitions import Definitions, read_project
from tactful.kernel.plan import adopt
from tactful.kernel.state import PlanState
from tactful.language.vocabulary import DEFAULT_GAP_US
from tactful.operations.backtesting.dealing import KNOWN_AT
from tactful.operations.backtesting.playing import Outside
from tactful.operations.backtesting.running import Version, Wanted
from tactful.operations.backtesting.stages import Brought
from tactful.operations.definitions.folder import Edits, edited
from tactful.operations.evaluation.cases import instant
from tactful.operations.history.opened import Opened
from tactful.runtime.ports import Outbox
from tactful.values import DAY_US, parse_duration

WITHOUT, PUBLISHED = "without", "published"
"""To compare with: the project without the journey; the plan that is in force."""
_WAS = "__as_it_was"
MOST_CODES = 10_000
"""Asked for at a time."""
DAYS = 30
"""Before the end of history, unless --from says so."""


class Asked(Struct, frozen=True):
    """What somebody wants to know: a journey by its name and text, and with what it is compared ("": nothing)."""

    journey: str
    text: str
    against: str = ""
    """WITHOUT, PUBLISHED, or the text of another version."""
    against_label: str = ""
    first: str = ""
    """Times; "": the last 30 days of history."""
    last: str = ""
    edits: Edits = {}
    """Other definitions as they would be, in every version but the published one; None: removed."""
    orders: bool = False
    """What was said of the journey itself, and of all sending, counts: it is paused and launched when it was."""
    place: str = ""
    against_place: str = ""
    """What the files of the two texts are called in mistakes; "": as in the project."""


def wanted(
    asked: Asked,
    files: Mapping[str, str],
    settings: Mapping[str, str],
    plan: PlanState | None,
    opened: Opened,
    outbox: Outbox,
    mails_per_address: int,
) -> Wanted:
    """Raises DefinitionError for mistakes in a version, UsageError for anything else that is wrong."""
    path, files = f"journeys/{asked.journey}.yaml", edited(files, asked.edits)
    versions = [Version("this", {**files, path: asked.text}, dict(settings))]
    if asked.against == PUBLISHED:
        if plan is None:
            raise UsageError("nothing is published yet that this could be compared with")
        versions.append(Version(PUBLISHED, dict(plan.plan.publish.files), dict(plan.plan.publish.settings)))
    elif asked.against == WITHOUT:
        without = {name: text for name, text in files.items() if name != path}
        versions.append(Version(WITHOUT, without, dict(settings)))
    elif asked.against:
        versions.append(Version(asked.against_label or "other", {**files, path: asked.against}, dict(settings)))
    for version, place in zip(versions, (asked.place, asked.against_place), strict=False):
        try:
            _read(version)
        except DefinitionError as error:
            raise _called(error, path, place or path) from None
    from_us, until_us = _period(asked, opened)
    outside = _outside(outbox, asked.journey, versions, mails_per_address)
    versions = [_with_brought(version, asked.journey, plan, opened, from_us, until_us) for version in versions]
    return Wanted(asked.journey, tuple(versions), from_us, until_us, outside, asked.orders)


def _called(error: DefinitionError, path: str, name: str) -> DefinitionError:
    """With another name for a file."""
    found = (
        replace(one, place=replace(one.place, file=name)) if one.place.file == path else one for one in error.problems
    )
    return DefinitionError(*found)


def _with_brought(
    version: Version, journey: str, plan: PlanState | None, opened: Opened, from_us: int, until_us: int
) -> Version:
    """A version with the publication of the segment by which the journey starts, where it asks for that: when it was
    published in fact, if as it is here; else with the journey."""
    rule = _read(version).journeys.get(journey)
    if rule is None or not rule.on_publish or rule.start.kind != "segment":
        return version
    name, at = rule.start.segment, from_us
    in_force: Mapping[str, str] = {}
    if plan is not None:
        in_force = plan.plan.publish.files
        publish = Publish(until_us, version.files, version.settings)
        state, _ = adopt(plan, Plan(plan.plan.version + 1, publish), until_us, is_empty=False)
        (meaning, _), known = state.since[f"segment/{name}"], plan.since.get(f"segment/{name}")
        if known is not None and known[0] == meaning:
            at = known[1]
            if not from_us <= at < until_us:
                return version
            earlier = opened.plan_at(at - 1)
            in_force = earlier.publish.files if earlier is not None else {}
    before, was = in_force.get(f"segments/{name}.yaml"), f"{name}{_WAS}"
    alone = replace(version, brought=Brought(at))
    if before is None:
        return alone
    changed = replace(version, files={**version.files, f"segments/{was}.yaml": before}, brought=Brought(at, was))
    try:
        _read(changed)
    except DefinitionError:  # It asks for what is no longer there, so nobody can be in it by now.
        return alone
    return changed


def _outside(outbox: Outbox, journey: str, versions: Sequence[Version], mails_per_address: int) -> Outside:
    """As it is in the installation, but for the coupons of the journey itself: how many it would need is asked."""
    suppressed = {address: at for address, _, at in outbox.suppressions()}
    own, pools = set[str](), set[str]()
    for version in versions:
        definitions = _read(version)
        mine = definitions.journeys.get(journey)
        sent = {step.message for step in mine.sends()} if mine is not None else set()
        for message in definitions.messages.values():
            if message.coupon:
                pools.add(message.coupon)
                own |= {message.coupon} if message.name in sent else set()
    left = {pool.name: pool.left for pool in outbox.coupons.pools()}
    empty = {pool: _last_given(outbox, pool) for pool in pools - own if not left.get(pool)}
    return Outside(suppressed, empty, mails_per_address)


def _last_given(outbox: Outbox, pool: str) -> int:
    """When the last code of a pool went to somebody; 0 of one that was never there."""
    newest, after = 0, ""
    while given := outbox.coupons.given(pool, after, MOST_CODES):
        newest, after = max(newest, *(one.at_us for one in given)), given[-1].code
    return newest


def _read(version: Version) -> Definitions:
    """Raises DefinitionError for its mistakes."""
    gap_us = parse_duration(version.settings.get(SESSION_GAP, "")) or DEFAULT_GAP_US
    return read_project(version.files, gap_us=gap_us, purposes=policy.read(version.settings.get(CONSENT, "")).purposes)


def _period(asked: Asked, opened: Opened) -> tuple[int, int]:
    ((newest,),) = opened.session.rows(f"SELECT max({KNOWN_AT}) FROM events")
    if newest is None:
        raise UsageError("the history is empty; a backtest needs events that came in, or an import")
    until_us = instant(asked.last, "to ") if asked.last else newest + 1
    from_us = instant(asked.first, "from ") if asked.first else min(until_us, newest) - DAYS * DAY_US
    if from_us >= until_us:
        raise UsageError("the period ends before it begins: from must be before to")
    return from_us, until_us


def text_of(path: Path) -> str:
    """Of a journey's file. Raises UsageError where it is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
