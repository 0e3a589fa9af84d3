"""The description names every route that there is, and shows what is asked and answered as it is asked and answered."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tactful.web import collect_openapi
from tactful.web.openapi import document
from tactful.web.openapi_examples import ANSWERS, ASKED
from tests.web.living import Living
from tests.web.test_campaigns import Shop
from tests.web.test_journeys import FILES, ask

ROUTE = re.compile(r'Route\(\s*f?"(/[^"]*)"(?:[^\n]*methods=\[([^\]]*)\])?')
PAGES = ("/people", "/outbox", "/news", "/openapi.json")
"""For people, and the description itself."""


def bare(path: str) -> str:
    """Without the names of what stands in it."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def served() -> Iterator[tuple[str, str]]:
    for file in sorted(Path("src/tactful/web").glob("*.py")):
        for path, methods in ROUTE.findall(file.read_text(encoding="utf-8")):
            if path == "/" or path.startswith(PAGES):
                continue
            for method in re.findall(r"[A-Z]+", methods) or ["GET"]:
                if method != "HEAD":
                    yield bare(path), method.lower()


def described() -> dict[tuple[str, str], Any]:
    return {
        (path, method): one
        for path, methods in document()["paths"].items()
        for method, one in methods.items()
        if method in ("get", "post", "patch", "put", "delete") and path not in collect_openapi.PATHS
    }


def test_every_route_is_described_and_nothing_else() -> None:
    found = set(served())
    assert len(found) > 25
    assert found == {(bare(path), method) for path, method in described()}


@pytest.mark.parametrize("route", described(), ids=" ".join)
def test_what_takes_or_gives_json_shows_an_example(route: tuple[str, str]) -> None:
    one = described()[route]
    bodies = [one["requestBody"]["content"]] if "requestBody" in one else []
    good = [answer for status, answer in one["responses"].items() if status in ("200", "202")]
    bodies += [answer["content"] for answer in good if "content" in answer]
    for content in bodies:
        assert "example" in content["application/json"] or route == ("/metrics", "get"), route


def test_examples_are_of_routes_that_are_described() -> None:
    assert {*ANSWERS, *ASKED} <= described().keys()


def names(value: Any, depth: int = 2) -> Any:
    """The keys of an object, and of objects within it."""
    if isinstance(value, dict) and depth:
        return {key: names(each, depth - 1) for key, each in value.items()}
    if isinstance(value, list) and value and depth:
        return [names(value[0], depth)]
    return None


FREE = {"traits", "inside", "messages", "daily", "versions", "total"}
"""Keys within which the names are the shop's own, or more than an example shows."""


def check(example: Any, answer: Any) -> None:
    if isinstance(example, dict) and isinstance(answer, dict):
        assert example.keys() == answer.keys()
        for key in example.keys() - FREE:
            check(example[key], answer[key])
    elif isinstance(example, list) and isinstance(answer, list) and example and answer:
        check(example[0], answer[0])


@pytest.fixture(scope="module")
def living() -> Iterator[Living]:
    living = Living(files=FILES)
    living.did("Product Added", "u:ada")
    living.rest()
    yield living
    living.world.close()


@pytest.mark.parametrize(
    ("method", "template", "path"),
    [
        ("get", "/v1/profiles", "/v1/profiles"),
        ("get", "/v1/profiles/{id}", "/v1/profiles/ada"),
        ("get", "/v1/outbox", "/v1/outbox"),
        ("get", "/v1/journeys", "/v1/journeys?inside=true"),
        ("get", "/v1/journeys/{name}", "/v1/journeys/cart"),
        ("get", "/v1/journeys/{name}/report", "/v1/journeys/cart/report"),
        ("post", "/v1/journeys/{name}/{order}", "/v1/journeys/cart/drain"),
        ("post", "/v1/sending/{switch}", "/v1/sending/on"),
        ("get", "/healthz", "/healthz"),
        ("get", "/readyz", "/readyz"),
    ],
)
def test_an_example_has_the_names_of_an_answer(living: Living, method: str, template: str, path: str) -> None:
    reply = ask(living, method.upper(), path, ASKED.get((template, method)))
    assert reply.status in (200, 202), reply.body
    check(ANSWERS[template, method], reply.body)


def test_examples_of_entries(living: Living) -> None:
    route = ("/v1/journeys/{name}/enter", "post")
    reply = ask(living, "POST", "/v1/journeys/vip/enter", ASKED[route])
    assert reply.status == 202, reply.body
    check(ANSWERS[route], reply.body)


def test_examples_of_campaigns() -> None:
    shop = Shop()
    check(ANSWERS["/v1/campaigns", "get"], shop.ask("GET", "/v1/campaigns").body)
    check(ANSWERS["/v1/campaigns/{name}", "get"], shop.ask("GET", "/v1/campaigns/spring").body)
    for order in ("approve", "launch", "stop"):
        route = (f"/v1/campaigns/{{name}}/{order}", "post")
        asked = {**ASKED[route], "version": ""} if order == "approve" else ASKED[route]
        reply = shop.ask("POST", f"/v1/campaigns/spring/{order}", asked)
        assert reply.status in (200, 202), reply.body
        check(ANSWERS[route], reply.body)
    shop.living.world.close()
