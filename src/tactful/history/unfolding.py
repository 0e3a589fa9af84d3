"""Calls as rows, one by one: the plain way, beside which history/columns.py is the quick one. Pure."""

from collections.abc import Iterator

import msgspec

from tactful.events import zones
from tactful.events.records import unpack
from tactful.history.cells import EMPTY, EventRow, Item, KeptEvent, Row, TraitRow, address, cells, is_hearsay

_json = msgspec.json.Encoder()


def unfolded(item: Item) -> Iterator[Row]:
    """The rows of an item, one by one (history/columns.py: of many at once)."""
    if isinstance(item, KeptEvent):
        yield from _of_event(item)
    else:
        yield item


def _of_event(item: KeptEvent) -> Iterator[Row]:
    event, epoch, ref, applied, refused = item
    properties, context = unpack(event.properties), unpack(event.context)
    named = context.get("timezone")
    times = event.timestamp, event.received_at, ref
    yield EventRow(
        event.key,
        epoch,
        event.kind,
        event.name,
        *times,
        event.message_id,
        named if isinstance(named, str) and named in zones.names() else None,
        cells(properties) if properties else EMPTY,
        cells(context) if context else EMPTY,
        applied,
        event.source,
        event.trust == "server",
        event.is_verified,
        event.is_import,
        event.ids,
        _json.encode(unpack(event.extra)).decode(),
    )
    if event.kind == "identify":
        for name, value in properties.items():
            if name not in refused:
                written = cells({name: value}) if value is not None else EMPTY
                yield TraitRow(
                    *(event.key, epoch, name, *times, event.source, written, applied),
                    is_hearsay=is_hearsay(event, name, value),
                    address=address(name, value),
                )
