"""The feed of a journey: everything once, in order, from where a reader stopped; and mails as they were sent."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette

from tactful.values import MINUTE_US
from tactful.web.desk import Desk
from tactful.web.feeds import routes
from tests.web import asking
from tests.web.living import Living

FILES = {
    "journeys/cart.yaml": (
        "start: {event: Product Added}\nunless: Order Completed\ngoal: {event: Order Completed, within: 5d}\nwait: 30m\nsend: {email: hello}\n"
    ),
    "journeys/quiet.yaml": "start: {event: Never Seen}\nsend: {email: hello}\n",
    "messages/hello.yaml": "subject: Hello\nhtml: <p>Hello</p>\ntext: Hello\npurpose: email_marketing\n",
}


@pytest.fixture
def living() -> Iterator[Living]:
    living = Living(files=FILES)
    yield living
    living.world.close()


def ask(living: Living, path: str, mails: dict[str, bytes] | None = None) -> asking.Answer:
    async def inside() -> asking.Answer:
        desk = Desk(lambda: living.reader)
        app = Starlette(routes=routes(desk, (mails or {}).get))
        try:
            return await asking.ask(app, "GET", path)
        finally:
            desk.close()

    return asyncio.run(inside())


def feed(living: Living, after: str = "") -> dict[str, Any]:
    answer = ask(living, f"/v1/journeys/cart/feed?after={after}")
    assert answer.status == 200, answer.body
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_everything_comes_once_and_in_order(living: Living) -> None:
    living.did("Product Added", "u:ada")
    living.rest()
    first = feed(living)
    assert [row["what"] for row in first["rows"]] == ["started"]
    assert first["rows"][0]["person"] == "u:ada"
    assert first["definition"] == FILES["journeys/cart.yaml"]
    assert feed(living, first["next"])["rows"] == []
    living.rest(40 * MINUTE_US)
    living.did("Order Completed", "u:ada")
    living.rest()
    second = feed(living, first["next"])
    # There is no consent, so the mail is refused; the goal is reached all the same.
    assert [row["what"] for row in second["rows"]] == ["intent", "outcome", "goal"]
    assert second["rows"][1]["status"] == "refused"
    assert feed(living)["rows"] == first["rows"] + second["rows"]
    assert {row["startedAt"] for row in feed(living)["rows"] if row["what"] in ("started", "goal")} == {
        first["rows"][0]["startedAt"]
    }


def test_a_reader_may_begin_at_the_end(living: Living) -> None:
    living.did("Product Added", "u:ada")
    living.rest()
    end = feed(living, "end")
    assert end["rows"] == []
    living.did("Product Added", "u:bob")
    living.rest()
    assert {row["person"] for row in feed(living, end["next"])["rows"]} == {"u:bob"}


def test_rows_tell_who_it_is_by_now(living: Living) -> None:
    living.did("Product Added", "a:phone")
    living.rest()
    living.did("$identify", "u:ada", "a:phone")
    living.rest()
    started = feed(living)["rows"][0]
    assert (started["under"], started["person"]) == ("a:phone", "u:ada")


def test_what_is_no_place_and_what_is_no_journey_is_said(living: Living) -> None:
    assert ask(living, "/v1/journeys/quiet/feed").status == 200
    assert ask(living, "/v1/journeys/nowhere/feed").status == 404
    for after in ("x", "1", "1.2.3.4.5.6", "1.-2.3", "9" * 20 + ".1.1"):
        answer = ask(living, f"/v1/journeys/cart/feed?after={after}")
        assert answer.status == 400
        assert "no place in a feed" in json.loads(answer.body)["message"]


def test_a_mail_is_given_as_it_was_sent_and_opens_in_no_browser(living: Living) -> None:
    living.did("Product Added", "u:ada")
    living.rest(40 * MINUTE_US)
    intent = next(row["intent"] for row in feed(living)["rows"] if row["what"] == "intent")
    answer = ask(living, f"/v1/outbox/{intent}/mail", {intent: b"Subject: Hello\r\n\r\n<script>"})
    assert (answer.status, answer.body) == (200, b"Subject: Hello\r\n\r\n<script>")
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.headers["content-disposition"] == "attachment"
    assert ask(living, f"/v1/outbox/{intent}/mail").status == 404
    # Only what the outbox knows, whatever lies beside it.
    assert ask(living, "/v1/outbox/other/mail", {"other": b"secret"}).status == 404
