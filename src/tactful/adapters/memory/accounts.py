"""Accounts and tokens in memory."""

from itertools import count

from msgspec.structs import replace

from tactful.runtime.accounts import Account, ApiToken, Link, SignIn


class MemoryAccounts:
    """The port `Accounts`."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._sign_ins: dict[int, SignIn] = {}
        self._links: dict[str, Link] = {}
        self._numbers = count(1)

    def all(self) -> list[Account]:
        return [self._accounts[name] for name in sorted(self._accounts)]

    def account(self, name: str) -> Account | None:
        return self._accounts.get(name)

    def of_subject(self, subject: str) -> Account | None:
        return next((one for one in self._accounts.values() if subject and one.subject == subject), None)

    def put(self, account: Account) -> None:
        self._accounts[account.name] = account

    def remove(self, name: str) -> bool:
        self.end(name)
        return self._accounts.pop(name, None) is not None

    # ---- links

    def leave(self, link: Link) -> None:
        self._links[link.account] = link

    def take(self, digest: bytes, now_us: int) -> Link | None:
        link = next((one for one in self._links.values() if one.digest == digest), None)
        if link is None:
            return None
        del self._links[link.account]
        return link if link.until > now_us else None

    def link(self, digest: bytes, now_us: int) -> Link | None:
        return next((one for one in self._links.values() if one.digest == digest and one.until > now_us), None)

    # ---- sign-ins

    def open(self, sign_in: SignIn) -> None:
        number = next(self._numbers)
        self._sign_ins[number] = replace(sign_in, id=number)

    def sign_in(self, digest: bytes) -> tuple[SignIn, Account] | None:
        found = next((one for one in self._sign_ins.values() if one.digest == digest), None)
        return (found, self._accounts[found.account]) if found is not None else None

    def sign_ins(self, account: str = "") -> list[SignIn]:
        found = [one for one in self._sign_ins.values() if account in ("", one.account)]
        return sorted(found, key=lambda one: (-one.seen, -one.id))

    def saw(self, id: int, at_us: int) -> None:
        if id in self._sign_ins:
            self._sign_ins[id] = replace(self._sign_ins[id], seen=at_us)

    def end(self, account: str, but: int = 0) -> int:
        self._links.pop(account, None)
        going = [id for id, one in self._sign_ins.items() if one.account == account and id != but]
        return sum(self.end_one(id) for id in going)

    def end_one(self, id: int) -> bool:
        return self._sign_ins.pop(id, None) is not None

    def forget(self, before_us: int, seen_before_us: int) -> int:
        links = [name for name, one in self._links.items() if one.until <= before_us]
        for name in links:
            del self._links[name]
        over = [id for id, one in self._sign_ins.items() if one.until <= before_us or one.seen <= seen_before_us]
        return len(links) + sum(self.end_one(id) for id in over)


class MemoryApiTokens:
    """The port `ApiTokens`."""

    def __init__(self) -> None:
        self._tokens: dict[str, ApiToken] = {}

    def all(self) -> list[ApiToken]:
        return [self._tokens[name] for name in sorted(self._tokens)]

    def token(self, digest: bytes) -> ApiToken | None:
        return next((one for one in self._tokens.values() if one.digest == digest), None)

    def add(self, token: ApiToken) -> bool:
        return self._tokens.setdefault(token.name, token) is token

    def remove(self, name: str) -> bool:
        return self._tokens.pop(name, None) is not None

    def saw(self, name: str, at_us: int) -> None:
        if name in self._tokens:
            self._tokens[name] = replace(self._tokens[name], seen=at_us)
