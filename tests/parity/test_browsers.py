"""What browsers say beside servers: live states and the history agree on who permits what (I5), also where keeping needs
a yes, and where a server comes to know somebody after a browser has spoken for them."""

from collections.abc import Callable
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from msgspec import Raw
from msgspec.structs import replace
from sqlglot import exp

from tactful.events import derived
from tactful.events.records import Consent, Event, pack, unpack
from tactful.history import producer, remains
from tactful.language.sql import build, consents
from tactful.language.sql.relations import Query
from tactful.operations.evaluation.evaluate_lines import Question
from tactful.operations.lines import History as Said
from tactful.values import parse_time
from tests.parity.histories import PURPOSES, history
from tests.parity.lived import Lived, first

Patch = pytest.MonkeyPatch
POLICIES = (
    "",
    '{"collect": "mail", "otherwise": "drop", "purposes": {"mail": {"categories": ["one"]}, "sms": {"gpc": true}}}',
    (
        '{"region": "opt-out", "collect": "mail", "otherwise": "anonymous", "purposes": {"mail": {"categories": ["one"],'
        ' "gpc": true}, "sms": {"basis": "legitimate_interest", "categories": ["two"]}}}'
    ),
)
ADDRESSES = ("ada@x.example", "eve@x.example")
RULES = ("", "", "first", "{sources: [till, crm]}")
"""Of the trait that mail goes to."""
IDENTITIES = ("", '{"browser": "signed"}')
ASKED = {
    **{f"{number}": f'consents("{purpose}")' for number, purpose in enumerate((*PURPOSES, "mail.news", "other"))},
    "all": 'count("*", last="2d")',
    "city": "address.city",
}
RETAINED = {
    f"events/{nth}.yaml": f"name: {name}\nretention: 2d\n"
    for nth, name in enumerate(("A", "B", "C", "D", "Product Added", "Order Completed"))
}


class Browsing(Lived):
    """Of most people some of what is said comes from a browser, and has a banner's answers with it."""

    def _told(self, record: Said) -> Said:
        random = Random(f"{record.received_at} {getattr(record, 'message_id', '')}")
        if not isinstance(record, Event | Consent):
            return record
        if isinstance(record, Event) and record.kind == "identify" and random.random() < 0.5:
            record = replace(record, properties=_with_address(record.properties, random))
        if isinstance(record, Consent) and record.granted and random.random() < 0.4:
            return _confirmed(record, random)
        if random.random() < 0.25:
            return record
        is_verified = random.random() < 0.1
        record = replace(record, trust="browser", is_verified=is_verified)
        if isinstance(record, Event) and random.random() < 0.5:
            record = replace(record, context=_banner(random))
        return record


def _with_address(properties: Raw, random: Random) -> Raw:
    return pack({**unpack(properties), "email": random.choice((*ADDRESSES * 2, " Ada@X.example", None, 5))})


def _confirmed(record: Consent, random: Random) -> Consent:
    """As the reader of an address presses the button."""
    address = random.choice(ADDRESSES)
    return replace(record, source="confirm", trust="server", origin="confirm", address=address)


def _by_rule(rule: str) -> dict[str, str]:
    declared = f"name: $identify\nproperties: {{email: {{type: anything, merge: {rule}}}}}\n"
    return {"events/identify.yaml": declared} if rule else {}


def _banner(random: Random) -> Raw:
    preferences = {name: random.random() < 0.6 for name in ("one", "two") if random.random() < 0.7}
    said: dict[str, object] = {"consent": {"categoryPreferences": preferences}}
    if random.random() < 0.15:
        said["gpc"] = True
    if random.random() < 0.3:
        said["location"] = {"country": random.choice(("DE", "US", "BR"))}
    return pack(said)


def _differs(seed: int, people: int, instants: int) -> object:
    random = Random(seed)
    lines, at = history(random, people, instants)
    question = Question(
        ASKED,
        {**random.choice(({}, {}, RETAINED)), **_by_rule(random.choice(RULES))},
        consent=random.choice(POLICIES),
        identity=random.choice((*IDENTITIES[:1] * 3, *IDENTITIES[1:])),
    )
    lived = Browsing(question, lines, at, seed, archives=0.02)
    for one in at:
        if (found := first(lived.then[one], lived.live[one])) is not None:
            return question.consent, one, found
    lived.demand_the_same_afterwards()
    return None


