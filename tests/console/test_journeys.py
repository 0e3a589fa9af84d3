"""The rooms of journeys over the living shop: the flow, the report, and the people behind each of its numbers."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import TypeVar

import pytest
from playwright.sync_api import Browser

from tactful.events.derived import RunStarted, decode_groups
from tactful.operations.journeys.behind import PAGE
from tactful.operations.journeys.measuring import Report, measure
from tactful.operations.journeys.tallies import EVER
from tests.console.serving import Answer, Served, serve
from tests.console.shop import PARTITIONS, Shop

Made = TypeVar("Made")
MOST_LOOKS = 200


def looked(served: Served, path: str) -> str:
    """The page, when nothing on it is being counted any more."""
    for _ in range(MOST_LOOKS):
        answer = served.get(path)
        assert answer.status == 200, answer.text
        if "data-again" not in answer.text:
            return answer.text
    raise AssertionError(f"{path} is counted for ever")


def measured(shop: Shop, journey: str) -> Report:
    return measure(shop.world.trail, PARTITIONS, journey, zone=shop.settings.workspace.time_zone)


def rows(served: Served, path: str) -> list[dict[str, str]]:
    """All pages of a list, as their files have them."""
    found: list[dict[str, str]] = []
    while path:
        mark = "&" if "?" in path else "?"
        found += csv.DictReader(io.StringIO(served.get(f"{path}{mark}format=csv").text))
        older = re.search(r'href="([^"]+)" rel="next"', served.get(path).text)
        path = unescape(older[1]) if older else ""
    return found


def journeys_of(shop: Shop) -> list[str]:
    return sorted(shop.reader.compiled().journeys)


# ---- how they stand ----------------------------------------------------------------------------------------------


def test_every_journey_is_listed_with_who_is_inside(console: Served) -> None:
    looked(console, "/journeys")
    lines = {line["journey"]: line for line in rows(console, "/journeys")}
    assert sorted(lines) == journeys_of(console.shop)
    for state in console.shop.reader.journeys().journeys:
        assert int(lines[state.journey]["inside"]) == sum((state.inside or {}).values())
    assert sum(int(line["started 7d"]) for line in lines.values()) > 100


def test_every_step_of_every_journey_is_in_its_flow(console: Served) -> None:
    plan = console.shop.reader.compiled()
    for name, rule in plan.journeys.items():
        text = looked(console, f"/journeys/{name}")
        assert text.count('<g class="box ') == len(rule.program) + 2, name
        for message in {one.target for one in rule.sends}:
            assert message in text


def test_the_flow_says_how_many_wait_where_and_leads_to_them(console: Served) -> None:
    seen = 0
    for state in console.shop.reader.journeys().journeys:
        text = looked(console, f"/journeys/{state.journey}")
        for step, number in (state.inside or {}).items():
            assert f"<title>{number:,} here now</title>" in text
            lines = rows(console, f"/journeys/{state.journey}/people?what=inside&detail={step}")
            assert [line["step"] for line in lines] == [step] * number
            seen += number
    assert seen > 0


def test_a_journey_that_nobody_knows_is_not_found(console: Served) -> None:
    answer = console.get("/journeys/nothing")
    assert (answer.status, "There is no journey nothing" in answer.text) == (404, True)
    assert console.get("/journeys/cart_reminder/people?what=nonsense").status == 404


# ---- what they brought -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("journey", ["cart_reminder", "welcome", "browse_without_buying", "confirm_newsletter"])
def test_behind_each_number_are_as_many_as_it_says(console: Served, journey: str) -> None:
    total = measured(console.shop, journey).total
    assert total.runs > 0

    def behind(what: str, detail: str = "") -> list[dict[str, str]]:
        return rows(console, f"/journeys/{journey}/people?what={what}&detail={detail}")

    assert len(behind("entered")) == total.runs
    assert len(behind("sends")) == total.intents
    assert len(behind("status", "sent")) == total.statuses.get("sent", 0)
    assert {line["person"] for line in behind("goal")} >= set()
    assert len({(line["person"], line["for"], line["what"]) for line in behind("goal")}) >= total.goal_people
    for arm, group in total.groups.items():
        found = {line["person"] for line in behind("held", arm)}
        assert len(found) >= group.people, arm
    for reason, count in total.reasons.items():
        assert len(behind("status", reason.replace(" ", "+"))) == count, reason
    for reason, count in total.without.items():
        assert len(behind("without", reason.replace(" ", "+"))) == count, reason
    for kind, response in total.responses.items():
        assert len({line["intent"] for line in behind("response", kind)}) == response.messages_raw, kind


def test_behind_what_a_step_sent_are_those_whom_it_sent_to(console: Served) -> None:
    steps = measured(console.shop, "welcome").steps
    assert len(steps) > 1
    for step in steps:
        of = f"step={step.step}&message={step.message}"
        assert len(rows(console, f"/journeys/welcome/people?what=sends&{of}")) == step.intents
        for kind in ("opened", "clicked"):
            lines = rows(console, f"/journeys/welcome/people?what=response&detail={kind}&{of}")
            assert len({line["intent"] for line in lines}) == step.responses[kind].messages_raw
            assert f"what=response&amp;detail={kind}&amp;step={step.step}" in looked(console, "/journeys/welcome") or (
                not lines
            )


def test_each_of_them_has_a_reason(console: Served) -> None:
    lines = rows(console, "/journeys/browse_without_buying/people?what=entered")
    assert all("entered, because " in line["what"] or line["what"].startswith("entered") for line in lines)
    (reason, _), *_ = measured(console.shop, "cart_reminder").total.without.items()
    lines = rows(console, f"/journeys/cart_reminder/people?what=without&detail={reason.replace(' ', '+')}")
    assert all(line["what"] and line["person"] and line["at"].endswith("Z") for line in lines)


def test_a_page_goes_on_where_the_one_before_ended(console: Served) -> None:
    """Nothing twice, nothing left out, newest first."""
    shop = console.shop
    told = Counter(
        (group.key, row.at)
        for partition in range(PARTITIONS)
        for blob in shop.world.trail.between(partition, 0, 1 << 60)
        for group in decode_groups(blob)
        for row in group.rows
        if isinstance(row, RunStarted) and row.journey == "cart_reminder"
    )
    assert told.total() > PAGE
    lines = rows(console, "/journeys/cart_reminder/people?what=entered")
    assert Counter(line["person"] for line in lines) == Counter(key for key, _ in told.elements())
    assert len(lines) == told.total()
    first = rows_of_one_page(console, "/journeys/cart_reminder/people?what=entered")
    assert [line["at"] for line in first] == sorted((line["at"] for line in first), reverse=True)


def rows_of_one_page(served: Served, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(served.get(f"{path}&format=csv").text)))


def test_the_report_stands_on_the_page_in_words(console: Served) -> None:
    total = measured(console.shop, "cart_reminder").total
    text = looked(console, "/journeys/cart_reminder")
    assert "How far people came" in text
    for count in (total.people, total.reached, total.goal_people):
        assert f">{count:,}</a>" in text
    assert total.conversion is not None
    said = {"more": "It works", "less": "It does harm", "too few": "too few people to say"}
    assert said.get(total.conversion.verdict, "Not told apart from chance") in text
    assert "Because of it, or anyway?" in text
    assert "What was not sent, and why" in text


def test_filters_by_time_and_version_hold_for_page_and_people(console: Served) -> None:
    shop = console.shop
    version = shop.reader.compiled().journeys["cart_reminder"].version
    day = "2025-03-12"
    filtered = f"from={day}&to={day}&version={version}"
    lines = rows(console, f"/journeys/cart_reminder/people?what=entered&{filtered}")
    whole = rows(console, "/journeys/cart_reminder/people?what=entered")
    assert 0 < len(lines) < len(whole)
    assert {line["at"][:10] for line in lines} == {day}, "Lisbon is on UTC in March"
    text = looked(console, f"/journeys/cart_reminder?{filtered}")
    assert f"{len(lines):,} runs" in text or f">{len(lines):,}</a>" in text
    assert "to=2025-03-12" in text
    assert not rows(console, "/journeys/cart_reminder/people?what=entered&version=another")


def test_a_time_that_is_none_is_said_so(console: Served) -> None:
    answer = console.get("/journeys/cart_reminder?from=yesterday")
    assert answer.status == 200
    assert "yesterday is no date" in answer.text
    assert console.get("/journeys/cart_reminder/people?what=entered&from=yesterday").status == 404


def test_without_the_permission_no_number_leads_to_people(console: Served) -> None:
    answer = console.get("/journeys/cart_reminder", role="viewer")
    assert answer.status == 200
    assert "/people?" not in answer.text
    assert console.get("/journeys/cart_reminder/people?what=entered", role="viewer").status == 403


def test_hostile_questions_are_answered_as_text(console: Served) -> None:
    sign = "%3Cscript%3Ealert(1)%3C/script%3E"
    for path in (
        f"/journeys/{sign}",
        f"/journeys/cart_reminder?version={sign}&from={sign}",
        f"/journeys/cart_reminder/people?what=status&detail={sign}&cursor={sign}",
        f"/journeys/cart_reminder/people?what=inside&detail={sign}&cursor=9:{sign}",
        "/journeys/cart_reminder/people?what=entered&cursor=1.2",
        "/journeys/cart_reminder/people?what=entered&cursor=99999999999999999999.-1.x",
    ):
        answer = console.get(path)
        assert answer.status in (200, 404), path
        assert "<script>alert" not in answer.text


# ---- what is said of them ------------------------------------------------------------------------------------------


def aside(act: Callable[[], Made]) -> Made:
    """In a thread of its own, since Playwright has a loop in this one, and the world drives one as well."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result()


