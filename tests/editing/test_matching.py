"""How many people a condition holds for: the same number, whether it is published or only asked."""

from collections.abc import Mapping
from random import Random

import pytest
from msgspec.structs import replace

from tactful.events.records import Event
from tactful.kernel.definitions import read_project, vocabulary_of
from tactful.kernel.state import decode_partition, decode_plan
from tactful.language.check import check
from tactful.operations.reading.matching import Matched, Matching, matched
from tactful.operations.reading.reader import Reader
from tactful.values import DAY_US, HOUR_US
from tests.operations.engine import Engine
from tests.previewing.opening import history_of

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


def asked(engine: Engine, text: str, files: Mapping[str, str] = FILES) -> Matched:
    vocabulary = vocabulary_of(read_project(files, is_strict=False), is_strict=False)
    history = history_of(engine.log, engine.trail)
    reader = Reader(engine.log, engine.stores, engine.trail, engine.outbox, engine.quarantine, lambda: history)
    return matched(reader, check(text, vocabulary=vocabulary), engine.at)


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


def test_what_is_counted_is_not_asked_of_the_history(bare: Engine) -> None:
    matching = Matching(bare.stores)
    assert matching.count(check('any("Product Viewed") and country == "DE"'), bare.at) is not None
    assert matching.count(check('any("Product Viewed", last="1d")'), bare.at) is None
    assert matching.known(check('any("Product Viewed") and country == "DE"'), bare.at) is None


def test_of_many_people_some_are_looked_at() -> None:
    engine = Engine()
    engine.publish({**FILES, "metrics/newest.yaml": 'value: latest("Product Viewed", category)'})
    for number in range(1_500):
        engine.take(engine.event("Product Viewed", f"u:{number}", category="shoes" if number % 3 else "hats"))
    engine.run()
    text = 'latest("Product Viewed", category) == "hats"'
    found = Matching(engine.stores, 200).count(check(text), engine.at)
    assert found is not None and not found.is_exact
    assert 200 <= found.looked_at <= 450
    assert 3 <= found.step <= 8
    assert abs(found.people - 500) < 120
    assert asked(engine, text, FILES) == Matched(500, 1_500, 1_500)


def test_nobody_is_there_yet() -> None:
    engine = Engine()
    assert asked(engine, 'any("A")', {}) == Matched(0, 0, 0)


# ---- a sample --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd() -> Engine:
    """Three thousand, of whom some are marks of others."""
    engine, random = Engine(), Random(3)
    engine.publish({"metrics/seen.yaml": 'value: any("Product Viewed")'})
    for number in range(3_000):
        engine.take(identified(engine, f"u:{number}", country="DE" if random.random() < 0.3 else "AT"))
        if number % 10 == 0:
            engine.take(engine.event("Product Viewed", f"u:{number}", f"a:{number}", category="hats"))
    engine.run()
    return engine


@pytest.mark.parametrize(("text", "seeds"), [('country == "DE"', 200), ('any("Product Viewed")', 40)])
def test_the_interval_holds_the_number_at_its_rate(crowd: Engine, text: str, seeds: int) -> None:
    question = check(text, vocabulary=vocabulary_of(read_project({}, is_strict=False), is_strict=False))
    exact = Matching(crowd.stores).count(question, crowd.at)
    assert exact is not None and exact.is_exact and 0 < exact.people < exact.everybody == 3_000
    within = 0
    for seed in range(seeds):
        found = Matching(crowd.stores, 150, seed).count(question, crowd.at)
        assert found is not None
        assert 100 <= found.looked_at <= 200 and found.everybody == 3_000
        within += found.between[0] <= exact.people <= found.between[1]
    # 95 % is stated; fewer than this happen once in a thousand times.
    assert within >= 0.95 * seeds - 3.1 * (0.05 * 0.95 * seeds) ** 0.5


def test_who_was_looked_at_before_is_looked_at_anew() -> None:
    """States are kept decoded; what happened since, and time, count all the same."""
    engine = Engine()
    engine.publish(FILES)
    kept = Matching(engine.stores)
    for round in range(4):
        history(engine, 15, seed=round)
        for later in (0, 3 * HOUR_US, 2 * DAY_US):
            for text in CONDITIONS:
                question = check(text, vocabulary=vocabulary_of(read_project(FILES, is_strict=False), is_strict=False))
                fresh = Matching(engine.stores)
                assert kept.count(question, engine.at + later) == fresh.count(question, engine.at + later), text
