"""The commands of examples/shop/stories/README.md: what each shows is who would get which message when, and who not, and
why."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

SHOP = Path("examples/shop")
PAGE = (SHOP / "stories" / "README.md").read_text(encoding="utf-8")
COMMANDS = {
    line.split()[2].split("/")[-1].removesuffix(".yaml"): line
    for line in re.findall(r"^    (tactful .*)$", PAGE, re.MULTILINE)
}

SENT: dict[str, list[str]] = {
    "cart_reminder": ["03-12T10:40 u:ada cart_reminder"],
    "browse_without_buying": ["03-12T13:45 u:ada browse_without_buying"],
    "second_look": ["03-12T10:19 u:ada second_look"],
    "welcome": [
        "03-06T15:00 u:ada welcome_1",
        "03-06T15:00 u:bob welcome_1",
        "03-10T09:00 u:ada welcome_2_browsing",
        "03-10T13:00 u:bob welcome_2_bought",
        "03-17T09:00 u:ada welcome_3",
        "03-17T13:00 u:bob welcome_3",
    ],
    "confirm_newsletter": ["03-12T09:00 u:zoe confirm"],
    "win_back": ["04-11T09:00 u:ada win_back", "04-11T09:00 u:bob win_back", "04-18T09:00 u:ada win_back_reminder"],
    "third_order": ["03-29T10:00 u:ada thank_you"],
    "demo_help": ["03-24T09:00 u:ada demo_help"],
    "early_winter": [],
    "winter_arrivals": ["10-07T09:00 u:ada winter_arrivals"],
}
WHY_NOT = {
    "cart_reminder": [
        ("u:cem", "unless cart.quantity == 0"),
        ("u:ada", "restarted"),
        ("u:bob", "Order Completed came first"),
        ("u:dov", "no consent: email_marketing: never granted, or withdrawn"),
    ],
    "browse_without_buying": [("u:bob", "Product Added came first")],
    "win_back": [("u:bob", "Order Completed came first")],
    "early_winter": [("u:ada", "it went to its end")],
}


def looks(run: Run, journey: str) -> list[dict[str, Any]]:
    result = run(*shlex.split(COMMANDS[journey])[1:], "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(text) for text in result.stdout.splitlines()]


def test_every_journey_of_the_shop_has_its_story() -> None:
    journeys = {path.stem for path in (SHOP / "journeys").glob("*.yaml")}
    assert journeys == set(COMMANDS) == set(SENT) == {path.stem for path in (SHOP / "stories").glob("*.jsonl")}


@pytest.mark.parametrize("journey", COMMANDS)
def test_who_would_get_what_and_who_not(run: Run, journey: str) -> None:
    found = looks(run, journey)
    sent = [f"{look['at'][5:16]} {look['person']} {one['message']}" for look in found for one in look["messages"]]
    assert sorted(sent) == SENT[journey]
    steps = [(look["person"], step) for look in found for step in look["story"]]
    refused = [(who, step["because"]) for who, step in steps if step["kind"] in ("ended", "outcome")]
    assert list(dict.fromkeys(refused)) == WHY_NOT.get(journey, [])
    assert all(
        one["subject"] and "could not be written" not in one["subject"] for look in found for one in look["messages"]
    )


def test_who_looked_at_winter_clothes_in_august_is_remembered(run: Run) -> None:
    told = [
        (look["person"], step["because"])
        for look in looks(run, "early_winter")
        for step in look["story"]
        if step["kind"] == "set"
    ]
    assert told == [("u:ada", '{"early_winter":"2025-08-15T12:00:00.000Z"}')]


@pytest.mark.parametrize("journey", COMMANDS)
def test_the_text_says_the_same(run: Run, journey: str) -> None:
    result = run(*shlex.split(COMMANDS[journey])[1:])
    assert result.exit_code == 0, result.output
    number = len(SENT[journey])
    assert f"{number} message{'' if number == 1 else 's'} would have been sent" in result.stdout
    assert "events that were not kept" not in result.stdout
