"""The command that makes what models learn from: features."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from tactful.cli.build import Build
from tactful.cli.histories import history_of
from tactful.cli.main import counted, data_option, echo_json, json_option, opened, project_option
from tactful.errors import UsageError
from tactful.language.mistakes import did_you_mean
from tactful.language.types import ANYTHING, BOOLEAN, DURATION, kind_of
from tactful.values import DAY_US, HOUR_US, MINUTE_US, SECOND_US, format_time, parse_duration, parse_time

if TYPE_CHECKING:  # Arrow is slow to import.
    from tactful.events.records import Publish
    from tactful.language.tree import Node
    from tactful.operations.features.feature_files import Column, Summary
    from tactful.operations.features.tables import Table
    from tactful.operations.history.opened import Opened
    from tactful.operations.history.terms import Terms
    from tactful.segments.features import Feature


def register(group: click.Group, build: Build) -> None:
    file = click.Path(dir_okay=False, path_type=Path)

    @group.command("features")
    @click.argument("sets", nargs=-1)
    @click.option("--happened-by", "happened", multiple=True, metavar="TIME", help="What had happened by then.")
    @click.option("--known-at", "known", multiple=True, metavar="TIME", help="Or: what the engine knew then.")
    @click.option("--delay", "delays", multiple=True, metavar="1h", help="How late events come in; SOURCE=1h of one.")
    @click.option("--who", default="", metavar="EXPRESSION", help="Only people for whom this holds at the time.")
    @click.option("--out", type=file, help="Write the table into a file, .parquet or .arrow.")
    @click.option("--propose", is_flag=True, help="Print a file for features/ that fits what had happened by then.")
    @project_option
    @data_option
    @json_option
    def features_command(
        sets: Sequence[str],
        happened: Sequence[str],
        known: Sequence[str],
        delays: Sequence[str],
        who: str,
        out: Path | None,
        propose: bool,
        project: Path,
        data: Path,
        as_json: bool,
    ) -> None:
        """Make a table of SETS of features: a row for everybody at each time, with nothing in it that came later.

        \b
        tactful features --happened-by 2026-03-01 --happened-by 2026-04-01 --delay 1h --out spring.parquet
        tactful features features/churn.yaml --happened-by 2026-03-01 --who 'segment("buyers")' --json

        A set is the name of one that is published, or a file. Without any it is all that are published, and where there
        is none, what --propose prints. Times may be given several times.
        """
        from tactful.operations.features import feature_files, feature_sets
        from tactful.operations.features.feature_proposal import as_yaml
        from tactful.operations.features.tables import Wanted, table
        from tactful.operations.history.opened import HAPPENED, KNOWN

        house = opened(build, data, project=project)
        instants = _instants(happened, known, house.clock.now_us())
        if out is not None:
            feature_files.check(out)
        publish = plan.plan.publish if (plan := house.plan(0)) is not None else None
        with history_of(build, house) as history:
            if propose:
                click.echo(as_yaml(feature_sets.fitting(history, publish, min(instants))), nl=False)
                return
            features = feature_sets.merged(feature_sets.sets_of(publish, sets))
            features = features or feature_sets.checked(feature_sets.fitting(history, publish, min(instants)), publish)
            terms = _terms(history.terms, delays, is_known=bool(known))
            _refuse_unknown(terms, house.settings.sources, history)
            sees = KNOWN if known else HAPPENED
            made = table(history, Wanted(features, instants, sees, _condition(publish, who), terms))
            if as_json:
                _print(made, out)
            else:
                _say(made, features, out, history, is_known=bool(known))


def _instants(happened: Sequence[str], known: Sequence[str], now_us: int) -> list[int]:
    if bool(happened) is bool(known):
        raise UsageError(
            "say for which time: --happened-by TIME (what had happened), or --known-at TIME (what was known)"
        )
    option = "--known-at" if known else "--happened-by"
    found = []
    for text in known or happened:
        at_us = parse_time(text)
        if at_us is None:
            raise UsageError(f"{option} {text}: this is no time; write for instance 2026-03-01T14:03Z")
        if at_us > now_us:
            raise UsageError(
                f"{option} {text}: what will have happened by then nobody knows; it is {format_time(now_us)}"
            )
        found.append(at_us)
    return found


def _terms(terms: "Terms", delays: Sequence[str], *, is_known: bool) -> "Terms":
    """With the delays of the command line over those of the settings."""
    if delays and is_known:
        raise UsageError("--delay belongs to --happened-by: what was known has come in")
    for text in delays:
        source, _, length = text.rpartition("=")
        delay_us = 0 if length == "0" else parse_duration(length)
        if delay_us is None:
            raise UsageError(f'--delay {text}: write a duration such as "1h", or of one source "app=1h"')
        if source:
            terms = replace(terms, delays_us={**terms.delays_us, source: delay_us})
        else:
            terms = replace(terms, delay_us=delay_us)
    return terms


def _refuse_unknown(terms: "Terms", declared: Collection[str], history: "Opened") -> None:
    """A source is declared, or something came from it."""
    from tactful.operations.features.feature_sets import sources

    if all(source in declared for source in terms.delays_us):
        return
    known = {*declared, *sources(history)}
    for source in terms.delays_us:
        if source not in known:
            hint = did_you_mean(source, known) or f"there are {', '.join(sorted(known)) or 'none'}"
            raise UsageError(f'--delay {source}=...: there is no source "{source}"; {hint}')


def _condition(publish: "Publish | None", text: str) -> "Node | None":
    from tactful.operations.history.asked import checked_by

    if not text:
        return None
    tree = checked_by(publish, text).tree
    if kind_of(tree) not in (BOOLEAN, ANYTHING):
        raise UsageError(f"--who {text}: this is {kind_of(tree)}, and no condition; compare it: {text} >= 1")
    return tree


def _print(made: "Table", out: Path | None) -> None:
    """Each row as JSON; or, where they go into a file, what is in it."""
    from tactful.operations.features import feature_files

    if out is None:
        for batch in made.batches:
            for row in batch.to_pylist():
                echo_json({name: feature_files.as_json(value) for name, value in row.items()})
        return
    summary = feature_files.empty(made)
    feature_files.write(replace(made, batches=feature_files.summed(made, summary)), out)
    echo_json({"file": str(out), "rows": {format_time(at): number for at, number in summary.rows.items()}})


def _say(made: "Table", features: "Sequence[Feature]", out: Path | None, history: "Opened", *, is_known: bool) -> None:
    """What is in the table, for people."""
    from tactful.operations.features import feature_files

    summary = feature_files.empty(made)
    pieces = feature_files.summed(made, summary)
    if out is not None:
        feature_files.write(replace(made, batches=pieces), out)
    else:
        for _ in pieces:
            pass
    for at, number in sorted(summary.rows.items()):
        click.echo(f"{format_time(at)}  {number:,} people{'' if number else _nobody(history, is_known=is_known)}")
    width = max((len(one.name) for one in features), default=0)
    for one in features:
        click.echo(f"  {one.name:{width}}  {_described(summary.columns[one.name], one.kind, summary)}")
    click.echo(
        f"{counted(summary.total, 'row')} of {counted(len(features), 'feature')}" + (f" in {out}" if out else "")
    )


def _nobody(history: "Opened", *, is_known: bool) -> str:
    """Why there was nobody at an instant."""
    first_us = history.first_us("known" if is_known else "happened")
    since = f"; the first of whom anything is known came at {format_time(first_us)}" if first_us is not None else ""
    return f"; what came in later, by an import say, counts with --happened-by{since}" if is_known else since


def _unit(greatest: float) -> tuple[int, str]:
    """In which durations up to this one, in seconds, are told."""
    units = ((DAY_US, " days"), (HOUR_US, " hours"), (MINUTE_US, " minutes"))
    return next(((us // SECOND_US, name) for us, name in units if greatest * SECOND_US >= us), (1, " seconds"))


def _described(column: "Column", kind: str, summary: "Summary") -> str:
    share = f"{column.present / summary.total:4.0%} known" if summary.total else "  0% known"
    if column.mean is None or column.least is None or column.greatest is None:
        return f"{share}  {kind}"
    if kind == BOOLEAN:
        return f"{share}  true for {column.mean:.1%}"
    unit, name = _unit(column.greatest) if kind == DURATION else (1, "")
    least, mean, greatest = (f"{one / unit:,.4g}" for one in (column.least, column.mean, column.greatest))
    return f"{share}  {least} to {greatest}{name}, {mean} on average"
