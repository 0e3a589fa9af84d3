"""The history as commands ask it: what it has lost is said beside every answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from tactful.cli.build import Build
from tactful.runtime.house import House

if TYPE_CHECKING:
    from tactful.operations.history.opened import Opened


@contextmanager
def history_of(build: Build, house: House) -> Iterator["Opened"]:
    """Of one moment. Raises TransientError where it cannot be asked."""
    from tactful.operations.history.archived import said_of  # Slow to import.

    with build.history(house).open() as opened:
        for text in said_of(opened.losses):
            click.echo(f"note: {text}", err=True)
        yield opened
