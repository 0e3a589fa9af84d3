"""Commands about people: events, explain, unmerge."""

from pathlib import Path

import click

from tactful.cli.build import Build
from tactful.cli.main import data_option, echo_json, json_option, opened
from tactful.errors import UsageError
from tactful.operations.history.listing import Listing, rules_of
from tactful.operations.people import explain_runs
from tactful.operations.people.explain import as_text, as_values
from tactful.operations.people.finding import unknown
from tactful.operations.people.unmerging import unmerge
from tactful.operations.reading.reader import Reader


def register(group: click.Group, build: Build) -> None:
    @group.command()
    @data_option
    @json_option
    @click.option("--follow", is_flag=True, help="Go on with what is kept from now on.")
    def events(data: Path, as_json: bool, follow: bool) -> None:
        """Print every kept event, oldest first: what is archived, and then what stands in the log."""
        house = opened(build, data)
        with build.history(house).open(with_tail=False) as lake:
            listing = Listing(house.log, house.trail, rules_of(house.plan(0)), lake)
            _print(listing, as_json=as_json)
        # Nobody rings a follower: the pages have the bell of news. It looks again by itself.
        bell = house.bells.bell("follow") if follow else None
        while bell is not None:
            bell.wait(0.5)
            _print(listing, as_json=as_json)

    @group.command()
    @click.argument("person")
    @data_option
    @json_option
    @click.option(
        "--journey", metavar="NAME", help="Only the runs of this journey, each with where it stands and its messages."
    )
    def explain(person: str, data: Path, as_json: bool, journey: str | None) -> None:
        """Tell the story of PERSON (by any identifier): what happened, what was decided, and why."""
        house = opened(build, data)
        ports = house.log, house.stores(), house.trail, house.outbox, house.quarantine
        reader = Reader(*ports, lambda: build.history(house))
        if journey is not None:
            _explain_runs(reader, person, journey, as_json=as_json)
            return
        story = reader.story(person)
        if story is None:
            raise UsageError(unknown(person, reader.unkept()))
        if as_json:
            echo_json(as_values(story))
        else:
            click.echo(as_text(story), nl=False)

    _register_unmerge(group, build)


def _register_unmerge(group: click.Group, build: Build) -> None:
    @group.command("unmerge")
    @click.argument("identifier")
    @data_option
    @json_option
    def unmerge_command(identifier: str, data: Path, as_json: bool) -> None:
        """Make IDENTIFIER (a:..., e:..., u:...) a person of its own again, with all that came through it.

        Messages that were sent, and what they count against, stay with both; so does a withdrawn consent. The two are
        not tied again by themselves: that takes an alias.
        """
        house = opened(build, data, read_only=False)
        undone = unmerge(identifier, house.stores(), house.log, house.bells, house.clock, "command line")
        if as_json:
            echo_json({"identifier": undone.key, "person": undone.owner, "returning": list(undone.returning)})
            return
        click.echo(f"{undone.key} belonged to {undone.owner}, and is a person of its own once the engine has read this")
        through = ", ".join(undone.returning)
        click.echo(f"  goes back: what came through {through}" if through else "  nothing has come through it yet")
        click.echo(f"  `tactful explain {undone.key}` tells the rest")


def _print(listing: Listing, *, as_json: bool) -> None:
    for event in listing.fresh():
        if as_json:
            echo_json(event)
        else:
            who = event["userId"] or event["anonymousId"] or ""
            click.echo(f"{event['timestamp']}  {event['event'] or event['type']}  {who}")


def _explain_runs(reader: Reader, person: str, journey: str, *, as_json: bool) -> None:
    found = reader.runs(person, journey)
    if found is None:
        raise UsageError(unknown(person, reader.unkept()))
    user, runs = found
    if as_json:
        echo_json(explain_runs.as_values(user, journey, runs))
    else:
        click.echo(explain_runs.as_text(user, journey, runs), nl=False)
