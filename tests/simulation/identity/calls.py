"""Random calls of few people with many names, so that everything collides: who they are, what they do, what they say."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Literal

from msgspec.structs import replace

from tactful.events.records import Consent, Event, Record, Score, Unmerge, pack
from tests.simulation import histories
from tests.simulation.definitions import GRID, MINUTE
from tests.simulation.identity.parts import strength

USERS = tuple(f"u:{number}" for number in range(6))
EMAILS = tuple(f"e:{name}@example.com" for name in "abcd")
ANONYMOUS = tuple(f"a:{number}" for number in range(6))
DEVICES = tuple(f"d:{number}" for number in range(3))
EVERYBODY = (*USERS, *EMAILS, *ANONYMOUS, *DEVICES)
KINDS = ("track",) * 9 + ("identify",) * 4 + ("alias",) * 2 + ("consent",) * 3 + ("score",) + ("unmerge",) * 4

Call = Event | Consent | Score | Unmerge
Later = Callable[[int, str], Call]
"""A call yet to be made: when it comes in, and its messageId."""


class Talk:
    """One call after the other; `made` is all of them."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.made: list[Call] = []
        self._planned: list[Later] = []

    def next(self, at: int, *, begins: bool | None = None) -> Call:
        """Comes in at this instant. `begins`: whether calls that belong together may begin; None leaves it to chance."""
        rng, message_id = self.rng, f"m{len(self.made)}"
        if not self._planned and (rng.random() < 0.1 if begins is None else begins):
            self._planned = plot(rng)
        if self._planned and rng.random() < 0.7:
            made = self._planned.pop(0)(at, message_id)
        else:
            made = call(rng, at, message_id, named(self.made[-4:]))
        self.made.append(made)
        return made


def call(rng: Random, at: int, message_id: str, recent: Sequence[str] = ()) -> Call:
    """One call that comes in at this instant; often about somebody who was named of late."""
    who = rng.choice(recent) if recent and rng.random() < 0.6 else rng.choice(EVERYBODY)
    match rng.choice(KINDS):
        case "identify":
            return _identify(rng, at, message_id)
        case "alias":
            return _alias(rng, at, message_id)
        case "consent":
            return histories.consent(rng, who, at, message_id)
        case "score":
            return histories.score(rng, who, at, message_id)
        case "unmerge":
            return Unmerge(at, who, "somebody")
        case _:
            return _track(rng, at, message_id)


def plot(rng: Random) -> list[Later]:
    """Calls that belong together, with others between them."""
    return rng.choice((duet, duet, quarrel, turncoat))(rng)


def duet(rng: Random) -> list[Later]:
    """Two do the same, each under another name; then a call names both. Their runs and limits meet."""
    one, other = _pair(rng)
    name = rng.choice(("Product Added", "Product Viewed", "Product Viewed", "Order Completed"))
    steps = [does(one, name)] * rng.randrange(1, 4) + [does(other, name)] * rng.randrange(1, 4)
    return [*rng.sample(steps, len(steps)), _tied(one, other)]


def quarrel(rng: Random) -> list[Later]:
    """Two who are one say yes and no, and part."""
    one, other = _pair(rng)
    purpose = rng.choice(histories.PURPOSES)
    says = [_says(one, purpose, granted=rng.random() < 0.5), _says(other, purpose, granted=rng.random() < 0.5)]
    steps = rng.sample([says[0], _tied(one, other), says[1]], 3)

    def parts(at: int, _: str) -> Unmerge:
        return Unmerge(at, other, "somebody")

    return [*steps, parts, does(one, "Product Added")]


def turncoat(rng: Random) -> list[Later]:
    """One says what the other said otherwise since, and what is no news to the one's own fragment."""
    one, other = _pair(rng)
    mine, theirs = {"plan": "gold", "country": "DE"}, {"plan": "free", "country": "FR"}
    return [_describes(one, mine), _tied(one, other), _describes(other, theirs), _describes(one, mine)]


