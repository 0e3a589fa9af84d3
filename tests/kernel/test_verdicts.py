"""What becomes of an event before anything is made of it, through step(): rows, state, counts, and a second try."""

import json
from typing import Any

import pytest

from tactful.events.derived import EventKept, EventRefused
from tactful.events.intake import Arrival, accept
from tactful.events.records import CONSENT, SOURCES, Consent, Event, Publish
from tactful.events.sources import Source
from tactful.events.written import call_of
from tactful.kernel.names import counted
from tactful.values import SECOND_US
from tests.kernel.driver import Driver

NOW = 1_740_816_000_000_000
SHOP, PAGE = Source("shop", "", "server"), Source("web", "", "browser")
ORDER = (
    "name: Order Completed\nproperties:\n  total: {type: number, required: true}\n"
    "  size: {type: text, enum: [Small, Large]}\n"
)
FILES = {
    "events/paid.yaml": "name: Paid\nserver_only: true\nproperties: {total: number}\n",
    "segments/twelve.yaml": 'when: sum("Order Completed", total) == 12.5\n',
    "segments/large.yaml": "when: any(\"Order Completed\", where=size == 'Large')\n",
    "segments/strangers.yaml": 'when: any("Wave")\n',
    "journeys/thank.yaml": "start: {event: Order Completed, where: total > 12}\nsend: {webhook: 'https://crm.example/'}\n",
}
ASKED = {"collect": "analytics", "purposes": {"analytics": {"categories": ["Analytics"]}}}
AGREES, REFUSES = ({"consent": {"categoryPreferences": {"Analytics": said}}} for said in (True, False))


class Shop:
    """One partition, a second for each call."""

    def __init__(self, unplanned: str = "keep", consent: dict[str, Any] | None = None) -> None:
        self.driver = Driver()
        self.now = NOW
        self.calls = 0
        self.publish(unplanned, consent)

    def publish(self, unplanned: str, consent: dict[str, Any] | None = None, order: str = ORDER) -> None:
        sources = {one.name: {"trust": one.trust, "unplanned": unplanned} for one in (SHOP, PAGE)}
        settings = {SOURCES: json.dumps(sources), **({CONSENT: json.dumps(consent)} if consent else {})}
        self.now += SECOND_US
        self.driver.append(Publish(self.now, {**FILES, "events/order.yaml": order}, settings))
        self.driver.settle(self.now)

    def call(
        self,
        event: str = "Order Completed",
        source: Source = SHOP,
        message_id: str = "",
        context: dict[str, Any] | None = None,
        **properties: Any,
    ) -> Event:
        self.now += SECOND_US
        self.calls += 1
        said = {"type": "track", "userId": "1", "event": event, "properties": properties, "context": context or {}}
        body = json.dumps({**said, "messageId": message_id or f"m{self.calls}"}).encode()
        return self.take(body, source)

    def take(self, body: bytes, source: Source = SHOP) -> Event:
        taken = accept(body, Arrival(source, self.now))
        assert isinstance(taken, Event), taken
        self.driver.append(taken)
        self.driver.read()
        return taken

    def decides(self, *, granted: bool) -> None:
        self.now += SECOND_US
        self.calls += 1
        self.driver.append(
            Consent(1, "shop", "server", "u:1", f"m{self.calls}", "analytics", granted, self.now, self.now)
        )
        self.driver.read()

    def segments(self) -> set[str]:
        names = {rule.number: rule.name for rule in self.driver.plan.segments}
        profile = self.driver.profiles().get("u:1")
        return {names[number] for number in profile.segments} if profile is not None else set()

    def kept(self) -> list[tuple[str, tuple[str, ...]]]:
        rows = [row for group in self.driver.groups for row in group.rows]
        return [(row.name, row.flags) for row in rows if isinstance(row, EventKept)]

    def refused(self) -> list[tuple[str, str, str, str, str]]:
        """With whom it is told of, which is nobody where they may not be remembered."""
        return [
            (group.key, row.name, row.verdict, row.code, row.field)
            for group in self.driver.groups
            for row in group.rows
            if isinstance(row, EventRefused)
        ]

    def verdicts(self) -> dict[str, int]:
        return self.driver.state.verdicts