@pytest.fixture
def changing() -> Iterator[Served]:
    """A shop of one's own, of a few people and a day."""
    shop = aside(lambda: Shop(people=8, days=2))
    with serve(shop) as served:
        yield served
    shop.close()


def state_of(served: Served, name: str = "cart_reminder") -> str:
    aside(served.shop.pass_time)
    return served.shop.reader.journeys(name=name).journeys[0].state


def test_orders_are_given_by_forms_and_noted(changing: Served) -> None:
    for order, state in (("pause", "paused"), ("resume", "running"), ("drain", "draining"), ("stop", "stopped")):
        answer = changing.post("/journeys/cart_reminder/steer", order=order, reason="prices are wrong")
        assert (answer.status, answer.headers["location"]) == (303, "/journeys/cart_reminder")
        assert state_of(changing) == state
    acts = changing.console.office.audit.acts()
    assert [act.act for act in acts] == ["stop", "drain", "resume", "pause"]
    assert {(act.who, act.about, act.detail) for act in acts} == {
        ("nina", "journeys/cart_reminder", "prices are wrong")
    }
    assert "stopped" in changing.get("/journeys/cart_reminder").text
    assert "by nina: prices are wrong" in changing.get("/journeys/cart_reminder").text


def test_an_order_wants_the_permission_and_the_token(changing: Served) -> None:
    def refused(answer: Answer) -> bool:
        return answer.status == 403

    assert refused(changing.post("/journeys/cart_reminder/steer", role="viewer", order="stop"))
    assert refused(changing.post("/journeys/cart_reminder/steer", role="analyst", order="stop"))
    assert refused(changing.post("/journeys/cart_reminder/steer", csrf="another", order="stop"))
    assert changing.get("/journeys/cart_reminder/steer").status == 405
    assert state_of(changing) == "running"
    assert changing.console.office.audit.acts() == []


