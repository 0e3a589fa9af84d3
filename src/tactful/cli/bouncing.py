"""The command for mail that comes back."""

import sys
from collections import Counter
from pathlib import Path

import click

from tactful.cli.build import Build
from tactful.cli.main import counted, data_option, echo_json, json_option, opened
from tactful.errors import UsageError
from tactful.operations.messages import bounces as operations


def register(group: click.Group, build: Build) -> None:
    @group.command()
    @click.argument("source", type=click.Path(path_type=Path, allow_dash=True))
    @click.option(
        "--to",
        "recipient",
        default="",
        metavar="ADDRESS",
        help="The address that it came to, where the mail server knows it.",
    )
    @data_option
    @json_option
    def bounces(source: Path, recipient: str, data: Path, as_json: bool) -> None:
        """Take bounced mail and complaints in: a mail, an mbox or a maildir, or - for a pipe of the mail server.

        Mail that is none is counted and left alone; the same mail again changes nothing.
        """
        house, told = opened(build, data, read_only=False), Counter[str]()
        try:
            for mail in operations.mails(source, sys.stdin.buffer):
                operations.take(house, mail, recipient, told)
        except OSError as error:
            raise UsageError(f"{source} could not be read: {error.strerror or error}") from None
        if as_json:
            echo_json(dict(sorted(told.items())))
            return
        for name, count in sorted(told.items()):
            click.echo(f"{counted(count, 'mail')}: {name}")
