"""How many people a condition holds for: the same number, whether it is published or only asked."""

from collections.abc import Mapping
from random import Random

import pytest
from msgspec.structs import replace

from tactful.events.records import Event
from tactful.kernel.definitions import read_project, vocabulary_of
from tactful.kernel.state import decode_partition, decode_plan
from tactful.language.check import check
from tactful.operations import matching as module
from tactful.operations.matching import Matched, Matching
from tactful.values import DAY_US, HOUR_US
from tests.operations.engine import Engine

NAMES = ("Product Viewed", "Product Added", "Order Completed")
CONDITIONS = [
    'any("Order Completed", last="30d")',
    'count("Product Viewed", where=category == "shoes", last="7d") >= 2',
    'sum("Order Completed", total) > 50',
    'not any("Product Added")',
    'country == "DE"',
    'country == "DE" and count("*") > 3',
    'sequence("Product Viewed", "Product Added", not "Order Completed", last="30d")',
    'time_since("Product Viewed") > "2h" or distinct("Product Viewed", category) == 2',
    'segment("viewers") and latest("Product Viewed", category) == "hats"',
    'percentile("spend") >= 80',
    'consents("marketing")',
]
FILES = {
    "segments/viewers.yaml": 'when: any("Product Viewed")',
    "metrics/spend.yaml": 'value: sum("Order Completed", total)',
}


def history(engine: Engine, people: int, seed: int = 7) -> None:
    """Some come without a name first; some say who they are, some share."""
    random = Random(seed)
    for _ in range(people * 6):
        number = random.randrange(people)
        ids = random.choice([(f"u:{number}",), (f"a:{number}",), (f"u:{number}", f"a:{number}")])
        name = random.choice(NAMES)
        engine.take(engine.event(name, *ids, category=random.choice(["shoes", "hats"]), total=random.randrange(60)))
    for number in range(0, people, 3):
        engine.take(identified(engine, f"u:{number}", country=random.choice(["DE", "AT"])))
        engine.take(engine.consent(f"u:{number}", "marketing", granted=random.random() < 0.5))
    engine.run()


def identified(engine: Engine, key: str, country: str) -> Event:
    return replace(engine.event("$identify", key, country=country), kind="identify")


def asked(engine: Engine, text: str, files: Mapping[str, str] = FILES, most: int = 2_000) -> Matched:
    vocabulary = vocabulary_of(read_project(files, is_strict=False), is_strict=False)
    return Matching(engine.log, engine.trail, engine.stores, most).count(check(text, vocabulary=vocabulary), engine.at)


def published(text: str, people: int) -> int:
    """The count of an installation in which it was a segment from the beginning."""
    engine = Engine()
    engine.publish({**FILES, "segments/asked.yaml": f"when: |\n  {text}\n"})
    history(engine, people)
    body = engine.stores[0].load(["$plan"])["$plan"]
    number = decode_plan(body).numbers["segment/asked"]
    states = [decode_partition(store.checkpoint().partition_state) for store in engine.stores]
    return sum(state.members.get(number, 0) for state in states)


@pytest.fixture(scope="module")
def bare() -> Engine:
    """Nobody counts what will be asked."""
    engine = Engine()
    engine.publish(FILES)
    history(engine, 40)
    return engine


@pytest.mark.parametrize("text", CONDITIONS)
def test_the_number_is_that_of_a_segment(bare: Engine, text: str) -> None:
    found = asked(bare, text)
    assert found.people == published(text, 40)
    assert found.is_exact
    assert found.everybody >= found.people


def test_some_of_them_hold_for_some() -> None:
    """The table above is no list of zeros."""
    counts = [published(text, 40) for text in CONDITIONS]
    assert sum(0 < count < 40 for count in counts) >= 8


def test_what_is_published_is_not_looked_for(bare: Engine) -> None:
    found = asked(bare, 'any("Product Viewed")')
    assert found.looked_at == 0
    assert found.people == published('any("Product Viewed")', 40)


def test_the_same_question_again_costs_no_events(bare: Engine) -> None:
    matching = Matching(bare.log, bare.trail, bare.stores)
    question = check('count("Product Viewed", last="1h") > 1')
    first = matching.count(question, bare.at)
    bare_log, matching._log = matching._log, None  # type: ignore[assignment]  # nothing is read any more
    assert matching.count(question, bare.at) == first
    matching._log = bare_log


