"""Recalled: events of a person that the log no longer has, from the history."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tactful.events.derived import place
from tactful.language.sql import build
from tactful.language.sql.layout import EVENTS
from tactful.operations.history.opened import History
from tactful.operations.stories import SeenEvent

MOST = 2_000
"""Of one person, the newest by receipt."""
_json = msgspec.json.Decoder(dict[str, Any])
_COLUMNS = "ref, timestamp, received_at, kind, name, identifier, source, message_id, properties.json, ids"


def events_of(history: History, identifiers: Sequence[str]) -> Mapping[int, SeenEvent]:
    """Calls that entered at these identifiers, by ref. Only what is archived: the rest is in the log."""
    if not identifiers:
        return {}
    among = ", ".join(build.text(one).sql("duckdb") for one in identifiers)
    query = (
        f"SELECT {_COLUMNS} FROM {EVENTS} WHERE identifier IN ({among}) AND name IS NOT NULL "
        f"ORDER BY received_at DESC LIMIT {MOST}"
    )
    with history.open(with_tail=False) as opened:
        return {row[0]: _seen(row) for row in opened.session.rows(query)}


def _seen(row: Sequence[Any]) -> SeenEvent:
    number, at, received_at, kind, name, key, source, message_id, properties, ids = row
    return SeenEvent(
        *place(number), at, received_at, kind, name, key, source, message_id, _json.decode(properties), tuple(ids)
    )
