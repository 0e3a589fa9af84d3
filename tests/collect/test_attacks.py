"""What somebody with the public write key of a page may try, at the door itself: nobody is impersonated, and nothing of
a token stays. What the engine does with the rest is looked at elsewhere."""

import gzip
import json
from typing import Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tactful.adapters.memory.bells import MemoryBells
from tactful.events.naming import naming
from tactful.events.records import Event, unpack
from tactful.operations.upkeep.quarantine import replay
from tactful.runtime.tokens import Tokens
from tactful.values import SECOND_US
from tactful.web.collect_reading import Rules
from tests.collect.edge import BROWSER, NOW, Edge, Reply, repeats
from tests.tries import tries

SECRET, OTHER = "s" * 32, "t" * 32
KINDS = ("user", "external", "email", "phone", "anonymous", "device")
SIGNED, OPEN = naming(KINDS, (), is_signed=True), naming(KINDS, (), is_signed=False)
SERVER_KEY = {"authorization": "Basic U0s6"}
BROWSER_KEY = {"authorization": "Basic V0s6"}
VICTIM = "victim@shop.example"


def minted(secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    told = {"sub": "42", "exp": NOW // SECOND_US + 600} | claims
    return jwt.encode(told, secret if algorithm != "none" else "", algorithm=algorithm)


FORGED = {
    "another secret": minted(OTHER),
    "no signature": minted(algorithm="none"),
    "expired": minted(exp=NOW // SECOND_US - 3_600),
    "another user": minted(sub="41"),
    "another service": minted(aud="shop"),
    "junk": "not.a.token",
    "a number": 7,
}


def call(**more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Seen", "messageId": "m", "userId": "42", "anonymousId": "a1"} | more


@pytest.fixture
def signed(edge: Edge) -> Edge:
    edge.rules = Rules(SIGNED, Tokens([SECRET]).prove, b"k")
    return edge


@pytest.fixture
def opened(edge: Edge) -> Edge:
    edge.rules = Rules(OPEN, Tokens([SECRET]).prove, b"k")
    return edge


def only(edge: Edge) -> Event:
    (event,) = edge.events()
    return event


def on_disk(edge: Edge) -> bytes:
    """Every byte that was written, the write-ahead logs included."""
    edge.close()
    return b"".join(path.read_bytes() for path in sorted(edge.folder.rglob("*")) if path.is_file())


# ---- taking over a user ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_a_user_id_with_a_token_that_is_not_right_is_nobodys(signed: Edge, token: object) -> None:
    assert signed.post("/v1/track", call(context={"identityToken": token, "ip": "203.0.113.7"})).status == 200
    event = only(signed)
    assert (event.ids, event.is_verified) == (("a:a1",), False)
    assert unpack(event.context) == {"ip": "203.0.113.7"}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_where_nobody_is_left_it_goes_to_the_quarantine_without_the_token(signed: Edge, token: object) -> None:
    reply = signed.post("/v1/track", call(anonymousId=None, context={"identityToken": token}))
    code = "identity_unproved" if token == FORGED["another user"] else "token_invalid"
    assert (reply.status, reply.body["code"]) == (400, code)
    (kept,) = signed.refused()
    assert kept.code == code
    assert not isinstance(token, str) or token.encode() not in kept.body
    assert signed.records() == []


@pytest.mark.parametrize("where", ["context", "header", "context of the batch", "context of one in a batch"])
def test_a_good_token_is_believed_wherever_it_stands_and_kept_nowhere(signed: Edge, where: str) -> None:
    token = minted()
    context, headers = {"context": {"identityToken": token}}, BROWSER_KEY
    if where == "context":
        reply = signed.post("/v1/track", call(**context))
    elif where == "header":
        reply = signed.post("/v1/track", call(), BROWSER_KEY | {"X-Identity-Token": token})
    elif where == "context of the batch":
        reply = signed.post("/v1/batch", {"batch": [call()], **context}, headers)
    else:
        reply = signed.post("/v1/batch", {"batch": [call(**context)]}, headers)
    assert reply.status == 200
    event = only(signed)
    assert (event.key, event.is_verified) == ("u:42", True)
    assert unpack(event.context) == {}
    assert token.encode() not in on_disk(signed)


def test_a_token_vouches_for_its_own_event_only(signed: Edge) -> None:
    proved = call(messageId="1", context={"identityToken": minted()})
    others = [call(messageId="2"), call(messageId="3", userId="41", context={"identityToken": minted()})]
    signed.post("/v1/batch", {"batch": [proved, *others]})
    assert {event.message_id: event.key for event in signed.events()} == {"1": "u:42", "2": "a:a1", "3": "a:a1"}


def test_the_token_of_a_call_counts_before_that_of_its_header(signed: Edge) -> None:
    forged = {"context": {"identityToken": minted(OTHER)}}
    signed.post("/v1/track", call(**forged), BROWSER_KEY | {"X-Identity-Token": minted()})
    assert only(signed).key == "a:a1"


def test_a_call_that_was_refused_keeps_what_its_token_proved_but_not_the_token(signed: Edge) -> None:
    token = minted(email=VICTIM)
    bad = call(timestamp="1999-01-01T00:00:00Z", traits={"email": VICTIM}, context={"identityToken": token})
    assert signed.post("/v1/track", bad).status == 400
    (kept,) = signed.refused()
    assert token.encode() not in kept.body
    assert kept.vouched == ("u:42", f"e:{VICTIM}")
    assert signed.log is not None
    # Mended, it is tried again as it was then, whenever that is.
    mended = kept.body.replace(b"1999", b"2026")
    signed.quarantine.remove([kept.id])
    signed.quarantine.put(
        [type(kept)(0, kept.received_at, "web", "", "", "", mended, len(mended), vouched=kept.vouched)]
    )
    (again,) = signed.refused()
    list(replay(signed.quarantine, signed.log, MemoryBells(), [BROWSER], [again.id], SIGNED))
    event = only(signed)
    assert (event.ids, event.is_verified) == (("u:42", f"e:{VICTIM}", "a:a1"), True)


def test_without_a_secret_no_token_is_believed(edge: Edge) -> None:
    edge.rules = Rules(SIGNED)
    edge.post("/v1/track", call(context={"identityToken": minted()}), BROWSER_KEY | {"X-Identity-Token": minted(OTHER)})
    event = only(edge)
    assert (event.ids, event.is_verified, unpack(event.context)) == (("a:a1",), False, {})


# ---- addresses, aliases, consent -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["open", "signed"])
@pytest.mark.parametrize(
    "more", [{}, {"context": {"identityToken": minted()}}, {"context": {"traits": {"email": VICTIM}}}]
)
def test_identify_takes_nobodys_address(edge: Edge, mode: str, more: dict[str, Any]) -> None:
    edge.rules = Rules(SIGNED if mode == "signed" else OPEN, Tokens([SECRET]).prove)
    external = {"externalIds": [{"type": "crm", "id": "1"}]}
    stolen = call(type="identify", traits={"email": VICTIM, "phone": "+351912345678"}, **more)
    stolen["context"] = external | stolen.get("context", {})
    edge.post("/v1/identify", stolen)
    assert not any(key[0] in "epx" for key in only(edge).ids)


@pytest.mark.parametrize("mode", ["open", "signed"])
@pytest.mark.parametrize("more", [{}, {"context": {"identityToken": minted()}}])
def test_alias_takes_nobodys_user_id(edge: Edge, mode: str, more: dict[str, Any]) -> None:
    edge.rules = Rules(SIGNED if mode == "signed" else OPEN, Tokens([SECRET]).prove)
    edge.post("/v1/alias", call(type="alias", previousId="victim", **more))
    edge.post("/v1/alias", call(type="alias", messageId="n", userId="victim", previousId="42", **more))
    for event in edge.events():
        users = [key for key in event.ids if key[0] == "u"]
        assert len(users) <= 1
        assert event.is_verified == (event.message_id == "m" and bool(more))


@pytest.mark.parametrize("named", [{"userId": "42"}, {"userId": "42", "anonymousId": "a1"}, {"email": VICTIM}])
def test_a_write_key_of_a_page_grants_nothing_in_somebodys_name(edge: Edge, named: dict[str, str]) -> None:
    edge.rules = Rules(OPEN, Tokens([SECRET]).prove)
    forged = BROWSER_KEY | {"X-Identity-Token": minted(OTHER)}
    for headers in (BROWSER_KEY, forged):
        edge.post("/v1/consent", named | {"purpose": "email_marketing", "granted": True}, headers)
    for consent in edge.consents():
        assert consent.key[0] in "ad"
        assert (consent.trust, consent.is_verified) == ("browser", False)


# ---- headers and junk ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Identity-Token": "a\r\nX-Write-Key: SK"},
        {"X-Identity-Token": "\x00\xff" * 100},
        {"X-Identity-Token": "a" * 100_000},
        {"X-Identity-Token": f"Bearer {minted()}"},
        {"X-Identity-Token": "", "Sec-GPC": "1\r\nX-Write-Key: SK"},
        {"Sec-GPC": "true", "X-Trust": "server", "X-Forwarded-User": "42"},
    ],
)
def test_headers_with_something_inside(signed: Edge, headers: dict[str, str]) -> None:
    assert signed.post("/v1/track", call(), BROWSER_KEY | headers).status == 200
    event = only(signed)
    assert (event.source, event.trust, event.ids, event.is_verified) == ("web", "browser", ("a:a1",), False)
    assert unpack(event.context) == {}


@pytest.mark.parametrize("value", ["null", "00000000-0000-0000-0000-000000000000", "[object Object]", "test@x.example"])
@pytest.mark.parametrize("key", [BROWSER_KEY, SERVER_KEY])
def test_nobody_ties_strangers_through_a_value_of_nobodys(opened: Edge, value: str, key: dict[str, str]) -> None:
    opened.post("/v1/identify", call(type="identify", anonymousId=value, traits={"email": value}), key)
    reply = opened.post("/v1/track", call(userId=value, anonymousId=None, messageId="n"), key)
    assert only(opened).ids == ("u:42",)
    assert reply.body["code"] == "identifier_blocked"


def test_an_objection_is_heard_on_every_road_in(opened: Edge) -> None:
    gpc = BROWSER_KEY | {"Sec-GPC": "1"}
    opened.post("/v1/track", call(messageId="1"), gpc)
    opened.post("/v1/batch", {"batch": [call(messageId="2"), call(messageId="3", context={"gpc": False})]}, gpc)
    opened.post("/v1/batch", {"batch": [call(messageId="4"), {"type": "junk"}], "context": {"ip": "::1"}}, gpc)
    opened.post("/v1/track", call(messageId="5"), BROWSER_KEY | {"Sec-GPC": "0"})
    heard = {event.message_id: unpack(event.context).get("gpc") for event in opened.events()}
    assert heard == {"1": True, "2": True, "3": True, "4": True, "5": None}
    assert {event.message_id: len(event.salt) for event in opened.events()} == dict.fromkeys("1234", 16) | {"5": 0}
    (kept,) = opened.refused()
    assert json.loads(kept.body)["context"] == {"gpc": True}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_what_could_not_be_read_is_kept_without_its_token(signed: Edge, pack: Any) -> None:
    token = minted()
    bodies = [
        b'{"batch":[{"context":{"identityToken": "%b"' % token.encode(),
        b'{"userId":"42","context":{"identityToken"\n:\t"%b\\u0000"}}' % token.encode(),
        b'{"userId":"42","x":"\xff","context":{"identityToken":"%b' % token.encode(),
    ]
    for body in bodies:
        assert signed.post("/v1/track", pack(body)).status == 400
        assert signed.post("/v1/batch", pack(body)).status == 400
    assert len(signed.refused()) == 6
    assert not any(token.encode() in kept.body for kept in signed.refused())


tokens = st.sampled_from([*FORGED.values(), minted(), minted(email=VICTIM)]) | st.text(max_size=30) | st.none()
values = st.sampled_from([None, "", "42", "null", "victim", VICTIM, 42, 0, "a" * 600, " ", "+351912345678", True])
calls = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["track", "identify", "alias", "page", "group"]),
        "event": st.just("Seen"),
        "messageId": st.text(min_size=1, max_size=3),
        **dict.fromkeys(("userId", "anonymousId", "previousId"), values),
        "traits": st.fixed_dictionaries({}, optional={"email": values, "phone": values}),
        "context": st.fixed_dictionaries(
            {},
            optional={
                "identityToken": tokens,
                "gpc": st.booleans(),
                "device": st.fixed_dictionaries({}, optional={"id": values}),
                "externalIds": st.lists(st.fixed_dictionaries({"type": values, "id": values}), max_size=2),
                "traits": st.fixed_dictionaries({}, optional={"email": values}),
            },
        ),
    },
)
headers_drawn = st.fixed_dictionaries(
    {},
    optional={
        "x-identity-token": tokens.map(lambda token: str(token).encode("utf-8", "replace").decode("latin-1")),
        "sec-gpc": st.sampled_from(["0", "1", "yes"]),
    },
)


