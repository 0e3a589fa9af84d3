"""What is allowed before anybody was asked, and what an event's context says."""

import msgspec
import pytest

from tactful.consent.policy import DEFAULT, Policy, Purpose, read, told
from tactful.errors import DefinitionError
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
    assert said({"Advertising": True}, has_gpc=True) == [("marketing.email", False, "gpc")], "perhaps a preset"
    assert ("marketing.email", False, "categories") in said({"Advertising": False}, has_gpc=True)
    nonsense: tuple[object, ...] = ({"Functional": True}, {"Analytics": 1}, {"Analytics": "yes"}, {"Analytics": None})
    assert all(said(one) == [] for one in (*nonsense, [], "all", None))
    assert told(policy, {}, has_gpc=False) == told(policy, {"consent": True}, has_gpc=False) == []


def test_a_key_that_nobody_knows_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        read('{"purposes": {"ads": {"basis": "vital_interest"}}}')


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ('opt_in = ["Germany"]', "consent.opt_in: 'Germany' is no country", "DE"),
        ('opt_out = ["us"]', "consent.opt_out: 'us' is no country", "US"),
        ('opt_in = ["BR"]\nopt_out = ["BR"]', "consent.opt_in: BR stands in both lists", "one of them"),
        ('collect = "anlytics"\n[consent.purposes.analytics]', 'no purpose "anlytics" is declared', '"analytics"'),
        ('collect = "analytics"', 'no purpose "analytics" is declared', '[consent.purposes."analytics"]'),
        ('[consent.purposes."Big One"]', '"Big One" is no name of a purpose', "small letters"),
        (
            '[consent.purposes.a]\ncategories = ["C1"]\n[consent.purposes.b]\ncategories = ["C2", "C1"]',
            'the category "C1" is one of a already',
            "above both",
        ),
        ('[consent.purposes.a]\ncategories = ["C1", "C1"]', 'the category "C1" is one of a already', "above both"),
        ('otherwise = "keep"', "otherwise", "write anonymous, count or drop"),
        (
            '[consent.purposes.a]\nbasis = "vital_interest"',
            "vital_interest",
            "legitimate_interest",
        ),
        ("[consent.purposes.a]\nbasics = 1", "basics", 'did you mean "basis"?'),
    ],
)
def test_settings_that_cannot_be_meant(text: str, said: str, hint: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        read_settings(f"[consent]\n{text}\n", {})
    (problem,) = caught.value.problems
    assert said in problem.message
    assert hint in problem.hint
    assert problem.place.line > 1
