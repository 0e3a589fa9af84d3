"""The command that plays a journey over what has happened: backtest."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click
from msgspec.structs import replace

from tactful.cli.build import Build
from tactful.cli.histories import history_of
from tactful.cli.main import data_option, echo_json, json_option, opened, writing
from tactful.runtime.house import House
from tactful.runtime.settings import Settings, plan_settings
from tactful.runtime.settings_mistakes import FILE

if TYPE_CHECKING:
    from tactful.operations.backtesting.preparing import Asked
    from tactful.operations.backtesting.running import Told
    from tactful.operations.backtesting.tally import Line


def register(group: click.Group, build: Build) -> None:
    file = click.Path(exists=True, dir_okay=False, path_type=Path)

    @group.command()
    @click.argument("journey", type=file)
    @click.option("--from", "first", default="", metavar="TIME", help="From when on it is in force (default: 30 days).")
    @click.option("--to", "last", default="", metavar="TIME", help="Up to when (default: the end of history).")
    @click.option(
        "--against", default="", metavar="FILE", help="Another version side by side; or `published`, or `without` it."
    )
    @click.option(
        "--project",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Whose definitions and settings are meant (default: those around the file).",
    )
    @click.option(
        "--messages",
        "listed",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        help="Write every message into this file, a JSON object a line.",
    )
    @click.option(
        "--reasons",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        help="Likewise every run that began, or came to no message, with its reason.",
    )
    @click.option(
        "--orders", is_flag=True, help="With the orders that the journey, and all sending, had: pause, stop, launch."
    )
    @click.option("--processes", type=click.IntRange(1, 256), help="How many (default: one for each core).")
    @data_option
    @json_option
    def backtest(
        journey: Path,
        first: str,
        last: str,
        against: str,
        project: Path | None,
        listed: Path | None,
        reasons: Path | None,
        orders: bool,
        processes: int | None,
        data: Path,
        as_json: bool,
    ) -> None:
        """What JOURNEY (a file) would have sent: history through the engine, with caps, consent and everything else.

        \b
        tactful backtest journeys/cart_reminder.yaml --from 2026-03-01 --to 2026-04-01

        Nothing is sent or changed. The other journeys of the project run beside it, and all definitions hold from the
        beginning of history on.
        """
        from tactful.operations.journeys import tried  # Wanted here only, and slow to import.

        folder = project or tried.own_project(journey)
        if folder is None:
            raise click.UsageError("the file lies in no project's journeys/; name the project with --project")
        asked = replace(_asked(journey, against, first, last), orders=orders)
        _play(build, folder, opened(build, data), asked, (listed, reasons), processes or 0, as_json=as_json)


def _play(
    build: Build,
    folder: Path,
    house: House,
    asked: "Asked",
    listed: tuple[Path | None, Path | None],
    processes: int,
    *,
    as_json: bool,
) -> None:
    from tactful.operations.backtesting import preparing, report, running  # Stand on Arrow, likewise.
    from tactful.operations.definitions.project import load

    settings = build.settings(folder) if (folder / FILE).exists() else Settings()
    with history_of(build, house) as history:
        limit = settings.limits.mails_per_address
        files, told = load(folder), plan_settings(settings)
        wanted = preparing.wanted(asked, files, told, house.plan(0), history, house.outbox, limit)
        labels = [one.label for one in wanted.versions]
        with _progress(hidden=as_json) as progress, _lists(*listed, labels) as listen:
            found = running.backtest(history, wanted, build.crew(processes), progress, listen)
    if as_json:
        echo_json(report.as_values(found))
    else:
        click.echo(report.as_text(found), nl=False)


def _asked(journey: Path, against: str, first: str, last: str) -> "Asked":
    from tactful.operations.backtesting import preparing

    text = preparing.text_of(journey)
    if against in ("", preparing.WITHOUT, preparing.PUBLISHED):
        return preparing.Asked(journey.stem, text, against, "", first, last, place=str(journey))
    other = preparing.text_of(Path(against))
    label = Path(against).stem if Path(against).stem != journey.stem else against
    asked = preparing.Asked(journey.stem, text, other, label, first, last)
    return replace(asked, place=str(journey), against_place=against)


def _begun(path: Path | None, files: ExitStack) -> "BinaryIO | None":
    if path is None:
        return None
    with writing(path):
        return files.enter_context(path.open("wb"))


@contextmanager
def _progress(*, hidden: bool) -> Iterator[Callable[["Told"], None]]:
    with click.progressbar(
        length=1000, label="backtest", hidden=hidden or not sys.stderr.isatty(), file=sys.stderr
    ) as bar:

        def progress(told: "Told") -> None:
            bar.update(int(told.of_all * 1000) - bar.pos)

        yield progress


@contextmanager
def _lists(
    messages: Path | None, reasons: Path | None, labels: list[str]
) -> Iterator[Callable[[int, "Line"], None] | None]:
    """Writes each message, and all else that was decided, as a line of its file."""
    if messages is None and reasons is None:
        yield None
        return
    import msgspec

    from tactful.operations.backtesting import report
    from tactful.operations.backtesting.tally import Sent

    with ExitStack() as files:
        sent, other = (_begun(path, files) for path in (messages, reasons))

        def listen(version: int, one: "Line") -> None:
            file, said = (sent, report.sample(one)) if isinstance(one, Sent) else (other, report.noted(one))
            if file is not None:
                said = {"version": labels[version], **said} if len(labels) > 1 else said
                file.write(msgspec.json.encode(said) + b"\n")

        yield listen
