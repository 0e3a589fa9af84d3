"""The rooms of segments over the living shop: numbers are those of the states, and people stand behind each."""

import csv
import io
import re
from html import unescape

import pytest

from tactful.kernel.state import FIRST_KEY, decode_profile
from tests.console.serving import Served
from tests.console.shop import Shop


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
