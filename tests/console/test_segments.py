"""The rooms of segments over the living shop: numbers are those of the states, and people stand behind each."""

import csv
import io
import re
from contextlib import closing
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from msgspec.structs import replace

from tactful.kernel.state import FIRST_KEY, decode_profile
from tactful.operations.definitions.project import load
from tactful.operations.reading import segmenting
from tactful.operations.segments import segment_people
from tactful.operations.segments.segment_people import Wanted
from tactful.runtime.settings import plan_settings
from tests.console.serving import Served, serve
from tests.console.shop import PROJECT, Shop


def members(shop: Shop, name: str) -> dict[str, int]:
    """By key since when, as a scan of all states has it."""
    number = next(rule.number for rule in shop.reader.compiled().segments if rule.name == name)
    found = {}
    for store in shop.world.stores:
        for key, body in store.load(store.keys_after(FIRST_KEY, 1 << 30)).items():
            if (since := decode_profile(body).segments.get(number)) is not None:
                found[key] = since
    return found


def listed(served: Served, path: str) -> list[str]:
    """The people of all pages, as their links have them."""
    found: list[str] = []
    while path:
        text = served.get(path).text
        table = text.partition("<tbody>")[2].partition("</tbody>")[0]
        found += [unescape(key) for key in re.findall(r'<th scope="row"><a[^>]*href="/people/([^"]+)"', table)]
        older = re.search(r'href="([^"]+)" rel="next"', text)
        path = unescape(older[1]) if older else ""
    return found


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_segment_with_its_size(console: Served, shop: Shop) -> None:
    rows = table(console.get("/segments?format=csv").text)
    assert [row["segment"] for row in rows] == sorted(rule.name for rule in shop.reader.compiled().segments)
    for row in rows:
        assert int(row["people"]) == len(members(shop, row["segment"])), row
    page = console.get("/segments").text
    assert "Ordered in the last 30 days" in page
    assert 'href="/segments/buyers/people?who=members"' in page


@pytest.mark.parametrize("name", ["buyers", "cart_in_hand", "left_cart"])
def test_the_people_behind_the_size(console: Served, shop: Shop, name: str) -> None:
    truth = members(shop, name)
    assert truth
    found = listed(console, f"/segments/{name}/people")
    assert sorted(found) == sorted(truth)
    assert found == sorted(found, key=lambda key: -truth[key]), "newest first"
    file = table(console.get(f"/segments/{name}/people?format=csv").text)
    assert {row["person"].lstrip("'") for row in file} == set(truth)


@pytest.mark.parametrize("name", ["cart_in_hand", "left_cart", "subscribers"])
def test_who_came_and_left_stand_behind_their_numbers(console: Served, shop: Shop, name: str) -> None:
    page = console.get(f"/segments/{name}?span=month").text
    flow = table(console.get(f"/segments/{name}?span=month&format=csv").text)
    assert flow[-1]["people"] == str(len(members(shop, name))), "the curve ends at what is so now"
    for who in ("entered", "left"):
        times = sum(int(row[who]) for row in flow)
        told = re.findall(rf'href="(/segments/{name}/people\?who={who}[^"]*)"[^>]*>([\d,]+)</a>', page)
        assert (str(times) in {number for _, number in told}) == bool(times)
        for path, number in told:
            assert len(listed(console, unescape(path))) == int(number), path
    bars = set(re.findall(rf'href="(/segments/{name}/people\?who=entered[^"]*)"', page))
    days = [row for row in flow if row["entered"] != "0"]
    assert len(bars) >= len(days), "each column leads to its own day"


def test_who_else_they_are(console: Served, shop: Shop) -> None:
    compared = table(console.get("/segments/buyers/compare?format=csv").text)
    buyers = members(shop, "buyers")
    for row in compared:
        if row["what"] == "segment":
            both = buyers.keys() & members(shop, row["name"]).keys()
            assert int(row["people in both"]) == len(both), row
            assert float(row["share of members"]) == pytest.approx(len(both) / len(buyers))
    carts = buyers.keys() & members(shop, "cart_in_hand").keys()
    assert sorted(listed(console, "/segments/buyers/people?who=members&also=cart_in_hand")) == sorted(carts)
    page = console.get("/segments/buyers/compare").text
    assert "these shares are exact" in page
    links = [unescape(path) for path in re.findall(r'href="(/segments/buyers/people\?[^"]*fact=[^"]*)"', page)]
    shares = {row["name"]: float(row["share of members"]) for row in compared if row["what"] == "difference"}
    assert links
    for path in links:
        asked = dict(parse_qsl(urlsplit(path).query, keep_blank_values=True))
        share = shares[f"{asked['kind']} {asked['fact']}".strip()]
        assert len(listed(console, path)) == round(share * len(buyers)), path


