"""The rooms of what came in: people, tracking plan, quarantine, consent; what they show, and what is done in them."""

import csv
import io
import re
from collections.abc import Iterator

import pytest

from tactful.errors import TransientError
from tactful.runtime.ports import Quarantined
from tactful.values import SECOND_US
from tactful.web.console.room import harmless
from tests.console.serving import CSRF, Answer, Served, serve
from tests.console.shop import PARTITIONS, Shop

TRACK = b'{"type":"track","event":"Late Call","userId":"1001","properties":{"product_id":"mug-tide"}}'


@pytest.fixture
def own() -> Iterator[Served]:
    """A shop that a test may change."""
    shop = Shop(people=12, days=2)
    with serve(shop) as served:
        yield served
    shop.close()


def rows(answer: Answer) -> list[dict[str, str]]:
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


def somebody(served: Served) -> str:
    return rows(served.get("/outbox?status=sent&format=csv"))[0]["person"]


def decisions(served: Served, key: str) -> list[tuple[str, str]]:
    return [(row["purpose"], row["granted"]) for row in rows(served.get(f"/consent/of/{key}?format=csv"))]


def settle(served: Served) -> None:
    """The workers read what the console has written."""
    for partition in range(PARTITIONS):
        served.shop.world.bells.ring(f"work-{partition}")
    served.shop.world.pass_time(SECOND_US)


# ---- people ----------------------------------------------------------------------------------------------------------


def test_a_person_is_found_by_any_identifier_and_by_nothing_less(console: Served) -> None:
    key = somebody(console)
    found = console.get(f"/people?q={key.removeprefix('u:')}")
    assert (found.status, found.headers["location"]) == (303, f"/people/{key}")
    nobody = console.get(f"/people?q={key.removeprefix('u:')[:2]}")
    assert nobody.status == 404
    assert "Identifiers are compared exactly" in nobody.text


def test_a_story_is_shown_by_kind_and_given_as_a_file(console: Served) -> None:
    key = somebody(console)
    everything = rows(console.get(f"/people/{key}?format=csv"))
    events = rows(console.get(f"/people/{key}?show=events&format=csv"))
    messages = rows(console.get(f"/people/{key}?show=messages&format=csv"))
    assert {row["kind"] for row in events} <= {"event", "barred"}
    assert {row["kind"] for row in messages} <= {"intent", "claim", "outcome", "response", "withheld"}
    assert 0 < len(events) < len(everything)
    assert any(row["intent"] for row in messages)
    shown = console.get(f"/people/{key}?show=messages").text
    assert "Passed the gate" in shown
    assert "Newsletter Subscribed</b>" not in shown


def test_who_may_not_see_people_sees_none(console: Served) -> None:
    for path in ("/people", f"/people/{somebody(console)}", "/outbox", "/quarantine", "/consent/of/u:1"):
        assert console.get(path, role="viewer").status == 403, path
    shown = console.get("/events/Product%20Viewed", role="viewer").text
    assert "/people/" not in shown


def test_a_list_without_the_permission_to_export_is_no_file(console: Served) -> None:
    assert console.get("/consent?format=csv", role="viewer").status == 403
    assert "format=csv" not in console.get("/consent", role="viewer").text


# ---- tracking plan ---------------------------------------------------------------------------------------------------


def test_the_plan_stands_beside_what_came(own: Served) -> None:
    own.shop.did("Kettle Boiled", "u:1000", litres=2)
    own.shop.world.pass_time(SECOND_US)
    found = {row["event"]: row for row in rows(own.get("/events?format=csv"))}
    assert found["Product Viewed"]["planned"] == "True"
    assert int(found["Product Viewed"]["events"]) > 0
    assert (found["Kettle Boiled"]["planned"], found["Kettle Boiled"]["events"]) == ("False", "1")
    assert [row["event"] for row in rows(own.get("/events?show=unplanned&format=csv"))] == ["Kettle Boiled"]
    silent = [row["event"] for row in rows(own.get("/events?show=silent&format=csv"))]
    assert "Video Playback Completed" in silent
    assert "Product Viewed" not in silent


def test_the_counts_are_those_of_the_log(console: Served) -> None:
    overview = console.shop.reader.overview()
    assert sum(int(row["events"]) for row in rows(console.get("/events?format=csv"))) == overview.events


