"""Commands that look back: segment, profile."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tactful.cli.build import Build
from tactful.cli.histories import history_of
from tactful.cli.main import data_option, echo_json, json_option, opened, project_option, table
from tactful.errors import UsageError
from tactful.operations.people.finding import unknown
from tactful.values import format_time, parse_time

if TYPE_CHECKING:
    from tactful.language.sql.seeing import Sees
    from tactful.operations.history.asof import Members
    from tactful.operations.history.asof_profile import ProfileThen

at_option = click.option("--at", metavar="TIME", default="", help="When: 2026-03-01T14:03Z (default: now).")
happened_option = click.option(
    "--happened",
    is_flag=True,
    help="By what had happened until then, whenever it came in; else by what was known then.",
)


FIRST = "--happened asks its first version, by what had happened by then"
CONDITION = "`tactful segment --when CONDITION --happened` asks what had happened by then, also what was imported later"


def register(group: click.Group, build: Build) -> None:
    @group.command("segment")
    @click.argument("name", required=False)
    @click.option("--when", metavar="EXPR", default="", help="A condition of your own instead of a segment.")
    @at_option
    @happened_option
    @click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many are named.")
    @click.option("--after", default="", metavar="PERSON", help="Go on behind this person.")
    @project_option
    @data_option
    @json_option
    def segment_command(
        name: str | None,
        when: str,
        at: str,
        happened: bool,
        limit: int,
        after: str,
        project: Path,
        data: Path,
        as_json: bool,
    ) -> None:
        """Say who was in the segment NAME at any instant, and in which version of it.

        It is what the engine itself said then. With --happened, and for a condition of your own, it is worked out from
        the history.
        """
        from tactful.operations.history import asof  # Slow to import, and wanted here only.

        if bool(name) == bool(when):
            raise UsageError("give the name of a segment, or a condition: `--when EXPR`")
        house = opened(build, data, project=project)
        at_us, sees = instant(at, house.clock.now_us()), sees_of(is_happened=happened)
        with history_of(build, house) as history:
            try:
                found = (
                    asof.segment(history, name, at_us, sees, after=after, limit=limit)
                    if name
                    else asof.expression(history, when, at_us, sees, after=after, limit=limit)
                )
            except asof.NotYet as error:
                raise UsageError(f"{error}; {CONDITION if error.has_none else FIRST}") from None
        if as_json:
            echo_json(asof.as_values(found))
        else:
            _show_members(found)

    _register_profile(group, build)


def _register_profile(group: click.Group, build: Build) -> None:
    @group.command("profile")
    @click.argument("person")
    @at_option
    @happened_option
    @project_option
    @data_option
    @json_option
    def profile_command(person: str, at: str, happened: bool, project: Path, data: Path, as_json: bool) -> None:
        """Show what the profile of PERSON (by any identifier) looked like at any instant.

        Traits, segments, metrics, collections and consents, by the plan that was in force then.
        """
        from tactful.operations.history import asof_profile  # Slow to import, and wanted here only.

        house = opened(build, data, project=project)
        at_us = instant(at, house.clock.now_us())
        with history_of(build, house) as history:
            found = asof_profile.profile(history, person, at_us, sees_of(is_happened=happened))
        if found is None:
            later = "" if happened or not at else "; --happened shows also what came in later, with an import say"
            raise UsageError(f"{unknown(person)} (at {format_time(at_us)}){later}")
        if as_json:
            echo_json(asof_profile.as_values(found))
        else:
            _show_profile(found)


def instant(text: str, now_us: int) -> int:
    """Now where nothing is said. Raises UsageError for what is no time, or still to come."""
    at_us = parse_time(text) if text else now_us
    if at_us is None:
        raise UsageError(f"--at {text}: this is no time; write for instance 2026-03-01T14:03Z")
    if at_us > now_us:
        raise UsageError(f"--at {text}: what will be then nobody knows; it is {format_time(now_us)}")
    return at_us


def sees_of(*, is_happened: bool) -> "Sees":
    return "happened" if is_happened else "known"


def _head(sees: "Sees", at_us: int) -> str:
    return f"{'by what had happened until' if sees == 'happened' else 'as known at'} {format_time(at_us)}"


def _show_members(found: "Members") -> None:
    many = "1 person" if found.people == 1 else f"{found.people:,} people"
    click.echo(f"{many}, {_head(found.sees, found.at)}")
    if found.segment:
        click.echo(
            f"segment {found.segment}, version {found.version} of {format_time(found.published_at)}{_early(found)}"
        )
    click.echo(f"  {found.when}")
    for name, hint in found.unheard:
        click.echo(f'nothing called "{name}" has ever come in' + (f"; {hint}" if hint else ""))
    if found.members:
        rows = [(one.person, format_time(one.since) if one.since is not None else "") for one in found.members]
        click.echo("")
        if any(since for _, since in rows):
            table(rows, ("person", "since"))
        else:
            table([(person,) for person, _ in rows], ("person",))
    if found.people > len(found.members) and found.members:
        click.echo(f"\nothers follow with --after {found.members[-1].person}")


def _early(found: "Members") -> str:
    return ", the first: it was not there yet, so this is for whom it would have held" if found.is_early else ""


def _show_profile(found: "ProfileThen") -> None:
    click.echo(f"{found.person}, {_head(found.sees, found.at)}")
    click.echo(f"  identifiers  {', '.join(found.identifiers)}")
    times = [format_time(one) for one in (found.first_at, found.last_at) if one is not None]
    click.echo(f"  events       {found.events}{f', from {times[0]} to {times[1]}' if times else ''}")
    for title, values in (("traits", found.traits), ("metrics", found.metrics)):
        for name, value in values.items():
            click.echo(f"  {title:<12} {name} = {_said(value)}")
    for name, since in sorted(found.segments.items()):
        click.echo(f"  segment      {name}{f', since {format_time(since)}' if since is not None else ''}")
    for name, parts in found.collections.items():
        click.echo(f"  {name:<12} " + ", ".join(f"{part} {_said(value)}" for part, value in parts.items()))
    for one in found.consents:
        said = f", said {format_time(one.at)} ({one.origin})" if one.at is not None else ""
        click.echo(f"  consent      {one.purpose}: {'yes' if one.granted else 'no'}{said}")


def _said(value: object) -> str:
    from msgspec.json import encode

    return encode(value).decode()
