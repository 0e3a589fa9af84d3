"""Commands that steer: journeys (list, pause, resume, drain, stop, enter), and the switch for all sending."""

from pathlib import Path

import click
import msgspec

from tactful.cli.build import Build
from tactful.cli.main import counted, data_option, echo_json, json_option, opened, table
from tactful.errors import UsageError
from tactful.operations.journeys import entering, steering
from tactful.operations.reading.reader import Reader
from tactful.runtime.house import House

AUTHOR = "command line"
_TOLD = {
    "pause": "is paused: nobody enters, nobody moves, and messages that wait do not leave",
    "resume": "goes on: what has become due goes on at once",
    "drain": "is draining: nobody enters, and who is inside goes on",
    "stop": "is stopped: nobody enters, runs end, and messages that wait do not leave",
}
_SWITCHED = {
    "off": "all sending is off: messages of all journeys wait, and lapse when they are no longer valid",
    "on": "sending is on",
}
_reason = click.option("--reason", default="", metavar="TEXT", help="Why; stands beside the state.")
_author = click.option("--by", "author", default=AUTHOR, metavar="WHO", help="Who says so.")


def reader_of(house: House) -> Reader:
    return Reader(house.log, house.stores(), house.trail, house.outbox, house.quarantine)


def register(group: click.Group, build: Build) -> None:
    @group.group(invoke_without_command=True)
    @data_option
    @json_option
    @click.pass_context
    def journeys(context: click.Context, data: Path, as_json: bool) -> None:
        """How journeys stand: their state, and how many are inside at each step."""
        if context.invoked_subcommand is None:
            _list(reader_of(opened(build, data)), as_json=as_json)
        # What is said before the command's name is not forgotten behind it.
        context.default_map = {name: {"data": data, "as_json": as_json} for name in journeys.commands}

    @journeys.command("list")
    @data_option
    @json_option
    def list_command(data: Path, as_json: bool) -> None:
        """The same as `tactful journeys` alone."""
        _list(reader_of(opened(build, data)), as_json=as_json)

    for order in steering.ORDERS:
        journeys.add_command(_order(build, order))
    _register_enter(journeys, build)

    @group.command()
    @click.argument("switch", type=click.Choice(sorted(steering.SWITCH)))
    @data_option
    @_reason
    @_author
    def sending(switch: str, data: Path, reason: str, author: str) -> None:
        """Switch all sending of all journeys off, or on again."""
        _steer(build, data, steering.ALL, steering.SWITCH[switch], author, reason)
        click.echo(f"{_SWITCHED[switch]}, once the engine has read this")


def _order(build: Build, order: str) -> click.Command:
    @click.command(order, help=f"NAME {_TOLD[order]}.")
    @click.argument("name")
    @data_option
    @_reason
    @_author
    def command(name: str, data: Path, reason: str, author: str) -> None:
        _steer(build, data, name, order, author, reason)
        click.echo(f"{name} {_TOLD[order]}, once the engine has read this")

    return command


def _steer(build: Build, data: Path, name: str, order: str, author: str, reason: str) -> None:
    house = opened(build, data, read_only=False)
    reader = reader_of(house)
    record = steering.order(name, order, reader.compiled(), reader.partition_state(), author, reason)
    steering.tell(record, house.log, house.bells, house.clock)


def _list(reader: Reader, *, as_json: bool) -> None:
    found = reader.journeys()
    if as_json:
        for one in found.journeys:
            echo_json(msgspec.to_builtins(one))
        return
    if not found.is_sending:
        click.echo(f"all sending is off since {found.since}, by {found.author}{_because(found.reason)}\n")
    if not found.journeys:
        click.echo("no journey is published")
        return
    rows = [
        (one.journey, _state(one), one.kind, _inside(one), str(one.waiting), one.version[:8]) for one in found.journeys
    ]
    table(rows, ("journey", "state", "starts by", "inside", "messages waiting", "version"))
    if found.has_more_messages:
        click.echo(f"\n(of the waiting messages the newest {steering.MESSAGES:,} were counted)")


def _state(one: steering.JourneyState) -> str:
    return f"{one.state} since {one.since} by {one.author}{_because(one.reason)}" if one.since else one.state


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _inside(one: steering.JourneyState) -> str:
    steps = one.inside or {}
    each = ", ".join(f"{number:,} at {step or 'start'}" for step, number in steps.items())
    return f"{sum(steps.values()):,}" + (f" ({each})" if len(steps) > 1 or any(steps) else "")


def _register_enter(journeys: click.Group, build: Build) -> None:
    @journeys.command()
    @click.argument("name")
    @click.option(
        "--list",
        "path",
        required=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A CSV file whose first line names its columns, or JSON Lines.",
    )
    @click.option(
        "--as",
        "list_name",
        default="",
        metavar="NAME",
        help="The list's name, by which its lines are known (default: FILE).",
    )
    @data_option
    @json_option
    @_author
    def enter(name: str, path: Path, list_name: str, data: Path, as_json: bool, author: str) -> None:
        """Let everybody on a list enter the journey NAME (which starts with call: true).

        Columns are userId, anonymousId, email or phone, key, messageId; all others are what messages see as
        event.properties. The same list may be given again: whoever has entered by it does not enter once more.
        """
        from tactful.operations.evaluation.evaluate_lines import Question, naming_of  # Wanted here only.

        house = opened(build, data, read_only=False)
        reader = reader_of(house)
        entering.require_call(name, reader.compiled())
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is not UTF-8: {error}") from None
        plan = house.plan(0)
        identity = plan.plan.publish.settings.get("identity", "") if plan is not None else ""
        done = entering.enter_list(
            list_name or path.name,
            text,
            name,
            naming_of(Question({}, identity=identity)),
            house.clock.now_us(),
            author,
            house.log,
            house.bells,
            is_csv=path.suffix.lower() == ".csv",
        )
        if as_json:
            echo_json(msgspec.to_builtins(done))
        else:
            _tell(done, name)
        if done.bad:
            raise SystemExit(1)


def _tell(done: entering.Entered, name: str) -> None:
    for one in done.bad:
        click.echo(f"line {one.line}: {one.message}", err=True)
    again = f", {counted(done.repeated, 'line')} said the same as another" if done.repeated else ""
    bad = f", {counted(len(done.bad), 'line')} could not be taken" if done.bad else ""
    click.echo(f"{counted(done.entered, 'entry').replace('entrys', 'entries')} for {name}{again}{bad}")
