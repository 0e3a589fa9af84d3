"""Commands over a project: init, check, publish, doctor."""

import secrets
from pathlib import Path

import click

from tactful.cli.build import Build
from tactful.cli.main import data_option, echo_json, json_option, opened, project_option
from tactful.operations import scaffold
from tactful.operations.project import check, load
from tactful.operations.publish import changes, publish
from tactful.runtime.settings import plan_settings


def register(group: click.Group, build: Build) -> None:
    @group.command()
    @click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
    def init(folder: Path) -> None:
        """Make a new project in FOLDER."""
        for path in scaffold.init(folder, lambda: secrets.token_urlsafe(18)):
            click.echo(f"  made {path}")
        click.echo(f"\nNow:  tactful up --project {folder} --data {folder / 'data'}")

    @group.command("check")
    @project_option
    @json_option
    def check_command(project: Path, as_json: bool) -> None:
        """Read all definitions of a project and say what is wrong with them."""
        build.settings(project)
        from tactful.messages.template import check_template  # Slow to import, and wanted here only.

        definitions = check(project, check_template)
        found = {
            "segments": len(definitions.segments),
            "journeys": len(definitions.journeys),
            "messages": len(definitions.messages),
        }
        if as_json:
            echo_json({**found, "warnings": [str(warning) for warning in definitions.warnings]})
            return
        for warning in definitions.warnings:
            click.echo(f"warning: {warning}\n", err=True)
        click.echo("fine: " + ", ".join(f"{number} {name}" for name, number in found.items()))

    @group.command("publish")
    @project_option
    @data_option
    def publish_command(project: Path, data: Path) -> None:
        """Check a project and put it in force, beside a running server or for the next start."""
        files = load(project)
        house = opened(build, data, read_only=False)
        before, settings = house.plan(0), plan_settings(build.settings(project))
        changed = changes(before, files, settings)
        for line in changed:
            click.echo(f"  {line}")
        if not changed:
            click.echo("nothing has changed since the last publish")
            return
        publish(files, settings, house.log, house.bells, house.clock)
        click.echo(f"published as version {(before.plan.version if before else 0) + 1}")

    @group.command()
    @project_option
    def doctor(project: Path) -> None:
        """Say what is good, and what is not, about the settings: channels, addresses, who signs the mail."""
        findings = build.doctor(project)
        for finding in findings:
            click.echo(f"{finding.level:6}{finding.about:14}{finding.text}")
        if any(finding.level == "bad" for finding in findings):
            raise SystemExit(1)
