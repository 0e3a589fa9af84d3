"""Attacks with a page's write key, as in test_attacks.py: letters to strangers, what only a server may say, doors, and
what happens between a trigger and the letter."""

from tactful.runtime.ports import OutboxRow
from tests.acceptance.shop import PAGE_KEY, PURPOSE, SECRET, SERVER_KEY, Pair, Shop, basic, press
from tests.acceptance.waiting import until

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
