"""Commands over a project: init, check, publish, doctor."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tactful.cli.build import Build
from tactful.cli.histories import history_of
from tactful.cli.main import (
    UP_TO_ITS_END,
    beside,
    counted,
    data_option,
    echo_json,
    echo_warnings,
    json_option,
    opened,
    project_option,
    seen_option,
)
from tactful.errors import DefinitionError, TransientError
from tactful.operations.definitions.checking import as_values, examine
from tactful.operations.definitions.counting import seen_names
from tactful.operations.definitions.project import load
from tactful.operations.definitions.publish import changes, publication, publish, refuse_other_priority, warming
from tactful.operations.doctor import Finding
from tactful.operations.imports.keeping import half_done
from tactful.operations.journeys import coupons
from tactful.operations.people import consenting, identities
from tactful.runtime.house import House
from tactful.runtime.settings import plan_settings
from tactful.values import format_time

if TYPE_CHECKING:
    from tactful.messages.definition import Message
    from tactful.operations.messages.rehearsing import Coverage
    from tactful.operations.previews.foreseeing import Foresight

KINDS = {
    "segments": "segment",
    "journeys": "journey",
    "messages": "message",
    "events": "event",
    "collections": "collection",
    "metrics": "metric",
    "features": "feature set",
    "blocks": "block",
}


def _counted(counts: Mapping[str, int]) -> Iterator[str]:
    """The first three kinds always, the others where there are any."""
    for place, (folder, kind) in enumerate(KINDS.items()):
        if counts[folder] or place < 3:
            yield counted(counts[folder], kind)


def _check(build: Build, project: Path, data: Path | None, *, as_json: bool) -> None:
    from tactful.messages.template import check_template  # Slow to import, and wanted here only.

    house = beside(build, project, data)
    seen = seen_names(house.stores(), UP_TO_ITS_END) if house is not None else {}
    report = examine(project, lambda: build.settings(project), check_template, seen, _covering(house))
    if as_json:
        problems, warnings = map(list, (map(as_values, report.problems), map(as_values, report.warnings)))
        echo_json({**report.counts(), "problems": problems, "warnings": warnings})
        if problems:
            raise SystemExit(1)
        return
    if report.problems:
        raise DefinitionError(*report.problems)
    echo_warnings(report.warnings)
    click.echo("fine: " + ", ".join(_counted(report.counts())))


def _covering(house: House | None) -> "Callable[[Message], Coverage] | None":
    """Looks at the people of a data folder."""
    plan = house.plan(0) if house is not None else None
    if house is None or plan is None:
        return None
    from tactful.operations.messages.rendering import coverage, people_of

    people, now_us = list(people_of(house.stores(), plan, house.seeds)), house.clock.now_us()
    return lambda message: coverage(message, people, plan, now_us)


SEEDED = "says nothing until that is counted, which the server does by itself"


def _silence(ready_at: int | None) -> str:
    if ready_at is not None:
        return f"is warming until {format_time(ready_at)}: it says nothing before its whole window has been counted"
    return (
        "says nothing: it asks about all time, and that was not counted from the beginning; "
        "give it a last=, or replay the history into a new data folder (tactful import --replay)"
    )


def _foreseen(
    build: Build, house: House, files: Mapping[str, str], settings: Mapping[str, str], silent: Mapping[str, int | None]
) -> "Foresight | None":
    """None where the history cannot be asked: that keeps nobody from publishing."""
    if not any(store.checkpoint().position for store in house.stores()):
        return None
    from tactful.operations.previews.foreseeing import foresee, on_their_way  # Slow to import, and wanted here only.

    inside = on_their_way(house.stores())
    try:
        with history_of(build, house) as history:
            return foresee(history, house.plan(0), files, settings, house.clock.now_us(), inside, tuple(silent))
    except TransientError as error:
        click.echo(f"warning: what this would do to people cannot be said: {error}", err=True)
        return None


def _tell(changed: Sequence[str], foresight: "Foresight | None") -> None:
    for line in changed:
        click.echo(f"  {line}")
    if not changed:
        click.echo("nothing has changed since the last publish")
    if foresight is not None:
        from tactful.operations.previews.foreseen_text import lines

        for line in lines(foresight):
            click.echo(f"  {line}")


def _foresight_values(foresight: "Foresight | None") -> dict[str, Any]:
    if foresight is None:
        return {"foresight": None}
    from tactful.operations.previews.foreseeing import as_values

    return {"foresight": as_values(foresight)}


def _publish(build: Build, project: Path, data: Path, *, dry_run: bool, as_json: bool) -> None:
    files = load(project)
    house = opened(build, data, read_only=dry_run, project=project)
    before, settings = house.plan(0), plan_settings(build.settings(project))
    refuse_other_priority(before, settings)
    changed = changes(before, files, settings)
    version = before.plan.version if before else 0
    if changed:
        publication(files, settings, house.clock.now_us(), "")  # What has mistakes is not asked about.
    silent = warming(before, files, settings, house.stores(), house.clock.now_us()) if changed else {}
    foresight = _foreseen(build, house, files, settings, silent) if changed else None
    if not as_json:
        _tell(changed, foresight)
    if changed and not dry_run:
        publish(files, settings, house.log, house.bells, house.clock)
        version += 1
    if as_json:
        values = _foresight_values(foresight)
        echo_json({"version": version, "changes": changed, "published": bool(changed) and not dry_run, **values})
        return
    if changed and not dry_run:
        click.echo(f"published as version {version}")
    is_seeded = foresight is not None and foresight.seed is not None
    for path, ready_at in silent.items():
        click.echo(f"  {path} {SEEDED if is_seeded else _silence(ready_at)}")


def register(group: click.Group, build: Build) -> None:
    @group.command("check")
    @project_option
    @seen_option
    @json_option
    def check_command(project: Path, data: Path | None, as_json: bool) -> None:
        """Read all definitions of a project and say what is wrong with them.

        Where there is a data folder (--data, or `data` in the project), names are compared with what came in.
        """
        _check(build, project, data, as_json=as_json)

    @group.command("publish")
    @project_option
    @data_option
    @click.option("--dry-run", is_flag=True, help="Say what it would do, and publish nothing.")
    @json_option
    def publish_command(project: Path, data: Path, dry_run: bool, as_json: bool) -> None:
        """Check a project, say what it would do to people, and put it in force, beside a running server or for the next
        start.

        Who would enter and leave, and for whom journeys would have begun, is asked of the history.
        """
        _publish(build, project, data, dry_run=dry_run, as_json=as_json)

    @group.command()
    @project_option
    @seen_option
    def doctor(project: Path, data: Path | None) -> None:
        """Say what is good, and what is not: channels, addresses, who signs the mail, whom browsers may speak for, what
        people are asked for.

        Where there is a data folder (--data, or `data` in the project), also which ties do not hold, and how many
        events were not kept.
        """
        house = beside(build, project, data)
        findings = list(build.doctor(project, house.data if house else None))
        if house:
            findings += identities.look(house.data, house.trail, house.log.partitions)
            findings += consenting.look(house.stores()) + coupons.look(house.outbox.coupons, house.plan(0))
            findings += [Finding("note", "import", text) for text in half_done(house.data)]
        for finding in findings:
            click.echo(f"{finding.level:6}{finding.about:16}{finding.text}")
        if any(finding.level == "bad" for finding in findings):
            raise SystemExit(1)
