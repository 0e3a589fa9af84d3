"""Entering: somebody is to enter a journey (`start: {call: true}`), by a call of the API or a list.

Each becomes an Enter record with a messageId, by which it is known when it comes again: of a line of a list it is made
from what the line says and the list's name, so that a list may be mended and given once more. Pure but for the append.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from tactful.errors import UsageError
from tactful.events.coerce import coerce
from tactful.events.identifiers import MAX_LENGTH, keys_of, partition_of, rank
from tactful.events.intake import MAX_TEXT, VERSION
from tactful.events.naming import Naming
from tactful.events.records import Enter, encode, pack
from tactful.events.verdicts import Refusal
from tactful.kernel.plan import CompiledPlan
from tactful.runtime.ports import Bells, Log
from tactful.values import digest

SOURCE = "api"
BODY_BYTES = 64 * 1024
BATCH = 1_000
"""Lines of one append."""
IDENTIFIERS = ("userId", "anonymousId", "email", "phone")
_OWN = (*IDENTIFIERS, "key", "properties", "messageId")


class Call(Struct, forbid_unknown_fields=True, rename="camel"):
    """Who is to enter, and with what; one identifier at least."""

    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    email: str | None = None
    phone: str | None = None
    key: str | int | float | bool | None = None
    """What the run is about; the journey is entered once for each."""
    properties: dict[str, Any] = {}
    """What messages see as `event.properties`."""
    message_id: str = ""


class BadLine(Struct, frozen=True):
    """A line of a list that enters nobody."""

    line: int
    message: str


class Entered(Struct):
    """What became of a list."""

    entered: int = 0
    bad: list[BadLine] = []
    repeated: int = 0
    """Lines that say the same as one before."""


def require_call(journey: str, plan: CompiledPlan) -> None:
    """UsageError unless this journey is published and starts by a call."""
    rule = plan.journeys.get(journey)
    if rule is None:
        raise UsageError(
            f"there is no journey {journey!r}; published are: {', '.join(sorted(plan.journeys)) or 'none'}"
        )
    if not rule.is_called:
        raise UsageError(f"the journey {journey} is not entered by a call; in its file write start: {{call: true}}")


def read_call(body: bytes) -> Call | Refusal:
    """The body of POST /v1/journeys/{name}/enter."""
    try:
        return msgspec.json.decode(body, type=Call)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Refusal("bad_entry", f"the body must be a JSON object with one of {', '.join(IDENTIFIERS)}: {error}")


def enter_of(
    call: Call, journey: str, received_at: int, message_id: str, naming: Naming, author: str = ""
) -> Enter | Refusal:
    """The record; `message_id` stands in where the call brings none."""
    traits = {"email": call.email, "phone": call.phone}
    named = [
        key
        for key in keys_of(call.user_id, None, call.anonymous_id, traits, None)
        if len(key) <= MAX_LENGTH and not naming.blocks(key)
    ]
    if not named:
        return Refusal("no_identifier", f"nobody is named: give one of {', '.join(IDENTIFIERS)}", "userId")
    entry_key = _text(call.key)
    given = call.message_id or message_id
    if len(given) > MAX_TEXT or len(entry_key) > MAX_TEXT:
        return Refusal("too_long", f"key and messageId have at most {MAX_TEXT} characters", "key")
    for name, text in (("key", entry_key), ("messageId", given)):
        if isinstance(refusal := coerce(text, name), Refusal):
            return refusal
    properties = coerce(call.properties, "properties")
    if isinstance(properties, Refusal):
        return properties
    assert isinstance(properties, dict)
    key = min(named, key=lambda each: rank(each[0], naming.priority))
    return Enter(VERSION, SOURCE, "server", key, given, journey, entry_key, received_at, pack(properties), author)


def derived_id(journey: str, body: bytes, received_at: int) -> str:
    """Of a call that brings no messageId: two such calls may well be meant twice."""
    return digest("enter", journey, str(received_at), body.hex())


def _text(key: str | float | bool | None) -> str:
    """A key as runs have it: a whole number without its point, a boolean as the language writes it."""
    if key is None:
        return ""
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, float) and key.is_integer():
        return f"{key:.0f}"
    return key if isinstance(key, str) else str(key)


# ---- lists -----------------------------------------------------------------------------------------------------------


def enter_list(
    name: str,
    text: str,
    journey: str,
    naming: Naming,
    received_at: int,
    author: str,
    log: Log,
    bells: Bells,
    *,
    is_csv: bool,
) -> Entered:
    """Every good line of a list enters somebody; `name` is the list's, by which its lines are known when they come
    again. Bad lines are told and left out."""
    done = Entered(bad=[])
    records: dict[int, list[bytes]] = {}
    known: set[str] = set()
    waiting = 0

    def append() -> None:
        if records:
            log.append(records)
            for partition in records:
                bells.ring(f"work-{partition}")

    for number, call in _calls(text, is_csv=is_csv):
        record = call if isinstance(call, Refusal) else enter_of(call, journey, received_at, "", naming, author)
        if isinstance(record, Refusal):
            done.bad.append(BadLine(number, record.message))
            continue
        given = record.message_id or _list_id(name, record)
        if given in known:
            done.repeated += 1
            continue
        known.add(given)
        body = encode(msgspec.structs.replace(record, message_id=given))
        records.setdefault(partition_of(record.key, log.partitions), []).append(body)
        done.entered, waiting = done.entered + 1, waiting + 1
        if waiting == BATCH:
            append()
            records.clear()
            waiting = 0
    append()
    return done


def _list_id(name: str, record: Enter) -> str:
    return digest("list", name, record.journey, record.key, record.entry_key, bytes(record.properties).hex())


def _calls(text: str, *, is_csv: bool) -> Iterator[tuple[int, Call | Refusal]]:
    return _of_csv(text) if is_csv else _of_lines(text)


def _of_lines(text: str) -> Iterator[tuple[int, Call | Refusal]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            call = read_call(line.encode("utf-8", "surrogatepass"))
            yield number, call


def _of_csv(text: str) -> Iterator[tuple[int, Call | Refusal]]:
    """The first line names columns: identifiers, `key`, `messageId`; every other column is a property."""
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        heading = [name.strip() for name in next(reader, [])]
        if not set(heading) & set(IDENTIFIERS):
            raise UsageError(f"the first line of a CSV file names its columns, one of them {', '.join(IDENTIFIERS)}")
        if double := [name for name in heading if heading.count(name) > 1]:
            raise UsageError(f"the column {double[0]} stands twice in the first line")
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(heading):
                message = f"has {len(row)} columns, the first line has {len(heading)}"
                yield reader.line_num, Refusal("bad_line", message)
                continue
            yield reader.line_num, _of_row(dict(zip(heading, row, strict=True)))
    except csv.Error as error:
        yield reader.line_num, Refusal("bad_line", f"is no line of CSV: {error}; nothing behind it was read")


def _of_row(row: Mapping[str, str]) -> Call | Refusal:
    given = {name: value.strip() for name, value in row.items() if value.strip()}
    properties: dict[str, Any] = {name: value for name, value in given.items() if name not in _OWN}
    if "properties" in given:
        try:
            more = json.loads(given["properties"])
        except ValueError as error:
            return Refusal("bad_line", f"properties is no JSON object: {error}")
        if not isinstance(more, dict):
            return Refusal("bad_line", "properties is no JSON object")
        properties |= more
    return Call(
        user_id=given.get("userId"),
        anonymous_id=given.get("anonymousId"),
        email=given.get("email"),
        phone=given.get("phone"),
        key=given.get("key"),
        properties=properties,
        message_id=given.get("messageId", ""),
    )
