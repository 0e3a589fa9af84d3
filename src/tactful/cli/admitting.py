"""Commands about who may come in: users, tokens, and the audit log of what they did."""

from pathlib import Path

import click
import msgspec

from tactful.cli.build import Build
from tactful.cli.main import Listed, data_option, echo_json, json_option, table
from tactful.errors import UsageError
from tactful.operations.access import users as administering
from tactful.operations.access.access import Access
from tactful.operations.access.users import ROLE_NAMES
from tactful.values import format_time

_role = click.option(
    "--role", type=click.Choice(ROLE_NAMES), required=True, help="What they may do (docs/access.md says it of each)."
)
SECRET = ("digest", "password", "csrf", "subject")
"""What is shown to nobody."""
DAY = len("2026-01-01T00:00")


def register(group: click.Group, build: Build) -> None:
    _register_users(group, build)
    _register_tokens(group, build)
    _register_audit(group, build)


def _register_users(group: click.Group, build: Build) -> None:
    @group.group(cls=Listed, invoke_without_command=True)
    @data_option
    @json_option
    @click.pass_context
    def users(context: click.Context, data: Path, as_json: bool) -> None:
        """Who may sign in to the console. Alone, it lists them."""
        context.default_map = {name: {"data": data} for name in users.commands}
        if context.invoked_subcommand is None:
            _list_users(_opened(build, data), as_json=as_json)

    @users.command()
    @click.argument("name")
    @_role
    @data_option
    def add(name: str, role: str, data: Path) -> None:
        """Let NAME in, and print the link by which they choose a password."""
        access = _opened(build, data)
        _print_link(build, data, administering.add(access, name, role, build.terminal()))

    @users.command()
    @click.argument("name", required=False)
    @data_option
    def link(name: str | None, data: Path) -> None:
        """Print a link that signs NAME in, once, to choose another password.

        Without NAME, where nobody has an account yet: the link that makes the first administrator.
        """
        access = _opened(build, data)
        if name is None:
            secret = access.first_link()
            if not secret:
                raise UsageError(
                    "somebody has an account already: say whose link it is to be; `tactful users` lists all"
                )
        else:
            secret = access.link(name, build.terminal())
        _print_link(build, data, secret)

    _register_changes(users, build)


def _register_changes(users: click.Group, build: Build) -> None:
    @users.command()
    @click.argument("name")
    @_role
    @data_option
    def change(name: str, role: str, data: Path) -> None:
        """Give NAME another role; signs them out."""
        administering.change(_opened(build, data), name, role, build.terminal())
        click.echo(f"{name} is {role} from now on")

    @users.command("sign-out")
    @click.argument("name")
    @data_option
    def sign_out(name: str, data: Path) -> None:
        """End everything NAME is signed in by."""
        ended = administering.end(_opened(build, data), name, build.terminal())
        click.echo(f"{name} was signed in {ended} times, and is nowhere now")

    @users.command()
    @click.argument("name")
    @data_option
    def remove(name: str, data: Path) -> None:
        """Let NAME in no more."""
        administering.remove(_opened(build, data), name, build.terminal())
        click.echo(f"{name} may sign in no more")


def _register_tokens(group: click.Group, build: Build) -> None:
    @group.group(cls=Listed, invoke_without_command=True)
    @data_option
    @json_option
    @click.pass_context
    def tokens(context: click.Context, data: Path, as_json: bool) -> None:
        """What programs show to use the API. Alone, it lists them."""
        context.default_map = {name: {"data": data} for name in tokens.commands}
        if context.invoked_subcommand is None:
            _list_tokens(_opened(build, data), as_json=as_json)

    @tokens.command()
    @click.argument("name")
    @_role
    @click.option("--days", default=0, metavar="N", help="How long it lasts (default: until it is removed).")
    @data_option
    def add(name: str, role: str, days: int, data: Path) -> None:
        """Make a token for the program NAME, and print it: we keep no copy."""
        click.echo(administering.make_token(_opened(build, data), name, role, build.terminal(), days))

    @tokens.command()
    @click.argument("name")
    @data_option
    def remove(name: str, data: Path) -> None:
        """Accept the token NAME no more."""
        administering.remove_token(_opened(build, data), name, build.terminal())
        click.echo(f"the token {name} is good for nothing now")


def _register_audit(group: click.Group, build: Build) -> None:
    @group.command()
    @click.option("--who", default="", metavar="NAME", help="Only what this one did.")
    @click.option("--act", default="", metavar="WORD", help="Only acts of this kind: publish, pause, user_added, ...")
    @click.option("--about", default="", metavar="THING", help="Only what was done to this: journeys/welcome, ...")
    @click.option("--before", type=int, default=None, metavar="ID", help="Go on behind the line with this id.")
    @click.option("--limit", default=100, show_default=True, help="How many lines at most.")
    @data_option
    @json_option
    def audit(who: str, act: str, about: str, before: int | None, limit: int, data: Path, as_json: bool) -> None:
        """Who did what in the console, by the API and in the terminal, newest first."""
        acts = _opened(build, data, read_only=True).office.audit.acts(before, limit, who=who, act=act, about=about)
        if as_json:
            for one in acts:
                echo_json({**msgspec.to_builtins(one), "at": format_time(one.at)})
        elif not acts:
            click.echo("nothing was done yet" if not (who or act or about or before) else "nothing like this was done")
        else:
            rows = [(str(one.id), format_time(one.at)[:19], one.who, one.act, one.about, one.detail) for one in acts]
            table(rows, ("id", "at (UTC)", "who", "act", "about", "detail"))


def _opened(build: Build, data: Path, *, read_only: bool = False) -> Access:
    if not (data / "installation.json").exists():
        raise UsageError(f"{data} is no data folder of Tactful; `tactful up` makes one, or name it with --data")
    access = build.access(data, read_only=read_only)
    click.get_current_context().call_on_close(access.office.close)
    return access


def _print_link(build: Build, data: Path, secret: str) -> None:
    click.echo("This works once, within an hour:", err=True)
    click.echo(f"{build.address(data)}/signin/link/{secret}")


def _list_users(access: Access, *, as_json: bool) -> None:
    accounts = access.office.accounts.all()
    seen = {one.account: one.seen for one in reversed(access.office.accounts.sign_ins())}
    if as_json:
        for account in accounts:
            echo_json(_shown(account))
    elif not accounts:
        click.echo("nobody has an account; `tactful users link` prints the link that makes the first administrator")
    else:
        rows = [(one.name, one.role, _minute(one.at), one.by, _minute(seen.get(one.name, 0))) for one in accounts]
        table(rows, ("name", "role", "since (UTC)", "by", "seen"))


def _list_tokens(access: Access, *, as_json: bool) -> None:
    tokens = access.office.tokens.all()
    if as_json:
        for token in tokens:
            echo_json(_shown(token))
    elif not tokens:
        click.echo("no program has a token; `tactful tokens add NAME --role analyst` makes one")
    else:
        rows = [
            (one.name, one.role, _minute(one.at), one.by, _minute(one.until) or "no end", _minute(one.seen))
            for one in tokens
        ]
        table(rows, ("name", "role", "since (UTC)", "by", "until", "used"))


def _minute(at_us: int) -> str:
    return format_time(at_us)[:DAY].replace("T", " ") if at_us else ""


def _shown(one: msgspec.Struct) -> dict[str, object]:
    values = {name: getattr(one, name) for name in one.__struct_fields__ if name not in SECRET}
    return {
        name: format_time(value) if value and name in ("at", "until", "seen") else value
        for name, value in values.items()
    }
