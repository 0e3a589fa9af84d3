"""What a person permits: decisions of fragments folded one by one, against looking at all of them at once."""

from collections.abc import Mapping
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from tactful.consent.permits import ConsentWrite, Permit, allows, cover, decided, effective, granted, permit, record
from tactful.consent.policy import Policy, Purpose
from tactful.kernel.state import Fragment

FRAGMENTS = ("u:1#1", "a:1#1", "a:2#1")
PURPOSES = ("marketing", "marketing.email", "marketing.email.weekly", "analytics")
POLICIES = (
    Policy(),
    Policy(region="opt-out", purposes={"marketing": Purpose(), "analytics": Purpose("legitimate_interest")}),
    Policy(purposes={"marketing.email": Purpose("contract"), "analytics": Purpose("legal_obligation")}),
)
Fragments = dict[str, tuple[dict[str, ConsentWrite], dict[str, dict[str, ConsentWrite]]]]


class Said(NamedTuple):
    """A decision that entered at one fragment while others were there too."""

    purpose: str
    at: str
    others: frozenset[str]
    write: ConsentWrite


@st.composite
def histories(draw: st.DrawFn) -> list[Said]:
    said = []
    for ref in range(draw(st.integers(0, 7))):
        origin = draw(st.sampled_from(("api", "gpc", "categories")))
        is_granted = origin != "gpc" and draw(st.booleans())
        write = ConsentWrite(is_granted, draw(st.integers(0, 3)), draw(st.integers(0, 3)), ref, "", origin)
        at = draw(st.sampled_from(FRAGMENTS))
        others = draw(st.frozensets(st.sampled_from([one for one in FRAGMENTS if one != at])))
        said.append(Said(draw(st.sampled_from(PURPOSES)), at, others, write))
    return said


def folded(said: list[Said]) -> Fragments:
    fragments: Fragments = {name: ({}, {}) for name in FRAGMENTS}
    for one in said:
        record(fragments[one.at][0], one.purpose, one.write)
        for other in one.others:
            cover(fragments[other][1], one.purpose, one.at, one.write)
    return fragments


def person(fragments: Fragments, here: frozenset[str]) -> list[Mapping[str, ConsentWrite]]:
    return [effective(*fragments[name], here) for name in sorted(here)]


def naive(said: list[Said], purpose: str, here: frozenset[str]) -> bool | None:
    """The rule by its words: of each fragment, per deciding fragment and kind of decision the newest (of Global Privacy
    Control the first), without the grants of who is not here; then the newest; no deny and one grant at least."""
    answers = []
    for fragment in here:
        kept: dict[tuple[str, str, bool], ConsentWrite] = {}
        for one in said:
            is_about = purpose == one.purpose or purpose.startswith(one.purpose + ".")
            if not is_about or (one.at != fragment and fragment not in one.others):
                continue
            is_gpc = one.write.origin == "gpc"
            place = (one.purpose, one.at, is_gpc)
            pick = min if is_gpc else max
            kept[place] = pick(kept.get(place, one.write), one.write, key=ConsentWrite.order)
        left = [write for (_, at, _), write in kept.items() if at in here or not write.granted]
        if left:
            answers.append(max(left, key=ConsentWrite.order).granted)
    return all(answers) if answers else None


here_sets = st.frozensets(st.sampled_from(FRAGMENTS), min_size=1)


@given(histories(), here_sets)
def test_what_counts_is_what_the_rule_says(said: list[Said], here: frozenset[str]) -> None:
    consents = person(folded(said), here)
    for purpose in PURPOSES:
        assert granted(consents).get(purpose) is naive(said, purpose, here)


@given(st.data(), histories())
def test_the_order_of_arrival_never_matters(data: st.DataObject, said: list[Said]) -> None:
    assert folded(data.draw(st.permutations(said))) == folded(said)


@given(histories(), here_sets, st.sampled_from(POLICIES), st.sampled_from(("", "DE", "US")))
def test_yes_or_no_is_what_a_permit_is_made_for(
    said: list[Said], here: frozenset[str], policy: Policy, country: str
) -> None:
    consents = person(folded(said), here)
    answers = granted(consents, policy, country)
    for purpose in PURPOSES:
        made = permit(purpose, consents, policy, country)
        assert isinstance(made, Permit) is (answers.get(purpose) is True)
    assert all(answers[purpose] is answers.get(purpose) for purpose in answers)
    assert set(policy.purposes) <= set(answers)


