"""Who works in the shop that the tests of the console look at: an administrator who is signed in, a marketer, somebody who
was invited and has not come yet, and a program with a token."""

from tactful.operations.access import users
from tactful.operations.access.access import Access

PASSWORD = "four words are good"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"


def move_in(access: Access) -> str:
    """What the administrator's browser shows, to be let in; an office with people in it is left as it is."""
    if access.has_users():
        return access.enter("nina", PASSWORD, "", AGENT).secret
    secret = access.redeem(access.first_link(), "nina", PASSWORD, AGENT).secret
    access.redeem(users.add(access, "ben@nordlicht.example", "marketer", "nina"), "", PASSWORD, AGENT)
    users.add(access, "carla@nordlicht.example", "privacy officer", "nina")
    users.make_token(access, "nightly-report", "analyst", "nina", 365)
    return secret
