"""Addresses: where mail to a person goes, and who says that the address is theirs. Pure."""

from collections.abc import Mapping

from msgspec import Struct

from tactful.kernel.state import Fragment
from tactful.language.vocabulary import TraitRules
from tactful.messages.mail import mailbox
from tactful.people import traits


class Recipient(Struct, frozen=True):
    """Where mail to the person goes, and who says that the address is theirs."""

    address: str
    is_confirmed: bool
    """Its reader does."""
    is_hearsay: bool
    """Browsers do, and no server."""


def recipient(fragments: Mapping[str, Fragment], rules: TraitRules) -> Recipient | None:
    """What servers have said, by the trait's rule; browsers are asked only where no server has said anything. Otherwise
    a visitor who names an address and then somebody's user id would have that person's mail. For the same reason the
    first to have come to the person with an address is the one browser that is asked."""
    writes = [write for one in fragments.values() if (write := one.traits.get(traits.ADDRESS)) is not None]
    rule = rules.get(traits.ADDRESS, traits.NEWEST)
    sure = traits.surest(rule, writes)
    address = mailbox(traits.shown(rule, [sure] if sure else writes[:1])) if writes else None
    if address is None:
        return None
    is_confirmed = any(has_confirmed(one, address) for one in fragments.values())
    return Recipient(address, is_confirmed, is_hearsay=sure is None)


def has_confirmed(fragment: Fragment, address: str) -> bool:
    """Whether the address was confirmed where this fragment entered."""
    return any(mailbox(one) == address for one in fragment.confirmed)