@given(histories(), st.sampled_from(FRAGMENTS))
def test_parting_takes_a_grant_away_and_no_deny(said: list[Said], leaving: str) -> None:
    """After an un-merge nobody is permitted what was denied before, unless the one who denied said otherwise."""
    fragments = folded(said)
    for name in FRAGMENTS:
        own, covered = fragments[name]
        together = effective(own, covered, FRAGMENTS)
        apart = effective(own, covered, frozenset(FRAGMENTS) - {leaving})
        for place, write in together.items():
            if not write.granted:
                assert not apart[place].granted
            elif name != leaving and (by := covered.get(place, {}).get(leaving)) == write:
                assert apart.get(place) != by


@given(histories(), here_sets, st.sampled_from(POLICIES), st.sampled_from(("", "DE", "US")))
def test_the_short_way_says_the_same(said: list[Said], here: frozenset[str], policy: Policy, country: str) -> None:
    fragments = folded(said)
    kept = {
        name: Fragment([], {}, {}, own, covered=covered) for name in sorted(here) for own, covered in [fragments[name]]
    }
    for purpose in PURPOSES:
        made = permit(purpose, person(fragments, here), policy, country)
        assert allows(purpose, kept, policy, lambda: country) is (made is not None)


def test_a_person_of_two_halves() -> None:
    fragments: Fragments = {name: ({}, {}) for name in FRAGMENTS}
    yes, no = ConsentWrite(True, 10, 10, 1), ConsentWrite(False, 20, 20, 2)
    record(fragments["u:1#1"][0], "marketing", yes)
    both = frozenset({"u:1#1", "a:1#1"})
    assert permit("marketing", person(fragments, both)) is not None, "one half granted, the other never decided"
    record(fragments["a:1#1"][0], "marketing", no)
    assert permit("marketing", person(fragments, both)) is None, "the other half has denied since"
    assert permit("marketing", person(fragments, frozenset({"u:1#1"}))) is not None, "before they met, it had not"


def test_a_decision_after_the_merge_covers_the_other_half() -> None:
    fragments: Fragments = {name: ({}, {}) for name in FRAGMENTS}
    record(fragments["a:1#1"][0], "marketing", ConsentWrite(False, 10, 10, 1))
    yes = ConsentWrite(True, 20, 20, 2)
    record(fragments["u:1#1"][0], "marketing", yes)
    cover(fragments["a:1#1"][1], "marketing", "u:1#1", yes)
    both = frozenset({"u:1#1", "a:1#1"})
    assert permit("marketing", person(fragments, both)) is not None
    assert permit("marketing", person(fragments, frozenset({"a:1#1"}))) is None, "the grant went with who gave it"


def test_a_permit_says_why() -> None:
    write = ConsentWrite(True, 1_700_000_000_000_000, 0, 1, "2024-05")
    made = permit("marketing.email", [{"marketing": write}])
    assert made == Permit("marketing.email", "marketing.email granted at 2023-11-14T22:13:20.000Z, text 2024-05")
    assert permit("", []) == Permit("", "needs no consent")
    policy = Policy(region="opt-out", purposes={"ads": Purpose(), "fraud": Purpose("legitimate_interest")})
    assert permit("ads", [], policy, "US") == Permit("ads", "ads: opt-out region US")
    assert permit("fraud", [], policy) == Permit("fraud", "fraud: legitimate interest")
    assert permit("fraud", [{"fraud": ConsentWrite(False, 1, 1, 1)}], policy) is None, "somebody has objected"


def test_what_a_contract_demands_cannot_be_withdrawn() -> None:
    policy = Policy(purposes={"orders": Purpose("contract"), "taxes": Purpose("legal_obligation")})
    no = {"orders": ConsentWrite(False, 1, 1, 1), "taxes": ConsentWrite(False, 1, 1, 1)}
    assert permit("orders", [no], policy) == Permit("orders", "orders: contract")
    assert permit("taxes", [no], policy) == Permit("taxes", "taxes: legal obligation")


def test_global_privacy_control_counts_once() -> None:
    """It comes with every call; who agrees after the first has been heard."""
    decisions: dict[str, ConsentWrite] = {}
    assert record(decisions, "ads", ConsentWrite(False, 10, 10, 1, "", "gpc"))
    assert permit("ads", [decisions]) is None
    assert record(decisions, "ads", ConsentWrite(True, 20, 20, 2))
    assert not record(decisions, "ads", ConsentWrite(False, 30, 30, 3, "", "gpc"))
    assert permit("ads", [decisions]) is not None
    assert {purpose: write.granted for purpose, write in decided(decisions).items()} == {"ads": True}
