"""The command that brings history in: import."""

import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import msgspec

from tactful.cli.build import Build
from tactful.cli.main import data_option, echo_json, json_option, project_option, writing
from tactful.errors import TransientError, UsageError
from tactful.operations.definitions.project import load
from tactful.operations.lines import SOURCE
from tactful.runtime.house import House
from tactful.runtime.settings import plan_settings
from tactful.values import SECOND_US

if TYPE_CHECKING:  # Arrow is slow to import.
    from tactful.operations.imports.report import Report
    from tactful.operations.imports.running import Wanted

FOLDER = "imports"
"""Of a project: where mappings are kept."""
_STEPS = 10_000
_PATH = click.Path(dir_okay=False, path_type=Path)


class _Asked(NamedTuple):
    file: Path
    mapping: Path
    project: Path
    data: Path
    is_replay: bool
    is_dry: bool
    is_sure: bool
    goes_on: bool
    again: bool
    as_json: bool


def register(group: click.Group, build: Build) -> None:
    @group.command("import")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option(
        "--mapping", type=_PATH, help="How its rows become events (default: imports/NAME.yaml of the project)."
    )
    @click.option("--dry-run", "is_dry", is_flag=True, help="Say what the file would do, and change nothing.")
    @click.option("--replay", "is_replay", is_flag=True, help="Through the whole engine, in the file's own time.")
    @click.option("--yes", "is_sure", is_flag=True, help="Take a guessed mapping without a look at it.")
    @click.option("--keep-going", "goes_on", is_flag=True, help="Although much of it is refused.")
    @click.option("--again", is_flag=True, help="Although the file was imported before, with another mapping.")
    @project_option
    @data_option
    @json_option
    def import_command(
        file: Path,
        mapping: Path | None,
        is_dry: bool,
        is_replay: bool,
        is_sure: bool,
        goes_on: bool,
        again: bool,
        project: Path,
        data: Path,
        as_json: bool,
    ) -> None:
        """Import FILE (CSV, Excel, Parquet, JSON Lines) beside a running server, or into a folder without one.

        How its rows become events is said by a mapping, which is guessed and shown the first time, and kept in the
        project. Imported events count with their own times; they start no journey and send nothing. An import that was
        cut off goes on where it stood when the same command is given again.

        With --replay, into an empty data folder: what would have been sent is decided and recorded, and nothing is.
        """
        where = mapping or project / FOLDER / f"{_stem(file)}.yaml"
        asked = _Asked(file, where, project, data, is_replay, is_dry, is_sure, goes_on, again, as_json)
        if is_replay and mapping is None and not where.exists() and file.suffix == ".jsonl":
            _replay(build, asked, file)
        elif is_replay:
            _replay_mapped(build, asked)
        else:
            _import(build, asked)


def _stem(file: Path) -> str:
    return file.name.partition(".")[0] or file.name


# ---- the mapping -----------------------------------------------------------------------------------------------------


def _wanted(build: Build, asked: _Asked) -> "Wanted":
    """With the mapping: the one that is there, or one that is guessed, looked at, and kept."""
    from tactful.operations.imports.preparing import prepare
    from tactful.operations.imports.running import Wanted

    settings, tables, path = build.settings(asked.project), build.tables(), asked.mapping
    sources = build.sources(asked.project)
    if not path.exists():
        _guess(build, asked)
    prepared = prepare(tables, asked.file, path.read_text(encoding="utf-8"), path)
    for made in prepared.first(0 if asked.as_json or not asked.is_dry else 3):
        click.echo(f"row {made.number:,} becomes {made.body[:2000].decode()}", err=True)
    files = load(asked.project)
    return Wanted(prepared, settings, files, sources, secrets.token_bytes(32), asked.goes_on, asked.again)


def _guess(build: Build, asked: _Asked) -> None:
    from tactful.operations.imports.guess import guess
    from tactful.operations.imports.preparing import prepare
    from tactful.operations.imports.tables import FileFormat

    settings, path = build.settings(asked.project), asked.mapping
    sources = build.sources(asked.project)
    source = next((one.name for one in sources if one.trust == "server"), SOURCE.name)
    text = guess(build.tables().open(asked.file, FileFormat()), source, settings.workspace.time_zone)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    click.echo(f"{path}, guessed:\n\n{text}", err=True)
    if asked.is_sure or asked.is_dry:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"look at {path}, then give the same command again (or try it first, with --dry-run)")
    for made in prepare(build.tables(), asked.file, text, path).first(2):
        click.echo(f"row {made.number:,} becomes {made.body[:1000].decode()}\n", err=True)
    answer = click.prompt("take it so, edit it, or stop", type=click.Choice(["take", "edit", "stop"]), err=True)
    if answer == "stop":
        raise UsageError(f"nothing was imported; {path} stays for you to edit")
    if answer == "edit":
        click.edit(filename=str(path))


# ---- backfill --------------------------------------------------------------------------------------------------------


