"""POST /v1/consent: who may decide for whom, and several decisions in one call."""

from typing import Any

import pytest

from tactful.consent.permits import ConsentWrite, record
from tactful.events.identifiers import user_key
from tactful.events.intake import Arrival, accept_consent
from tactful.events.naming import Proof
from tactful.events.records import Consent
from tactful.events.sources import Source
from tactful.events.verdicts import Refusal
from tests.collect.edge import NOW, Edge

SERVER_KEY = {"x-write-key": "SK"}

SAID = {"messageId": "c1", "purpose": "marketing.email", "granted": False}


def told(edge: Edge) -> list[tuple[str, str, bool, str]]:
    return sorted((one.key, one.purpose, one.granted, one.message_id) for one in edge.consents())


@pytest.mark.parametrize(
    ("named", "key"),
    [
        ({"userId": "42"}, "u:42"),
        ({"userId": "42", "anonymousId": "b-1", "email": "ada@shop.example"}, "u:42"),
        ({"email": "Ada@Shop.example", "anonymousId": "b-1"}, "e:ada@shop.example"),
        ({"anonymousId": "b-1"}, "a:b-1"),
    ],
)
def test_a_server_speaks_for_whomever_it_names(edge: Edge, named: dict[str, Any], key: str) -> None:
    assert edge.post("/v1/consent", SAID | named, SERVER_KEY).status == 200
    assert told(edge) == [(key, "marketing.email", False, "c1")]
    (one,) = edge.consents()
    assert (one.trust, one.is_verified, len(one.salt)) == ("server", False, 16)


@pytest.mark.parametrize(
    "named",
    [
        {"anonymousId": "b-1"},
        {"anonymousId": "b-1", "userId": "42"},
        {"anonymousId": "b-1", "userId": "42", "email": "ada@shop.example"},
        {"anonymousId": "b-1", "email": "ada@shop.example"},
    ],
)
def test_a_browser_decides_for_itself(edge: Edge, named: dict[str, Any]) -> None:
    """Whatever else it names: anybody can type a user id or an address."""
    assert edge.post("/v1/consent", SAID | named).status == 200
    assert told(edge) == [("a:b-1", "marketing.email", False, "c1")]
    assert edge.consents()[0].trust == "browser"


@pytest.mark.parametrize(
    ("named", "status", "code"),
    [
        ({"userId": "42"}, 403, "not_allowed"),
        ({"userId": "42", "email": "ada@shop.example"}, 403, "not_allowed"),
        ({"email": "ada@shop.example"}, 400, "identity_unproved"),
        ({}, 400, "no_identifier"),
        ({"anonymousId": "null"}, 400, "identifier_blocked"),
        ({"anonymousId": ""}, 400, "no_identifier"),
        ({"anonymousId": "x" * 513}, 400, "too_long"),
    ],
)
def test_a_browser_decides_for_nobody_else(edge: Edge, named: dict[str, Any], status: int, code: str) -> None:
    reply = edge.post("/v1/consent", SAID | named)
    assert (reply.status, reply.body["code"]) == (status, code)
    assert edge.consents() == []
    assert [kept.code for kept in edge.refused()] == [code]


def test_a_browser_with_a_token_decides_for_its_user() -> None:
    key = user_key("42")
    assert key is not None
    arrival = Arrival(Source("web", "WK"), NOW, proof=Proof(key))
    body = b'{"messageId": "c1", "userId": "%b", "anonymousId": "b-1", "purpose": "ads", "granted": true}'
    (own,) = taken(body % b"42", arrival)
    assert (own.key, own.trust, own.is_verified) == ("u:42", "browser", True)
    (other,) = taken(body % b"43", arrival)
    assert (other.key, other.is_verified) == ("a:b-1", False)


def taken(body: bytes, arrival: Arrival) -> list[Consent]:
    found = accept_consent(body, arrival)
    assert not isinstance(found, Refusal), found
    return found


def test_several_purposes_in_one_call(edge: Edge) -> None:
    call = {"messageId": "c1", "anonymousId": "b-1", "consents": {"marketing.email": True, "profiling": False}}
    assert edge.post("/v1/consent", call).status == 200
    assert edge.post("/v1/consent", call).status == 200
    decisions = [
        ("a:b-1", "marketing.email", True, "c1/marketing.email"),
        ("a:b-1", "profiling", False, "c1/profiling"),
    ]
    assert told(edge) == sorted(decisions * 2), "each can be told from the other, and is known when it comes again"
    assert len({one.salt for one in edge.consents()}) == 2


def test_nobody_can_name_the_place_of_a_browsers_objection(edge: Edge) -> None:
    """Where the first decision by Global Privacy Control stands has a name that no call can say."""
    decisions: dict[str, ConsentWrite] = {}
    record(decisions, "ads", ConsentWrite(False, 1, 1, 1, "", "gpc"))
    (place,) = decisions
    for said in ({"purpose": place, "granted": True}, {"consents": {place: True}}):
        reply = edge.post("/v1/consent", {"anonymousId": "b-1", **said})
        assert (reply.status, reply.body["code"]) == (400, "nul_byte")
