"""Whom a call may name: blocked values, the order of kinds, and what browsers are believed."""

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactful.errors import DefinitionError
from tactful.events.identifiers import order, rank
from tactful.events.intake import Arrival, accept, draft_of, encode_draft
from tactful.events.naming import DEFAULT, NOBODY, Naming, Proof, naming
from tactful.events.records import Event, encode, unpack
from tactful.events.sources import Source
from tactful.events.verdicts import Refusal
from tactful.runtime.settings import Settings, naming_of, plan_settings, read_settings

NOW = 1_741_348_800_000_000
SERVER, BROWSER = Source("shop", "SK", "server"), Source("web", "WK", "browser")
KINDS = ("user", "external", "email", "phone", "anonymous", "device")
SIGNED = naming(KINDS, (), is_signed=True)
EVERYTHING: dict[str, Any] = {
    "type": "identify",
    "messageId": "m",
    "userId": "42",
    "anonymousId": "a1",
    "traits": {"email": "ana@shop.example", "phone": "+351912345678"},
    "context": {"externalIds": [{"type": "crm", "id": "7"}], "device": {"id": "d1"}},
}


def said(call: dict[str, Any], source: Source = SERVER, rules: Naming = DEFAULT, **more: Any) -> Event | Refusal:
    body = json.dumps({"type": "track", "event": "Seen", "messageId": "m"} | call).encode()
    return accept(body, Arrival(source, NOW, naming=rules, **more))


def ids(call: dict[str, Any], source: Source = SERVER, rules: Naming = DEFAULT, **more: Any) -> list[str]:
    event = said(call, source, rules, **more)
    return list(event.ids) if isinstance(event, Event) else [event.code]


@pytest.mark.parametrize(
    "value",
    [
        *sorted(NOBODY),
        *("NULL", "Undefined", "N/A", "[object Object]", " none ", "0", "000", "-1", "aaaaaa", "111111"),
        *("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        *("test@shop.example", "Test@x.example", "example@a.example", "noreply@shop.example", "no-reply@shop.example"),
    ],
)
def test_a_value_that_names_nobody_is_dropped_wherever_it_stands(value: str) -> None:
    external = {"externalIds": [{"type": "crm", "id": value}]}
    assert ids({"userId": value, "anonymousId": "a1"}) == ["a:a1"]
    assert ids({"userId": "42", "anonymousId": value, "context": external}) == ["u:42"]
    assert ids({"type": "alias", "userId": "42", "previousId": value}) == ["u:42"]
    assert ids({"userId": "42", "traits": {"email": value}}) == ["u:42"]
    refused = said({"userId": value, "anonymousId": value})
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field) == ("identifier_blocked", "userId")
    assert "anonymousId" in refused.message


@pytest.mark.parametrize(
    "value", ["nullable", "aaaaa", "11111", "10", "0a", "contest@x.example", "guest-7", "-", "a-a"]
)
def test_what_only_looks_like_it_is_somebody(value: str) -> None:
    assert ids({"userId": value}) == [f"u:{value}"]


def test_the_trait_stays_where_its_address_names_nobody() -> None:
    event = said({"type": "identify", "userId": "42", "traits": {"email": "test@shop.example"}})
    assert isinstance(event, Event)
    assert unpack(event.properties) == {"email": "test@shop.example"}


def test_a_workspace_blocks_more() -> None:
    rules = naming(KINDS, ["QA-*", "*@corp.example", "kiosk"], is_signed=False)
    assert ids({"userId": "qa-7", "anonymousId": "Kiosk"}, rules=rules) == ["identifier_blocked"]
    assert ids({"userId": "qa7", "anonymousId": "kiosk2"}, rules=rules) == ["u:qa7", "a:kiosk2"]
    assert ids({"userId": "42", "traits": {"email": "A@Corp.example"}}, rules=rules) == ["u:42"]
    assert ids({"userId": "test@x.example", "anonymousId": "null"}, rules=rules) == ["identifier_blocked"]


@given(
    st.text("ab*@", min_size=1, max_size=7).filter(lambda text: text.strip("*")), st.text("ab@", min_size=1, max_size=9)
)
def test_a_star_stands_for_anything(pattern: str, value: str) -> None:
    rules = naming(KINDS, [pattern], is_signed=False)
    wanted = fnmatchcase(value, pattern) or DEFAULT.blocks(f"u:{value}")
    assert rules.blocks(f"u:{value}") == wanted


