"""Access: who is at the door. Sign-ins, one-time links, passwords, tokens; nothing of HTTP.

Whatever proves somebody is 256 random bits, given out once and kept as a digest. A sign-in is always a new one, so that
nobody can hand somebody a sign-in they know; it ends when it was not used for a while, when it is old, when its person
signs out, and all of a person's end when their password or role changes. Time comes from the world's clock, also where
the installation's own runs faster.
"""

import secrets
import unicodedata
from collections.abc import Callable, Mapping
from hashlib import sha256
from hmac import compare_digest
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from tactful.errors import UsageError
from tactful.operations.access.attempts import Attempts
from tactful.runtime.accounts import Account, Link, Passwords, SignIn
from tactful.runtime.office import Office, Visitor
from tactful.runtime.ports import Clock
from tactful.runtime.roles import ROLES
from tactful.runtime.settings_access import AccessSettings
from tactful.values import HOUR_US, MINUTE_US, SECOND_US, parse_duration

LINK_US = HOUR_US
MIN_PASSWORD, MAX_PASSWORD, MIN_DISTINCT = 12, 256, 5
MAX_NAME = 100
SEEN_EVERY_US = MINUTE_US
"""When somebody was last seen is written down this often at most."""
AGENT_LETTERS = 200
TOKEN = "tactful_"  # noqa: S105  (how every token begins, so that scanners of repositories find one)


class Wrong(UsageError):
    """What was typed does not do; said to whoever typed it."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class TooMany(Exception):
    """Tried too often; come again after `wait_s` seconds."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"too many attempts; try again in {wait_s} s")
        self.wait_s = wait_s


class Opened(Struct, frozen=True):
    """A new sign-in: what the cookie holds, and for how long."""

    secret: str
    lasts_us: int
    account: Account


