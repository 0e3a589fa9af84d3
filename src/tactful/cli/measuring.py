"""The command that tells what a journey did: measure."""

from pathlib import Path

import click

from tactful.cli.build import Build
from tactful.cli.main import data_option, echo_json, json_option, opened
from tactful.cli.steering import reader_of


def register(group: click.Group, build: Build) -> None:
    @group.command()
    @click.argument("journey")
    @click.option("--from", "first", default="", metavar="TIME", help="Runs that began at or after it.")
    @click.option("--to", "until", default="", metavar="TIME", help="Runs that began before it.")
    @data_option
    @json_option
    def measure(journey: str, first: str, until: str, data: Path, as_json: bool) -> None:
        """What JOURNEY did, by version: reached, sent, opened, goal, revenue, and how much more than without it.

        Compared is with the people held out (`holdout:` in the journey, or [sending] in tactful.toml).
        """
        from tactful.operations.reading import measured  # Slow to import, and wanted here only.

        report = measured.ask(reader_of(opened(build, data)), journey, first, until)
        if as_json:
            echo_json(measured.as_values(report))
        else:
            click.echo(measured.as_text(report), nl=False)