def test_an_event_says_what_it_carries_and_what_does_not_fit(own: Served) -> None:
    own.shop.did("Product Viewed", "u:1000", product_id="x", price="cheap", colour="red")
    own.shop.world.pass_time(SECOND_US)
    found = {row["property"]: row for row in rows(own.get("/events/Product%20Viewed?format=csv"))}
    assert found["price"]["planned"] == "number"
    assert found["price"]["misfits"] == "1"
    assert "text:1" in found["price"]["types"]
    assert (found["colour"]["planned"], found["colour"]["seen"]) == ("", "1")
    page = own.get("/events/Product%20Viewed").text
    assert '<a href="/definitions/segments/hesitating">' in page
    assert own.get("/events/Product%20Veiwed").status == 404


# ---- quarantine ------------------------------------------------------------------------------------------------------


def refused(body: bytes, code: str = "no_identifier", source: str = "backend") -> Quarantined:
    return Quarantined(0, 1_741_000_000_000_000, source, code, "userId", "names nobody", body, len(body))


def test_what_can_be_taken_now_is_taken(own: Served) -> None:
    kept = own.shop.world.quarantine
    kept.put([refused(TRACK), refused(b'{"type":"track","event":"Product Viewed"}'), refused(TRACK, source="gone")])
    good, bad, gone = sorted(row.id for row in kept.rows())[-3:]
    answer = own.post("/quarantine/retry", id=str(good))
    assert (answer.status, answer.headers["location"]) == (303, "/quarantine?taken=1&of=1&why=&code=")
    assert kept.row(good) is None
    settle(own)
    assert "Late Call" in own.get("/people/u:1001?show=events").text
    for number, why in ((bad, "no_identifier"), (gone, "unknown_source")):
        answer = own.post("/quarantine/retry", id=str(number))
        assert answer.headers["location"] == f"/quarantine/{number}?taken=0&of=1&why={why}&code="
        assert kept.row(number) is not None
        assert "still refused" in own.get(answer.headers["location"]).text
    assert [act.act for act in own.console.office.audit.acts()] == ["retry", "retry", "retry"]


def test_all_of_one_reason_are_tried_again(own: Served) -> None:
    kept = own.shop.world.quarantine
    kept.put([refused(TRACK.replace(b"Late", b"Late %d" % n), code="other") for n in range(5)])
    answer = own.post("/quarantine/retry", code="other")
    assert answer.headers["location"] == "/quarantine?taken=5&of=5&why=&code=other"
    assert kept.rows(code="other") == []


def test_a_call_is_thrown_away_by_an_administrator_only(own: Served) -> None:
    number = own.shop.world.quarantine.rows()[0].id
    assert own.post("/quarantine/drop", role="marketer", id=str(number)).status == 403
    assert own.post("/quarantine/drop", id=str(number)).status == 303
    assert own.shop.world.quarantine.row(number) is None
    assert own.get(f"/quarantine/{number}").status == 404


def test_what_came_is_shown_as_text(own: Served) -> None:
    own.shop.world.quarantine.put([refused(b"<script>alert(1)</script>\xff"), refused(b'{"a":[1,2]}')])
    first, second = own.shop.world.quarantine.rows()[1::-1]
    page = own.get(f"/quarantine/{first.id}").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\xff" in page
    assert "<script>alert" not in page
    assert re.search(r"&#34;a&#34;: \[\n\s+1,", own.get(f"/quarantine/{second.id}").text)


def test_a_link_puts_no_words_on_a_page(console: Served) -> None:
    assert "Send money" not in console.get("/quarantine?taken=0&of=1&why=Send+money").text


def test_a_file_runs_nothing(own: Served) -> None:
    own.shop.world.quarantine.put([refused(b'=HYPERLINK("http://evil.example")', code="@SUM(A1)")])
    assert rows(own.get("/quarantine?format=csv"))[0]["body"].startswith("'=")
    assert "'@SUM" in own.get("/quarantine?format=csv").text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", "\n@x", "=\0cmd|' /C calc'!A0"])
def test_text_that_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert str(harmless(text)).startswith("'")


@pytest.mark.parametrize("value", [1, -1, 2.5, True, "a=b", "", "x-1", "10"])
def test_other_cells_stay_as_they_are(value: object) -> None:
    assert harmless(value) == value


# ---- consent ---------------------------------------------------------------------------------------------------------


def test_purposes_stand_with_what_people_answered(console: Served) -> None:
    found = {row["purpose"]: row for row in rows(console.get("/consent?format=csv"))}
    assert found["orders"]["basis"] == "contract"
    assert found["orders"]["before anybody is asked"] == "yes (contract)"
    ledger = console.shop.house.ledger
    entries = [
        one.opening
        for partition in range(PARTITIONS)
        for one in ledger.entries(partition, 1, ledger.end(partition))
        if one.opening is not None and one.opening.purpose == "email_marketing"
    ]
    assert int(found["email_marketing"]["yes in 28 days"]) == sum(one.granted for one in entries)
    assert int(found["email_marketing"]["no"]) == sum(not one.granted for one in entries) > 0


