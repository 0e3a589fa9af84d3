"""Naming: whom a call may name, before the strongest of its identifiers is chosen (docs/identity.md).

Values that stand for nobody ("null", all zeros, test@...) would tie strangers to each other, so they are dropped here.
A browser is believed about itself only: an e-mail address, a phone number, an external id or another user id that it
says stays a trait, or nothing, unless a token of the shop's server vouches for it; in the mode "signed" its own user id
needs one as well. Pure: whether a token is right was found out by whoever calls (runtime/tokens.py).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct

from tactful.events.calls import Call
from tactful.events.identifiers import MAX_LENGTH, PRIORITY, keys_of, rank, user_key
from tactful.events.records import Trust
from tactful.events.verdicts import Refusal

TOKEN = "identityToken"  # noqa: S105  (the name of a field)
"""Where a browser's token stands in the context; it is never stored."""
LETTERS = {"user": "u", "external": "x", "email": "e", "phone": "p", "anonymous": "a", "device": "d"}
"""Of the kinds, as keys begin with them."""
NOBODY = frozenset(("null", "nil", "none", "undefined", "nan", "n/a", "true", "false", "-1", "unknown", "guest")) | {
    "anonymous",
    "[object object]",
}
"""Values, in lower case, that name nobody; beside them a character that repeats six times or more, and zeros alone."""
NOBODYS_MAIL = ("test@*", "example@*", "noreply@*", "no-reply@*")
_REPEATED = 6
_FIELD_OF = {
    "u": "userId",
    "x": "context.externalIds",
    "e": "traits.email",
    "p": "traits.phone",
    "a": "anonymousId",
    "d": "context.device.id",
}


class Proof(Struct, frozen=True):
    """What a token of the shop's server says, as keys: who sits at the browser, and which address is theirs."""

    user: str
    addresses: tuple[str, ...] = ()


Prove = Callable[[object, int], Proof | Refusal]
"""Looks at a token as of an instant."""


def _tails(values: Iterable[str]) -> frozenset[str]:
    return frozenset(letter for value in values for letter in (value[-1], value[-1].upper()))


class Naming(Struct, frozen=True):
    """The rules of a workspace; fixed for it as far as they decide in which partition an event enters."""

    priority: str = PRIORITY
    """Letters of the kinds, the strongest first."""
    values: frozenset[str] = NOBODY
    """Blocked, in lower case."""
    patterns: tuple[tuple[str, ...], ...] = ()
    """Blocked, in lower case; each in the pieces that stand between its stars."""
    mail: tuple[tuple[str, ...], ...] = tuple(tuple(pattern.split("*")) for pattern in NOBODYS_MAIL)
    """Such patterns with an @, which few identifiers have."""
    is_signed: bool = False
    """A browser's user id needs a token."""
    tails: frozenset[str] = _tails(NOBODY)
    longest: int = 2 + max(map(len, NOBODY))
    """How a key ends, and how long it is at most, whose value may be one of `values`."""

    def blocks(self, key: str) -> bool:
        """Whether the value of a key stands for nobody."""
        value = key[2:].lower() if key[0] != "x" else _value(key)
        if value in self.values or (value[0] == value[-1] and _is_repeated(value)):
            return True
        patterns = self.patterns + self.mail if "@" in value else self.patterns
        return bool(patterns) and any([_fits(value, pieces) for pieces in patterns])


DEFAULT = Naming()


def naming(kinds: Sequence[str], blocked: Iterable[str], *, is_signed: bool) -> Naming:
    """From the settings: the kinds by name, the strongest first, and what is blocked beside what always is."""
    own = {value.strip().lower() for value in blocked} - {""}
    values = NOBODY | {value for value in own if "*" not in value}
    patterns = [tuple(value.split("*")) for value in sorted({*own, *NOBODYS_MAIL} - values)]
    return Naming(
        "".join(LETTERS[kind] for kind in kinds),
        frozenset(values),
        tuple(pieces for pieces in patterns if not any("@" in piece for piece in pieces)),
        tuple(pieces for pieces in patterns if any("@" in piece for piece in pieces)),
        is_signed,
        _tails(values),
        2 + max(map(len, values)),
    )


