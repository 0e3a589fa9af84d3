"""Commands about lists: coupons' codes, addresses that are not written to, decisions on consent."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from tactful.cli.build import Build
from tactful.cli.main import counted, data_option, echo_json, json_option, opened, project_option, table
from tactful.errors import UsageError
from tactful.operations.journeys import coupons
from tactful.operations.lists import Told, written
from tactful.operations.messages import suppressions
from tactful.operations.people import consent_lists
from tactful.values import parse_time

_file = click.argument("file", type=click.File("rb"))
_dry = click.option("--dry-run", "is_dry", is_flag=True, help="Say what the file would do, and change nothing.")


def register(group: click.Group, build: Build) -> None:
    _register_coupons(group, build)
    _register_suppressions(group, build)


def _register_coupons(group: click.Group, build: Build) -> None:
    @group.group("coupons")
    def pools() -> None:
        """Pools of codes, each for one person, once."""

    @pools.command("load")
    @click.argument("pool")
    @_file
    @data_option
    @json_option
    def load(pool: str, file: BinaryIO, data: Path, as_json: bool) -> None:
        """Add the codes in FILE (- reads standard input) to POOL, one a line."""
        house = opened(build, data, read_only=False)
        told = coupons.load(house.outbox.coupons, pool, file, house.clock.now_us())
        _report(told, "code", "added", "there already", as_json=as_json)

    @pools.command("list")
    @data_option
    @json_option
    def list_command(data: Path, as_json: bool) -> None:
        """Every pool, and how many codes are left."""
        found = coupons.listed(opened(build, data).outbox.coupons)
        if as_json:
            for one in found:
                echo_json(msgspec.to_builtins(one))
            return
        if not found:
            click.echo("there are no codes; `tactful coupons load POOL FILE` brings some")
            return
        rows = [(one.pool, f"{one.codes:,}", f"{one.left:,}", "load more" if one.is_low else "") for one in found]
        table(rows, ("pool", "codes", "left", ""))

    @pools.command()
    @click.argument("pool")
    @data_option
    def export(pool: str, data: Path) -> None:
        """Who got which code of POOL, as CSV."""
        found = opened(build, data).outbox.coupons
        if pool not in {one.name for one in found.pools()}:
            raise UsageError(f"there is no pool {pool!r}; `tactful coupons list` shows what there is")
        _write(coupons.EXPORTED, coupons.exported(found, pool))


def _register_suppressions(group: click.Group, build: Build) -> None:
    @group.group("suppressions")
    def addresses() -> None:
        """Addresses to which nothing is sent."""

    @addresses.command("import")
    @_file
    @_dry
    @data_option
    @json_option
    def import_command(file: BinaryIO, is_dry: bool, data: Path, as_json: bool) -> None:
        """Suppress the addresses in FILE (- reads standard input): CSV or JSON Lines of address and reason."""
        house = opened(build, data, read_only=is_dry)
        told = suppressions.load(house.outbox, file, house.clock.now_us(), is_dry=is_dry)
        _report(told, "address", _done("suppressed", is_dry), "suppressed already", "es", as_json=as_json)

    @addresses.command("list")
    @data_option
    @json_option
    def list_command(data: Path, as_json: bool) -> None:
        """The oldest first."""
        found = suppressions.listed(opened(build, data).outbox)
        if as_json:
            for one in found:
                echo_json(msgspec.to_builtins(one))
        elif found:
            table([(one.since, one.address, one.reason) for one in found], ("since", "address", "reason"))
        else:
            click.echo("no address is suppressed")

    @addresses.command()
    @data_option
    def export(data: Path) -> None:
        """All of them as CSV, as `import` reads it."""
        _write(suppressions.EXPORTED, suppressions.exported(opened(build, data).outbox))

    @addresses.command()
    @click.argument("address")
    @data_option
    def remove(address: str, data: Path) -> None:
        """Let ADDRESS be written to again."""
        click.echo(
            f"{suppressions.remove(opened(build, data, read_only=False).outbox, address)} may be written to again"
        )


def register_consent(consent: click.Group, build: Build) -> None:
    """Beside what cli/consenting.py has."""

    @consent.command("import")
    @_file
    @click.option(
        "--at", metavar="TIME", help="When it was decided, where a line does not say so (2025-03-01T08:00:00Z)."
    )
    @_dry
    @project_option
    @data_option
    @json_option
    def import_command(file: BinaryIO, at: str | None, is_dry: bool, project: Path, data: Path, as_json: bool) -> None:
        """Take in the decisions in FILE (- reads standard input): CSV or JSON Lines of identifier (or userId, email,
        phone, anonymousId), purpose, granted, timestamp, textVersion."""
        at_us = parse_time(at) if at else None
        if at and at_us is None:
            raise UsageError(f"--at {at} is no time; write 2025-03-01T08:00:00Z")
        purposes = sorted(build.settings(project).consent.purposes)
        house = opened(build, data, read_only=is_dry)
        ports, now_us = (house.log, house.bells), house.clock.now_us()
        told = consent_lists.load(*ports, file, now_us, at_us=at_us, purposes=purposes, is_dry=is_dry)
        _report(told, "decision", _done("taken in", is_dry), "in the file twice", as_json=as_json)

    @consent.command()
    @data_option
    def export(data: Path) -> None:
        """Every decision as CSV, as `import` reads it; nothing of people who were erased."""
        house = opened(build, data)
        _write(consent_lists.EXPORTED, consent_lists.exported(house.ledger, house.log.partitions))


def _done(word: str, is_dry: bool) -> str:
    return f"would be {word}" if is_dry else word


def _write(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    for line in written(columns, rows):
        click.echo(line, nl=False)


def _report(told: Told, what: str, done: str, known: str, plural: str = "s", *, as_json: bool) -> None:
    """What became of a file; an error where a line was bad, after all others were taken."""
    if as_json:
        bad = [{"line": line.number, "message": line.message} for line in told.shown]
        echo_json({"lines": told.lines, "new": told.new, "known": told.known, "bad": told.bad, "shown": bad})
    else:
        new = counted(told.new, what) if plural == "s" else f"{told.new:,} {what}{'' if told.new == 1 else plural}"
        click.echo(f"{new} {done}, {told.known:,} {known}, {told.bad:,} bad")
        for line in told.shown:
            click.echo(f"line {line.number}: {line.message}", err=True)
        if told.bad > len(told.shown):
            click.echo(f"... and {told.bad - len(told.shown):,} more", err=True)
    if told.bad:
        raise SystemExit(1)
