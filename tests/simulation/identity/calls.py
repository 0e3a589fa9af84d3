"""Random calls of few people with many names, so that everything collides: who they are, what they do, what they say."""

from random import Random

from msgspec.structs import replace

from tactful.events.records import Consent, Event, Record, Score, Unmerge, pack
from tests.simulation import histories
from tests.simulation.identity.parts import strength

USERS = tuple(f"u:{number}" for number in range(6))
EMAILS = tuple(f"e:{name}@example.com" for name in "abcd")
ANONYMOUS = tuple(f"a:{number}" for number in range(6))
DEVICES = tuple(f"d:{number}" for number in range(3))
EVERYBODY = (*USERS, *EMAILS, *ANONYMOUS, *DEVICES)
KINDS = ("track",) * 9 + ("identify",) * 4 + ("alias",) * 2 + ("consent",) * 3 + ("score", "unmerge", "unmerge")

Call = Event | Consent | Score | Unmerge


def call(rng: Random, at: int, message_id: str) -> Call:
    """One call that comes in at this instant."""
    match rng.choice(KINDS):
        case "identify":
            return _identify(rng, at, message_id)
        case "alias":
            return _alias(rng, at, message_id)
        case "consent":
            return histories.consent(rng, rng.choice(EVERYBODY), at, message_id)
        case "score":
            return histories.score(rng, rng.choice(EVERYBODY), at, message_id)
        case "unmerge":
            return Unmerge(at, rng.choice(EVERYBODY), "somebody")
        case _:
            return _track(rng, at, message_id)


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


def at_most_in_log(record: Record) -> bool:
    """Whether a client may send it again."""
    return isinstance(record, Event | Consent | Score)