class Access:
    """The port `Doorman` of web/guard.py. `fixed` are tokens of administrators that stand in no table, by the name that
    the audit log shall have; `own` gives those of ourselves, as they are now. Sign-ins and links get old by `clock`;
    acts stand in the audit log by `of_acts`, the installation's, like everything else that was done there."""

    def __init__(
        self,
        office: Office,
        passwords: Passwords,
        clock: Clock,
        settings: AccessSettings,
        fixed: Mapping[str, str] = MappingProxyType({}),
        own: Callable[[], Mapping[str, str]] = dict,
        *,
        hosts: tuple[str, ...] = (),
        of_acts: Clock | None = None,
    ) -> None:
        self.office = office
        self.passwords = passwords
        self.clock = clock
        self._of_acts = of_acts or clock
        self.settings = settings
        self.hosts = frozenset((*hosts, *settings.hosts))
        self._fixed = {name: token for name, token in fixed.items() if token}
        self._own = own
        self._idle_us = parse_duration(settings.idle) or HOUR_US
        self._longest_us = parse_duration(settings.longest) or HOUR_US
        self._by_name = Attempts(5, 12 * SECOND_US)
        self._by_address = Attempts(20, 6 * SECOND_US)

    # ---- who is it

    def has_users(self) -> bool:
        return bool(self.office.accounts.all())

    @property
    def has_tokens(self) -> bool:
        """Whether a token would let anybody in who has no account."""
        return bool(self._fixed)

    def of_token(self, given: str) -> Visitor | None:
        digest, known = digest_of(given), {**self._fixed, **self._own()}
        # Every one is compared, each in constant time, so that the time taken tells nothing.
        matches = [name for name, one in known.items() if one and compare_digest(digest_of(one), digest)]
        if matches and given:
            return Visitor(matches[0], "admin", ROLES["admin"], _csrf(digest), names_others=True)
        found = self.office.tokens.token(digest)
        now_us = self.clock.now_us()
        if found is None or (found.until and found.until <= now_us):
            return None
        if abs(now_us - found.seen) >= SEEN_EVERY_US:
            self.office.tokens.saw(found.name, now_us)
        return Visitor(f"token {found.name}", found.role, ROLES[found.role], _csrf(digest))

    def of_sign_in(self, secret: str) -> Visitor | None:
        found = self._sign_in(secret)
        if found is None:
            return None
        sign_in, account = found
        return Visitor(account.name, account.role, ROLES[account.role], sign_in.csrf)

    def _sign_in(self, secret: str) -> tuple[SignIn, Account] | None:
        found = self.office.accounts.sign_in(digest_of(secret)) if secret else None
        if found is None:
            return None
        now_us, sign_in = self.clock.now_us(), found[0]
        if now_us >= sign_in.until or now_us - sign_in.seen >= self._idle_us:
            return None
        if now_us - sign_in.seen >= SEEN_EVERY_US:
            self.office.accounts.saw(sign_in.id, now_us)
        return found

    def sign_in_of(self, secret: str) -> SignIn | None:
        """The sign-in itself, for a page that lists it."""
        found = self._sign_in(secret)
        return found[0] if found is not None else None

    # ---- coming in

    def enter(self, name: str, password: str, address: str, agent: str) -> Opened:
        """By a password. Raises TooMany, or Wrong, which does not tell whether there is such a name."""
        if not self.settings.passwords:
            raise Wrong("passwords are switched off here")
        name, now_us = plain_name(name), self.clock.now_us()
        self._count(name, address)
        account = self.office.accounts.account(name) if len(password) <= MAX_PASSWORD else None
        if not self.passwords.verify(account.password if account is not None else "", password[:MAX_PASSWORD]):
            self.note(name or "somebody", "sign_in_failed", detail=f"from {address}" if address else "")
            raise Wrong("this name and this password do not belong together")
        assert account is not None
        if self.passwords.is_outdated(account.password):
            self.office.accounts.put(replace(account, password=self.passwords.hash(password)))
        self._by_name.give_back(name, now_us)
        self._by_address.give_back(address, now_us)
        return self.open(account, "password", agent)

    def _count(self, name: str, address: str) -> None:
        now_us = self.clock.now_us()
        wait_s = max(self._by_name.wait_s(name, now_us), self._by_address.wait_s(address, now_us))
        if wait_s:
            raise TooMany(wait_s)
        self._by_name.take(name, now_us)
        self._by_address.take(address, now_us)

    def open(self, account: Account, how: str, agent: str) -> Opened:
        """Signs in; always by a secret that nobody has seen before."""
        now_us, secret = self.clock.now_us(), secrets.token_urlsafe(32)
        self.office.accounts.forget(now_us, now_us - self._idle_us)
        shown = "".join(letter for letter in agent if letter.isprintable())[:AGENT_LETTERS]
        csrf = secrets.token_urlsafe(32)
        until = now_us + self._longest_us
        sign_in = SignIn(0, digest_of(secret), account.name, csrf, now_us, now_us, until, how, shown)
        self.office.accounts.open(sign_in)
        self.note(account.name, "sign_in", detail=how)
        return Opened(secret, self._longest_us, account)

    def sign_out(self, secret: str) -> None:
        found = self.office.accounts.sign_in(digest_of(secret))
        if found is not None:
            self.office.accounts.end_one(found[0].id)
            self.note(found[1].name, "sign_out")

    # ---- links

    def first_link(self) -> str:
        """For whoever is to be the first administrator; "" where there are users already."""
        return "" if self.has_users() else self._leave("")

    def link(self, name: str, by: str) -> str:
        """For somebody who has an account, to choose a password."""
        account = self.office.accounts.account(plain_name(name))
        if account is None:
            raise UsageError(f"there is no user {name!r}; `tactful users` lists them")
        secret = self._leave(account.name)
        self.note(by, "link_made", account.name)
        return secret

    def _leave(self, name: str) -> str:
        secret = secrets.token_urlsafe(32)
        self.office.accounts.leave(Link(digest_of(secret), name, self.clock.now_us() + LINK_US))
        return secret

    def waiting(self, secret: str) -> Link | None:
        """The link, which stays; None where it is good for nothing (any more)."""
        link = self.office.accounts.link(digest_of(secret), self.clock.now_us())
        return link if link is not None and (link.account or not self.has_users()) else None

    def redeem(self, secret: str, name: str, password: str, agent: str) -> Opened:
        """By a link, once: sets the password, and makes the first administrator where there is nobody yet. Whatever was
        signed in before under this name is not any more. Raises Wrong."""
        link = self.waiting(secret)
        if link is None:
            raise Wrong("this link was used, or is too old; `tactful users link NAME` prints another")
        name = link.account or checked_name(name)
        check_password(password, name)
        taken = self.office.accounts.take(digest_of(secret), self.clock.now_us())
        if taken is None or (not taken.account and self.has_users()):
            raise Wrong("this link was used just now")
        before = self.office.accounts.account(name)
        made = Account(name, "admin", self.clock.now_us(), "the printed link")
        account = replace(before or made, password=self.passwords.hash(password))
        self.office.accounts.put(account)
        self.office.accounts.end(name)
        if before is None:
            self.note(name, "user_added", name, "admin, by the printed link")
        self.note(name, "password_set", name, "by a link")
        return self.open(account, "link", agent)

    def change_password(self, secret: str, old: str, new: str, address: str) -> None:
        """Of whoever is signed in by `secret`, which is the only sign-in that stays. Raises Wrong or TooMany."""
        found = self._sign_in(secret)
        if found is None:
            raise Wrong("sign in again first")
        sign_in, account = found
        self._count(account.name, address)
        if account.password and not self.passwords.verify(account.password, old[:MAX_PASSWORD]):
            raise Wrong("this is not your password so far", "old")
        check_password(new, account.name)
        self.office.accounts.put(replace(account, password=self.passwords.hash(new)))
        self.office.accounts.end(account.name, but=sign_in.id)
        self._by_name.give_back(account.name, self.clock.now_us())
        self.note(account.name, "password_set", account.name)

    def note(self, who: str, act: str, about: str = "", detail: str = "") -> None:
        self.office.audit.note(self._of_acts.now_us(), who, act, about, detail)