NO_NUMBER, NO_CHOICE, MISSING = "total is not a number", "size is none of Small, Large", "total is missing"
MISFITS: list[tuple[dict[str, Any], tuple[str, ...], tuple[str, ...], tuple[str, str]]] = [
    ({"total": "12.50", "size": "large "}, (NO_NUMBER, NO_CHOICE), (), ("type", "total")),
    ({"total": 12.5, "size": "LARGE"}, (NO_CHOICE,), (), ("choice", "size")),
    ({"total": "a lot", "size": "Large"}, (NO_NUMBER,), (NO_NUMBER,), ("type", "total")),
    ({"size": "Large"}, (MISSING,), (MISSING,), ("required", "total")),
    ({"total": None, "size": "huge"}, (MISSING, NO_CHOICE), (MISSING, NO_CHOICE), ("required", "total")),
]
"""Properties, what is wrong with them, what of it cannot be mended, and what is said where it is refused."""


@pytest.mark.parametrize(("properties", "wrong", "left", "said"), MISFITS)
@pytest.mark.parametrize("unplanned", ["keep", "mend", "quarantine", "drop"])
def test_what_does_not_fit(
    unplanned: str, properties: dict[str, Any], wrong: tuple[str, ...], left: tuple[str, ...], said: tuple[str, str]
) -> None:
    shop = Shop(unplanned)
    shop.call(total=1, size="Small")
    assert (shop.kept(), shop.verdicts()) == ([("Order Completed", ())], {})
    shop.call(**properties)
    now = [
        ("Order Completed", flags) for flags in ((), {"keep": wrong, "mend": left}.get(unplanned)) if flags is not None
    ]
    assert shop.kept() == now
    refused = {"quarantine": [("u:1", "Order Completed", "quarantine", *said)]}.get(unplanned, [])
    assert shop.refused() == refused
    assert shop.verdicts() == ({unplanned: 1} if unplanned in ("quarantine", "drop") else {})
    assert shop.driver.state.events == len(now)
    assert counted(shop.driver.state, shop.now) == {"Order Completed": len(now)}


def test_what_is_mended_is_what_everything_reads() -> None:
    shop = Shop("mend")
    shop.call(total="12.50", size=" large")
    assert shop.segments() == {"twelve", "large"}
    assert len(shop.driver.intents) == 1, "a journey asks the mended number as well"
    shop = Shop("keep")
    shop.call(total="12.50", size=" large")
    assert (shop.segments(), shop.driver.intents) == (set(), [])


@pytest.mark.parametrize(
    ("unplanned", "is_kept"), [("keep", True), ("mend", True), ("quarantine", False), ("drop", False)]
)
def test_a_name_that_nobody_declared(unplanned: str, is_kept: bool) -> None:
    shop = Shop(unplanned)
    shop.call("Wave")
    flags = ("Wave is not in events/",) if unplanned == "mend" else ()
    assert shop.kept() == ([("Wave", flags)] if is_kept else [])
    assert shop.segments() == ({"strangers"} if is_kept else set())
    assert shop.verdicts() == ({} if is_kept else {unplanned: 1})
    row = ("", "Wave", "quarantine", "undeclared", "event")
    assert shop.refused() == ([row] if unplanned == "quarantine" else []), "of nobody who was never kept"
    assert ("u:1" in shop.driver.profiles()) is is_kept
    page = json.dumps({"type": "page", "name": "Home", "userId": "2", "messageId": "p"}).encode()
    shop.take(page)
    assert "u:2" in shop.driver.profiles(), "a page is declared by nobody, and fits"


