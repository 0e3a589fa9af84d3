"""The time zone of a person (LANGUAGE.md 8): the trait `timezone`, else what the newest call said of it, else the
workspace's. Only a name of the zones that we know counts, wherever it stands. Pure."""

from collections.abc import Iterable

from msgspec import Struct

from tactful.events.zones import names

TRAIT = "timezone"


class ZoneSeen(Struct, array_like=True):
    """Of the last call in event order whose context names a zone."""

    name: str
    timestamp: int
    received_at: int
    ref: int

    def order(self) -> tuple[int, int, int]:
        """Event order (LANGUAGE.md 1.4)."""
        return (self.timestamp, self.received_at, self.ref)


def see(before: ZoneSeen | None, name: object, timestamp: int, received_at: int, ref: int) -> ZoneSeen | None:
    """Fold one call in, whose context says `name`: what is to be kept from now on. Another object only where the name
    is another; the same zone seen again, which is nearly every call of a browser, moves `before` on."""
    if (
        before is not None
        and timestamp <= before.timestamp
        and (timestamp, received_at, ref) <= (before.timestamp, before.received_at, before.ref)
    ):
        return before
    if before is not None and name == before.name:
        before.timestamp, before.received_at, before.ref = timestamp, received_at, ref
        return before
    if type(name) is not str or name not in names():
        return before
    return ZoneSeen(name, timestamp, received_at, ref)


def zone(told: object, seen: Iterable[ZoneSeen | None], workspace: str) -> str:
    """IANA name of the zone; `told` is the person's trait, `seen` of every fragment."""
    if isinstance(told, str) and told in names():
        return told
    newest = max((one for one in seen if one is not None), key=ZoneSeen.order, default=None)
    return workspace if newest is None else newest.name
