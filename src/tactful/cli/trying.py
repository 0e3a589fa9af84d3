"""The command that plays a journey without sending anything: try."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tactful.cli.build import Build
from tactful.cli.main import counted, echo_json, json_option
from tactful.runtime.settings import Settings
from tactful.runtime.settings_mistakes import FILE

if TYPE_CHECKING:
    from tactful.operations.journeys.tried import Tried

_BEFORE_US = 1
"""The plan is in force before the first line."""


def register(group: click.Group, build: Build) -> None:
    file = click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True)

    @group.command("try")
    @click.argument("journey", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.argument("events", type=file)
    @click.option(
        "--project",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Whose definitions and settings are meant (default: those around the file).",
    )
    @click.option(
        "--until", default="", metavar="TIME", help="How far the clock goes (default: until nobody is inside)."
    )
    @click.option("--at", "times", multiple=True, metavar="TIME", help="Show who is inside at this instant as well.")
    @click.option("--follow", default="", metavar="PERSON", help="Only this person.")
    @click.option("--enter", multiple=True, metavar="PERSON", help="Enters behind the last line (start: {call: true}).")
    @json_option
    def try_command(
        journey: Path,
        events: Path,
        project: Path | None,
        until: str,
        times: Sequence[str],
        follow: str,
        enter: Sequence[str],
        as_json: bool,
    ) -> None:
        """Play JOURNEY (a file) over EVENTS, in memory and with a clock that is moved; nothing is sent.

        \b
        tactful try journeys/cart_reminder.yaml events.jsonl --follow ada

        EVENTS are tracking calls with receivedAt, one a line, as of `tactful eval`; - is stdin. Shown are every step of
        every run, each predicate with its value and the events behind it, and what the gate says of each message.
        """
        from tactful.cli.asking import lines_of  # Wanted here only, and slow to import.
        from tactful.operations.evaluation import cases
        from tactful.operations.journeys import tried

        folder = project or tried.own_project(journey)
        settings = build.settings(folder) if folder is not None and (folder / FILE).exists() else Settings()
        wanted = tried.read(journey, folder, settings, lines_of(events))
        for name in wanted.stand_ins:
            click.echo(f"the message {name} is not there; one that says its name stands in", err=True)
        asked = [cases.instant(text, "--at ") for text in times]
        end = cases.instant(until, "--until ") if until else None
        _play(build, wanted, settings, enter, asked, end, follow, as_json=as_json)


def _play(
    build: Build,
    wanted: "Tried",
    settings: Settings,
    enter: Sequence[str],
    asked: Sequence[int],
    until: int | None,
    follow: str,
    *,
    as_json: bool,
) -> None:
    from tactful.operations.journeys import tried
    from tactful.operations.journeys.trying import Trial, TryClock

    clock = TryClock(wanted.records[0].received_at - _BEFORE_US)
    house = build.trial(settings, clock)
    trial = Trial(house, clock, wanted.journey, wanted.files, wanted.settings)
    runs = sent = 0
    for look in trial.looks(wanted.records, enter, asked, until):
        if follow and not trial.is_of(look, follow):
            continue
        runs += sum(line.kind == "started" for line in look.lines)
        sent += len(look.messages)
        if as_json:
            echo_json(tried.as_values(look))
        else:
            click.echo(tried.as_text(look))
    house.close()
    if as_json:
        return
    click.echo(f"\n{counted(runs, 'run')}; {counted(sent, 'message')} would have been sent")
    if trial.verdicts:
        told = ", ".join(f"{number:,} {verdict}" for verdict, number in sorted(trial.verdicts.items()))
        click.echo(f"events that were not kept as they came: {told} (consent, or the tracking plan)")