def _import(build: Build, asked: _Asked) -> None:
    from tactful.operations.imports.running import differs, run, try_out

    wanted = _wanted(build, asked)
    if asked.is_dry:
        house = build.house(asked.data, asked.project, read_only=True) if _is_there(asked.data) else None
        with _progress(asked, house) as told:
            report = try_out(wanted, house, house.clock.now_us() if house is not None else build.now_us(), told)
        _tell(report, asked, is_new=True)
        return
    release: Callable[[], None] | None
    try:
        release = build.locked(asked.data)
    except UsageError:
        release = None
    house = build.house(asked.data, asked.project, read_only=False)
    try:
        if release is not None:
            house.look_over()
        if house.plan(0) is not None and differs(wanted, house):
            click.echo("note: the project was changed since it was published; what is published counts", err=True)
        with _progress(asked, house) as told:
            report, is_new = run(wanted, house, told, is_beside=release is None)
        if is_new:
            _note(build, asked, house)
        if release is not None:
            _archive(build, house)
    finally:
        house.close()
        if release is not None:
            release()
    _tell(report, asked, is_new=is_new)


def _archive(build: Build, house: House) -> None:
    """Whoever asks for the history next would have to read all of it in the log."""
    try:
        build.archive(house)
    except TransientError as error:
        click.echo(f"note: the history is not in the lake yet, and will be when the server runs: {error}", err=True)


def _note(build: Build, asked: _Asked, house: House) -> None:
    """Into the audit log."""
    words = "tactful import --replay" if asked.is_replay else "tactful import"
    house.office.audit.note(house.clock.now_us(), build.terminal(), "import", asked.file.name, words)


def _is_there(data: Path) -> bool:
    return (data / "installation.json").exists()


@contextmanager
def _progress(asked: _Asked, house: House | None) -> Iterator[Callable[["Report", float], None]]:
    """How much of the file has been read, at which rate, and how long it will take."""
    began: list[int] = []
    said = ""
    bar: Any
    with click.progressbar(
        length=_STEPS, label=asked.file.name, hidden=asked.as_json, item_show_func=lambda _: said, file=sys.stderr
    ) as bar:

        def told(report: "Report", share: float) -> None:
            nonlocal said
            if house is not None:
                now_us = house.clock.real_us()
                began[:] = began or [now_us, report.calls]
                seconds = (now_us - began[0]) / SECOND_US
                said = f"{(report.calls - began[1]) / seconds:,.0f} events/s" if seconds > 0 else ""
            bar.update(max(int(share * _STEPS) - bar.pos, 0))

        yield told


def _tell(report: "Report", asked: _Asked, *, is_new: bool) -> None:
    from tactful.operations.imports.report import lines

    if asked.as_json:
        echo_json(msgspec.to_builtins(report) | {"is_new": is_new})
        return
    if not is_new:
        click.echo("this file was imported before, with this mapping; nothing to do. What came of it then:")
    for line in lines(report, is_dry=asked.is_dry):
        click.echo(line)


# ---- replay ----------------------------------------------------------------------------------------------------------


def _replay_mapped(build: Build, asked: _Asked) -> None:
    """Its calls are written beside the data as lines, and those are replayed."""
    from tactful.operations.imports import report as reports
    from tactful.operations.imports.replaying import quarantined, write_lines

    if asked.is_dry:
        raise UsageError("a replay is no trial: try the mapping with --dry-run alone, and the replay in a new --data")
    wanted = _wanted(build, asked)
    asked.data.mkdir(parents=True, exist_ok=True)
    lines = asked.data / FOLDER / f"{_stem(asked.file)}.jsonl"
    lines.parent.mkdir(exist_ok=True)
    with _progress(asked, None) as told:
        report, bad = write_lines(wanted.prepared, lines, told)
    try:
        _replay(build, asked, lines, lambda house: quarantined(house, report, bad, wanted.prepared.digest))
    finally:
        lines.unlink(missing_ok=True)
    if not asked.as_json:
        for line in reports.lines(report, is_dry=False):
            click.echo(line)


def _replay(build: Build, asked: _Asked, file: Path, before: Callable[[House], None] = lambda house: None) -> None:
    from tactful.operations.imports.replay import replay

    settings = plan_settings(build.settings(asked.project))
    files = load(asked.project)
    release = build.locked(asked.data)
    house = build.house(asked.data, asked.project, read_only=False)
    try:
        house.look_over()
        before(house)
        with click.progressbar(length=1, label="replay", hidden=asked.as_json) as bar:

            def progress(line: int, lines: int) -> None:
                bar.length = lines
                bar.update(line - bar.pos)

            done = replay(house, file, files, settings, progress)
        if done.before != done.lines:
            _note(build, asked, house)
        _archive(build, house)
    finally:
        house.close()
        release()
    if asked.as_json:
        echo_json({"lines": done.lines, "before": done.before, "kept": done.kept, "refused": done.refused})
    elif done.before == done.lines:
        click.echo("this file was replayed before; nothing to do")
    else:
        refused = f", {done.refused} in the quarantine" if done.refused else ""
        click.echo(f"{done.kept} of {done.lines} events taken{refused}")
