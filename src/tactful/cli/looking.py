"""Commands that look: events, explain."""

from pathlib import Path

import click

from tactful.cli.build import Build
from tactful.cli.main import data_option, echo_json, json_option, opened
from tactful.errors import UsageError
from tactful.operations.explain import as_text, as_values
from tactful.operations.listing import Listing
from tactful.operations.reading import Reader


def register(group: click.Group, build: Build) -> None:
    @group.command()
    @data_option
    @json_option
    @click.option("--follow", is_flag=True, help="Go on with what is kept from now on.")
    def events(data: Path, as_json: bool, follow: bool) -> None:
        """Print every kept event, oldest first."""
        house = opened(build, data)
        listing = Listing(house.log, house.trail)
        # Nobody rings a follower: the pages have the bell of news. It looks again by itself.
        bell = house.bells.bell("follow") if follow else None
        while True:
            for event in listing.fresh():
                if as_json:
                    echo_json(event)
                else:
                    who = event["userId"] or event["anonymousId"] or ""
                    click.echo(f"{event['timestamp']}  {event['event'] or event['type']}  {who}")
            if bell is None:
                return
            bell.wait(0.5)

    @group.command()
    @click.argument("person")
    @data_option
    @json_option
    def explain(person: str, data: Path, as_json: bool) -> None:
        """Tell the story of PERSON (user id, e-mail, or anonymous id): what happened, what was decided, and why."""
        house = opened(build, data)
        story = Reader(house.log, house.stores(), house.trail, house.outbox, house.quarantine).story(person)
        if story is None:
            raise UsageError(f"nobody is known as {person!r} here")
        if as_json:
            echo_json(as_values(story))
        else:
            click.echo(as_text(story), nl=False)
