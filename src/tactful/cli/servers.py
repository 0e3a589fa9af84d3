"""Commands that run: up, and its parts collect, show, work, deliver, archive."""

import logging
from pathlib import Path

import click

from tactful.cli.build import Build
from tactful.cli.main import data_option, project_option
from tactful.errors import UsageError
from tactful.operations.imports.keeping import half_done
from tactful.values import parse_time

host_option = click.option(
    "--host", default="127.0.0.1", metavar="ADDRESS", show_default=True, help="Address to listen on."
)
port_option = click.option("--port", default=8080, show_default=True, help="Port to listen on.")


def register(group: click.Group, build: Build) -> None:
    @group.command()
    @project_option
    @data_option
    @host_option
    @port_option
    @click.option("--dev", "is_dev", is_flag=True, help="Publish whenever a file of the project is saved.")
    @click.option("--speed", type=int, metavar="N", help="With --dev: run the clock N times as fast; nothing leaves.")
    @click.option("--begin", default="", metavar="TIME", help="Where a new folder's fast clock begins (default: now).")
    def up(project: Path, data: Path, host: str, port: int, is_dev: bool, speed: int | None, begin: str) -> None:
        """Run everything: publish the project, collect, decide, deliver, show.

        With --speed 60 a minute takes a second, for every process and for whoever asks `GET /v1/clock`. The data folder
        keeps its own time from then on: it stands while nothing runs, and goes on with the next --speed.
        """
        _log()
        begin_us = parse_time(begin) if begin else None
        if begin and begin_us is None:
            raise UsageError(f'--begin "{begin}" is no time; write 2025-03-12T10:00:00Z')
        for text in half_done(data):
            click.echo(f"note: {text}", err=True)
        build.run_up(project, data, host, port, is_dev=is_dev, speed=speed, begin_us=begin_us)

    _register_parts(group, build)


def _register_parts(group: click.Group, build: Build) -> None:
    """What `up` starts."""

    @group.command(hidden=True)
    @project_option
    @data_option
    @host_option
    @port_option
    def collect(project: Path, data: Path, host: str, port: int) -> None:
        """Serve HTTP: the tracking API, and what `show` answers."""
        _log()
        build.run_collect(project, data, host, port)

    @group.command(hidden=True)
    @project_option
    @data_option
    @click.option("--address", default="http://127.0.0.1:8080", help="Where browsers find it.")
    def show(project: Path, data: Path, address: str) -> None:
        """Serve the console, behind collect."""
        _log()
        build.run_show(project, data, address)

    @group.command(hidden=True)
    @project_option
    @data_option
    @click.option("--partitions", required=True, help="Which it owns, for instance 0,2.")
    def work(project: Path, data: Path, partitions: str) -> None:
        """Decide for some partitions."""
        _log()
        build.run_work(project, data, [int(number) for number in partitions.split(",")])

    @group.command(hidden=True)
    @project_option
    @data_option
    @click.option("--address", default="http://127.0.0.1:8080", help="Where links lead without a public_url.")
    @click.option("--number", default=0, help="Which of [engine] deliverers it is.")
    def deliver(project: Path, data: Path, address: str, number: int) -> None:
        """Send what was claimed."""
        _log()
        build.run_deliver(project, data, address, number)

    @group.command(hidden=True)
    @project_option
    @data_option
    def archive(project: Path, data: Path) -> None:
        """Bring what was decided into the lake."""
        _log()
        build.run_archive(project, data)

    @group.command(hidden=True)
    @project_option
    @data_option
    def survey(project: Path, data: Path) -> None:
        """Ask the history for seeds and thresholds."""
        _log()
        build.run_survey(project, data)


def _log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    for noisy in ("uvicorn", "watchfiles"):
        logging.getLogger(noisy).setLevel(logging.WARNING)  # What they tell, `up` says in words of its own.