def digest_of(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogateescape")).digest()


def plain_name(name: str) -> str:
    """As it is kept: composed, without spaces around it, lower case."""
    return unicodedata.normalize("NFKC", name[: 2 * MAX_NAME]).strip().casefold()


def checked_name(name: str) -> str:
    """Raises Wrong where this is no name to sign in with. Without spaces, so that none looks like `token NAME`."""
    plain = plain_name(name)
    if not plain:
        raise Wrong("a name is needed; an e-mail address is a good one", "name")
    if len(plain) > MAX_NAME:
        raise Wrong(f"a name has {MAX_NAME} letters at most", "name")
    if not all(letter.isalnum() or letter in ".@_+-" for letter in plain):
        raise Wrong("a name is made of letters, digits and . @ _ + -", "name")
    return plain


def check_password(password: str, name: str) -> None:
    """Length is what counts (NIST SP 800-63B 3.1.1); only what anybody would try first is refused beside that."""
    if len(password) < MIN_PASSWORD:
        raise Wrong(f"at least {MIN_PASSWORD} letters; four words are a good password", "password")
    if len(password) > MAX_PASSWORD:
        raise Wrong(f"{MAX_PASSWORD} letters at most", "password")
    rest = password.casefold()
    for known in (name, name.partition("@")[0], "tactful", "password", "1234567890"):
        rest = rest.replace(known, "") if len(known) > 2 else rest
    if len(set(rest)) < MIN_DISTINCT:
        raise Wrong("somebody would guess this; four words are a good password", "password")


def _csrf(digest: bytes) -> str:
    """Of a browser that shows a token as the password of HTTP Basic."""
    return sha256(b"csrf" + digest).hexdigest()
