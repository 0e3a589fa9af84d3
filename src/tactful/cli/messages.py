"""Commands over messages: message preview, message test."""

import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import msgspec

from tactful.cli.build import Build
from tactful.cli.main import beside, data_option, echo_json, json_option, project_option, seen_option, writing
from tactful.errors import UsageError
from tactful.language.vocabulary import DEFAULT_GAP_US
from tactful.values import parse_duration

if TYPE_CHECKING:
    from tactful.messages.definition import Message
    from tactful.messages.looks import Remark
    from tactful.operations.messages.rendering import Preview

_FRAME = """<!doctype html>
<meta charset="utf-8"><title>{name}</title>
<body style="margin:24px;background:#888">
<iframe src="{file}" style="width:{width}px;height:90vh;border:0;background:#fff"></iframe>
"""


def _properties(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError("""--event is a JSON object: '{"name": "Lamp", "price": 19.9}'""")
    return found


class _Wanted(NamedTuple):
    """What the options of a command say."""

    name: str
    person: str
    variant: str
    language: str
    event: str


def _previewed(build: Build, project: Path, data: Path | None, wanted: _Wanted) -> "tuple[Message, Preview, int]":
    """What the person would get, with the project's own definitions, and when."""
    from tactful.messages.samples import AT_US
    from tactful.messages.template import check_template  # Slow to import, and wanted here only.
    from tactful.operations.definitions import project as projects
    from tactful.operations.messages import rendering
    from tactful.operations.people import persons
    from tactful.operations.people.finding import unknown

    settings = build.settings(project)
    gap_us = parse_duration(settings.workspace.session_gap) or DEFAULT_GAP_US
    definitions = projects.check(project, check_template, gap_us=gap_us, purposes=frozenset(settings.consent.purposes))
    message = rendering.message_of(definitions, wanted.name)
    asked = rendering.Asked(wanted.variant, wanted.language, _properties(wanted.event))
    site, workspace = settings.workspace.site_url, settings.workspace.name
    if not wanted.person:
        return message, rendering.of_a_sample(message, definitions, asked, site_url=site, workspace=workspace), AT_US
    house = beside(build, project, data)
    if house is None:
        raise UsageError(f"nobody can be looked up: {project / 'data'} is no data folder; name one with --data")
    found = persons.find(wanted.person, house.stores())
    if found is None:
        raise UsageError(unknown(wanted.person))
    now_us = house.clock.now_us()
    preview = rendering.of_a_person(
        message, found.profile, house.plan(0), asked, now_us, site_url=site, workspace=workspace
    )
    return message, preview, now_us


def _files(name: str, preview: "Preview", width: int) -> dict[str, str]:
    """By the end of the file's name."""
    if preview.note is not None:
        return {
            ".txt": "\n".join(one for one in (preview.note.title, preview.note.text, preview.note.url) if one) + "\n"
        }
    mail = preview.mail
    assert mail is not None
    files = {".txt": mail.text, ".html": mail.html, ".amp.html": mail.amp}
    if width and mail.html:
        files[f".{width}.html"] = _FRAME.format(name=name, file=f"{name}.html", width=width)
    return {end: text for end, text in files.items() if text}


def _tell(preview: "Preview", remarks: "Sequence[Remark]") -> None:
    mail = preview.mail
    if preview.variant:
        click.echo(f"variant  {preview.variant}")
    if mail is not None:
        click.echo(f"subject  {mail.subject}")
        if mail.html:
            click.echo(f"size     {len(mail.html.encode()) / 1024:.1f} KB of HTML")
    for remark in remarks:
        part = f"{remark.part}: " if remark.part else ""
        click.echo(f"warning: {part}{remark.text}" + (f"\n    {remark.hint}" if remark.hint else ""), err=True)


_person = click.option("--person", default="", metavar="PERSON", help="As this person gets it (default: a sample).")
_variant = click.option("--variant", default="", metavar="NAME", help="This variant, whoever it is for.")
_language = click.option("--language", default="", metavar="LANGUAGE", help="In this language (de, de-AT).")
_event = click.option("--event", default="", metavar="JSON", help="Properties of the event that starts it.")


def register(group: click.Group, build: Build) -> None:
    @group.group()
    def message() -> None:
        """See messages before anybody gets them."""

    _register_preview(message, build)
    _register_test(message, build)


def _register_preview(message: click.Group, build: Build) -> None:
    @message.command("preview")
    @click.argument("name")
    @project_option
    @seen_option
    @_person
    @_variant
    @_language
    @_event
    @click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path(),
        help="Where the files are put (default: here).",
    )
    @click.option("--width", type=click.IntRange(200, 2000), default=None, help="Also a page that shows it so wide.")
    @json_option
    def preview_command(
        name: str,
        project: Path,
        data: Path | None,
        person: str,
        variant: str,
        language: str,
        event: str,
        out: Path,
        width: int | None,
        as_json: bool,
    ) -> None:
        """Write the message NAME, as one person would get it, into files: NAME.html, NAME.txt, NAME.amp.html."""
        _, made, _ = _previewed(build, project, data, _Wanted(name, person, variant, language, event))
        if as_json:
            echo_json(msgspec.to_builtins(made))
            return
        _tell(made, made.remarks)
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
        for end, text in _files(name, made, width or 0).items():
            path = out / f"{name}{end}"
            with writing(path):
                path.write_text(text, encoding="utf-8")
            click.echo(f"  made {path}")


def _register_test(message: click.Group, build: Build) -> None:
    @message.command("test")
    @click.argument("name")
    @click.option("--to", required=True, metavar="ADDRESS", help="One of [workspace] testers.")
    @project_option
    @data_option
    @_person
    @_variant
    @_language
    @_event
    def test_command(
        name: str, to: str, project: Path, data: Path, person: str, variant: str, language: str, event: str
    ) -> None:
        """Send the message NAME to a tester: marked, counted nowhere, and with links that decide nothing.

        Its data is that of --person, or of a sample. It goes out as any message does, and needs no consent, since it
        goes only to those whom [workspace] testers names.
        """
        from tactful.operations.messages import proofs

        wanted, made, now_us = _previewed(build, project, data, _Wanted(name, person, variant, language, event))
        address = proofs.refuse_stranger(wanted, to, build.settings(project).workspace.testers)
        source = proofs.marked(wanted)
        claim = proofs.proof(source, made.values, address, f"test{secrets.token_hex(12)}", now_us)
        said = build.proof(project, data, claim, source.encode())
        if said.problem:
            raise UsageError(f"{name} was not sent to {to}: {said.problem}")
        click.echo(f"sent {name} to {to}: {said.detail}" if said.detail else f"sent {name} to {to}")
