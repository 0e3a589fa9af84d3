"""An import from its beginning to its end: beside a server, into a folder that stands still, or as a dry run."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from tactful.errors import UsageError
from tactful.events.records import Plan, Publish, decode
from tactful.events.sources import Source
from tactful.kernel.plan import CompiledPlan, adopt, compiled
from tactful.operations.definitions.publish import changes, publication
from tactful.operations.imports import keeping
from tactful.operations.imports.calls import Calls
from tactful.operations.imports.preparing import Prepared
from tactful.operations.imports.report import Report
from tactful.operations.imports.roads import Alone, Beside
from tactful.operations.imports.tables import LONGEST_ROW
from tactful.operations.imports.taking import Job, Progress, Road, backfill, taken_before
from tactful.operations.lines import SOURCE
from tactful.runtime.house import House
from tactful.runtime.settings import Settings, naming_of, plan_settings
from tactful.runtime.worker import Worker


class Wanted(NamedTuple):
    """What the person at the keyboard asked for."""

    prepared: Prepared
    settings: Settings
    files: Mapping[str, str]
    """Of the project."""
    sources: Sequence[Source]
    salt_key: bytes = b""
    goes_on: bool = False
    again: bool = False
    """Although the same file was imported with another mapping."""


def try_out(wanted: Wanted, house: House | None, now_us: int, progress: Progress) -> Report:
    """What an import would do; nothing is changed. Without a house, by the project's own files."""
    state = house.plan(0) if house is not None else None
    plan = compiled(state) if state is not None else _plan_of(wanted, now_us)
    calls = wanted.prepared.calls()
    report = Report(wanted.prepared.path.name)
    backfill(
        _job(wanted, calls, plan, 1, ""),
        wanted.prepared.rows(calls, in_lots=True),
        None,
        lambda: now_us,
        report,
        progress,
    )
    return _told(report, wanted, calls)


def run(wanted: Wanted, house: House, progress: Progress, *, is_beside: bool) -> tuple[Report, bool]:
    """The report, and whether there was anything to do. Everything was applied when it returns."""
    with keeping.alone(house.data):
        digest = wanted.prepared.digest
        rows, is_finished, other = taken_before(house.log, house.store(0), digest)
        path = keeping.report_path(house.data, wanted.prepared.path.name, digest)
        report = keeping.load(path, wanted.prepared.path.name, rows)
        if other and not rows and not is_finished and not wanted.again:
            raise UsageError(
                f"{wanted.prepared.path} was imported before, with another mapping: its events would count twice. "
                "Say --again if that is meant, or begin with a new folder (--data)"
            )
        road, plan = _road(wanted, house, is_beside=is_beside)
        if is_finished:
            road.finish()
            return report, False
        calls = wanted.prepared.calls()
        job = _job(wanted, calls, plan, house.log.partitions, digest)

        def told(report: Report, share: float) -> None:
            """After each append."""
            keeping.save(path, report)
            progress(report, share)

        backfill(job, wanted.prepared.rows(calls, in_lots=True), road, house.clock.now_us, report, told)
        keeping.save(path, _told(report, wanted, calls))
        return report, True


def _road(wanted: Wanted, house: House, *, is_beside: bool) -> tuple[Road, CompiledPlan]:
    if is_beside:
        state = house.plan(0)
        if state is None:
            raise UsageError("the server has no plan yet; wait until it says where it is")
        return Beside(house), compiled(state)
    workers = [house.worker(partition, house.clock, claims=False) for partition in range(house.log.partitions)]
    _settle(workers)
    if workers[0].plan_state is None:
        # The plan stands before the first event, so that aggregates are exact from the start.
        record = publication(wanted.files, plan_settings(wanted.settings), house.clock.now_us(), "import")
        house.log.append({0: [record]})
        _settle(workers)
    return Alone(house, workers), workers[0].plan


def _settle(workers: Sequence[Worker]) -> None:
    while any([worker.turn() for worker in workers]):
        for worker in workers:
            worker.maintain()


def _plan_of(wanted: Wanted, now_us: int) -> CompiledPlan:
    record = decode(publication(wanted.files, plan_settings(wanted.settings), now_us, "import"))
    assert isinstance(record, Publish)
    return adopt(None, Plan(1, record), now_us, is_empty=True)[1]


def _job(wanted: Wanted, calls: Calls, plan: CompiledPlan, partitions: int, digest: str) -> Job:
    mapping = wanted.prepared.mapping
    return Job(
        file=wanted.prepared.path.name,
        digest=digest,
        calls=calls,
        source=_source(mapping.head.source, wanted.sources),
        naming=naming_of(wanted.settings.identity),
        salt_key=wanted.salt_key,
        plan=plan,
        partitions=partitions,
        is_calls=not mapping.rules,
        goes_on=wanted.goes_on,
    )


def _source(name: str, sources: Sequence[Source]) -> Source:
    """Whose events they are; whoever has the files of the shop speaks as its server does."""
    found = next((source for source in sources if source.name == name), None)
    if found is None and name != SOURCE.name:
        known = ", ".join(source.name for source in sources) or "none"
        raise UsageError(f"the mapping says source: {name}, and tactful.toml has no such source (it has {known})")
    return replace(found or SOURCE, trust="server", event_bytes=LONGEST_ROW)


def _told(report: Report, wanted: Wanted, calls: Calls) -> Report:
    report.unreadable(calls.unread, {name: one.type for name, one in wanted.prepared.mapping.types.items()})
    for note in wanted.prepared.table.notes:
        if note not in report.notes:
            report.notes.append(note)
    return report


def differs(wanted: Wanted, house: House) -> bool:
    """Whether the project has been changed since it was published."""
    return bool(changes(house.plan(0), wanted.files, plan_settings(wanted.settings)))
