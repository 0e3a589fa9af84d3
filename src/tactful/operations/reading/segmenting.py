"""Segments as a reader sees them: what each says, how many are in it, what it is waiting for, and what names it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from msgspec import Struct

from tactful.events.identifiers import partition_of
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import PlanState, Profile, decode_profile
from tactful.language.document import Document
from tactful.operations.reading.reader import Reader
from tactful.operations.segments import comparing, segment_people
from tactful.operations.segments.comparing import Comparison, Person
from tactful.operations.segments.flows import Flow, borders, flow
from tactful.operations.segments.segment_people import Listed, Wanted
from tactful.segments.membership import SegmentRule
from tactful.values import HOUR_US

FILE = "segments/{}.yaml"
FLIPS = ("entered", "left")
_DESCRIPTION = re.compile(r"^description:\s*(.*?)\s*$", re.MULTILINE)
_WHEN = re.compile(r"^when:[ \t]*([|>][-+]?)?[ \t]*(.*(?:\n[ \t]+.*|\n(?=\s*\n))*)", re.MULTILINE)
_PURPOSE = re.compile(r"^purpose:\s*(\S+)", re.MULTILINE)


class SegmentSeen(Struct, frozen=True):
    """One segment of the plan in force."""

    name: str
    number: int
    description: str
    when: str
    """The condition, as it was written."""
    purpose: str
    """What people in it have to permit."""
    version: str
    people: int
    since: int
    """When its condition took effect as it is."""
    ready_at: int
    """It says nothing before: something that it counts has not seen its whole window."""


class Asked(Struct, frozen=True):
    """A thing in which members differ (comparing.py)."""

    kind: str
    name: str
    value: str
    now_us: int


class Share(Struct, frozen=True):
    """What all segments of a page are compared with."""

    everybody: int
    is_settling: bool
    """A new plan or a threshold has not reached everybody yet, so the numbers still move."""


def seen(reader: Reader) -> tuple[list[SegmentSeen], Share]:
    """All segments of the plan, by name; none before the first plan."""
    plan, states = reader.compiled(), reader.partitions()
    counted: Counter[int] = Counter()
    for state in states:
        counted.update(state.members)
    share = Share(sum(state.profiles for state in states), any(state.sweep is not None for state in states))
    if not plan.segments:
        return [], share
    kept = reader.plan_state()
    rules = sorted(plan.segments, key=lambda rule: rule.name)
    return [_seen(rule, kept, counted[rule.number]) for rule in rules], share


def _seen(rule: SegmentRule, plan: PlanState, people: int) -> SegmentSeen:
    text = plan.plan.publish.files.get(FILE.format(rule.name), "")
    described, purpose = _DESCRIPTION.search(text), _PURPOSE.search(text)
    _, since = plan.since.get(f"segment/{rule.name}", ("", plan.published_at))
    return SegmentSeen(
        rule.name,
        rule.number,
        described[1].strip("\"'") if described else "",
        written(text) or rule.condition.said,
        purpose[1] if purpose else "",
        Document("", text).version,
        people,
        since,
        rule.ready_at,
    )


def written(text: str) -> str:
    """The condition of a segment's file as somebody wrote it, without what YAML needs around it."""
    found = _WHEN.search(text)
    if found is None:
        return ""
    lines = [line.strip() for line in found[2].splitlines()]
    condition = "\n".join(line for line in lines if line)
    quoted = re.fullmatch(r"'(.*)'", condition, re.DOTALL)
    return quoted[1].replace("''", "'") if quoted else condition


def named_by(name: str, plan: CompiledPlan, files: Mapping[str, str]) -> list[tuple[str, str]]:
    """What uses a segment: (`journey`, `segment`, ..., its name)."""
    asked = re.compile(rf"""\bsegment\(\s*(["']){re.escape(name)}\1\s*\)""")
    number = next((rule.number for rule in plan.segments if rule.name == name), -1)
    begun = {rule.name for rule in (*plan.started_by.get(number, ()), *plan.left_by.get(number, ()))}
    begun |= {rule.name for rule in plan.journeys.values() if rule.audience == number}
    found = {("journey", journey) for journey in begun}
    for path, text in files.items():
        kind, _, rest = path.partition("/")
        if path != FILE.format(name) and asked.search(text):
            found.add((kind.removesuffix("s"), rest.removesuffix(".yaml")))
    return sorted(found)


