"""The command that makes shoppers up: simulate."""

import asyncio
import csv
import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from tactful.cli.build import Build
from tactful.cli.main import counted, data_option, echo_json, project_option
from tactful.errors import TransientError, UsageError
from tactful.runtime.settings import Settings
from tactful.shoppers import catalogue
from tactful.shoppers.calls import Door
from tactful.shoppers.people import Town
from tactful.values import format_time, parse_duration

if TYPE_CHECKING:  # Its client is slow to import.
    from tactful.shoppers.driving import Told

FOR_EVER_US = 1 << 61
NOT_KEPT = ("contract", "legal_obligation", "legitimate_interest")
"""Bases that nobody is asked about."""


_effect_option = click.option(
    "--effect",
    default=0.4,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Share of clicks in mails that become an order which would not have been; 0: mails do nothing.",
)
_number = click.IntRange(1, 5_000_000)


def register(group: click.Group, build: Build) -> None:
    @group.command()
    @project_option
    @data_option
    @click.option("--url", default="", metavar="URL", help="Of the server (default: the one that runs on --data).")
    @click.option(
        "--token",
        default="",
        metavar="TOKEN",
        envvar="TACTFUL_ADMIN_TOKEN",
        help="Of the API, to see which mails went out (default: what the server on --data has left there).",
    )
    @click.option("--people", default=300, show_default=True, type=_number, help="How many.")
    @click.option("--visits", default=4.0, show_default=True, help="Of each of them in a week, on average.")
    @click.option("--seed", default=7, show_default=True, help="Everything they do is drawn from it.")
    @_effect_option
    @click.option("--for", "lasts", default="", metavar="DURATION", help="How long, by the server's clock: 2h, 14d.")
    @click.option("--fast", "is_fast", is_flag=True, help="As fast as the server takes it, without waiting for mail.")
    @click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 64), help="With --fast.")
    @click.option("--truth", "is_told", is_flag=True, help="At the end, print what is true, as JSON.")
    def simulate(
        project: Path, data: Path, url: str, token: str, people: int, visits: float, seed: int, effect: float,
        lasts: str, is_fast: bool, processes: int, is_told: bool,
    ) -> None:  # fmt: skip
        """Made-up shoppers, who visit the shop of a running server and read its mail.

        They live in the server's time, also where that runs fast (`tactful up --dev --speed`), until Ctrl-C. What a
        mail makes them do is known, so that --truth says what `tactful measure` should find.
        """
        if is_fast and is_told:
            raise UsageError("--fast leaves the server's time behind, and the truth with it; leave one of the two out")
        lasts_us = parse_duration(lasts) if lasts else FOR_EVER_US
        if lasts_us is None:
            raise UsageError(f"--for {lasts!r} is no duration; write it as 90s, 10m, 2h or 14d")
        address, found = _server(data, url, token)
        town = Town(seed=seed, people=people, visits_per_week=visits, effect=effect)
        door, products = door_of(build.settings(project), project), products_of(project, seed)
        if is_fast:
            _race(town, door, products, address, lasts_us, processes)
        else:
            told = asyncio.run(_live(town, door, products, address, found, lasts_us, truth=is_told))
            if is_told:
                echo_json(told)