def _pair(rng: Random) -> tuple[str, str]:
    """Who may be one, the stronger first."""
    one, other = sorted(rng.sample((*USERS[:3], *EMAILS[:2], *ANONYMOUS[:3]), 2), key=strength)
    return one, other


def does(key: str, name: str) -> Later:
    def event(at: int, message_id: str) -> Event:
        return Event(
            1, "shop", "server", "track", name, key, (key,), message_id, at, at, pack({"price": 21, "total": 100})
        )

    return event


def _describes(key: str, traits: dict[str, str]) -> Later:
    def event(at: int, message_id: str) -> Event:
        return Event(1, "shop", "server", "identify", "$identify", key, (key,), message_id, at, at, pack(traits))

    return event


def _says(key: str, purpose: str, *, granted: bool) -> Later:
    def consent(at: int, message_id: str) -> Consent:
        return Consent(1, "shop", "server", key, message_id, purpose, granted, at, at)

    return consent


def _tied(one: str, other: str) -> Later:
    kind: Literal["alias", "identify"] = "alias" if one[0] == other[0] == "u" else "identify"

    def event(at: int, message_id: str) -> Event:
        return Event(1, "shop", "server", kind, f"${kind}", one, (one, other), message_id, at, at)

    return event


def received(record: Call, at: int) -> Call:
    """The same call, as it is stamped when it comes in at this instant."""
    return replace(record, received_at=at) if isinstance(record, Unmerge) else histories.received(record, at)


def _ids(rng: Random, *sure: str) -> tuple[str, ...]:
    """What the call names, the strongest first."""
    named = list(sure)
    if rng.random() < 0.6:
        named.append(rng.choice(ANONYMOUS))
    if rng.random() < 0.25:
        named.append(rng.choice(DEVICES))
    if not named:
        named.append(rng.choice((*ANONYMOUS, *DEVICES)))
    return tuple(sorted(dict.fromkeys(named), key=strength))


def _event(rng: Random, at: int, message_id: str) -> Event:
    while True:
        event = histories.event(rng, "u:0", at, message_id)
        if event.kind != "identify":
            return event


def _track(rng: Random, at: int, message_id: str) -> Event:
    ids = _ids(rng, *([rng.choice(USERS)] if rng.random() < 0.45 else []))
    return replace(_event(rng, at, message_id), key=ids[0], ids=ids)


def _identify(rng: Random, at: int, message_id: str) -> Event:
    sure = [rng.choice(USERS)] if rng.random() < 0.6 else []
    traits: dict[str, object] = {"country": rng.choice(("DE", "FR", None)), "plan": rng.choice(("gold", "free"))}
    if rng.random() < 0.5 or not sure:
        email = rng.choice(EMAILS)
        sure.append(email)
        traits["email"] = email[2:]
    ids = _ids(rng, *sure)
    event = _event(rng, at, message_id)
    return replace(event, kind="identify", name="$identify", key=ids[0], ids=ids, properties=pack(traits))


def _alias(rng: Random, at: int, message_id: str) -> Event:
    user, previous = rng.sample(USERS, 2)
    rest = [f"a:{previous[2:]}"] if rng.random() < 0.5 else []
    event = _event(rng, at, message_id)
    ids = (user, previous, *rest)
    return replace(event, kind="alias", name="$alias", key=user, ids=ids, properties=pack({}))


def pause(rng: Random) -> int:
    """How long until the next call: mostly within what journeys wait, on the grid on which every edge is met."""
    return rng.choices(
        (0, GRID, rng.randrange(4) * GRID, rng.randrange(40) * GRID, rng.randrange(MINUTE)), (8, 5, 2, 0.3, 3)
    )[0]


def named(records: Sequence[Call]) -> list[str]:
    """Identifiers that these calls name."""
    return [key for one in records for key in (one.ids if isinstance(one, Event) else (one.key,))]


def at_most_in_log(record: Record) -> bool:
    """Whether a client may send it again."""
    return isinstance(record, Event | Consent | Score)
