"""What definitions say of the lake: which properties get columns of their own, and how long events are kept."""

from tactful.events.records import Publish
from tactful.kernel.definitions import read_published
from tactful.language.sql.layout import layout
from tactful.runtime.archive import Declared


def declared(publish: Publish | None) -> Declared:
    """Of the plan in force; nothing before the first."""
    if publish is None:
        return Declared()
    events = read_published(publish).events
    return Declared(
        layout((name,) for event in events.values() for name in event.properties),
        {name: event.retention_us for name, event in events.items() if event.retention_us is not None},
    )
