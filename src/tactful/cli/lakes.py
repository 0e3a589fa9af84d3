"""Commands about the lake: begin, mend."""

from pathlib import Path

import click

from tactful.cli.build import Build
from tactful.cli.main import counted, data_option, opened, project_option
from tactful.errors import UsageError


def register(group: click.Group, build: Build) -> None:
    @group.group("lake")
    def lake() -> None:
        """The lake: where the history lies for good."""

    _register_begin(lake, build)
    _register_mend(lake, build)


def _register_begin(lake: click.Group, build: Build) -> None:
    @lake.command()
    @click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
    @project_option
    @data_option
    def begin(project: Path, data: Path, is_sure: bool) -> None:
        """Begin a new lake where the old one is lost, damaged or of another time.

        For when there is no backup of it: what the log no longer has is in no lake then. It is said what that is before
        anything is done, and an old lake is put aside and not removed. No server may run on the folder.
        """
        from tactful.operations.history.new_lake import lost  # Slow to import, and wanted here only.

        house = opened(build, data, read_only=False, project=project)
        release = build.locked(data)
        try:
            found = build.new_lake(house)
            click.echo(f"{found.trouble}.\nIf there is a backup of the lake, bring that back instead.\n")
            click.echo(f"A new lake is made of the log. {lost(found)}")
            if found.aside:
                click.echo(f"The old lake is kept as {found.aside}.")
            if not is_sure and not click.confirm("Begin a new lake?", default=False):
                raise UsageError("nothing was changed")
            found.go()
        finally:
            release()
        click.echo("begun; what the log has comes into it when the server runs")


def _register_mend(lake: click.Group, build: Build) -> None:
    @lake.command()
    @click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
    @project_option
    @data_option
    def mend(project: Path, data: Path, is_sure: bool) -> None:
        """Put rows in the place of files of the lake that are missing or damaged.

        Every file is read. What the log still has is written anew; what it no longer has is lost, and you are asked
        first. No server may run on the folder.
        """
        from tactful.operations.history.archived import said_of  # Slow to import, and wanted here only.

        house = opened(build, data, read_only=False, project=project)
        release = build.locked(data)
        try:
            found, go = build.lake_mending(house)
            if not found.broken:
                raise UsageError("every file of the lake can be read: there is nothing to mend")
            for one in found.broken:
                click.echo(f"{one.table}/{one.path} ({counted(one.rows, 'row')}): {one.why}")
            click.echo(f"The log still has {counted(found.rows, 'row')} of them.")
            for text in said_of(found.losses):
                click.echo(f"If there is a backup of the lake, bring that back instead: {text}.")
            if found.losses and not is_sure and not click.confirm("Go on without them?", default=False):
                raise UsageError("nothing was changed")
            go()
        finally:
            release()
        click.echo(f"mended {counted(len(found.broken), 'file')}")