def week(reader: Reader, now_us: int) -> dict[str, Counter[tuple[int, str]]]:
    """By segment, how many came (`entered`) and `left` on each of the last seven times 24 hours, the last one 6."""
    found: dict[str, Counter[tuple[int, str]]] = {}
    first = now_us // HOUR_US - 7 * 24 + 1
    edges = [(first + 24 * day) * HOUR_US for day in range(8)]
    for one in reader.sums(edges, "segment/", FLIPS):
        found.setdefault(one.definition[8:], Counter())[(one.hour - first) // 24, one.what] += one.number
    return found


def flow_of(reader: Reader, one: SegmentSeen, span: str, now_us: int) -> Flow:
    """Who came and left (flows.py) within a span of SPANS, in the workspace's zone."""
    edges = borders(span, now_us, ZoneInfo(reader.compiled().time_zone))
    return flow(reader.sums(edges, f"segment/{one.name}", FLIPS), one.people, edges)


def people_of(
    reader: Reader, wanted: Wanted, cursor: str, limit: int = segment_people.PAGE, asked: Asked | None = None
) -> Listed:
    """A page of the people behind a number (segment_people.py); `asked` keeps only those of whom it is true."""
    plan = reader.compiled()
    around = comparing.around_of(plan, reader.partition_state())

    def keep(profile: Profile) -> bool:
        if asked is None:
            return True
        person = comparing.person_of(profile, plan, around, asked.now_us)
        return comparing.is_so(person, (asked.kind, asked.name), asked.value)

    kept = reader.trail, reader.people_states(), reader.plan_state()
    return segment_people.listed(*kept, wanted, cursor, limit, keep)


def everybody_in(reader: Reader, number: int, cursor: str, limit: int) -> tuple[list[tuple[str, int]], str]:
    """(key, since) of members in the order of partitions and keys, among the next `limit` people; and where to go on,
    "" at the end. For files: a page is quicker by the trail."""
    states = reader.people_states()
    partition, _, after = cursor.partition(" ")
    place = int(partition) if partition.isdecimal() else 0
    if place >= len(states):
        return [], ""
    keys = states[place].keys_after(after or "%", limit)
    found = []
    for key, body in states[place].load(keys).items():
        since = decode_profile(body).segments.get(number)
        if since is not None:
            found.append((key, since))
    following = f"{place} {keys[-1]}" if len(keys) == limit else f"{place + 1} " if place + 1 < len(states) else ""
    return sorted(found), following


class Sample(Struct, frozen=True):
    """People that were looked at for comparing (comparing.py)."""

    people: tuple[Person, ...]
    is_whole: bool


def sample(reader: Reader, now_us: int) -> Sample:
    people, is_whole = comparing.sampled(reader.people_states(), reader.compiled(), now_us)
    return Sample(tuple(people), is_whole)


def compared(reader: Reader, one: SegmentSeen, looked: Sample, now_us: int) -> Comparison:
    """How the members of a segment differ from all others, and which other segments they are in."""
    plan, states = reader.compiled(), reader.partitions()
    counted: Counter[int] = Counter()
    for state in states:
        counted.update(state.members)
    members = sum(one.number in person.segments for person in looked.people)
    newest: list[Person] = []
    if not looked.is_whole and members < min(comparing.FEW_MEMBERS, one.people):
        newest = list(_newest(reader, one, plan, now_us))
    return comparing.compare(
        one.number,
        {rule.number: rule.name for rule in plan.segments},
        looked.people,
        is_whole=looked.is_whole,
        newest=newest,
        counted=counted,
        everybody=sum(state.profiles for state in states),
    )


def _newest(reader: Reader, one: SegmentSeen, plan: CompiledPlan, now_us: int) -> Iterator[Person]:
    """Members who came last."""
    states = reader.people_states()
    around = comparing.around_of(plan, reader.partition_state())
    found = people_of(reader, Wanted(one.name, one.number), "", comparing.NEWEST)
    for entry in found.entries:
        home = states[partition_of(entry.key, len(states))]
        if (body := home.load([entry.key]).get(entry.key)) is not None:
            yield comparing.person_of(decode_profile(body), plan, around, now_us)
