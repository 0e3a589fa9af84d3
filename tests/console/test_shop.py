"""The living shop is one in which something has happened in every room."""

from tests.console.serving import Served
from tests.console.shop import Shop


def test_a_week_left_something_behind_everywhere(shop: Shop) -> None:
    overview = shop.reader.overview()
    assert overview.people >= 60
    assert overview.lag == 0
    assert {"sent", "refused"} <= set(overview.messages)
    assert overview.quarantined == 1
    assert any(shop.reader.partition_state(number).members for number in range(3))
    journeys = {row.intent.journey for row in shop.world.outbox.rows("sent", None, None, 1000)}
    assert {"welcome", "cart_reminder"} <= journeys


def test_the_console_is_served(console: Served) -> None:
    answer = console.get("/people")
    assert answer.status == 200
    assert "nina" in answer.text
    assert console.get("/people", role="viewer").status == 403
