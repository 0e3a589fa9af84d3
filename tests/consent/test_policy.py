"""What is allowed before anybody was asked, and what an event's context says."""

import msgspec
import pytest

from tactful.consent.policy import DEFAULT, Policy, Purpose, read, told
from tactful.events.records import CONSENT
from tactful.runtime.settings import plan_settings, read_settings

SETTINGS = """
[consent]
region = "opt-out"
opt_in = ["BR"]
opt_out = ["CH"]
collect = "analytics"
otherwise = "anonymous"

[consent.purposes.analytics]
categories = ["Analytics", "C0002"]

[consent.purposes."marketing.email"]
categories = ["Advertising"]
gpc = true

[consent.purposes.fraud]
basis = "legitimate_interest"
"""


def test_the_settings_arrive_whole() -> None:
    policy = read(plan_settings(read_settings(SETTINGS, {}))[CONSENT])
    assert policy == Policy(
        "opt-out",
        frozenset({"BR"}),
        frozenset({"CH"}),
        "analytics",
        "anonymous",
        {
            "analytics": Purpose(categories=("Analytics", "C0002")),
            "marketing.email": Purpose(categories=("Advertising",), has_gpc=True),
            "fraud": Purpose("legitimate_interest"),
        },
    )


def test_without_settings_everything_is_as_ever() -> None:
    assert CONSENT not in plan_settings(read_settings("", {}))
    assert read("") is DEFAULT
    assert DEFAULT.collect == ""
    assert DEFAULT.by_default("anything", "US") is None


@pytest.mark.parametrize(
    ("country", "because"),
    [
        pytest.param("US", "opt-out region US", id="the region"),
        pytest.param("", "opt-out region", id="a country that nobody knows"),
        pytest.param("DE", None, id="the law"),
        pytest.param("CH", "opt-out region CH", id="a list before the law"),
        pytest.param("BR", None, id="a list before the region"),
    ],
)
def test_where_people_are_asked_first(country: str, because: str | None) -> None:
    policy = read(plan_settings(read_settings(SETTINGS, {}))[CONSENT])
    assert policy.by_default("analytics", country) == because
    assert policy.by_default("fraud", country) == "legitimate interest"
    assert policy.by_default("never declared", country) is None


def test_what_categories_say() -> None:
    policy = read(plan_settings(read_settings(SETTINGS, {}))[CONSENT])

    def said(preferences: object, *, has_gpc: bool = False) -> list[tuple[str, bool, str]]:
        return told(policy, {"consent": {"categoryPreferences": preferences}}, has_gpc=has_gpc)

    assert said({"Advertising": True}) == [("marketing.email", True, "categories")]
    assert said({"Advertising": False}) == [("marketing.email", False, "categories")]
    assert said({"Analytics": True, "C0002": True}) == [("analytics", True, "categories")]
    assert said({"Analytics": True, "C0002": False}) == [("analytics", False, "categories")]
    assert said({"C0002": True}) == [("analytics", True, "categories")], "the other name is another site's"
    assert said({}, has_gpc=True) == [("marketing.email", False, "gpc")]
    for nonsense in (
        {"Functional": True},
        {"Analytics": 1},
        {"Analytics": "yes"},
        {"Analytics": None},
        [],
        "all",
        None,
    ):
        assert said(nonsense) == []
    assert told(policy, {}, has_gpc=False) == told(policy, {"consent": True}, has_gpc=False) == []


def test_a_key_that_nobody_knows_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        read('{"purposes": {"ads": {"basis": "vital_interest"}}}')
