"""Commands that ask the history once what the engine needs of it: seed, thresholds. A running server does both by
itself; these are for cron, Airflow and tests."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tactful.cli.build import Build
from tactful.cli.main import counted, data_option, echo_json, json_option, opened
from tactful.errors import UsageError
from tactful.runtime.house import House
from tactful.values import format_time

if TYPE_CHECKING:
    from tactful.operations.seeds.seed_mending import Mender


def register(group: click.Group, build: Build) -> None:
    @group.command()
    @data_option
    @click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
    @json_option
    def seed(data: Path, is_sure: bool, as_json: bool) -> None:
        """Count what new definitions ask about the past, from the history.

        The server does so by itself after each publish; until then such definitions are warming. A file of seeds that
        is lost or damaged is counted again; you are asked first where the history no longer has all that was in it.
        """
        from tactful.operations.seeds.seed_mending import Mender  # Slow to import, and wanted here only.
        from tactful.operations.seeds.seeding import Seeder

        house = opened(build, data, read_only=False)
        history, crew = build.history(house), build.crew(0)
        mended = _mend(house, Mender(house, history, crew), is_sure=is_sure, is_silent=as_json)
        seeder = Seeder(house, history, crew)
        done = seeder.turn()
        for one in done:
            if as_json:
                counted = {"aggregates": len(one.wanted.numbers), "fragments": one.fragments, "events": one.events}
                echo_json({"digest": one.digest, **counted, "position": one.position})
            else:
                aggregates = f"{len(one.wanted.numbers)} aggregate{'s' if len(one.wanted.numbers) > 1 else ''}"
                click.echo(f"seeded {aggregates} from {one.events} events")
        if not as_json and not done and not mended:
            waits = bool(seeder.waiting())
            click.echo("not all partitions have taken the plan yet; try again" if waits else "there is nothing to seed")

    @group.command()
    @data_option
    @json_option
    def thresholds(data: Path, as_json: bool) -> None:
        """Work out what percentile() compares with, now, and put it in force.

        The server does so by itself, at the hour that [thresholds] in tactful.toml says.
        """
        from tactful.operations.seeds.thresholds import Thresholds  # As above.

        house = opened(build, data, read_only=False)
        told = Thresholds(house, build.history(house)).tell()
        for one in told:
            if as_json:
                echo_json({"metric": one.metric, "percent": one.percent, "value": one.value, "people": one.people})
            else:
                click.echo(f"{one.percent:g} % of {one.people} people have a {one.metric} of {one.value:g} or less")
        if not as_json and not told:
            click.echo("nothing is compared with percentile(), or nobody has a value of it")


def _mend(house: House, mender: "Mender", *, is_sure: bool, is_silent: bool) -> bool:
    """Lost seeds; whether there were any."""
    from tactful.operations.seeds.seed_mending import lost

    found = lost(house, is_thorough=True)
    for one in found:
        until_us = mender.lacks_until(one)
        if until_us is not None:
            names = ", ".join(one.definitions()) or "journeys"
            text = (
                f"The seed {one.taken.digest} is lost: in it is counted what was before for {names}. The history does "
                f"not have all of that any more: events of before {format_time(until_us)} are missing. If there is a "
                f"backup of the data folder, put the file back instead ({house.data / 'seeds'})."
            )
            click.echo(text, err=True)
            if not is_sure and not click.confirm("Count what the history still has?", default=False, err=True):
                raise UsageError("nothing was changed")
        events = mender.mend(one)
        if not is_silent:
            click.echo(f"the seed {one.taken.digest} was lost: counted again from {counted(events, 'event')}")
    return bool(found)
