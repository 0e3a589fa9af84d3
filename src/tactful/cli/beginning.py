"""`tactful init`: three questions, a project, and the first call.

At a terminal it asks what no option said; everywhere else it takes the answer that stands in brackets.
"""

import os
import secrets
import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from textwrap import indent
from typing import Any

import click

from tactful.cli.build import Build
from tactful.cli.main import counted
from tactful.consent.policy import read
from tactful.events.records import CONSENT
from tactful.events.zones import names
from tactful.operations.definitions import scaffold
from tactful.operations.definitions.first_calls import about_consent, first_calls
from tactful.runtime.settings import plan_settings

_ADDED: Mapping[str, Mapping[str, Any]] = {
    "empty": {"name": "Kettle", "price": 39},
    "shop": {"product_id": "lamp-fjord", "name": "Lamp Fjord", "category": "Lights", "price": 129, "quantity": 1},
}
_ADDRESS = "http://127.0.0.1:8080"


class TimeZone(click.ParamType[str]):
    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in names():
            self.fail(f"there is no time zone {value!r}; write one like Europe/Lisbon", param, ctx)
        return str(value)


def register(group: click.Group, build: Build) -> None:
    @group.command()
    @click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
    @click.option("--name", metavar="TEXT", help="What your shop or app is called (default: as the folder).")
    @click.option("--begin", type=click.Choice(["empty", "shop"]), help="Begin with nothing, or as the example shop.")
    @click.option("--time-zone", type=TimeZone(), help="Of people whose own is not known (default: this machine's).")
    def init(folder: Path, name: str | None, begin: scaffold.Beginning | None, time_zone: str | None) -> None:
        """Make a new project in FOLDER: three questions, and it runs.

        What an option says is not asked, and without a terminal nothing is.
        """
        scaffold.refuse(folder)
        wanted = scaffold.Wanted(
            _asked("What is your shop or app called?", name, scaffold.named(folder)),
            _asked(
                "Begin empty, or as the example shop, to change it?", begin, "empty", click.Choice(["empty", "shop"])
            ),
            _asked("In which time zone are most of its people?", time_zone, _own_zone(), TimeZone()),
        )
        made = scaffold.init(folder, wanted, lambda: secrets.token_urlsafe(18))
        for inside, files in made.files.items():
            click.echo(f"  made {folder / inside} ({counted(files, 'file')})")
        policy = read(plan_settings(build.settings(folder)).get(CONSENT, ""))
        calls = first_calls(_ADDRESS, made.server_key, "Product Added", _ADDED[wanted.begin], policy)
        where, because = shlex.quote(str(folder)), about_consent(policy)
        click.echo(
            f"\nStart it:\n\n  tactful up --dev --project {where} --data {shlex.quote(str(folder / 'data'))}\n\n"
            f"and send it the first event, from another terminal:\n\n{indent(chr(10).join(calls), '  ')}\n\n"
            f"{because}{because and chr(10)}What it knows of Ada then stands at {_ADDRESS}/people/u:ada"
        )


def _asked(question: str, said: Any, default: str, kind: click.ParamType[str] | None = None) -> Any:
    if said is not None:
        return said
    if not sys.stdin.isatty():
        return default
    return click.prompt(question, default=default, type=kind)


def _own_zone() -> str:
    """This machine's, where it says one."""
    told = [os.environ.get("TZ", "").removeprefix(":")]
    with suppress(OSError):
        told.append(str(Path("/etc/localtime").readlink()).partition("zoneinfo/")[2])
    return next((zone for zone in told if zone in names()), "UTC")
