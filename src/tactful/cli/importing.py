"""The command that brings history in: import --replay."""

from pathlib import Path

import click

from tactful.cli.build import Build
from tactful.cli.main import data_option, echo_json, json_option, project_option
from tactful.errors import UsageError
from tactful.operations.project import load
from tactful.operations.replay import replay
from tactful.runtime.settings import plan_settings


def register(group: click.Group, build: Build) -> None:
    @group.command("import")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--replay", "is_replay", is_flag=True, help="Through the whole engine, in the file's own time.")
    @project_option
    @data_option
    @json_option
    def import_command(file: Path, is_replay: bool, project: Path, data: Path, as_json: bool) -> None:
        """Import FILE, JSON Lines of tracking calls with receivedAt, into an empty data folder.

        What would have been sent is decided and recorded, and nothing is sent. A replay that was cut off goes on where
        it stood when the same command is given again.
        """
        if not is_replay:
            raise UsageError("say how: `tactful import --replay FILE` runs a file through the engine in its own time")
        settings = plan_settings(build.settings(project))
        files = load(project)
        release = build.locked(data)
        house = build.house(data, project, read_only=False)
        try:
            house.look_over()
            with click.progressbar(length=1, label="replay", hidden=as_json) as bar:

                def progress(line: int, lines: int) -> None:
                    bar.length = lines
                    bar.update(line - bar.pos)

                done = replay(house, file, files, settings, progress)
        finally:
            house.close()
            release()
        if as_json:
            echo_json({"lines": done.lines, "before": done.before, "kept": done.kept, "refused": done.refused})
        elif done.before == done.lines:
            click.echo("this file was replayed before; nothing to do")
        else:
            refused = f", {done.refused} in the quarantine" if done.refused else ""
            click.echo(f"{done.kept} of {done.lines} events taken{refused}")
