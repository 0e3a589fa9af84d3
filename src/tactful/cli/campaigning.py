"""Commands about campaigns: preview, approve, launch, stop, status."""

from pathlib import Path

import click
import msgspec

from tactful.cli.build import Build
from tactful.cli.main import counted, data_option, echo_json, json_option, opened, table
from tactful.cli.steering import reader_of
from tactful.operations.journeys import campaigns, steering
from tactful.operations.journeys.campaigns import campaign as rule_of
from tactful.operations.reading.reader import Reader
from tactful.runtime.house import House

_by = click.option("--by", required=True, metavar="WHO", help="Who says so.")


def register(group: click.Group, build: Build) -> None:
    @group.group()
    def campaign() -> None:
        """Journeys that are launched for a segment, once: looked at, approved, launched, stopped."""

    _register_looking(campaign, build)
    _register_orders(campaign, build)


def _register_looking(campaign: click.Group, build: Build) -> None:
    @campaign.command()
    @click.argument("name")
    @data_option
    @json_option
    def preview(name: str, data: Path, as_json: bool) -> None:
        """Who NAME would reach if it were launched now, and what three of them would see."""
        from tactful.operations.reading import previewed  # Renders messages; wanted here only.

        house = opened(build, data)
        if as_json:
            echo_json(previewed.values(name, reader_of(house), house))
        else:
            click.echo(previewed.as_text(*previewed.preview(name, reader_of(house), house)), nl=False)

    @campaign.command()
    @click.argument("name", required=False)
    @data_option
    @json_option
    def status(name: str | None, data: Path, as_json: bool) -> None:
        """How NAME stands (default: all of them)."""
        house = opened(build, data)
        reader = reader_of(house)
        names = [name] if name else [one.name for one in reader.compiled().journeys.values() if one.is_campaign]
        found = [_status(one, reader, house, build) for one in sorted(names)]
        if as_json:
            for one in found:
                echo_json(msgspec.to_builtins(one))
            return
        if not found:
            click.echo("no campaign is published")
            return
        rows = [(one.campaign, one.state, one.launched_at or "", _approval(one), one.version) for one in found]
        table(rows, ("campaign", "state", "launched", "approved", "version"))
        if name:
            _tell_progress(reader, name)


def _status(name: str, reader: Reader, house: House, build: Build) -> campaigns.Status:
    approvals = build.approvals(house.data)
    return campaigns.status(name, reader.compiled(), reader.plan_state(), reader.partitions(), approvals)


def _approval(one: campaigns.Status) -> str:
    if not one.approved_by:
        return ""
    return f"by {one.approved_by} at {one.approved_at}{'' if one.is_approved else ' (another version)'}"


def _tell_progress(reader: Reader, name: str) -> None:
    (found,) = reader.journeys(name=name).journeys
    inside = sum((found.inside or {}).values())
    click.echo(f"\n{counted(inside, 'run')} inside, {counted(found.waiting, 'message')} waiting")
    click.echo(f"`tactful measure {name}` tells what became of the others")


def _register_orders(campaign: click.Group, build: Build) -> None:
    @campaign.command()
    @click.argument("name")
    @_by
    @click.option(
        "--version", "wanted", default="", metavar="VERSION", help="Only if it is this one, as preview has shown it."
    )
    @click.option("--note", default="", metavar="TEXT", help="What was looked at.")
    @data_option
    def approve(name: str, by: str, wanted: str, note: str, data: Path) -> None:
        """Agree to NAME as it is in force now: journey, messages and segment. A change needs another approval."""
        house = opened(build, data, read_only=False)
        reader, approvals = reader_of(house), build.approvals(house.data)
        now_us = house.clock.now_us()
        done = campaigns.approve(name, by, wanted, reader.compiled(), reader.plan_state(), approvals, now_us, note)
        click.echo(f"{name} is approved by {done.by}, version {done.version}")
        if campaigns.approval_by(reader.plan_state()) == "second_person":
            click.echo("somebody else has to launch it")

    @campaign.command()
    @click.argument("name")
    @_by
    @data_option
    def launch(name: str, by: str, data: Path) -> None:
        """Begin NAME for everybody who is in its segment at that instant."""
        house = opened(build, data, read_only=False)
        reader = reader_of(house)
        told = reader.compiled(), reader.plan_state(), reader.partition_state(), build.approvals(house.data)
        record = steering.tell(campaigns.launch(name, by, *told), house.log, house.bells, house.clock)
        click.echo(f"{name} begins once the engine has read this, approved by {record.approved_by}")
        click.echo(f"  `tactful campaign stop {name}` ends it, `tactful sending off` holds everything back")

    @campaign.command()
    @click.argument("name")
    @click.option("--by", default="command line", metavar="WHO", help="Who says so.")
    @click.option("--reason", default="", metavar="TEXT", help="Why; stands beside the state.")
    @data_option
    def stop(name: str, by: str, reason: str, data: Path) -> None:
        """End NAME: nobody enters any more, runs end, messages that wait do not leave."""
        house = opened(build, data, read_only=False)
        reader = reader_of(house)
        if name not in reader.partition_state().steering:
            rule_of(name, reader.compiled())
        record = steering.order(name, "stop", reader.compiled(), reader.partition_state(), by, reason)
        steering.tell(record, house.log, house.bells, house.clock)
        click.echo(f"{name} is stopped, once the engine has read this; what was handed over has left")
