"""The command line. Every command works on a project folder, a data folder, or both, and says plainly what is wrong.

Settings come from tactful.toml, then TACTFUL_* variables, then flags. `--json` is for machines.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any

import click
from click.core import ParameterSource

from tactful.cli.build import Build
from tactful.errors import DefinitionError, Problem, TransientError, UsageError
from tactful.runtime.house import House
from tactful.runtime.settings_mistakes import FILE

_FOLDER = click.Path(file_okay=False, path_type=Path)
data_option = click.option(
    "--data", type=_FOLDER, default=Path("data"), envvar="TACTFUL_DATA", show_default=True, help="The data folder."
)
project_option = click.option(
    "--project", type=_FOLDER, default=Path(), envvar="TACTFUL_PROJECT", help="The project folder (default: here)."
)
seen_option = click.option(
    "--data",
    type=_FOLDER,
    envvar="TACTFUL_DATA",
    help="The data folder with what came in (default: `data` in the project, where there is one).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="For machines: JSON, one value a line.")


UP_TO_ITS_END = 0
"""As of when events are counted in a data folder: of its newest records, since one at rest still knows its names."""


SECTIONS: Mapping[str, Sequence[str]] = {
    "A project": ("init", "check", "preview", "publish", "eval", "features", "try", "message", "vocabulary", "schema"),
    "The server": ("up", "doctor", "seed", "thresholds", "lake", "import", "quarantine", "bounces", "simulate"),
    "Journeys and what leaves": (
        "journeys",
        "campaign",
        "backtest",
        "sending",
        "measure",
        "outbox",
        "coupons",
        "suppressions",
    ),
    "Who may come in": ("users", "tokens", "audit"),
    "People": ("explain", "profile", "segment", "events", "consent", "unmerge"),
}
"""Of the list of all commands."""
ORDERS = ("pause", "resume", "drain", "stop", "launch", "approve", "publish", "release", "unmerge")
"""Acts that have the same name in the console and by the API."""
UNNOTED = ("bounces",)
"""What a mail server calls for each mail that comes back is no act of anybody's."""


class Listed(click.Group):
    """A group whose list of commands says the first sentence of each in full."""

    def sections(self, names: Sequence[str]) -> Iterable[tuple[str, Sequence[str]]]:
        return [("Commands", names)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = {name: command for name in self.list_commands(ctx) if (command := self.get_command(ctx, name))}
        shown = [name for name, command in found.items() if not command.hidden]
        for title, names in self.sections(shown):
            with formatter.section(title):
                formatter.write_dl([(name, first_sentence(found[name])) for name in names])


class Commands(Listed):
    """A group that turns the three kinds of trouble a person can do something about into plain text."""

    group_class = Listed

    def sections(self, names: Sequence[str]) -> Iterable[tuple[str, Sequence[str]]]:
        placed = {name for section in SECTIONS.values() for name in section}
        others = [name for name in names if name not in placed]
        listed = [*SECTIONS.items(), ("Others", others)]
        return [(title, shown) for title, section in listed if (shown := [one for one in section if one in names])]

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DefinitionError as error:
            for problem in error.problems:
                click.echo(f"{problem}\n", err=True)
            if any(problem.place.file != "<expression>" for problem in error.problems):
                click.echo(f"{counted(len(error.problems), 'mistake')}; nothing was changed.", err=True)
            sys.exit(1)
        except (UsageError, TransientError) as error:
            click.echo(f"tactful: {error}", err=True)
            sys.exit(1)
        except BrokenPipeError:
            sys.exit(0)


def first_sentence(command: click.Command) -> str:
    """What a list of commands says of one."""
    paragraph = " ".join((command.short_help or command.help or "").partition("\n\n")[0].split())
    sentence = paragraph.partition(". ")[0]
    return sentence if sentence.endswith((".", "?")) else f"{sentence}."


def opened(build: Build, data: Path, *, read_only: bool = True, project: Path | None = None) -> House:
    """The house on a data folder that exists, opened for the length of a command; with the settings of a project, where
    there is one."""
    if not (data / "installation.json").exists():
        raise UsageError(f"{data} is no data folder of Tactful; `tactful up` makes one, or name it with --data")
    told = project if project is not None and (project / FILE).exists() else None
    house = build.house(data, told, read_only=read_only)
    context = click.get_current_context()
    context.call_on_close(house.close)
    if not read_only:
        context.call_on_close(lambda: _note_act(build, house, context))  # Before it is closed: the last comes first.
    return house


def _named(given: object) -> str:
    """An argument as it was typed; of a file its name alone."""
    if isinstance(given, tuple):
        return " ".join(map(_named, given))
    name = getattr(given, "name", None)
    return str(given) if name is None else PurePath(str(name)).name


def _words(context: click.Context) -> list[str]:
    """Which command it is, however Tactful itself was called."""
    words: list[str] = []
    at: click.Context | None = context
    while at is not None and at.parent is not None:
        words.insert(0, at.info_name or "")
        at = at.parent
    return words


def _note_act(build: Build, house: House, context: click.Context) -> None:
    """Into the audit log, unless nothing came of it."""
    if isinstance(sys.exc_info()[1], (UsageError, DefinitionError, TransientError, click.ClickException)):
        return
    words = _words(context)
    given = [parameter.name for parameter in context.command.params if isinstance(parameter, click.Argument)]
    about = " ".join(_named(context.params[name]) for name in given if name and context.params.get(name))
    if words[0] in UNNOTED:
        return
    if words[0] in ("journeys", "campaign") and about:
        about = f"journeys/{about}"
    act = words[-1] if words[-1] in ORDERS else "_".join(words).replace("-", "_")
    house.office.audit.note(house.clock.now_us(), build.terminal(), act, about, " ".join(("tactful", *words)))


def beside(build: Build, project: Path, data: Path | None) -> House | None:
    """The data folder that belongs to a project, for what came in; None where there is none. Only one that was named on
    the command line must be there and readable: it gives no more than hints."""
    context = click.get_current_context()
    if data is not None and context.get_parameter_source("data") is ParameterSource.COMMANDLINE:
        return opened(build, data)
    try:
        return opened(build, data or project / "data")
    except (UsageError, TransientError):
        return None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around what writes a file that somebody has named. Raises UsageError where that cannot be."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{error.filename or path} cannot be written: {error.strerror}") from None


def counted(number: int, what: str) -> str:
    """`1 mistake`, `2 mistakes`."""
    return f"{number:,} {what}{'s' if number != 1 else ''}"


def echo_warnings(warnings: Iterable[Problem]) -> None:
    for warning in warnings:
        click.echo(f"warning: {warning}\n", err=True)


def echo_json(value: object) -> None:
    """One JSON value on a line of its own."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def table(rows: Sequence[tuple[str, ...]], headings: tuple[str, ...]) -> None:
    """Columns as wide as what stands in them; the last one runs free."""
    widths = [max(len(row[column]) for row in [headings, *rows]) for column in range(len(headings))]
    for row in [headings, *rows]:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


Register = Callable[[click.Group, Build], None]


def command_line(build: Build, registers: Sequence[Register]) -> click.Group:
    """All commands over what app/ built."""

    @click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
    @click.version_option(package_name="tactful", prog_name="tactful")
    def tactful() -> None:
        """Behavioural personalization in one engine.

        Start with `tactful init shop`, then `tactful up --project shop`.
        """

    for register in registers:
        register(tactful, build)
    return tactful
