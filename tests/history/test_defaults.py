"""Permits as of T under a policy: live, in SQL, and by the words of docs/consent.md."""

import json
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from tactful.operations.evaluation.cases import instant
from tactful.operations.evaluation.evaluate_lines import Question
from tactful.values import SECOND_US, format_time
from tests.parity.batches import ENGINES

POLICIES: Mapping[str, dict[str, Any]] = {
    "none": {},
    "opt-in": {
        "opt_out": ["US"],
        "purposes": {
            "ads": {"gpc": True, "categories": ["Ads"]},
            "ads.email": {"categories": ["Mail", "Newsletter"]},
            "fraud": {"basis": "legitimate_interest", "categories": ["Security"]},
            "orders": {"basis": "contract", "categories": ["Ads"]},
        },
    },
    "opt-out": {
        "region": "opt-out",
        "opt_in": ["BR"],
        "purposes": {
            "ads": {"categories": ["Ads"]},
            "ads.email": {"gpc": True, "categories": ["Mail"]},
            "orders": {"basis": "legal_obligation", "gpc": True},
        },
    },
}
PURPOSES = ("ads", "ads.email", "fraud", "orders", "never")
COUNTRIES = ("US", "DE", "BR", "CH", "Deutschland", "Atlantis", "", None, 5, ["US"])
EEA_AND_LIKE = ("DE", "CH")
BEGIN = instant("2025-03-01T00:00:00Z")


def history(random: Random) -> list[dict[str, Any]]:
    """Lines of a few people who decide, move, and are late, a second or so apart."""
    lines = []
    for second in range(40):
        at = BEGIN + second * SECOND_US
        happened = at - random.choice((0, 0, 0, 3, 10)) * SECOND_US
        line: dict[str, Any] = {"userId": random.choice("abcdef"), "receivedAt": format_time(at)}
        kind = random.choice(("consent", "consent", "identify", "track", "track", "track"))
        if kind == "consent":
            line |= {"type": kind, "purpose": random.choice(PURPOSES), "granted": random.random() < 0.5}
        elif kind == "identify":
            place = random.choice(COUNTRIES)
            traits = random.choice(({"country": place}, {"address": {"country": place}}, {"address": place}))
            line |= {"type": kind, "traits": traits, "timestamp": format_time(happened)}
        else:
            context: dict[str, Any] = {"location": {"country": random.choice(COUNTRIES)}}
            if random.random() < 0.3:
                context["gpc"] = random.choice((True, True, False, "true"))
            if random.random() < 0.3:
                named = random.sample(("Ads", "Mail", "Newsletter", "Security", "Other"), 2)
                context["consent"] = {"categoryPreferences": {one: random.choice((True, False, None)) for one in named}}
            line |= {"type": "track", "event": "A", "context": context, "timestamp": format_time(happened)}
        lines.append(line)
    return lines


def naive(policy: dict[str, Any], lines: list[dict[str, Any]], purpose: str) -> bool:
    """One person's lines, in the order in which they came."""
    purposes = policy.get("purposes", {})
    declared = purposes.get(purpose)
    if declared is not None and declared.get("basis") in ("contract", "legal_obligation"):
        return True
    newest: dict[str, tuple[tuple[str, int], bool]] = {}
    first_gpc: dict[str, tuple[tuple[str, int], bool]] = {}
    for place, line in enumerate(lines):
        order = (line.get("timestamp", line["receivedAt"]), place)
        said = {line["purpose"]: line["granted"]} if line["type"] == "consent" else {}
        context = line.get("context", {})
        preferences = context.get("consent", {}).get("categoryPreferences", {})
        for name, one in purposes.items():
            answers = [preferences[each] for each in one.get("categories", ()) if preferences.get(each) is not None]
            # What is said again with the next call is no new decision.
            if answers and (name not in newest or newest[name][1] is not all(answers)):
                said[name] = all(answers)
            if context.get("gpc") is True and one.get("gpc"):
                first_gpc[name] = min(first_gpc.get(name, (order, False)), (order, False))
        for name, granted in said.items():
            if name not in newest or newest[name][0] < order:
                newest[name] = (order, granted)
    about = (purpose, purpose.partition(".")[0])
    decisions = [kept[name] for kept in (newest, first_gpc) for name in about if name in kept]
    if decisions:
        return max(decisions)[1]
    if declared is None or declared.get("basis") == "legitimate_interest":
        return declared is not None
    where = country(lines)
    if where in policy.get("opt_in", ()) or where in policy.get("opt_out", ()):
        return where in policy.get("opt_out", ())
    return where not in EEA_AND_LIKE and policy.get("region") == "opt-out"


def country(lines: list[dict[str, Any]]) -> str:
    codes = {"US": "US", "DE": "DE", "BR": "BR", "CH": "CH", "Deutschland": "DE"}
    ordered = sorted(enumerate(lines), key=lambda one: (one[1].get("timestamp", one[1]["receivedAt"]), one[0]))
    traits: dict[str, Any] = {}
    seen = ""
    for _, line in ordered:
        traits |= line.get("traits", {})
        named = line.get("context", {}).get("location", {}).get("country")
        seen = codes.get(named, seen) if isinstance(named, str) else seen
    address = traits.get("address")
    told = (traits.get("country"), address.get("country") if isinstance(address, dict) else None)
    return next((codes[one] for one in told if isinstance(one, str) and one in codes), seen)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(4))
def test_live_and_sql_answer_by_the_policy(policy: str, seed: int) -> None:
    lines = history(Random(f"{policy} {seed}"))
    told = POLICIES[policy]
    instants = [BEGIN + second * SECOND_US for second in (5, 17, 29, 39)]
    expressions = {purpose: f'consents("{purpose}")' for purpose in PURPOSES}
    question = Question(expressions, consent=json.dumps(told) if told else "")
    answers = {name: ask(question, lines, instants) for name, ask in ENGINES.items()}
    for at in instants:
        come = [line for line in lines if instant(line["receivedAt"]) <= at]
        people = {line["userId"] for line in come}
        for purpose in PURPOSES:
            meant = {one: naive(told, [line for line in come if line["userId"] == one], purpose) for one in people}
            for name, found in answers.items():
                assert {one: answer.value for one, answer in found[at][purpose].items()} == meant, (name, purpose, at)