def names_of(
    call: Call,
    kind: str | None,
    traits: dict[str, Any] | None,
    context: dict[str, Any],
    trust: Trust,
    rules: Naming,
    proof: Proof | Refusal | None,
) -> tuple[tuple[str, ...], bool] | Refusal:
    """Whom a call names, strongest first, and whether a token vouches for its userId; or why it names nobody.

    `traits` are those that describe the person; `proof` is what its token says, or what is wrong with that.
    """
    is_verified = False
    vouched: tuple[str, ...] = ()
    previous = call.previous_id if kind == "alias" else None
    if trust == "server":
        keys = keys_of(call.user_id, previous, call.anonymous_id, traits, context)
    else:
        user_id = call.user_id
        if proof is not None and isinstance(proof, Proof) and user_key(user_id) == proof.user:
            is_verified, vouched = True, proof.addresses
        elif rules.is_signed:
            user_id = None
        keys = keys_of(user_id, previous, call.anonymous_id, traits if vouched else None, context, vouched)
    # Seen at a glance of most identifiers: they are none of those that would be dropped.
    tails, longest, is_wary = rules.tails, rules.longest, rules.patterns or "externalIds" in context
    for key in keys:
        last = key[-1]
        if last == key[2] or (last in tails and len(key) <= longest) or "@" in key or is_wary or len(key) > MAX_LENGTH:
            sound = _sound(keys, rules)
            if isinstance(sound, Refusal):
                return sound
            keys = sound
            break
    if not keys:
        return _nobody(call, traits, context, trust, rules, proof)
    if rules.priority != PRIORITY:
        keys = tuple(sorted(keys, key=lambda key: rank(key[0], rules.priority)))
    return keys, is_verified


def _sound(keys: tuple[str, ...], rules: Naming) -> tuple[str, ...] | Refusal:
    """The keys without those that stand for nobody; a refusal where one is too long to be anybody's."""
    for key in keys:
        if len(key) > MAX_LENGTH:
            return Refusal("too_long", f"{_FIELD_OF[key[0]]} has more than {MAX_LENGTH} characters", _FIELD_OF[key[0]])
    return tuple([key for key in keys if not rules.blocks(key)])


def _nobody(
    call: Call,
    traits: dict[str, Any] | None,
    context: dict[str, Any],
    trust: Trust,
    rules: Naming,
    proof: Proof | Refusal | None,
) -> Refusal:
    """Why nobody is left, and what to do."""
    said = keys_of(call.user_id, None, call.anonymous_id, traits, context)
    blocked = [key for key in said if rules.blocks(key)]
    unproved = [key for key in said if not rules.blocks(key)]
    if trust == "browser" and unproved:
        if isinstance(proof, Refusal):
            return proof
        field = _FIELD_OF[unproved[0][0]]
        message = (
            f"a browser may not name somebody by {field} alone: send an anonymousId beside it, "
            f"send the call from the server, or let the server sign a token for context.{TOKEN} (docs/identity.md)"
        )
        return Refusal("identity_unproved", message, field)
    if blocked:
        field, value = _FIELD_OF[blocked[0][0]], _value(blocked[0])[:50]
        message = f"{field} {value!r} stands for nobody: leave it out until it is known, and send an anonymousId"
        return Refusal("identifier_blocked", message, field)
    return Refusal("no_identifier", "the call names nobody: it needs a userId or an anonymousId", "userId")


def _value(key: str) -> str:
    """What was said, in lower case; of an external id what stands behind its type."""
    return (key.split(":", 2)[2] if key[0] == "x" else key[2:]).lower()


def _is_repeated(value: str) -> bool:
    """One character over and over, hyphens aside: "aaaaaa", "0", the UUID of zeros."""
    plain = value.replace("-", "") or "-"
    return plain.count(plain[0]) == len(plain) and (plain[0] == "0" or len(plain) >= _REPEATED)


def _fits(value: str, pieces: Sequence[str]) -> bool:
    """Whether the pieces of a pattern stand in the value in their order, first and last at its ends. In linear time,
    which a regular expression would not promise."""
    first, *inner, last = pieces
    if len(value) < len(first) + len(last) or not (value.startswith(first) and value.endswith(last)):
        return False
    at, end = len(first), len(value) - len(last)
    for piece in inner:
        found = value.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