@pytest.mark.parametrize("seed", range(2))
def test_who_permits_what(seed: int) -> None:
    assert _differs(seed, 30, 4) is None


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 160))
def test_many_more(seed: int) -> None:
    assert _differs(seed, 60, 8) is None


def _gpc_comes_late() -> bool:
    """Whether live and history agree that of Global Privacy Control the first counts, in whichever order it comes in."""

    def line(day: int, received: int, **said: Any) -> dict[str, Any]:
        at, came = (f"2026-03-{one:02}T10:00:00Z" for one in (day, received))
        return {"type": "track", "event": "A", "userId": "1", "timestamp": at, "receivedAt": came, **said}

    yes = {"type": "consent", "userId": "1", "purpose": "sms", "granted": True, "receivedAt": "2026-03-02T10:00:00Z"}
    objects: Any = {"context": {"gpc": True}}
    lines = [yes, line(3, 3, **objects), line(1, 5, **objects), line(6, 6, **objects)]
    instants = [at for day in (4, 7) if (at := parse_time(f"2026-03-{day:02}T00:00:00Z")) is not None]
    asked = {"sms": 'consents("sms")'}
    lived = Lived(Question(asked, consent='{"purposes": {"sms": {"gpc": true}}}'), lines, instants)
    assert [lived.live[at]["sms"]["1"].value for at in instants] == [False, True]
    return lived.then == lived.live


def test_of_global_privacy_control_the_first_counts() -> None:
    assert _gpc_comes_late()


# ---- faults that must be found ---------------------------------------------------------------------------------------


def browsers_are_heard_of_everybody(patch: Patch) -> None:
    patch.setattr(consents, "_is_vouched", lambda _: build.FALSE)


def browsers_are_heard_of_nobody(patch: Patch) -> None:
    patch.setattr(consents, "_is_vouched", lambda _: build.TRUE)


def a_score_is_a_servers_word(patch: Patch) -> None:
    patch.setattr(consents, "TOLD", ("nothing",))


def a_server_is_forgotten_with_what_it_said(patch: Patch) -> None:
    patch.setattr(remains, "_said_by_servers", lambda those: pa.array([False] * len(those)))


def what_was_said_before_a_yes_without_proof_counts(patch: Patch) -> None:
    """As if that yes had never been said."""
    decision = consents._decision

    def without(query: Query, purposes: list[str], to: str) -> build.Select:
        found = decision(query, purposes, to)
        for where in found.find_all(exp.Where):
            if any(one.name == "purpose" for one in where.find_all(exp.Column)):
                heard = exp.column("is_hearsay", "w", quoted=True)
                where.set("this", exp.And(this=exp.Paren(this=where.this), expression=exp.Not(this=heard)))
        return found

    patch.setattr(consents, "_decision", without)


def whoever_reads_an_address_agrees(patch: Patch) -> None:
    """As if every confirmation were of the address that mail goes to."""
    decided = producer._decided
    made = {
        **producer._MADE,
        derived.ConsentChanged: lambda row, *rest: decided(replace(row, address=""), *rest),
    }
    patch.setattr(producer, "_MADE", made)


def signed_browsers_are_believed_no_more_than_others(patch: Patch) -> None:
    decision = consents.decision
    patch.setattr(consents, "decision", lambda query, purpose, **_: decision(query, purpose))


PLANTED: list[Callable[[Patch], None]] = [
    browsers_are_heard_of_everybody,
    browsers_are_heard_of_nobody,
    a_score_is_a_servers_word,
    a_server_is_forgotten_with_what_it_said,
    what_was_said_before_a_yes_without_proof_counts,
    whoever_reads_an_address_agrees,
    signed_browsers_are_believed_no_more_than_others,
]


@pytest.mark.long
@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_what_is_planted_is_found(plant: Callable[[Patch], None], monkeypatch: Patch) -> None:
    plant(monkeypatch)
    for seed in range(24):
        try:
            if _differs(seed, 30, 3) is not None:
                return
        except AssertionError:
            return
    pytest.fail(f"nobody noticed {plant.__name__}")


def test_of_global_privacy_control_the_last_would_be_noticed(monkeypatch: Patch) -> None:
    least = build.least

    def last(value: build.Sql) -> build.Sql:
        return build.greatest(value) if "is_hearsay" in value.sql() else least(value)

    monkeypatch.setattr(build, "least", last)
    assert not _gpc_comes_late()