@given(st.sampled_from([*NOBODY, "kiosk-7", "0", "42", "b"]), st.data())
def test_the_glance_sees_what_the_rule_says(value: str, data: st.DataObject) -> None:
    """Whatever case it is in and whatever surrounds it."""
    rules = naming(KINDS, ["kiosk-7"], is_signed=False)
    letters = [data.draw(st.sampled_from((letter, letter.upper()))) for letter in value]
    name = "".join(letters) + data.draw(st.text("0xl-", max_size=2))
    wanted = [key for key in (f"u:{name}", "a:a1") if not rules.blocks(key)]
    assert ids({"userId": name, "anonymousId": "a1"}, rules=rules) == wanted
    assert ids({"userId": "a1", "anonymousId": name}, rules=rules)[1:] == [
        key for key in [f"a:{name}"] if len(wanted) > 1
    ]


def test_the_strongest_is_what_the_workspace_says() -> None:
    rules = naming(("email", "user", "phone", "external", "device", "anonymous"), (), is_signed=False)
    everything = ["e:ana@shop.example", "u:42", "p:+351912345678", "x:crm:7", "a:a1", "d:d1"]
    assert ids(EVERYTHING, rules=rules) == everything
    assert ids(EVERYTHING) == ["u:42", "x:crm:7", "e:ana@shop.example", "p:+351912345678", "a:a1", "d:d1"]


@given(st.permutations("uxep"), st.permutations("ad"), st.lists(st.sampled_from("uxepad"), min_size=2, max_size=2))
def test_the_order_is_that_of_the_kinds(strong: list[str], weak: list[str], kinds: list[str]) -> None:
    priority = "".join(strong + weak)
    first, second = sorted(kinds, key=priority.index)
    assert rank(first, priority) <= rank(second, priority)
    assert (rank(first, priority) == rank(second, priority)) == (first == second or {first, second} == {"a", "d"})
    assert order("a:1", priority) < order("a:2", priority)


# ---- browsers --------------------------------------------------------------------------------------------------------


def test_a_browser_speaks_of_itself_only() -> None:
    event = said(EVERYTHING, BROWSER)
    assert isinstance(event, Event)
    assert (event.ids, event.is_verified) == (("u:42", "a:a1", "d:d1"), False)
    assert unpack(event.properties) == EVERYTHING["traits"]
    assert ids(EVERYTHING, BROWSER, SIGNED) == ["a:a1", "d:d1"]


@pytest.mark.parametrize(
    ("call", "rules", "field"),
    [
        ({"type": "identify", "traits": {"email": "ana@shop.example"}}, DEFAULT, "traits.email"),
        ({"traits": {"phone": "+351912345678"}}, DEFAULT, "traits.phone"),
        ({"context": {"externalIds": [{"type": "crm", "id": "7"}]}}, DEFAULT, "context.externalIds"),
        ({"userId": "42"}, SIGNED, "userId"),
        ({"userId": "42", "anonymousId": "null"}, SIGNED, "userId"),
    ],
)
def test_who_proves_nothing_and_names_nobody_else_is_told_what_to_do(
    call: dict[str, Any], rules: Naming, field: str
) -> None:
    refused = said(call, BROWSER, rules)
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field) == ("identity_unproved", field)
    assert "anonymousId" in refused.message and "identityToken" in refused.message
    assert isinstance(said(call, SERVER, rules), Event)


def test_an_alias_of_a_browser_ties_anonymous_ids_only() -> None:
    alias = {"type": "alias", "userId": "mallory", "previousId": "victim"}
    assert ids(alias, BROWSER) == ["u:mallory", "a:victim"]
    assert ids(alias, BROWSER, SIGNED, proof=Proof("u:mallory")) == ["u:mallory", "a:victim"]
    assert ids(alias | {"anonymousId": "zoe"}, BROWSER, SIGNED) == ["a:victim", "a:zoe"]
    assert ids(alias, SERVER) == ["u:mallory", "u:victim", "a:victim"]


