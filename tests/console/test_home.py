"""Home and health: what happens, whether anything is wrong, whether people are bothered; each number leads on."""

import re
from collections.abc import Iterator

import pytest

from tactful.events.records import Steer, encode
from tactful.operations.doctor import Finding
from tactful.runtime.machine import Machine, Process
from tactful.values import HOUR_US
from tactful.web.console.hands import Hands
from tests.console.serving import Served, serve
from tests.console.shop import Shop
from tests.web.serving import Approved, nobody_previews, nobody_sends

MACHINE = Machine(
    (Process("up", 7, 50_000_000, 1.5), Process("work 0,1", 8, 70_000_000, 62.0)),
    disk_bytes=100_000_000_000,
    free_bytes=4_000_000_000,
    parts={"trail": 55_200_000, "lock": 0},
)
FINDINGS = [Finding("bad", "DKIM", "the DNS holds another key"), Finding("good", "mail server", "smtp.example answers")]
HANDS = Hands(Approved(), nobody_previews, nobody_sends, machine=lambda: MACHINE, doctor=lambda: FINDINGS)


def words(html: str) -> str:
    """What a reader sees of the page itself, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html.partition("<main")[2]).split())


@pytest.fixture(scope="module")
def own() -> Iterator[Served]:
    """A shop of its own, whose machine is nearly full and whose sending is switched off."""
    shop = Shop(people=30, days=4)
    order = Steer(shop.world.clock.now_us(), "", "pause", "nina", "a wrong price in the letter")
    shop.world.log.append({0: [encode(order)]})
    shop.pass_time()
    with serve(shop, HANDS) as served:
        yield served
    shop.close()


def shown(served: Served, path: str) -> str:
    """As it is when everything that takes a moment is there."""
    served.get(path)
    for _ in range(100):
        page = words(served.get(path).text)
        if "is being counted" not in page and "The doctor is looking" not in page and "Nothing is known" not in page:
            return page
    raise AssertionError("nobody ever finishes counting")


def test_home_says_what_happened_and_whether_it_bothers(console: Served) -> None:
    page = shown(console, "/")
    overview = console.shop.reader.overview()
    assert f"{overview.people} people are known" in page
    assert "Everything that came in is decided." in page
    assert re.search(r"Within seven days \d+ people had \d+ messages from us, \d\.\d each on average", page)
    assert "1 was called spam" in page
    assert "1 event could not be taken as it came" in page
    per_person = console.shop.world.outbox.per_person(0)
    assert f"had {sum(number * people for number, people in per_person.items())} messages" in page


def test_what_was_counted_before_anything_was_sent_is_not_shown_beside_what_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tactful.web.console.reports.PATIENCE_S", 60)
    shop = Shop(people=0, days=1)
    with serve(shop) as served:
        assert "Nobody has had a message from us within seven days" in words(served.get("/").text)
        shop.act(1, "sign up")
        shop.pass_time(3 * HOUR_US)
        page = words(served.get("/").text)
        assert "Messages sent 2" in page
        assert "Within seven days 1 person had 2 messages from us" in page
    shop.close()


def test_every_number_leads_to_what_is_behind_it(console: Served) -> None:
    page = console.get("/").text
    tiles = re.findall(r'<div class="tile[^"]*"><dt>([^<]+)</dt><dd>(<a href)?', page)
    assert len(tiles) >= 5
    assert [label for label, link in tiles if not link] == []


def test_what_is_wrong_stands_at_the_top_the_gravest_first(own: Served) -> None:
    page = shown(own, "/")
    top = page.partition("The last 24 hours")[0]
    assert "All sending is switched off, nina says: a wrong price in the letter" in top
    assert "The disk is nearly full" in top
    assert "DKIM: the DNS holds another key" in top
    assert top.index("All sending") < top.index("1 event could not be taken")
    assert "things want" in top


def test_health_shows_partitions_processes_disk_and_findings(own: Served) -> None:
    page = shown(own, "/health")
    assert page.count("up to date") == 3
    assert "work 0,1 8 70.0 MB 1 min 2 s" in page
    assert "Together 120 MB" in page
    assert "trail 55.2 MB" in page
    assert "0 bytes" not in page
    assert "Free on the disk of 100 GB 4.0 GB" in page
    assert "version 1" in page
    assert "smtp.example answers" in page


def test_partitions_are_a_table_to_take_along(console: Served) -> None:
    answer = console.get("/health?format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines()[0] == "partition,log ends at,read to,lag,seconds late,people,plan"
    assert len(answer.text.splitlines()) == 4
    assert console.get("/health?format=csv", role="viewer").status == 403


def test_who_may_not_see_people_is_shown_no_way_to_them(console: Served) -> None:
    page = console.get("/", role="viewer").text
    nav = page[page.index('<nav id="rooms"') : page.index("</nav>")]
    assert re.findall(r'href="(/[a-z]*)"', nav) == ["/", "/", "/segments", "/journeys", "/messages", "/events", "/consent", "/definitions", "/health", "/account"]  # fmt: skip
    assert console.get("/live", role="viewer").status == 403
    assert console.get("/live/rows", role="viewer").status == 403


def test_an_empty_installation_teaches_the_first_step() -> None:
    shop = Shop(people=0, days=1)
    shop.world.quarantine.remove([one.id for one in shop.world.quarantine.rows()])
    with serve(shop) as served:
        page = words(served.get("/").text)
        assert "Send the first event" in page
        assert f"curl -u demo-backend: {served.address}/v1/track" in page
        assert "Send the first event" in words(served.get("/live").text)
    shop.close()
