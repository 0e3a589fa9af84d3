"""The settings of a project hold for a file of history as they do for an installation, in both engines."""

from typing import Any

import msgspec
import pytest

from tactful.errors import UsageError
from tactful.operations.evaluation import evaluate_live, evaluate_sql
from tactful.operations.evaluation.evaluate_lines import Question
from tactful.runtime.settings import IdentitySettings
from tactful.values import parse_time
from tests.queries import QUERIES

NOON = parse_time("2025-03-10T12:00:00Z") or 0


def line(second: int, **call: Any) -> dict[str, Any]:
    return {"type": "track", "event": "A", "receivedAt": f"2025-03-01T10:00:{second:02}Z", **call}


def answers(
    lines: list[dict[str, Any]],
    text: str = 'count("A")',
    *,
    identity: dict[str, Any] | None = None,
    consent: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """By person, of both engines."""
    own = msgspec.json.encode({**msgspec.to_builtins(IdentitySettings()), **(identity or {})}).decode()
    policy = "" if consent is None else msgspec.json.encode(consent).decode()
    asked = Question({"x": text}, identity=own, consent=policy)
    live = evaluate_live.answers(asked, lines, [NOON])[NOON]["x"]
    assert live == evaluate_sql.answers(asked, lines, [NOON], queries=QUERIES)[NOON]["x"]
    return {person: answer.value for person, answer in live.items()}


def test_who_is_blocked_ties_nobody() -> None:
    lines = [line(1, userId="ada", anonymousId="till-1"), line(2, userId="bob", anonymousId="till-1")]
    lines.append(line(3, anonymousId="b2", userId="till-9"))
    tied = {"ada": 1, "bob": 1, "till-9": 1}
    assert answers(lines) == tied
    assert answers(lines, identity={"blocked": ["till-*"]}) == {"ada": 1, "bob": 1, "b2": 1}
    with pytest.raises(UsageError, match=r"line 1: .* stands for nobody"):
        answers([line(1, userId="till-1")], identity={"blocked": ["till-*"]})


def test_what_is_no_call_names_people_by_the_same_rules() -> None:
    decision = {"type": "consent", "purpose": "mail", "granted": True, "receivedAt": "2025-03-01T10:00:09Z"}
    lines = [line(1, userId="ada"), line(2, anonymousId="b2"), {**decision, "userId": "till-1", "anonymousId": "b2"}]
    section = {"purposes": {"mail": {"basis": "consent"}}}
    found = answers(lines, "consents('mail')", identity={"blocked": ["till-*"]}, consent=section)
    assert found == {"ada": False, "b2": True}
    other = {**decision, "userId": "ada", "email": "ada@mail.example"}
    first = {"priority": ["email", "user", "external", "phone", "anonymous", "device"]}
    lines = [line(1, userId="ada"), other]
    assert answers(lines, "consents('mail')", consent=section) == {"ada": True}
    assert answers(lines, "consents('mail')", identity=first, consent=section) == {
        "ada": False,
        "e:ada@mail.example": True,
    }
    with pytest.raises(UsageError, match="line 1: an identifier is un-merged: it needs"):
        answers([{"type": "unmerge", "userId": "null", "receivedAt": "2025-03-01T10:00:09Z"}])


def test_the_strongest_identifier_is_the_projects() -> None:
    lines = [line(1, userId="ada", anonymousId="b1"), line(2, anonymousId="b1")]
    assert answers(lines) == {"ada": 2}
    turned = {"priority": ["anonymous", "user", "external", "email", "phone", "device"]}
    assert answers(lines, identity={**turned, "ties": ["user"]}) == {"b1": 2}


def test_what_is_tied_and_how_much_of_it() -> None:
    lines = [line(n, userId="ada", anonymousId=f"b{n}") for n in range(3)]
    lines += [line(10 + n, anonymousId=f"b{n}") for n in range(3)]
    assert answers(lines) == {"ada": 6}
    assert answers(lines, identity={"ties": ["email"]}) == {"ada": 3, "b0": 1, "b1": 1, "b2": 1}
    assert answers(lines, identity={"devices": 2}) == {"ada": 5, "b2": 1}
    assert answers(lines, identity={"shared": ["b1"]}) == {"ada": 5, "b1": 1}


def test_what_may_be_kept() -> None:
    said = {"consent": {"categoryPreferences": {"Analytics": True}}}
    lines = [line(1, userId="ada", context=said), line(2, userId="ada"), line(3, userId="bob")]
    purposes = {"analytics": {"categories": ["Analytics"]}}
    assert answers(lines, consent={"purposes": purposes}) == {"ada": 2, "bob": 1}
    asked = {"purposes": purposes, "collect": "analytics", "otherwise": "drop"}
    assert answers(lines, consent=asked) == {"ada": 2}