@pytest.mark.parametrize("rules", [DEFAULT, SIGNED])
def test_a_token_vouches_for_its_user_and_the_addresses_in_it(rules: Naming) -> None:
    proof = Proof("u:42", ("e:ana@shop.example",))
    event = said(EVERYTHING, BROWSER, rules, proof=proof)
    assert isinstance(event, Event)
    assert (event.ids, event.is_verified) == (("u:42", "e:ana@shop.example", "a:a1", "d:d1"), True)
    other = EVERYTHING | {"traits": {"email": "victim@shop.example"}}
    assert ids(other, BROWSER, rules, proof=proof) == ["u:42", "a:a1", "d:d1"]


def test_a_token_of_somebody_else_vouches_for_nothing() -> None:
    event = said(EVERYTHING, BROWSER, proof=Proof("u:41", ("e:ana@shop.example",)))
    assert isinstance(event, Event)
    assert (event.ids, event.is_verified) == (("u:42", "a:a1", "d:d1"), False)
    assert ids(EVERYTHING, BROWSER, SIGNED, proof=Proof("u:41")) == ["a:a1", "d:d1"]


# ---- consent ---------------------------------------------------------------------------------------------------------


def test_only_what_speaks_of_consent_has_a_salt() -> None:
    salted = [
        said({"userId": "42", "context": context}, salt_key=b"k")
        for context in ({"gpc": True}, {"consent": {"categoryPreferences": {"ads": False}}})
    ]
    plain = said({"userId": "42", "context": {"ip": "203.0.113.7"}}, salt_key=b"k")
    headed = said({"userId": "42"}, salt_key=b"k", has_gpc=True)
    other = said({"userId": "42", "messageId": "n"}, salt_key=b"k", has_gpc=True)
    keyed = said({"userId": "42"}, salt_key=b"l", has_gpc=True)
    salts = [event.salt for event in (*salted, plain, headed, other, keyed) if isinstance(event, Event)]
    assert [len(salt) for salt in salts] == [16, 16, 0, 16, 16, 16]
    assert salts[0] == salts[3]
    assert len({salts[3], salts[4], salts[5]}) == 3


def test_an_objection_in_the_header_is_in_the_context_of_every_event() -> None:
    shared: dict[str, Any] = {"context": {"ip": "203.0.113.7"}, "has_gpc": True}
    for call in ({"userId": "42"}, {"userId": "42", "context": {"gpc": False}}):
        event = said(call, BROWSER, **shared)
        assert isinstance(event, Event)
        assert unpack(event.context) == {"ip": "203.0.113.7", "gpc": True}
    assert shared["context"] == {"ip": "203.0.113.7"}


@given(st.booleans(), st.booleans(), st.sampled_from([DEFAULT, SIGNED]), st.sampled_from([SERVER, BROWSER]))
def test_a_draft_is_the_bytes_of_its_event(has_gpc: bool, has_proof: bool, rules: Naming, source: Source) -> None:
    proof = Proof("u:42", ("p:+351912345678",)) if has_proof else None
    arrival = Arrival(source, NOW, naming=rules, proof=proof, salt_key=b"k", has_gpc=has_gpc)
    body = json.dumps(EVERYTHING).encode()
    event, drafted = accept(body, arrival), draft_of(body, arrival)
    assert isinstance(event, Event)
    assert encode_draft(drafted) == encode(event)


# ---- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('ties = ["user"]', "user"),
        ('ties = ["mail"]', "mail"),
        ('priority = ["user", "email"]', "priority"),
        ('priority = ["anonymous", "user", "external", "email", "phone", "device"]', "last"),
        ('blocked = ["**"]', "everybody"),
        ('secrets = ["short"]', "32 bytes"),
        ("users = 0", "users"),
        ("moves_per_hour = 0", "moves_per_hour"),
        ('browser = "closed"', "browser"),
    ],
)
def test_what_the_settings_refuse(line: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        read_settings(f"[identity]\n{line}\n", {})


def test_secrets_come_from_the_environment_and_go_into_no_plan() -> None:
    new, old = "n" * 32, "o" * 40
    settings = read_settings('[identity]\nbrowser = "signed"\n', {"TACTFUL_IDENTITY_SECRET": f"{new} {old}"})
    assert settings.identity.secrets == [new, old]
    assert naming_of(settings.identity).is_signed
    assert not any(secret in text for text in plan_settings(settings).values() for secret in (new, old))
    assert naming_of(Settings().identity).priority == DEFAULT.priority
