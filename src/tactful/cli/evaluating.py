"""The command that asks: eval. An expression, or a file of cases, on a file of events; no installation is needed."""

from collections.abc import Sequence
from pathlib import Path

import click

from tactful.cli.build import Build
from tactful.cli.main import json_option
from tactful.errors import UsageError


def register(group: click.Group, build: Build) -> None:
    file = click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True)

    @group.command("eval")
    @click.argument("expression", required=False)
    @click.option("--events", type=file, help="Tracking calls, one JSON object with receivedAt a line; - is stdin.")
    @click.option("--at", "times", multiple=True, metavar="TIME", help="The instant (default: after the last line).")
    @click.option("--cases", "case_file", type=file, help="Cases to hold the engine to, as in specs/.")
    @click.option(
        "--engine",
        type=click.Choice(["live", "sql", "both"]),
        default="live",
        show_default=True,
        help="Which engine answers.",
    )
    @click.option(
        "--project",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Whose collections, metrics, segments, events and time zone are meant.",
    )
    @json_option
    def eval_command(
        expression: str | None,
        events: Path | None,
        times: Sequence[str],
        case_file: Path | None,
        engine: str,
        project: Path | None,
        as_json: bool,
    ) -> None:
        """Say what EXPRESSION is for everybody in a file of events, at an instant.

        \b
        tactful eval 'count("Product Viewed", last="7d") > 2' --events calls.jsonl --at 2025-03-01T10:00:00Z
        tactful eval --cases specs/count.json --engine both

        Live is the engine that decides from event to event, sql asks the whole history. They must agree: `both` shows
        the two side by side, and ends in an error where they do not.
        """
        from tactful.cli import asking  # Wanted here only.

        surroundings = asking.surroundings(build, project)
        if case_file is not None:
            if expression or events or times:
                raise UsageError("--cases brings its own expressions, events and times; leave the others out")
            asking.run_cases(case_file, asking.engines_of(build, engine), surroundings, as_json=as_json)
        elif expression is None:
            raise UsageError("give an expression and --events FILE, or --cases FILE")
        elif events is None:
            raise UsageError("give --events FILE: tracking calls, one a line, each with receivedAt")
        else:
            from tactful.operations.evaluation import cases

            lines = asking.lines_of(events)
            instants = [cases.instant(text, "--at ") for text in times] or [asking.end_of(lines)]
            asking.ask(expression, lines, instants, asking.engines_of(build, engine), surroundings, as_json=as_json)
