"""Attacks by somebody who has opened the shop's page, and so has its write key, on somebody whom the shop's server knows.

Each story has a victim and an attacker (Eve), who knows the victim's user id and address; it ends with what is true of
the victim, of whose letters went where, and of what Eve was told. In processes of their own, with a real mail server.
"""

from collections.abc import Iterator
from itertools import count

import jwt
import pytest

from tactful.runtime.ports import OutboxRow
from tests.acceptance.shop import PAGE_KEY, PURPOSE, SECRET, SERVER_KEY, Shop, basic, shop
from tests.acceptance.waiting import until

ENDLESS = 4_000_000_000
_numbers = count()


@pytest.fixture(scope="module", params=["open", "signed"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(tmp_path_factory.mktemp(request.param), request.param) as running:
        yield running


class Pair:
    """A victim and an attacker of their own for each story; all that a story names is theirs."""

    def __init__(self, site: Shop) -> None:
        number = next(_numbers)
        self.site = site
        self.user, self.visitor = f"victim{number}", f"eve{number}"
        self.key, self.address, self.eves = (
            f"u:{self.user}",
            f"victim{number}@people.example",
            f"eve{number}@evil.example",
        )

    def known(self, *, has_agreed: bool | None = True) -> "Pair":
        """The shop's server has told of the victim, and what they decided."""
        traits = {"email": self.address, "firstName": "Ada"}
        self.site.server("/v1/identify", userId=self.user, traits=traits)
        if has_agreed is not None:
            self.site.server("/v1/consent", userId=self.user, purpose=PURPOSE, granted=has_agreed)
        self.site.settle()
        return self

    def order(self, note: str = "your kettle") -> None:
        """What brings a letter to whoever permits it."""
        self.site.server("/v1/track", userId=self.user, event="Order Completed", properties={"note": note})

    def eve_confirms(self) -> None:
        """Eve's own address, by the link that went to it."""
        self.site.page("/v1/identify", anonymousId=self.visitor, traits={"email": self.eves, "firstName": "Eve"})
        self.site.page("/v1/track", anonymousId=self.visitor, event="Newsletter Subscribed")
        press(self.site, self.site.await_letter(self.eves).link("confirm"), "confirm=yes")

    def eve_signs_in_as_victim(self) -> None:
        self.site.page("/v1/identify", userId=self.user, anonymousId=self.visitor, traits={})
        if self.site.mode == "open":
            self.site.await_tied(f"a:{self.visitor}", self.key)
        self.site.settle()


@pytest.fixture
def pair(site: Shop) -> Pair:
    return Pair(site)


def press(site: Shop, path: str, button: str) -> int:
    """The button of a page that a mail leads to."""
    return site.ask("POST", path, button.encode(), Content_Type="application/x-www-form-urlencoded").status


# ---- whose mail it is ------------------------------------------------------------------------------------------------


def test_who_signs_in_as_somebody_has_not_their_mail(site: Shop, pair: Pair) -> None:
    pair.known()
    said = {"email": pair.eves, "phone": "+351912345678"}
    site.page("/v1/identify", userId=pair.user, anonymousId=pair.visitor, traits=said)
    site.page("/v1/track", userId=pair.user, event="Seen", anonymousId=pair.visitor, context={"traits": said})
    if site.mode == "open":
        site.await_tied(f"a:{pair.visitor}", pair.key)
    pair.order()
    pair.site.await_fate(pair.key, "thanks sent")
    profile = site.profile(pair.key)
    assert (profile["traits"]["email"], profile["traits"].get("phone")) == (pair.address, None)
    assert site.is_tied(f"a:{pair.visitor}", pair.key) is (site.mode == "open")
    assert [letter.to for letter in site.letters.to(pair.address, pair.eves)] == [pair.address]
    story = site.look("explain", pair.key)["story"]
    refused = [line["text"] for line in story if "a browser may not" in str(line)]
    assert (len(refused) > 0) is (site.mode == "open")


def test_a_confirmed_address_brought_along_gets_nothing_of_somebody_else(site: Shop, pair: Pair) -> None:
    pair.known()
    pair.eve_confirms()
    pair.eve_signs_in_as_victim()
    pair.order("private matters")
    site.await_fate(pair.key, "thanks sent")
    assert "private matters" in site.await_letter(pair.address).whole
    assert len(site.letters.to(pair.eves)) == 1
    assert "private matters" not in site.letters.to(pair.eves)[0].whole


def test_nor_where_no_server_ever_spoke_of_them(site: Shop, pair: Pair) -> None:
    """The victim signed up at the page, and confirmed their address."""
    token = {"identityToken": jwt.encode({"sub": pair.user, "exp": ENDLESS}, SECRET)} if site.mode == "signed" else {}
    traits = {"email": pair.address, "firstName": "Ada"}
    site.page("/v1/identify", userId=pair.user, traits=traits, context=token)
    site.page("/v1/track", userId=pair.user, event="Newsletter Subscribed", context=token)
    press(site, site.await_letter(pair.address).link("confirm"), "confirm=yes")
    pair.eve_confirms()
    pair.eve_signs_in_as_victim()
    site.page("/v1/track", userId=pair.user, event="Wish Made", properties={"note": "a secret wish"}, context=token)
    assert "a secret wish" in site.await_letter(pair.address, 2).whole
    assert not any("a secret wish" in letter.whole for letter in site.letters.to(pair.eves))


def test_an_alias_takes_nobody_over_in_either_direction(site: Shop, pair: Pair) -> None:
    pair.known()
    own = f"evesuser{pair.user}"
    token = {"identityToken": jwt.encode({"sub": own, "exp": ENDLESS}, SECRET)}
    for context in ({}, token):
        for more in ({"userId": own, "previousId": pair.user}, {"userId": pair.user, "previousId": own}):
            site.page("/v1/alias", **more, anonymousId=pair.visitor, context=context)
        site.page("/v1/alias", userId=pair.visitor, previousId=pair.address, context=context)
    site.page("/v1/identify", userId=own, anonymousId=pair.visitor, traits={"email": pair.address}, context=token)
    pair.order()
    site.await_fate(pair.key, "thanks sent")
    known = {each["id"] for each in site.profile(pair.key)["identifiers"]}
    assert known <= {pair.key, f"e:{pair.address}", f"a:{pair.visitor}", f"a:{own}"}
    assert not site.is_tied(f"u:{own}", pair.key)
    assert site.profile(pair.key)["traits"] == {"email": pair.address, "firstName": "Ada"}
    assert len(site.letters.to(pair.address)) == 1


# ---- in whose name ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_agreed", [None, False])
def test_nobody_agrees_in_somebodys_name(site: Shop, pair: Pair, has_agreed: bool | None) -> None:
    pair.known(has_agreed=has_agreed)
    yes = {"consent": {"categoryPreferences": {"Advertising": True}}}
    site.page("/v1/consent", anonymousId=pair.visitor, purpose=PURPOSE, granted=True)
    site.page("/v1/consent", userId=pair.user, anonymousId=pair.visitor, purpose=PURPOSE, granted=True)
    site.page("/v1/consent", email=pair.address, anonymousId=pair.visitor, consents={PURPOSE: True})
    alone = [
        site.page("/v1/consent", userId=pair.user, purpose=PURPOSE, granted=True),
        site.page("/v1/consent", email=pair.address, purpose=PURPOSE, granted=True),
    ]
    assert [reply.status for reply in alone] == [403, 400]
    site.page("/v1/track", anonymousId=pair.visitor, event="Seen", context=yes)
    pair.eve_signs_in_as_victim()
    for more in ({"anonymousId": pair.visitor}, {"anonymousId": "another" + pair.visitor}):
        site.page("/v1/track", userId=pair.user, event="Seen", context=yes, **more)
        site.page("/v1/consent", purpose=PURPOSE, granted=True, **more)
    site.settle()
    pair.order()
    site.await_fate(pair.key, f"thanks refused: no consent: {PURPOSE}")
    assert not site.granted(pair.key)
    assert site.letters.to(pair.address, pair.eves) == []


@pytest.mark.parametrize("has_agreed", [None, False])
@pytest.mark.parametrize("is_tied_first", [True, False])
def test_who_confirms_their_own_address_agrees_for_nobody_else(
    site: Shop, pair: Pair, has_agreed: bool | None, is_tied_first: bool
) -> None:
    pair.known(has_agreed=has_agreed)
    if is_tied_first:
        site.page("/v1/identify", anonymousId=pair.visitor, traits={"email": pair.eves})
        site.page("/v1/track", anonymousId=pair.visitor, event="Newsletter Subscribed")
        link = site.await_letter(pair.eves).link("confirm")
        pair.eve_signs_in_as_victim()
        assert press(site, link, "confirm=yes") == 200
    else:
        pair.eve_confirms()
        pair.eve_signs_in_as_victim()
    site.settle()
    pair.order()
    site.await_fate(pair.key, f"thanks refused: no consent: {PURPOSE}")
    assert not site.granted(pair.key)
    assert site.letters.to(pair.address) == []


def test_who_was_there_under_a_user_id_before_its_user_is_not_that_user(site: Shop, pair: Pair) -> None:
    """User ids are counted up, so Eve takes the next one before anybody has it."""
    site.page("/v1/identify", userId=pair.user, anonymousId=pair.visitor, traits={"email": pair.eves})
    site.page("/v1/track", userId=pair.user, anonymousId=pair.visitor, event="Newsletter Subscribed")
    press(site, site.await_letter(pair.eves).link("confirm"), "confirm=yes")
    site.settle()
    pair.known(has_agreed=None)
    pair.order("private matters")
    ask = ["ask sent"] if site.mode == "open" else []
    site.await_fate(pair.key, *ask, f"thanks refused: no consent: {PURPOSE}")
    site.server("/v1/consent", userId=pair.user, purpose=PURPOSE, granted=True)
    pair.order("private matters")
    assert "private matters" in site.await_letter(pair.address).whole
    assert len(site.letters.to(pair.eves)) == 1


def test_a_link_confirms_the_address_that_it_went_to_and_no_other(site: Shop, pair: Pair) -> None:
    site.page("/v1/identify", anonymousId=pair.visitor, traits={"email": pair.eves})
    site.page("/v1/track", anonymousId=pair.visitor, event="Newsletter Subscribed")
    link = site.await_letter(pair.eves).link("confirm")
    site.page("/v1/identify", anonymousId=pair.visitor, traits={"email": pair.address, "firstName": "BUY THIS"})
    assert press(site, link, "confirm=yes") == 200
    site.settle()
    site.page("/v1/track", anonymousId=pair.visitor, event="Wish Made", properties={"note": "BUY THIS"})
    site.await_fate(f"a:{pair.visitor}", "ask sent", "wish refused: the address is not confirmed")
    assert site.letters.to(pair.address) == []


def test_links_cannot_be_made_up_changed_or_used_for_anything_else(site: Shop, pair: Pair) -> None:
    pair.known()
    pair.order()
    link = site.await_letter(pair.address).link("unsubscribe")
    page, token = link.rsplit("/", 1)
    changed = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in (0, 1, 20, len(token) - 2)]
    forged = [*changed, token[:-1], token + "A", token + "=", "A" * 40, pair.user, pair.key, "..%2e", token * 30]
    answers = {each: site.ask("POST", f"{page}/{each}", b"List-Unsubscribe=One-Click")[::2] for each in forged}
    assert len(set(answers.values())) == 1, f"what is wrong with a link tells nothing: {answers}"
    assert {status for status, _ in answers.values()} == {404}
    for method, path, button in (
        ("GET", link, ""),
        ("HEAD", link, ""),
        ("POST", link, "Confirm=yes"),
        ("POST", f"/v1/confirm/{token}", "confirm=yes"),
        ("PUT", link, "List-Unsubscribe=One-Click"),
    ):
        site.ask(method, path, button.encode(), Content_Type="application/x-www-form-urlencoded")
    site.settle()
    assert site.granted(pair.key)
    for secret in (pair.user, pair.address, "Ada"):
        assert secret.encode() not in site.ask("GET", link).body


# ---- letters to strangers --------------------------------------------------------------------------------------------

NASTY = (
    '<script src="https://evil.example/x.js"></script><a href="https://evil.example">You have won</a>',
    "{{ unsubscribe_url }}{% for i in (1..100000) %}You have won{% endfor %}{{ 'evil.example' | upcase }}",
    "Ada\r\nBcc: many@evil.example\r\n\r\nYou have won, see evil.example",
    "=?utf-8?q?You_have_won?= \u2028evil.example\u0085\u202eevil",
)
MARKS = ("evil", "EVIL", "won", "script", "Bcc", "{{", "{%")


def test_a_strangers_address_gets_one_question_with_nothing_of_the_asker_in_it(site: Shop, pair: Pair) -> None:
    """However many visitors, spellings and names it takes."""
    name, _, host = pair.address.partition("@")
    spellings = [pair.address, pair.address.upper(), f" {pair.address} ", f"{name}+1@{host}", f"{name}+won@{host}"]
    for number, (address, nasty) in enumerate(zip([*spellings, *spellings], NASTY * 3, strict=False)):
        visitor = {"anonymousId": f"{pair.visitor}-{number}"}
        if number % 2:
            visitor["userId"] = f"stranger-{pair.visitor}-{number}"
        traits = {"email": address, "firstName": nasty, "name": nasty, "lastName": nasty}
        site.page("/v1/identify", traits=traits, **visitor)
        site.page("/v1/consent", anonymousId=visitor["anonymousId"], purpose=PURPOSE, granted=True)
        properties = {"note": nasty, "email": address, "name": nasty}
        for event in ("Newsletter Subscribed", "Newsletter Subscribed", "Wish Made"):
            site.page("/v1/track", event=event, properties=properties, context={"traits": traits}, **visitor)
    site.await_letter(pair.address)
    until(lambda: len(asked(site, pair)) == 10 * 3, lambda: asked(site, pair))
    letters = [letter for letter in site.letters.letters if name in letter.to]
    assert len(letters) == 1
    assert letters[0].to == pair.address
    assert [mark for mark in MARKS if mark in letters[0].whole] == []
    reasons = {row.reason for row in asked(site, pair) if row.status == "refused"}
    assert reasons == {"limit: 1 confirmations to one address per 24h", "the address is not confirmed"}


def asked(site: Shop, pair: Pair) -> list[OutboxRow]:
    """What has become of all messages to Eve's many visitors, once each has ended."""
    rows = [row for row in site.running.intents() if f"{pair.visitor}-" in row.intent.key]
    return [row for row in rows if row.status in ("refused", "sent")]


def test_an_address_with_something_inside_is_none(site: Shop, pair: Pair) -> None:
    bad = [
        f"{pair.address}, {pair.eves}",
        f"{pair.address};{pair.eves}",
        f"{pair.address}\r\nBcc: {pair.eves}",
        f"{pair.address}\nRCPT TO:<{pair.eves}>",
        f"{pair.address}>\r\nRCPT TO:<{pair.eves}",
        f"You have won <{pair.address}>",
        f"<{pair.address}>",
        f'"{pair.address}" <{pair.eves}>',
        f"{pair.address}\u2028{pair.eves}",
        f"@evil.example:{pair.address}",
    ]
    before = len(site.letters.letters)
    for number, address in enumerate(bad):
        visitor = f"{pair.visitor}-{number}"
        site.page("/v1/identify", anonymousId=visitor, traits={"email": address})
        site.page("/v1/track", anonymousId=visitor, event="Newsletter Subscribed")
    until(lambda: len(asked(site, pair)) == len(bad), lambda: asked(site, pair))
    assert {row.reason for row in asked(site, pair)} == {"no e-mail address"}
    assert len(site.letters.letters) == before


def test_what_is_said_in_somebodys_name_is_text_and_nothing_else(site: Shop, pair: Pair) -> None:
    """In the open mode anybody may say that a user did something, as with other tools: text, to that user alone."""
    pair.known()
    for nasty in NASTY:
        properties = {"note": nasty, "email": pair.eves}
        site.page("/v1/track", userId=pair.user, anonymousId=pair.visitor, event="Wish Made", properties=properties)
    is_open = site.mode == "open"
    site.await_fate(pair.key, *(["wish sent"] * len(NASTY) if is_open else []))
    letters = site.letters.to(pair.address)
    assert len(letters) == (len(NASTY) if is_open else 0)
    for letter in letters:
        head = letter.whole.partition("\n\n")[0].partition("Content-Type")[0]
        assert "evil" not in head
        assert "EVIL" not in letter.whole
        assert not any(mark in letter.html for mark in ("<script", 'href="https://evil'))
    assert site.letters.to(pair.eves, "many@evil.example") == []


# ---- what only a server may say --------------------------------------------------------------------------------------


def test_an_order_is_believed_of_the_shop_alone(site: Shop, pair: Pair) -> None:
    pair.known()
    for more in (
        {"userId": pair.user},
        {"userId": pair.user, "anonymousId": pair.visitor},
        {"anonymousId": pair.visitor},
    ):
        site.page("/v1/track", event="Order Completed", properties={"total": 1e9}, **more)
        site.page("/v1/batch", batch=[{"type": "track", "event": "Order Completed", "messageId": "x", **more}])
    site.page("/v1/track", userId=pair.user, event="order completed", anonymousId=pair.visitor, channel="server")
    site.settle()
    assert site.outbox(pair.key) == []
    assert site.letters.to(pair.address) == []


def test_nobody_takes_the_place_of_what_the_shop_is_about_to_say(site: Shop, pair: Pair) -> None:
    """The shop names its messages after its orders, so that they can be guessed; a repeat would be dropped."""
    pair.known()
    for name in ("order-7", "no-7"):
        site.page("/v1/track", userId=pair.user, anonymousId=pair.visitor, event="Seen", messageId=name)
    site.settle()
    site.server("/v1/track", userId=pair.user, event="Order Completed", messageId="order-7")
    site.await_fate(pair.key, "thanks sent")
    site.server("/v1/consent", userId=pair.user, purpose=PURPOSE, granted=False, messageId="no-7")
    site.settle()
    assert not site.granted(pair.key)


# ---- doors -----------------------------------------------------------------------------------------------------------

KEYS = [
    {"Authorization": basic(PAGE_KEY)},
    {"Authorization": basic("", PAGE_KEY)},
    {"Authorization": basic(PAGE_KEY, PAGE_KEY)},
    {"Authorization": f"Bearer {PAGE_KEY}"},
    {"Authorization": f"Bearer {SERVER_KEY}"},
    {"Authorization": basic(SERVER_KEY, "")},
    {"Authorization": "Bearer "},
    {"Authorization": "Basic Og=="},
    {"Authorization": "Bearer null"},
    {"X_Write_Key": PAGE_KEY},
    {"X_Forwarded_For": "127.0.0.1"},
    {"X_Forwarded_Host": "localhost"},
    {"X_Forwarded_Proto": "https"},
    {"X_Real_IP": "::1"},
    {"Forwarded": "for=127.0.0.1;host=localhost"},
    {"Via": "1.1 localhost"},
    {"Host": "shop.example"},
    {"Host": "localhost.evil.example"},
    {"Host": "127.0.0.1@evil.example"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec_Fetch_Site": "cross-site"},
    {"X_Identity_Token": "x", "Authorization": basic(PAGE_KEY)},
]


def test_no_write_key_opens_what_is_the_administrators(site: Shop, pair: Pair) -> None:
    """Nor does anything that a proxy or a browser may be made to say; and who is known is told to nobody."""
    pair.known()
    for headers in KEYS:
        for page in ("/v1/profiles/{}", "/v1/explain/{}", "/v1/outbox?person={}", "/people/{}", "/v1/decide?person={}"):
            known, unknown = (site.ask("GET", page.format(one), **headers) for one in (pair.key, "u:nobody"))
            assert known.status in (401, 403), (page, headers, known)
            assert known == unknown
    patch = {"traits": {"email": pair.eves}}
    for headers in ({}, *KEYS, {"X_HTTP_Method_Override": "PATCH"}):
        for method, path in (
            ("PATCH", f"/v1/profiles/{pair.key}"),
            ("POST", f"/v1/profiles/{pair.key}"),
            ("POST", f"/v1/profiles/e:{pair.address}/unmerge"),
            ("POST", f"/v1/profiles/{pair.key}?_method=PATCH"),
            ("DELETE", f"/v1/profiles/{pair.key}"),
        ):
            assert site.ask(method, path, patch, **headers).status in (401, 403), (method, path, headers)
    site.settle()
    assert site.profile(pair.key)["traits"]["email"] == pair.address
    assert site.is_tied(f"e:{pair.address}", pair.key)


def test_answers_tell_nothing_of_who_is_known(site: Shop, pair: Pair) -> None:
    pair.known()
    someone = Pair(site)  # of whom nobody has heard
    calls = [
        [
            site.page(f"/v1/{kind}", messageId="same", **more)
            for kind, more in (
                ("identify", {"userId": one.user, "anonymousId": one.visitor, "traits": {"email": pair.eves}}),
                ("track", {"userId": one.user, "event": "Order Completed"}),
                ("track", {"anonymousId": one.visitor, "event": "Seen", "context": {"traits": {"email": one.address}}}),
                ("alias", {"userId": one.visitor, "previousId": one.user}),
                ("consent", {"userId": one.user, "purpose": PURPOSE, "granted": True}),
                ("consent", {"email": one.address, "purpose": PURPOSE, "granted": False}),
                ("consent", {"anonymousId": one.visitor, "email": one.address, "purpose": PURPOSE, "granted": True}),
            )
        ]
        for one in (pair, someone)
    ]
    assert calls[0] == calls[1]
    for page in (f"/v1/projects/{PAGE_KEY}/settings", f"/sourceConfig?writeKey={PAGE_KEY}", "/openapi.json", "/readyz"):
        told = site.ask("GET", page).body.decode()
        assert not any(secret in told for secret in (SERVER_KEY, SECRET, pair.user, pair.address))


# ---- between a trigger and the letter --------------------------------------------------------------------------------


def test_nothing_leaves_after_the_click_that_ends_it(site: Shop, pair: Pair) -> None:
    """The letter waits for its turn at the mail server when its reader unsubscribes."""
    pair.known()
    pair.order()
    link = site.await_letter(pair.address).link("unsubscribe")
    before = Pair(site).known()
    letters = site.letters
    letters.slow = before.address
    try:
        before.order()
        assert letters.reached.wait(30)
        pair.order("this must not arrive")
        until(lambda: [row.status for row in site.outbox(pair.key)].count("waiting") == 1, "a letter in the queue")
        assert press(site, link, "List-Unsubscribe=One-Click") == 200
    finally:
        letters.goes_on.set()
    site.await_fate(pair.key, "thanks sent", f"thanks refused: consent withdrawn: {PURPOSE}")
    site.await_fate(before.key, "thanks sent")
    assert len(letters.to(pair.address)) == 1
    letters.slow = ""
    letters.reached.clear()
    letters.goes_on.clear()
