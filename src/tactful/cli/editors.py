"""Commands that help while somebody writes: schema, vocabulary. With --json they are what an editor asks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tactful.cli.build import Build
from tactful.cli.main import UP_TO_ITS_END, beside, echo_json, json_option, project_option, seen_option, table


def register(group: click.Group, build: Build) -> None:
    @group.command("schema")
    @click.argument("name", required=False)
    @click.option(
        "--write", "folder", type=click.Path(file_okay=False, path_type=Path), help="Put all schemas into this folder."
    )
    def schema_command(name: str | None, folder: Path | None) -> None:
        """Print the JSON Schema of one kind of file: segment, journey, message, block, event, collection,
        metric, settings."""
        from tactful.operations.definitions import schemas  # Wanted here only, as what the other command imports.

        if folder is not None:
            for path in schemas.write(folder):
                click.echo(f"  made {path}")
        elif name is None:
            rows = [(one, str(schemas.schema(one).get("description", ""))) for one in schemas.NAMES]
            table(rows, ("schema", "of"))
        else:
            click.echo(schemas.as_text(schemas.schema(name)), nl=False)

    @group.command("vocabulary")
    @project_option
    @seen_option
    @json_option
    def vocabulary_command(project: Path, data: Path | None, as_json: bool) -> None:
        """List what an expression may name: functions, and the project's events, properties, traits and the like.

        Names that came in lately are counted where there is a data folder: --data, or `data` in the project.
        """
        from tactful.operations.definitions import completion
        from tactful.operations.definitions.counting import seen_names
        from tactful.operations.definitions.project import check

        house = beside(build, project, data)
        lately = completion.Lately()
        if house is not None:
            counts = seen_names(house.stores(), UP_TO_ITS_END)
            lately = completion.Lately(counts, completion.sample(house.log))
        found = completion.vocabulary(check(project), lately)
        if as_json:
            echo_json(found)
        else:
            _tell(found)


GROUPS = {
    "events": "Functions of events",
    "steps": "Sequences",
    "sessions": "Sessions",
    "person": "Functions of the person",
    "moment": "Clocks",
    "values": "Functions of values",
}


def _tell(found: Mapping[str, Any]) -> None:
    """For people: a heading, and below it one line each."""
    for group, heading in GROUPS.items():
        own = [function for function in found["functions"] if function["group"] == group]
        _list(heading, [(function["signature"], function["help"]) for function in own])
    _list("Words", [(one["name"], one["help"]) for one in (*found["keywords"], *found["roots"])])
    _list("Events", [(one["name"], _about_event(one)) for one in found["events"]])
    _list("Traits", [(one["name"], _joined(one["type"], one["help"])) for one in found["traits"]])
    for one in found["collections"]:
        parts = [(f"{one['name']}.{part['name']}", part["help"]) for part in one["parts"]]
        _list(f"The collection {one['name']}", parts)
    for kind in ("segments", "metrics", "models", "purposes"):
        _list(kind.capitalize(), [(one["name"], one.get("help", "")) for one in found[kind]])


def _list(heading: str, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        click.secho(heading, bold=True)
        width = min(max(len(name) for name, _ in rows), 50)
        for name, text in rows:
            click.echo(f"  {name.ljust(width)}  {text}".rstrip())
        click.echo()


def _about_event(event: Mapping[str, Any]) -> str:
    times = f"{event['seen']:,} times in 7 days" if event["seen"] else ""
    has = ", ".join(f"{one['name']} ({one['type']})" for one in event["properties"])
    return _joined(times, event["help"], has)


def _joined(*texts: str) -> str:
    return "; ".join(text for text in texts if text and text != "anything")