def test_while_a_definition_reaches_everybody_numbers_are_said_to_move(
    console: Served, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = ("/segments", "/segments/buyers", "/segments/buyers/compare")
    said = "is being brought to everybody"
    assert not any(said in console.get(page).text for page in pages)
    found, share = segmenting.seen(shop.reader)
    monkeypatch.setattr(segmenting, "seen", lambda _: (found, replace(share, is_settling=True)))
    assert all(said in console.get(page).text for page in pages)


def test_its_versions() -> None:
    with closing(Shop(people=2, days=1)) as own, serve(own) as served:
        first = served.get("/segments/buyers/versions").text
        assert "Written" in first and "any(&#34;Order Completed&#34;" in first
        world, project = served.shop.world, load(served.shop.project)
        changed = {**project, "segments/buyers.yaml": 'when: any("Order Completed", last="60d")\n'}
        world.publish(changed, "mia", plan_settings(served.shop.settings))
        world.run()
        page = served.get("/segments/buyers/versions").text
        assert re.search(r"<ins>\+when: any\(&#34;Order Completed&#34;, last=&#34;60d&#34;\)", page)
        assert "by mia" in page
        rows = table(served.get("/segments/buyers/versions?format=csv").text)
        assert [row["author"] for row in rows] == ["mia", "nina"]


def test_what_nobody_knows_is_said_so(console: Served) -> None:
    for path in (
        "/segments/nope",
        "/segments/nope/people",
        "/segments/nope/compare",
        "/segments/nope/versions",
        "/segments/buyers/people?who=everybody",
        "/segments/buyers/people?from=yesterday",
        "/segments/buyers/people?also=nope",
        "/segments/%3Cscript%3E",
    ):
        answer = console.get(path)
        assert answer.status == 404, path
        assert "<script>" not in answer.text.replace("<script src", "")
    assert console.get("/segments/buyers/people?cursor=9.x.-1").status == 200
    assert console.get("/segments/buyers?span=<b>").status == 200


def test_who_may_look_at_what(console: Served) -> None:
    assert console.get("/segments", role="viewer").status == 200
    assert "/people?" not in console.get("/segments/buyers", role="viewer").text
    assert "/people?" not in console.get("/segments/buyers/compare", role="viewer").text
    assert console.get("/segments/buyers/people", role="viewer").status == 403
    assert console.get("/segments?format=csv", role="viewer").status == 403
    assert console.get("/segments/buyers/people?format=csv", role="marketer").status == 200


def test_before_anything_is_published(tmp_path: Path) -> None:
    """An empty project: the page teaches."""
    (tmp_path / "tactful.toml").write_text((PROJECT / "tactful.toml").read_text(encoding="utf-8"), encoding="utf-8")
    with closing(Shop(people=0, days=0, project=tmp_path)) as own, serve(own) as served:
        page = served.get("/segments")
        assert page.status == 200
        assert "segments/left_cart.yaml" in page.text


@pytest.mark.parametrize(("limit", "walked"), [(1, 5_000), (4, 5_000), (50, 3), (2, 7)])
def test_pages_go_on_where_the_one_before_ended(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, limit: int, walked: int
) -> None:
    """Also where a page ends because enough was looked through."""
    monkeypatch.setattr(segment_people, "WALKED", walked)
    monkeypatch.setattr(segment_people, "READ", 2)
    number = next(rule.number for rule in shop.reader.compiled().segments if rule.name == "cart_in_hand")
    for who in segment_people.WHO:
        wanted = Wanted("cart_in_hand", number, who)
        times = shop.reader.tallies(0, 1 << 62, "segment/cart_in_hand")
        expected = (
            len(members(shop, "cart_in_hand"))
            if who == "members"
            else sum(one.number for one in times if one.what == who)
        )
        cursor, found, pages = "", [], 0
        while pages == 0 or cursor:
            page = segmenting.people_of(shop.reader, wanted, cursor, limit)
            assert len(page.entries) <= limit
            found += [(one.key, one.at) for one in page.entries]
            cursor, pages = page.next, pages + 1
            assert pages < 500
        assert len(found) == len(set(found)) == expected