def _server(data: Path, url: str, token: str) -> tuple[str, str]:
    """Address and token: what was said, else what a running server has left in its data folder."""
    try:
        standing = json.loads((data / "run" / "server.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        standing = {}
    address = url or str(standing.get("address") or "http://127.0.0.1:8080")
    is_same = not url or url.rstrip("/") == str(standing.get("address", "")).rstrip("/")
    return address, token or (str(standing.get("token") or "") if is_same else "")


# ---- the project -----------------------------------------------------------------------------------------------------


def door_of(settings: Settings, project: Path) -> Door:
    """How the shop of a project speaks to its server. Raises UsageError where it has no source."""
    sources = settings.sources.values()
    browser = next((one.write_key for one in sources if one.trust == "browser"), "")
    server = next((one.write_key for one in sources if one.trust == "server"), "")
    if not (browser or server):
        raise UsageError(f"{project / 'tactful.toml'} has no source; add [sources.website] with a write_key")
    consent = settings.consent
    categories = {name: purpose for purpose, one in consent.purposes.items() for name in one.categories}
    required = next((name for name, purpose in categories.items() if purpose == consent.collect), "")
    free = {name for name, one in consent.purposes.items() if one.basis in NOT_KEPT}
    purposes = {str(one["purpose"]) for one in _read(project / "messages") if one.get("purpose")}
    return Door(
        browser or server,
        server or browser,
        settings.identity.secrets[0] if settings.identity.secrets else "",
        categories,
        required,
        tuple(sorted(purposes - free - set(categories.values()))) or ("email_marketing",),
        frozenset(str(one["name"]) for one in _read(project / "events") if one.get("name")),
    )


def products_of(project: Path, seed: int) -> tuple[catalogue.Product, ...]:
    """The project's catalogue, or one that is made up."""
    rows = [row for file in sorted((project / "catalogue").glob("*")) for row in _rows(file)]
    return tuple(catalogue.from_values(rows) or catalogue.made_up(seed))


def _rows(file: Path) -> Iterator[Mapping[str, Any]]:
    """Things in a file of a catalogue: JSON Lines, JSON, CSV, YAML; [] of any other."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    match file.suffix:
        case ".jsonl":
            yield from (json.loads(line) for line in text.splitlines() if line.strip())
        case ".csv":
            for row in csv.DictReader(text.splitlines()):
                yield {name: _price(value) if name == "price" else value for name, value in row.items()}
        case ".json" | ".yaml" | ".yml":
            said = yaml.safe_load(text)  # JSON is YAML.
            found = (
                said
                if isinstance(said, list)
                else next((v for v in dict(said or {}).values() if isinstance(v, list)), [])
            )
            yield from (row for row in found if isinstance(row, dict))
        case _:
            return


def _price(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _read(folder: Path) -> Iterator[dict[str, Any]]:
    """The definitions of a folder; mistakes in them are `tactful check`'s to tell."""
    for file in sorted(folder.glob("*.yaml")):
        try:
            said = yaml.safe_load(file.read_text(encoding="utf-8"))
        except yaml.YAMLError:
            continue
        if isinstance(said, dict):
            yield said


# ---- running ---------------------------------------------------------------------------------------------------------


async def _live(
    town: Town,
    door: Door,
    products: tuple[catalogue.Product, ...],
    address: str,
    token: str,
    lasts_us: int,
    *,
    truth: bool,
) -> dict[str, Any]:
    from tactful.shoppers.crowd import Crowd
    from tactful.shoppers.driving import Drive
    from tactful.shoppers.inbox import Inbox
    from tactful.shoppers.network import Times, Wire
    from tactful.shoppers.sending import Sender

    stop, loop, living = asyncio.Event(), asyncio.get_running_loop(), asyncio.current_task()
    assert living is not None
    ending: list[asyncio.TimerHandle] = []

    def end_it() -> None:
        """What is on its way may end, unless the server went first."""
        stop.set()
        ending.append(loop.call_later(PATIENCE_S, living.cancel))

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end_it)
    wire = Wire(address, LANES)
    try:
        times = Times(wire)
        start = await times.look()
        goods = catalogue.Catalogue(town.seed, products)
        crowd = Crowd(town, goods, door, start, range(town.people), keeps=truth)
        drive = Drive(wire, crowd, Sender(wire, LANES, is_dated=True), Inbox(wire, crowd, token))
        await drive.begin()
        speed = f", {times.speed:g} times as fast as the world" if times.speed != 1 else ""
        click.echo(f"{counted(town.people, 'shopper')} at {address}{speed}, seed {town.seed}; Ctrl-C ends it", err=True)
        end = await drive.run(times, start + lasts_us, stop, _tell())
        for handle in ending:
            handle.cancel()
        return await drive.truth(end) if truth else {}
    except asyncio.CancelledError:
        if not truth:
            return {}  # Told to end, and nothing is asked of a server that went first.
        raise TransientError("the server did not answer any more") from None
    finally:
        await wire.close()


PATIENCE_S = 3.0
"""With a server that does not answer, once it is to end."""
LANES = 16
"""Connections of the shoppers who live in the server's time."""


def _tell() -> Callable[["Told"], None]:
    """A line that is written anew, on a terminal."""
    refused: set[str] = set()

    def tell(told: "Told") -> None:
        for why in told.refused.keys() - refused:
            refused.add(why)
            click.echo(f"\nthe server refused a call: {why}", err=True)
        if sys.stderr.isatty():
            text = f"{format_time(told.now)[:19]}  {told.calls:,} calls, {told.orders:,} orders; {told.mails:,} mails"
            click.echo(f"\r{text}, {told.opened:,} opened, {told.clicked:,} clicked   ", err=True, nl=False)

    return tell


def _race(
    town: Town, door: Door, products: tuple[catalogue.Product, ...], address: str, lasts_us: int, processes: int
) -> None:
    from tactful.shoppers.racing import Race, run_all

    seconds = lasts_us / 1_000_000 if lasts_us < FOR_EVER_US else 0.0
    results = run_all(Race(address, town, products, door, seconds), processes)
    events, lasted = sum(one.events for one in results), max(one.seconds for one in results)
    click.echo(f"{events:,} events in {lasted:.1f} s: {events / lasted:,.0f}/s processes: {processes}", err=True)
    for one in results:
        for why, number in one.refused.items():
            click.echo(f"{number:,} refused: {why}", err=True)
