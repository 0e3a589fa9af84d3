"""Commands about the lake: begin."""

from pathlib import Path

import click

from tactful.cli.build import Build
from tactful.cli.main import data_option, opened, project_option
from tactful.errors import UsageError


def register(group: click.Group, build: Build) -> None:
    @group.group("lake")
    def lake() -> None:
        """The lake: where the history lies for good."""

    @lake.command()
    @click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
    @project_option
    @data_option
    def begin(project: Path, data: Path, is_sure: bool) -> None:
        """Begin a new lake where the old one is lost, damaged or of another time.

        For when there is no backup of it: what the log no longer has is in no lake then. It is said what that is before
        anything is done, and an old lake is put aside and not removed. No server may run on the folder.
        """
        from tactful.operations.new_lake import lost  # Slow to import, and wanted here only.

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
