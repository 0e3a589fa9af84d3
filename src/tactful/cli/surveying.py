"""Commands that ask the history once what the engine needs of it: seed, thresholds. A running server does both by
itself; these are for cron, Airflow and tests."""

from pathlib import Path

import click

from tactful.cli.build import Build
from tactful.cli.main import data_option, echo_json, json_option, opened


def register(group: click.Group, build: Build) -> None:
    @group.command()
    @data_option
    @json_option
    def seed(data: Path, as_json: bool) -> None:
        """Count what new definitions ask about the past, from the history.

        The server does so by itself after each publish; until then such definitions are warming.
        """
        from tactful.operations.seeding import Seeder  # Slow to import, and wanted here only.

        house = opened(build, data, read_only=False)
        seeder = Seeder(house, build.history(house), build.crew(0))
        done = seeder.turn()
        for one in done:
            if as_json:
                counted = {"aggregates": len(one.wanted.numbers), "fragments": one.fragments, "events": one.events}
                echo_json({"digest": one.digest, **counted, "position": one.position})
            else:
                aggregates = f"{len(one.wanted.numbers)} aggregate{'s' if len(one.wanted.numbers) > 1 else ''}"
                click.echo(f"seeded {aggregates} from {one.events} events")
        if not as_json and not done:
            waits = bool(seeder.waiting())
            click.echo("not all partitions have taken the plan yet; try again" if waits else "there is nothing to seed")

    @group.command()
    @data_option
    @json_option
    def thresholds(data: Path, as_json: bool) -> None:
        """Work out what percentile() compares with, now, and put it in force.

        The server does so by itself, at the hour that [thresholds] in tactful.toml says.
        """
        from tactful.operations.thresholds import Thresholds  # As above.

        house = opened(build, data, read_only=False)
        told = Thresholds(house, build.history(house)).tell()
        for one in told:
            if as_json:
                echo_json({"metric": one.metric, "percent": one.percent, "value": one.value, "people": one.people})
            else:
                click.echo(f"{one.percent:g} % of {one.people} people have a {one.metric} of {one.value:g} or less")
        if not as_json and not told:
            click.echo("nothing is compared with percentile(), or nobody has a value of it")
