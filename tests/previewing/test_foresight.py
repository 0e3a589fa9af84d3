"""What a publish is said to do is what it does: who enters and leaves, and for whom a journey would have begun."""

from collections.abc import Iterator, Mapping

import pytest

from tactful.operations.evaluation import evaluate_live
from tactful.operations.evaluation.evaluate_lines import Question
from tactful.operations.history.opened import Opened
from tactful.operations.previews.foreseeing import Foresight, as_values, foresee
from tactful.operations.previews.foreseen_text import lines
from tactful.values import DAY_US, SECOND_US
from tests.histories import Life, lived
from tests.previewing.opening import END_US, wandering

LINES = wandering(40, 600)
BUYERS = 'any("Order Completed", last="3d")'
WIDER = 'any("Order Completed", last="7d")'
VIEWERS = 'count("Product Viewed", where=category == "shoes", last="7d") >= 2'
FILES = {
    "segments/buyers.yaml": f"when: {BUYERS}\n",
    "segments/germans.yaml": 'when: country == "DE"\n',
    "journeys/thanks.yaml": (
        "start: {segment: buyers}\nsend: {webhook: 'https://shop.example/x'}\npurpose: transactional\n"
    ),
    "journeys/plain.yaml": (
        "start: {event: Order Completed, where: total > 50}\n"
        "send: {webhook: 'https://shop.example/x'}\npurpose: transactional\n"
    ),
}


@pytest.fixture(scope="module")
def life() -> Life:
    found = lived(FILES, LINES)
    found.until(END_US)
    return found


@pytest.fixture
def opened(life: Life) -> Iterator[Opened]:
    with life.history().open() as found:
        yield found


def foreseen(life: Life, opened: Opened, changed: Mapping[str, str | None]) -> Foresight:
    files = {path: text for path, text in {**FILES, **changed}.items() if text is not None}
    before = life.house.plan(0)
    assert before is not None
    return foresee(opened, before, files, before.plan.publish.settings, END_US, {"thanks": 3})


def holding(text: str, at_us: int = END_US) -> set[str]:
    answers = evaluate_live.answers(Question({"it": text}), LINES, [at_us])[at_us]["it"]
    return {key for key, one in answers.items() if one.value is True}


def bare(keys: tuple[str, ...]) -> set[str]:
    return {key.partition(":")[2] for key in keys}


def test_a_changed_segment_says_who_enters_and_leaves(life: Life, opened: Opened) -> None:
    found = foreseen(life, opened, {"segments/buyers.yaml": f"when: {VIEWERS}\n"})
    (one,) = found.segments
    old, new = holding(BUYERS), holding(VIEWERS)
    assert (one.name, one.how) == ("buyers", "changed")
    assert (one.before, one.after) == (len(old), len(new))
    assert (one.entering, one.leaving) == (len(new - old), len(old - new))
    assert one.entering and one.leaving
    assert bare(one.come) <= new - old
    assert bare(one.go) <= old - new
    assert found.everybody == len(
        evaluate_live.answers(Question({"it": "country is None"}), LINES, [END_US])[END_US]["it"]
    )


def test_a_wider_condition_lets_nobody_go(life: Life, opened: Opened) -> None:
    (one,) = foreseen(life, opened, {"segments/buyers.yaml": f"when: {WIDER}\n"}).segments
    assert one.leaving == 0
    assert one.entering == len(holding(WIDER) - holding(BUYERS)) > 0


def test_a_new_segment_and_one_that_goes(life: Life, opened: Opened) -> None:
    found = foreseen(life, opened, {"segments/viewers.yaml": f"when: {VIEWERS}\n", "segments/germans.yaml": None})
    gone, new = found.segments
    assert (gone.name, gone.how, gone.entering, gone.leaving) == ("germans", "removed", 0, gone.before)
    assert (new.name, new.how, new.leaving, new.entering) == ("viewers", "new", 0, len(holding(VIEWERS)))


def test_what_means_the_same_is_not_touched(life: Life, opened: Opened) -> None:
    found = foreseen(life, opened, {"segments/buyers.yaml": f"# a comment\nwhen: ({BUYERS})\n"})
    assert found.segments == ()
    assert found.journeys == ()
    assert found.seed is None


