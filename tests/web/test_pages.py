"""The pages and the read API over a real server, as a client without JavaScript sees them."""

import json
import re
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

import pytest

from tactful.web.mailview import read_mail
from tests.web.scene import KETTLE_HTML, NOON, Scene, afternoon
from tests.web.serving import Served, serve


@pytest.fixture(scope="module")
def shop() -> Iterator[Served]:
    with serve(afternoon()) as served:
        yield served


def get(served: Served, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection(urlsplit(served.address).netloc, timeout=20)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer, body


def words(html: str) -> str:
    """What a reader sees, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


PAGES = [
    "/",
    "/live",
    "/health",
    "/people",
    "/people?q=nobody",
    "/people/u:ada",
    "/people/u:nobody",
    "/outbox",
    "/outbox?status=held",
    "/outbox/cart_reminder-ada",
    "/outbox/cart_reminder-chen",
    "/outbox/none",
]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_names_another_host_or_runs_what_stands_in_it(shop: Served, path: str) -> None:
    answer, body = get(shop, path)
    assert answer.status in (200, 404)
    loaded = re.findall(r'(?:src|href|action)="([^"]+)"', body)
    assert loaded
    assert [address for address in loaded if not address.startswith(("/", "#"))] == []
    assert "<script>" not in body
    assert " style=" not in body
    assert not re.search(r"\son\w+=", body)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_live_page_shows_events(shop: Served) -> None:
    seen = words(get(shop, "/live")[1])
    assert "14:26:00 Order Completed order_id o-1042 total 12 user bea" in seen


def test_a_person_is_shown_with_the_reasons(shop: Served) -> None:
    seen = words(get(shop, "/people/u:ada")[1])
    assert "Ada Byron" in seen
    assert (
        "count(&#34;Order Completed&#34;, last=&#34;30d&#34;) was 3 , by Order Completed (12 Mar 2025, 12:55:02)"
        in seen
    )
    assert "Started the journey cart_reminder, due 12 Mar 2025, 12:44:02" in seen


def test_what_people_send_is_text_and_never_markup(shop: Served) -> None:
    for path in ("/live", "/people", "/people/u:bea"):
        body = get(shop, path)[1]
        assert "<b>Okafor</b>" not in body
        assert "Bea &lt;b&gt;Okafor&lt;/b&gt;" in body


@pytest.mark.parametrize("typed", ["ada", "u%3Aada", "eve%40kettle.example"])
def test_search_leads_to_the_person(shop: Served, typed: str) -> None:
    answer, _ = get(shop, f"/people?q={typed}")
    assert answer.status == 303
    assert answer.headers["Location"] in ("/people/u:ada", "/people/e:eve@kettle.example")
    assert get(shop, answer.headers["Location"])[0].status == 200


def test_search_for_nobody_says_so(shop: Served) -> None:
    answer, body = get(shop, "/people?q=%3Cscript%3E")
    assert answer.status == 404
    assert "Nobody is known as &lt;script&gt;" in re.sub(r"</?b>", "", body)


def test_the_outbox_says_why_nothing_left(shop: Served) -> None:
    seen = words(get(shop, "/outbox")[1])
    assert "no consent: email_marketing refused user chen" in seen
    assert "Waiting 1" in seen
    held = words(get(shop, "/outbox?status=held")[1])
    assert "outcome unknown" in held
    assert "chen" not in held


def test_a_mail_is_shown_as_a_mail_client_would(shop: Served) -> None:
    body = get(shop, "/outbox/cart_reminder-ada")[1]
    assert "The Kettle Shop &lt;hello@kettle.example&gt;" in body
    assert "List-Unsubscribe-Post" in body
    assert "You left an Enamel kettle in your cart." in body
    assert re.search(r'<iframe src="/outbox/cart_reminder-ada/html"\s+sandbox="[^"]*"', body)
    assert "allow-scripts" not in body
    assert "allow-same-origin" not in body


def test_the_html_part_may_load_and_run_nothing(shop: Served) -> None:
    answer, body = get(shop, "/outbox/cart_reminder-ada/html")
    assert KETTLE_HTML.splitlines()[1] in body
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script" not in policy


def test_a_broken_mail_is_still_shown() -> None:
    assert read_mail(b"\xff\xfe not a mail").text != "" or read_mail(b"\xff\xfe not a mail").size == 13
    assert read_mail(b"Subject: =?utf-8?q?caf=C3=A9?=\n\nhello").subject == "café"
    assert read_mail(b"").html == ""


def test_an_empty_installation_teaches(shop: Served) -> None:
    with serve(Scene()) as empty:
        for path in ("/", "/people", "/outbox"):
            body = get(empty, path)[1]
            assert f"curl -u kettle-server-key: {empty.address}/v1/track" in body
        assert "No plan is published yet" in get(empty, "/live")[1]


# ---- the read API ------------------------------------------------------------------------------------------------


def test_a_profile_is_what_is_known_now(shop: Served) -> None:
    answer, body = get(shop, "/v1/profiles/ada")
    profile = json.loads(body)
    assert answer.headers["Content-Type"] == "application/json"
    assert profile["person"] == "u:ada"
    assert profile["traits"]["country"] == "GB"
    assert profile["segments"] == [{"segment": "regulars", "since": "2025-03-12T12:55:02.000Z"}]
    assert profile["consents"][0]["granted"] is True


def test_people_are_listed_the_newest_first(shop: Served) -> None:
    people = json.loads(get(shop, "/v1/profiles")[1])["profiles"]
    assert people == sorted(people, key=lambda person: str(person["at"]), reverse=True)
    (ada,) = [person for person in people if person["person"] == "u:ada"]
    assert (ada["name"], ada["segments"]) == ("Ada Byron", ["regulars"])
    assert json.loads(get(shop, "/v1/profiles?limit=1")[1])["profiles"] == people[:1]


def test_explain_gives_the_story(shop: Served) -> None:
    story = json.loads(get(shop, "/v1/explain/u:ada")[1])["story"]
    assert story[-1]["why"][0]["value"] == 3.0
    assert [step["kind"] for step in json.loads(get(shop, "/v1/explain/u:ada?limit=1")[1])["story"]] == [
        "event",
        "left",
        "entered",
    ]


def test_who_is_not_known_is_404_with_code_and_message(shop: Served) -> None:
    for path in ("/v1/profiles/nobody", "/v1/explain/nobody", "/v1/outbox/nothing"):
        answer, body = get(shop, path)
        assert answer.status == 404
        assert json.loads(body)["code"] == "not_found"


def test_the_outbox_can_be_asked_by_status_person_and_time(shop: Served) -> None:
    def messages(query: str) -> list[str]:
        return [row["intent"] for row in json.loads(get(shop, "/v1/outbox" + query)[1])["messages"]]

    assert messages("?status=held") == ["cart_reminder-eve@kettle.example"]
    assert messages("?person=u:chen") == ["cart_reminder-chen"]
    assert messages("?limit=1&before=2025-03-12T12:50:00Z") == ["cart_reminder-ada"]
    assert json.loads(get(shop, "/v1/outbox/cart_reminder-chen")[1])["reason"] == "no consent: email_marketing"


def test_probes_and_metrics(shop: Served) -> None:
    assert json.loads(get(shop, "/healthz")[1]) == {"status": "ok"}
    assert get(shop, "/readyz")[0].status == 200
    answer, body = get(shop, "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'tactful_messages{status="held"} 1' in body.splitlines()
    assert "tactful_lag_records 0" in body.splitlines()
    assert 'tactful_responses_total{what="opens"} 7' in body.splitlines()
    for line in body.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) \w+ .+|\w+(\{\w+=\"\w+\"\})? \d+", line), line


def test_not_ready_where_the_folder_cannot_be_read() -> None:
    scene = Scene()
    scene.log.end = lambda partition: 1 // 0  # type: ignore[method-assign]  # a fault of the disk, say
    with serve(scene) as broken:
        answer, body = get(broken, "/readyz")
        assert answer.status == 503
        assert json.loads(body)["status"] == "not ready"


# ---- news --------------------------------------------------------------------------------------------------------


def test_a_ring_reaches_an_open_page_and_a_stop_does_not_wait_for_it() -> None:
    scene = afternoon()
    with serve(scene) as served:
        connection = HTTPConnection(urlsplit(served.address).netloc, timeout=20)
        connection.request("GET", "/news")
        answer = connection.getresponse()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.readline() == b"retry: 2000\n"
        answer.readline()
        scene.event("u:ada", NOON, "Cart Viewed")
        served.bells.ring("watch")
        assert answer.readline() == b"data: changed\n"
    answer.close()  # The page was open until the server had stopped.
    connection.close()
