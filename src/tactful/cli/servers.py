"""Commands that run: up, and its parts collect, work, deliver."""

import logging
from pathlib import Path

import click

from tactful.cli.build import Build
from tactful.cli.main import data_option, project_option

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
    @click.option("--dev", "is_dev", is_flag=True, help="Publish whenever a file of the project changes.")
    def up(project: Path, data: Path, host: str, port: int, is_dev: bool) -> None:
        """Run everything: publish the project, collect, decide, deliver, show."""
        _log()
        build.run_up(project, data, host, port, is_dev=is_dev)

    @group.command(hidden=True)
    @project_option
    @data_option
    @host_option
    @port_option
    def collect(project: Path, data: Path, host: str, port: int) -> None:
        """Serve HTTP only: the tracking API, pages and read API."""
        _log()
        build.run_collect(project, data, host, port)

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


def _log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
