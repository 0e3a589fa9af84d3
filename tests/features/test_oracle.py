"""Features are what a naive reading of the language says of what had happened by then: one that was written apart from
both engines (tests/parity/oracle), of a history that ends at the instant."""

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import pytest

from tactful.operations.features.tables import Wanted
from tactful.operations.history.terms import Terms
from tactful.values import DAY_US, format_time
from tests.features.lives import BEGIN, DAYS, DELAYS_US, FILES, TEXTS, happened, lines
from tests.features.story import features, history, instant, rows_of
from tests.parity.batches import alike
from tests.parity.oracle import Oracle
from tests.parity.projects import read_files

TERMS = Terms(delays_us=DELAYS_US)


def wrong(seed: int, instants: int) -> Iterator[tuple[str, ...]]:
    """Where the table says something else."""
    random = Random(seed)
    every, project = lines(random), read_files(FILES)
    asked = features(TEXTS, FILES)
    with history(every, FILES, TERMS) as whole:
        for at in sorted(BEGIN + random.randrange(DAYS * DAY_US) for _ in range(instants)):
            rows = {row["person"]: row for row in rows_of(whole, Wanted(asked, [at]))}
            past = [_known(line, at) for line in happened(every, at)]
            oracle = Oracle(past, project)
            worlds = oracle.worlds(at)
            named = {person.removeprefix("u:").removeprefix("a:"): row for person, row in rows.items()}
            if named.keys() != worlds.keys():
                yield "who is there", str(at), str(named.keys() ^ worlds.keys())
            for person in named.keys() & worlds.keys():
                for name, text in TEXTS.items():
                    meant = oracle.ask(text, worlds[person])
                    if not alike(named[person][name], meant):
                        yield name, person, repr(named[person][name]), repr(meant)


def _known(line: Mapping[str, Any], at: int) -> dict[str, Any]:
    """As if it had come in by then."""
    return {**line, "receivedAt": format_time(min(instant(line["receivedAt"]), at))}


@pytest.mark.parametrize("seed", [1])
def test_the_table_is_what_the_oracle_says(seed: int) -> None:
    assert list(wrong(seed, 3)) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 130))
def test_many_more(seed: int) -> None:
    assert list(wrong(seed, 8)) == []
