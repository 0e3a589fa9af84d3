"""Tokens of the shop's server: what they prove, until when, and what is no token."""

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactful.events.naming import Proof
from tactful.events.verdicts import Refusal
from tactful.runtime.tokens import LEEWAY_US, Tokens
from tactful.values import SECOND_US

NEW, OLD, OTHER = "n" * 32, "o" * 32, "x" * 32
NOW_S = 1_741_348_800
NOW = NOW_S * SECOND_US
CLAIMS: dict[str, Any] = {"sub": "42", "exp": NOW_S + 600}


def signed(claims: dict[str, Any], secret: str = NEW, **more: Any) -> str:
    return jwt.encode(claims, secret, algorithm="HS256", **more)


def part(value: object) -> str:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def sealed(header: object, payload: object, secret: str = NEW) -> str:
    """Put together by hand, with whatever header."""
    text = f"{part(header)}.{part(payload)}"
    return f"{text}.{part(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))}"


def found(token: object, at_us: int = NOW) -> str:
    """What a token is taken for."""
    tokens = Tokens([NEW, OLD])
    proof = tokens.prove(token, at_us)
    ((kind, number),) = tokens.counts.items()
    assert number == 1
    assert isinstance(proof, Proof) == (kind == "good")
    if isinstance(proof, Refusal):
        assert (proof.code, proof.field) == ("token_invalid", "context.identityToken")
    return kind


def test_a_good_token_says_who_it_is_and_which_addresses_are_theirs() -> None:
    more = {"email": " Ana@Shop.example", "phone": "+351 912 345 678", "sub": " 42 ", "name": "Ana"}
    proof = Tokens([NEW]).prove(signed(CLAIMS | more), NOW)
    assert proof == Proof("u:42", ("e:ana@shop.example", "p:+351912345678"))
    assert Tokens([NEW]).prove(signed(CLAIMS | {"email": 7, "phone": "12"}), NOW) == Proof("u:42")


def test_secrets_may_be_changed_while_tokens_of_the_old_one_are_out() -> None:
    assert [found(signed(CLAIMS, secret)) for secret in (NEW, OLD, OTHER)] == ["good", "good", "forged"]


@pytest.mark.parametrize(
    ("claims", "kind"),
    [
        ({"exp": NOW_S - LEEWAY_US // SECOND_US}, "good"),
        ({"exp": NOW_S - LEEWAY_US // SECOND_US - 1}, "expired"),
        ({"exp": NOW_S - 0.5 - LEEWAY_US / SECOND_US}, "expired"),
        ({"nbf": NOW_S + 30}, "good"),
        ({"nbf": NOW_S + 31}, "early"),
        ({"nbf": "soon"}, "incomplete"),
        ({"exp": None}, "incomplete"),
        ({"exp": True}, "incomplete"),
        ({"exp": "2099-01-01"}, "incomplete"),
        ({"exp": 10**400}, "incomplete"),
        ({"exp": float("inf")}, "incomplete"),
        ({"exp": float("nan")}, "incomplete"),
        ({"sub": ""}, "incomplete"),
        ({"sub": None}, "incomplete"),
        ({"sub": ["42"]}, "incomplete"),
        ({"sub": 42}, "good"),
        ({"aud": "tactful"}, "good"),
        ({"aud": ["shop", "tactful"]}, "good"),
        ({"aud": "shop"}, "foreign"),
        ({"aud": []}, "foreign"),
        ({"aud": {"tactful": 1}}, "foreign"),
        ({"iat": NOW_S + 10_000, "iss": 7, "jti": 7}, "good"),
    ],
)
def test_what_its_claims_must_say(claims: dict[str, Any], kind: str) -> None:
    assert found(sealed({"alg": "HS256"}, CLAIMS | claims)) == kind


def test_the_instant_decides_not_the_clock() -> None:
    tokens, token = Tokens([NEW]), signed(CLAIMS)
    taken = [isinstance(tokens.prove(token, NOW + late * SECOND_US), Proof) for late in (0, 600, 631, 1, 10_000)]
    assert taken == [True, True, False, True, False]
    assert tokens.counts == {"good": 3, "expired": 2}


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        (sealed({"alg": "none"}, CLAIMS), "unreadable"),
        (f"{part({'alg': 'none'})}.{part(CLAIMS)}.", "unreadable"),
        (f"{part({'alg': 'HS256'})}.{part(CLAIMS)}.", "forged"),
        (sealed({"alg": "HS512"}, CLAIMS), "unreadable"),
        (sealed({"alg": "RS256"}, CLAIMS), "unreadable"),
        (sealed({"alg": "HS256", "crit": ["b64"], "b64": False}, CLAIMS), "unreadable"),
        (sealed({"alg": "HS256", "jwk": {"k": part(NEW.encode()), "kty": "oct"}}, CLAIMS, OTHER), "forged"),
        (sealed({"alg": "HS256", "kid": "../../dev/null"}, CLAIMS, ""), "forged"),
        (sealed(b"[" * 2_000, CLAIMS), "unreadable"),
        (sealed({"alg": "HS256"}, b"[" * 2_000), "unreadable"),
        (sealed({"alg": "HS256"}, b"not json"), "unreadable"),
        (sealed({"alg": "HS256"}, [1]), "unreadable"),
        (signed(CLAIMS) + "x", "forged"),
        (signed(CLAIMS)[:-3], "forged"),
        ("", "unreadable"),
        ("a.b", "unreadable"),
        ("....", "unreadable"),
        ("\ud800.\0.é", "unreadable"),
        ("a" * 5_000, "unreadable"),
        (7, "unreadable"),
        (["a"], "unreadable"),
        ({}, "unreadable"),
    ],
)
def test_what_is_no_token_of_the_shop(token: object, kind: str) -> None:
    assert found(token) == kind


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda body: f"{part(body)}.{part(body)}.{part(body)}"))
def test_whatever_comes_it_is_a_proof_or_a_refusal(token: str) -> None:
    assert isinstance(Tokens([NEW, OLD]).prove(token, NOW), Refusal)


@given(st.data())
def test_a_token_that_was_changed_anywhere_proves_nothing(data: st.DataObject) -> None:
    token = signed(CLAIMS)
    at = data.draw(st.integers(0, len(token) - 2))  # The last character has bits that mean nothing.
    other = data.draw(st.sampled_from("ABCxyz019-_.").filter(lambda letter: letter != token[at]))
    assert found(token[:at] + other + token[at + 1 :]) in ("forged", "unreadable")


def test_the_token_of_the_documents_is_believed() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", Path("docs/identity.md").read_text(encoding="utf-8"), re.DOTALL)
    made: dict[str, Any] = {"SECRET": NEW}
    exec(block, made)
    ends = jwt.decode(made["token"], options={"verify_signature": False})["exp"]
    assert found(made["token"], (ends - 3_600) * SECOND_US) == "good"