def test_time_goes_on(bare: Engine) -> None:
    matching = Matching(bare.log, bare.trail, bare.stores)
    question = check('any("Product Viewed", last="1d")')
    assert matching.count(question, bare.at).people > 0
    assert matching.count(question, bare.at + DAY_US + HOUR_US).people == 0


def test_of_many_people_some_are_looked_at() -> None:
    engine = Engine()
    engine.publish({})
    for number in range(1_500):
        engine.take(engine.event("Product Viewed", f"u:{number}", category="shoes" if number % 3 else "hats"))
    engine.run()
    found = asked(engine, 'latest("Product Viewed", category) == "hats"', {}, most=200)
    assert not found.is_exact
    assert 200 <= found.looked_at <= 450
    assert 3 <= found.step <= 8
    assert abs(found.people - 500) < 120
    assert asked(engine, 'latest("Product Viewed", category) == "hats"', {}, most=2_000) == Matched(500, 1_500, 1_500)


def test_nobody_is_there_yet() -> None:
    engine = Engine()
    assert asked(engine, 'any("A")', {}) == Matched(0, 0, 0)


def test_what_the_log_has_forgotten_is_said(bare: Engine) -> None:
    engine = Engine(partitions=1)
    engine.publish({})
    history(engine, 10)
    assert engine.log.trim(engine.at + DAY_US, {0: engine.log.end(0)}) > 0
    gone = asked(engine, 'any("Order Completed")', {})
    assert gone.gaps > 0
    assert not gone.is_exact


# ---- a sample --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd() -> Engine:
    """Three thousand, of whom some are marks of others."""
    engine, random = Engine(), Random(3)
    engine.publish({})
    for number in range(3_000):
        engine.take(identified(engine, f"u:{number}", country="DE" if random.random() < 0.3 else "AT"))
        if number % 10 == 0:
            engine.take(engine.event("Product Viewed", f"u:{number}", f"a:{number}", category="hats"))
    engine.run()
    return engine


@pytest.mark.parametrize(("text", "seeds"), [('country == "DE"', 200), ('any("Product Viewed")', 40)])
def test_the_interval_holds_the_number_at_its_rate(crowd: Engine, text: str, seeds: int) -> None:
    question = check(text, vocabulary=vocabulary_of(read_project({}, is_strict=False), is_strict=False))
    exact = Matching(crowd.log, crowd.trail, crowd.stores).count(question, crowd.at)
    assert exact.is_exact and 0 < exact.people < exact.everybody == 3_000
    within = 0
    for seed in range(seeds):
        found = Matching(crowd.log, crowd.trail, crowd.stores, 150, seed).count(question, crowd.at)
        assert 100 <= found.looked_at <= 200 and found.everybody == 3_000
        within += found.between[0] <= exact.people <= found.between[1]
    # 95 % is stated; fewer than this happen once in a thousand times.
    assert within >= 0.95 * seeds - 3.1 * (0.05 * 0.95 * seeds) ** 0.5


def test_the_past_is_read_bit_by_bit(crowd: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    question = check('any("Product Viewed")')
    whole = Matching(crowd.log, crowd.trail, crowd.stores).count(question, crowd.at)
    for name, number in (("FIRST_POSITIONS", 200), ("MOST_POSITIONS", 500), ("_SLICE", 100)):
        monkeypatch.setattr(module, name, number)
    matching = Matching(crowd.log, crowd.trail, crowd.stores)
    told = [matching.count(question, crowd.at)]
    while told[-1].is_coming:
        told.append(matching.count(question, crowd.at))
    assert len(told) > 4
    assert [one.people for one in told] == sorted(one.people for one in told)
    assert told[0].people < told[-1].people
    assert not any(one.is_exact or one.gaps for one in told[:-1])
    assert told[-1] == whole


def test_who_was_looked_at_before_is_looked_at_anew() -> None:
    """States are kept decoded; what happened since, and time, count all the same."""
    engine = Engine()
    engine.publish(FILES)
    kept = Matching(engine.log, engine.trail, engine.stores)
    for round in range(4):
        history(engine, 15, seed=round)
        for later in (0, 3 * HOUR_US, 2 * DAY_US):
            for text in CONDITIONS:
                question = check(text, vocabulary=vocabulary_of(read_project(FILES, is_strict=False), is_strict=False))
                fresh = Matching(engine.log, engine.trail, engine.stores)
                assert kept.count(question, engine.at + later) == fresh.count(question, engine.at + later), text