def test_journeys_are_touched_by_their_segments(life: Life, opened: Opened) -> None:
    (one,) = foreseen(life, opened, {"segments/buyers.yaml": f"when: {WIDER}\n"}).journeys
    assert (one.name, one.how, one.why, one.inside, one.sends) == ("thanks", "touched", ("segment buyers",), 3, 1)
    begun = holding(WIDER) - holding(WIDER, END_US - 7 * DAY_US)
    assert one.begins == len(begun)
    assert bare(one.sample) <= begun


def test_a_journey_that_asks_for_it_begins_at_once(life: Life, opened: Opened) -> None:
    hello = FILES["journeys/thanks.yaml"] + "on_publish: start\nif: country == 'DE'\n"
    found = foreseen(life, opened, {"segments/buyers.yaml": f"when: {VIEWERS}\n", "journeys/thanks.yaml": hello})
    come = (holding(VIEWERS) - holding(BUYERS)) & holding('country == "DE"')
    (one,) = found.journeys
    assert one.at_once == len(come) > 0
    said = [*lines(found)]
    assert any(f"by this publish it begins for {len(come)} (on_publish: start)" in line for line in said)
    assert "nobody is messaged for the past: to come or go by a publish begins no other journey" in said
    (one,) = foreseen(life, opened, {"journeys/thanks.yaml": hello}).journeys
    assert one.at_once == 0, "whoever is in the segment already does not enter it"


def test_a_journey_begun_by_an_event(life: Life, opened: Opened) -> None:
    text = FILES["journeys/plain.yaml"].replace("total > 50", "total > 80") + 'if: country == "DE"\n'
    (one,) = foreseen(life, opened, {"journeys/plain.yaml": text}).journeys
    begun = holding('count("Order Completed", where=total > 80, last="7d") >= 1 and country == "DE"')
    assert (one.how, one.why, one.begins) == ("changed", ("its file",), len(begun))
    assert bare(one.sample) <= begun


def test_a_campaign_has_an_audience(life: Life, opened: Opened) -> None:
    text = "start: {campaign: germans}\nsend: {webhook: 'https://shop.example/x'}\npurpose: transactional\n"
    (one,) = foreseen(life, opened, {"journeys/spring.yaml": text}).journeys
    assert (one.how, one.is_audience, one.begins) == ("new", True, len(holding('country == "DE"')))


def test_what_is_not_counted_yet_is_seeded(life: Life, opened: Opened) -> None:
    seed = foreseen(life, opened, {"segments/viewers.yaml": f"when: {VIEWERS}\n"}).seed
    assert seed is not None
    (events,) = opened.session.rows(
        f"SELECT count(*) FROM events WHERE name = 'Product Viewed' AND timestamp > {END_US - 7 * DAY_US}"
    )[0]
    assert (seed.aggregates, seed.events) == (1, events)
    assert seed.seconds > 0


def test_before_the_first_plan_everything_is_new(life: Life, opened: Opened) -> None:
    found = foresee(opened, None, FILES, {}, END_US, {})
    assert {one.how for one in found.segments} == {"new"}
    assert {one.how for one in found.journeys} == {"new"}
    assert found.seed is None


def test_it_is_json(life: Life, opened: Opened) -> None:
    found = foreseen(life, opened, {"segments/buyers.yaml": f"when: {WIDER}\n"})
    assert as_values(found)["segments"][0]["come"]
    hidden = as_values(found, with_people=False)
    assert hidden["segments"][0]["come"] == hidden["journeys"][0]["sample"] == []


def test_of_what_is_warming_nobody_leaves() -> None:
    """Its condition holds for some already, and it does not say so yet."""
    life = lived(FILES, LINES)
    life.until(END_US)
    life.publish({**FILES, "segments/viewers.yaml": f"when: {VIEWERS}\n"})
    life.until(END_US + SECOND_US)
    with life.history().open() as opened:
        before = life.house.plan(0)
        assert before is not None
        found = foresee(opened, before, FILES, before.plan.publish.settings, END_US + SECOND_US, {})
    (one,) = found.segments
    assert (one.name, one.how, one.before, one.leaving) == ("viewers", "removed", 0, 0)