@pytest.mark.parametrize("unplanned", ["keep", "mend", "quarantine", "drop"])
def test_what_only_a_server_may_say(unplanned: str) -> None:
    shop = Shop(unplanned)
    shop.call("Paid", PAGE, total=1)
    assert shop.refused() == [("", "Paid", "quarantine", "server_only", "event")]
    assert (shop.kept(), shop.verdicts(), shop.driver.profiles()) == ([], {"quarantine": 1}, {})
    shop.call("Paid", SHOP, total=1)
    shop.call("Paid", PAGE, total=1)
    assert shop.kept() == [("Paid", ())]
    assert shop.refused()[1:] == [("u:1", "Paid", "quarantine", "server_only", "event")], "their story tells it"


def test_a_second_try_out_of_the_quarantine() -> None:
    shop = Shop("quarantine")
    first = shop.call(message_id="x", size="Large")
    shop.take(call_of(first))
    assert shop.verdicts() == {"quarantine": 2}, "what was refused was not seen, so it is refused again"
    lenient = ORDER.replace(", required: true", "")
    shop.publish("quarantine", order=lenient)
    again = shop.take(call_of(first))
    assert (again.message_id, again.timestamp) == ("x", first.timestamp)
    assert shop.segments() == {"large"}
    shop.take(call_of(first))
    shop.call(message_id="x", total="no number")
    assert (shop.kept(), shop.driver.state.repeats) == ([("Order Completed", ())], 2), "once kept, a repeat is one"
    assert shop.verdicts() == {"quarantine": 2}


@pytest.mark.parametrize("otherwise", ["anonymous", "count", "drop"])
def test_nobody_is_stored_who_was_not_asked(otherwise: str) -> None:
    shop = Shop(consent={**ASKED, "otherwise": otherwise})
    shop.call("Wave")
    shop.call("Wave", context=REFUSES)
    row = ("", "Wave", "anonymous", "no_consent", "")
    assert shop.refused() == ([row, row] if otherwise == "anonymous" else [])
    assert (shop.kept(), shop.driver.profiles(), shop.driver.state.events) == ([], {}, 0)
    assert shop.verdicts() == {otherwise: 2}
    assert counted(shop.driver.state, shop.now) == ({} if otherwise == "drop" else {"Wave": 2})
    shop.call("Wave", message_id="m1", context=AGREES)
    assert shop.kept() == [("Wave", ())], "what was not kept is not remembered, not even as a repeat"
    assert shop.segments() == {"strangers"}


@pytest.mark.parametrize("otherwise", ["anonymous", "count", "drop"])
def test_who_withdraws_is_told_of_no_more(otherwise: str) -> None:
    shop = Shop(consent={**ASKED, "otherwise": otherwise})
    shop.call("Wave", context=AGREES)
    shop.decides(granted=False)
    shop.call(total=12.5)
    assert (len(shop.kept()), shop.segments(), shop.verdicts()) == (1, {"strangers"}, {otherwise: 1})
    assert all(key == "" for key, *_ in shop.refused())
    shop.decides(granted=True)
    shop.call("Wave", context=REFUSES)
    assert len(shop.kept()) == 1, "an event's own say comes first"
    shop.decides(granted=True)
    shop.call(total=12.5)
    assert (len(shop.kept()), shop.segments()) == (2, {"strangers", "twelve"})


def test_not_even_the_quarantine_remembers_who_does_not_allow_it() -> None:
    shop = Shop("quarantine", {**ASKED, "otherwise": "count"})
    shop.call("Paid", PAGE, context=REFUSES)
    shop.call("Wave")
    shop.call(total="one")
    assert (shop.refused(), shop.verdicts(), shop.driver.profiles()) == ([], {"count": 3}, {})
    shop.call(total="one", context=AGREES)
    assert shop.refused() == [("", "Order Completed", "quarantine", "type", "total")]
    shop.call(total=1, context=AGREES)
    shop.call(total="one")
    shop.decides(granted=False)
    shop.call(total="one")
    shop.call("Paid", PAGE)
    assert len(shop.refused()) == 2
    assert shop.verdicts() == {"count": 5, "quarantine": 2}
