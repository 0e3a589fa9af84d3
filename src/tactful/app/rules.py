"""By which rules calls are read: of clients at the edge, and of our own pages and API alike."""

from collections.abc import Callable, Mapping
from hashlib import blake2b

import msgspec

from tactful.adapters.installation import Installation
from tactful.events.records import Consent
from tactful.operations.people.patching import SOURCE as API
from tactful.runtime.settings import naming_of
from tactful.runtime.tokens import Tokens
from tactful.web.collect_reading import Rules


def rules_of(house: Installation, tokens: Tokens) -> Rules:
    identity = house.settings.identity
    return Rules(naming_of(identity), tokens.prove if identity.secrets else None, _salt_key(house.link_keys()))


def salting(rules: Rules) -> Callable[[Consent], Consent]:
    """Puts the salt of the ledger into a decision."""

    def salted(consent: Consent) -> Consent:
        salt = rules.arrival(API, consent.received_at).salt(consent.message_id)
        return msgspec.structs.replace(consent, salt=salt)

    return salted


def _salt_key(keys: Mapping[int, bytes]) -> bytes:
    """Of the ledger's salts; made from the key of links, which whoever may read the data folder's keys alone has."""
    return blake2b(key=keys[min(keys)][:64], digest_size=32, person=b"consent salts").digest()