def test_what_is_no_order_is_told(changing: Served) -> None:
    answer = changing.post("/journeys/cart_reminder/steer", order="explode")
    assert (answer.status, "there is no order" in answer.text) == (409, True)
    answer = changing.post("/journeys/nothing/steer", order="pause")
    assert (answer.status, "there is no journey" in answer.text) == (409, True)
    assert changing.console.office.audit.acts() == []


def test_all_sending_is_switched_off_and_on(changing: Served) -> None:
    assert changing.post("/sending", switch="off", reason="fire").status == 303
    changing.shop.pass_time()
    assert "Nothing is sent: all sending is off" in changing.get("/journeys").text
    assert changing.post("/sending", switch="on").status == 303
    changing.shop.pass_time()
    assert "Nothing is sent" not in changing.get("/journeys").text
    assert [act.act for act in changing.console.office.audit.acts()] == ["switch_on", "switch_off"]
    assert changing.post("/sending", switch="sideways").status == 409


# ---- campaigns -----------------------------------------------------------------------------------------------------


def test_a_campaign_is_previewed_approved_and_launched(changing: Served) -> None:
    text = changing.get("/journeys/winter_arrivals/preview").text
    (version,) = set(re.findall(r'name="version" value="([^"]+)"', text))
    assert changing.post("/journeys/winter_arrivals/launch").status == 409
    assert changing.post("/journeys/winter_arrivals/approve", version="another").status == 409
    assert changing.post("/journeys/winter_arrivals/approve").status == 409
    answer = changing.post("/journeys/winter_arrivals/approve", version=version, note="looks fine")
    assert (answer.status, answer.headers["location"]) == (303, "/journeys/winter_arrivals/preview")
    assert 'action="/journeys/winter_arrivals/launch"' in changing.get("/journeys/winter_arrivals/preview").text
    assert changing.post("/journeys/winter_arrivals/launch", role="analyst").status == 403
    assert changing.post("/journeys/winter_arrivals/launch").status == 303
    changing.shop.pass_time()
    assert "A campaign: <span>launched</span>" in changing.get("/journeys/winter_arrivals").text
    assert changing.post("/journeys/winter_arrivals/launch").status == 409
    acts = changing.console.office.audit.acts()
    assert [(act.act, act.about) for act in acts] == [
        ("launch", "journeys/winter_arrivals"),
        ("approve", "journeys/winter_arrivals"),
    ]
    assert acts[1].detail == f"version {version}: looks fine"