def test_a_decision_entered_by_hand_holds_and_stands_in_the_ledger(own: Served) -> None:
    key = somebody(own)
    assert own.post(f"/people/{key}/consent", role="marketer", purpose="email_marketing", granted="no").status == 403
    answer = own.post(
        f"/people/{key}/consent", role="privacy officer", purpose="email_marketing", granted="no", text="by letter"
    )
    assert (answer.status, answer.headers["location"]) == (303, f"/people/{key}")
    settle(own)
    assert decisions(own, key)[-1] == ("email_marketing", "False")
    assert "by letter" in own.get(f"/consent/of/{key}").text
    act = own.console.office.audit.acts()[0]
    assert (act.who, act.act, act.about, act.detail) == ("nina", "consent", key, "email_marketing: no")
    story = own.get(f"/people/{key}").text
    assert "Denied email_marketing" in story


def test_nothing_is_entered_for_nobody(own: Served) -> None:
    assert own.post("/people/u:nobody/consent", purpose="email_marketing", granted="yes").status == 404
    assert own.post(f"/people/{somebody(own)}/consent", purpose="", granted="yes").status == 404
    assert own.console.office.audit.acts() == []


def test_an_identifier_is_taken_apart_again(own: Served) -> None:
    key = somebody(own)
    device = next(one.key for one in own.shop.reader.story(key).identifiers if one.key != key)  # type: ignore[union-attr]  # somebody
    assert own.post(f"/people/{key}/unmerge", identifier=device).status == 303
    settle(own)
    apart = own.shop.reader.find(device)
    assert apart is not None
    assert apart.key == device
    again = own.post(f"/people/{key}/unmerge", identifier=device)
    assert again.status == 409
    assert "belongs to nobody else" in again.text


def test_the_chain_is_computed_again(own: Served) -> None:
    assert "as they were written" not in own.get("/consent").text
    assert own.post("/consent/verify", role="analyst").status == 403
    assert own.post("/consent/verify").headers["location"] == "/consent#proof"
    assert "as they were written" in own.get("/consent").text


def test_a_form_of_somebody_elses_page_changes_nothing(own: Served) -> None:
    key = somebody(own)
    before = decisions(own, key)
    for wrong in ("", "x", CSRF[:-1]):
        answer = own.post(f"/people/{key}/consent", csrf=wrong, purpose="email_marketing", granted="no")
        assert answer.status == 403
        assert "not valid any more" in answer.text
    settle(own)
    assert decisions(own, key) == before


@pytest.mark.parametrize("text", ["a;=1+1", "a\t=1", "a\n@x", 'a; "=1', "\uff1d1+1", "a;\uff0b1"])
def test_a_formula_hides_behind_no_separator(text: str) -> None:
    assert "'" in str(harmless(text))


# ---- suppressed addresses --------------------------------------------------------------------------------------------


def test_an_address_is_suppressed_and_allowed_again(own: Served) -> None:
    assert own.post("/outbox/suppressions/add", address="no address").headers["location"].endswith("problem=address")
    own.post("/outbox/suppressions/add", role="marketer", address="Ada@Example.com", reason="asked by phone")
    (row,) = rows(own.get("/outbox/suppressions?format=csv"))
    assert (row["address"], row["reason"]) == ("ada@example.com", "asked by phone")
    assert own.post("/outbox/suppressions/remove", role="marketer", address="ada@example.com").status == 403
    own.post("/outbox/suppressions/remove", address="ada@example.com")
    assert rows(own.get("/outbox/suppressions?format=csv")) == []
    again = own.post("/outbox/suppressions/remove", address="ada@example.com")
    assert again.headers["location"].endswith("problem=address")
    assert [act.act for act in own.console.office.audit.acts()] == ["allow", "suppress"]


def test_what_cannot_be_noted_is_not_allowed_again(own: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    own.post("/outbox/suppressions/add", address="ada@example.com", reason="bounced")

    def full(*_: object) -> None:
        raise TransientError("the disk is full")

    monkeypatch.setattr(own.console.office.audit, "note", full)
    assert own.post("/outbox/suppressions/remove", address="ada@example.com").status == 503
    assert len(rows(own.get("/outbox/suppressions?format=csv"))) == 1