@settings(max_examples=tries(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(calls, min_size=1, max_size=4), headers_drawn, st.booleans(), st.booleans())
def test_whatever_a_page_sends_it_speaks_of_itself(
    edge: Edge, batch: list[dict[str, Any]], headers: dict[str, str], is_signed: bool, is_single: bool
) -> None:
    edge.rules = Rules(SIGNED if is_signed else OPEN, Tokens([SECRET]).prove, b"k")
    before = len(edge.records())
    edge.quarantine.remove([row.id for row in edge.refused()])
    reply = send(edge, batch, BROWSER_KEY | headers, is_single=is_single)
    sent = 1 if is_single else len(batch)
    assert reply.status in ((200, 400) if is_single else (200,))
    found = len(edge.records()) - before + len(edge.refused())
    assert sent - (0 if is_single else repeats(batch)) <= found <= sent
    for event in edge.events():
        assert "identityToken" not in unpack(event.context)
        assert not any(key[0] == "x" for key in event.ids)
        assert sum(key[0] == "u" for key in event.ids) <= 1
        if not event.is_verified:
            assert not any(key[0] in "ep" for key in event.ids)
        else:
            assert event.key == "u:42"
            assert {key for key in event.ids if key[0] in "ep"} <= {f"e:{VICTIM}"}


def send(edge: Edge, batch: list[dict[str, Any]], headers: dict[str, str], *, is_single: bool) -> Reply:
    return edge.post("/v1/track", batch[0], headers) if is_single else edge.post("/v1/batch", {"batch": batch}, headers)