def test_what_is_no_campaign_has_no_preview(console: Served) -> None:
    answer = console.get("/journeys/cart_reminder/preview")
    assert (answer.status, "cart_reminder is no campaign" in answer.text) == (409, True)
    assert console.get("/journeys/nothing/preview").status == 404


# ---- in a browser --------------------------------------------------------------------------------------------------


def test_the_flow_leads_to_people_and_forms_ask_first(changing: Served, chromium: Browser) -> None:
    page = chromium.new_page()
    page.goto(f"{changing.address}/journeys/cart_reminder")
    page.get_by_text("Pause", exact=True).click()
    page.get_by_label("Why").first.fill("a wrong price")
    page.get_by_role("button", name="Pause cart_reminder").click()
    page.wait_for_url(f"{changing.address}/journeys/cart_reminder")
    assert state_of(changing) == "paused"
    page.goto(f"{changing.address}/journeys/cart_reminder")
    assert page.get_by_text("a wrong price").is_visible()
    page.close()


def test_one_is_measured_as_the_report_says(console: Served) -> None:
    """The page's question is the report's, over all time."""
    first = console.shop.reader.measure("welcome", *EVER)
    assert first.total == measured(console.shop, "welcome").total


def test_on_a_phone_a_wide_flow_begins_with_its_start(console: Served, chromium: Browser) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{console.address}/journeys/welcome")
    page.wait_for_selector(".canvas[data-placed]")
    box = page.locator(".box.start").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.close()
