"""Evaluation of expressions over a file of history: what is asked, of which lines, and how an answer is written.

What evaluate_live.py and evaluate_sql.py have in common, and all that they have in common: the same question and the
same records go to both, and their answers are compared.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from tactful.errors import UsageError
from tactful.events.naming import DEFAULT, Naming
from tactful.events.records import CONSENT, IDENTITY, SESSION_GAP, TIME_ZONE, Consent, Event, Score, Unmerge
from tactful.events.verdicts import Refusal
from tactful.language.vocabulary import DEFAULT_GAP_US
from tactful.operations.lines import History, read_line
from tactful.people import seen
from tactful.runtime import settings
from tactful.runtime.settings import IdentitySettings
from tactful.values import format_duration, parse_time

Line = Mapping[str, Any] | bytes


class Question(Struct, frozen=True):
    """Expressions by a name of the asker's choice, and the project that they may speak of: the texts of its files
    (segments/, metrics/, collections/, events/) by path."""

    expressions: Mapping[str, str]
    files: Mapping[str, str] = {}
    time_zone: str = "UTC"
    gap_us: int = DEFAULT_GAP_US
    """Between sessions."""
    identity: str = ""
    """The plan's setting IDENTITY, as JSON."""
    consent: str = ""
    """The plan's setting CONSENT."""


class Answer(Struct, frozen=True):
    """A value as JSON has it (`plain`)."""

    value: Any
    is_coarse: bool = False


Answers = dict[int, dict[str, dict[str, Answer]]]
"""By instant (microseconds), expression and person (`people`): of everybody who is known at that instant."""


class _Received(Struct, rename="camel"):
    received_at: str = ""


_received = msgspec.json.Decoder(_Received)


def naming_of(question: Question) -> Naming:
    """Whom lines may name."""
    section = msgspec.json.decode(question.identity, type=IdentitySettings) if question.identity else IdentitySettings()
    return settings.naming_of(section)


def read_lines(
    lines: Sequence[Line], naming: Naming = DEFAULT, *, with_repeats: bool = False
) -> list[tuple[int, History]]:
    """The records as a log would hold them, each with its position there: in the order of receivedAt, ties by line,
    from position 1. A repeated messageId keeps its position and is left out, unless asked for.

    Raises UsageError, naming the line, where one cannot be taken.
    """
    found: list[tuple[int, int, History]] = []
    for number, line in enumerate(lines):
        body = line if isinstance(line, bytes) else json.dumps(dict(line)).encode()
        if body.strip():
            record = _read(body, number, naming)
            found.append((record.received_at, number, record))
    found.sort(key=lambda one: one[:2])
    records = [(position, record) for position, (_, _, record) in enumerate(found, 1)]
    return records if with_repeats else _first_of_each(records)


def _read(body: bytes, number: int, naming: Naming) -> History:
    try:
        received_at = parse_time(_received.decode(body).received_at)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"line {number + 1}: this is no JSON object: {error}") from None
    if received_at is None:
        raise UsageError(f'line {number + 1}: "receivedAt" as ISO 8601 is missing')
    record = read_line(body, received_at, number, f"line {number + 1}", naming)
    if isinstance(record, Refusal):
        raise UsageError(f"line {number + 1}: {record.message}")
    return record


def _first_of_each(records: Iterable[tuple[int, History]]) -> list[tuple[int, History]]:
    """Without repeats: a person's second record with the same messageId (LANGUAGE.md 1.5)."""
    kept, known = [], set()
    for position, record in records:
        if isinstance(record, Event | Consent | Score):
            named = (record.key, seen.name_of(record))
            if named in known:
                continue
            known.add(named)
        kept.append((position, record))
    return kept


def people(records: Iterable[tuple[int, History]]) -> dict[str, str]:
    """How the key of everybody who may be a person is printed: the userId or anonymousId alone; in full ("a:1") for
    other kinds, and for an anonymousId that is somebody's userId too."""
    keys: set[str] = set()
    for _, record in records:
        if isinstance(record, Event):
            keys.update(record.ids)
        elif isinstance(record, Consent | Score | Unmerge):
            keys.add(record.key)
    return {
        key: key[2:] if key[0] == "u" or (key[0] == "a" and f"u:{key[2:]}" not in keys) else key for key in sorted(keys)
    }


def plan_settings(question: Question) -> dict[str, str]:
    """What a plan with this question would take with it."""
    told = {IDENTITY: question.identity, CONSENT: question.consent}
    basic = {TIME_ZONE: question.time_zone, SESSION_GAP: format_duration(question.gap_us)}
    return basic | {name: text for name, text in told.items() if text}
