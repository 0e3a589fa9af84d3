"""Every form of the console that changes something leaves a line in the audit log: all of them are sent here, once.

What is not in the tables below fails, so that a new form has to be thought about.
"""

import re
import shutil
from collections.abc import Iterable, Iterator
from html import unescape
from pathlib import Path

import pytest
from msgspec.structs import replace
from starlette.routing import Route

from tactful.operations.definitions import folder
from tactful.runtime.accounts import Account, SignIn
from tactful.web.console.room import Console
from tests.console.serving import Served, routes_of, serve
from tests.console.shop import PROJECT, Shop
from tests.console.test_journeys import aside

QUIET = {
    "/definitions/check": "looks at a text",
    "/definitions/condition": "looks at a text",
    "/definitions/matching": "counts",
    "/definitions/new": "makes a draft",
    "/definitions/{kind}/{name}/edit": "keeps a draft",
    "/journeys/{name}/backtest": "asks the history",
    "/journeys/{name}/backtest/stop": "asks it no more",
    "/segments/new": "keeps a draft",
    "/segments/{name}/edit": "keeps a draft",
}
"""What changes nothing that anybody else sees."""
SIGNED_IN = {"/signin", "/signin/link/{secret}", "/signout", "/account/password", "/account/end"}
"""Of somebody who comes with a cookie: tests/web/access/test_signing.py."""
ACTS: dict[str, tuple[str, dict[str, str], str]] = {
    "/journeys/{name}/steer": ("/journeys/cart_reminder/steer", {"order": "pause", "reason": "x"}, "pause"),
    "/sending": ("/sending", {"switch": "off"}, "switch_off"),
    "/journeys/{name}/approve": ("/journeys/winter_arrivals/approve", {}, "approve"),
    "/journeys/{name}/launch": ("/journeys/winter_arrivals/launch", {}, "launch"),
    "/messages/{name}/test": ("/messages/cart_reminder/test", {"to": "test@nordlicht.example"}, "send_test"),
    "/outbox/release": ("/outbox/release", {"intent": "x"}, "release"),
    "/outbox/drop": ("/outbox/drop", {"intent": "x"}, "drop"),
    "/outbox/suppressions/add": ("/outbox/suppressions/add", {"address": "ada@example.com"}, "suppress"),
    "/outbox/suppressions/remove": ("/outbox/suppressions/remove", {"address": "ada@example.com"}, "allow"),
    "/quarantine/retry": ("/quarantine/retry", {"id": "1"}, "retry"),
    "/quarantine/drop": ("/quarantine/drop", {"id": "1"}, "drop"),
    "/consent/verify": ("/consent/verify", {}, "verify"),
    "/people/{key:path}/consent": ("/people/u:1000/consent", {"purpose": "analytics", "granted": "yes"}, "consent"),
    "/people/{key:path}/unmerge": ("/people/u:1000/unmerge", {"identifier": "a:v0"}, "unmerge"),
    "/definitions/{kind}/{name}/rename": ("/definitions/segments/long_visits/rename", {"to": "renamed"}, "publish"),
    "/definitions/{kind}/{name}/remove": ("/definitions/segments/renamed/remove", {}, "publish"),
    "/definitions/revisions/{id:int}/undo": ("/definitions/revisions/NEWEST/undo", {}, "revert"),
    "/definitions/{kind}/{name}/review": ("/definitions/segments/buyers/review", {}, "publish"),
    "/access/users/add": ("/access/users/add", {"name": "ben", "role": "viewer"}, "user_added"),
    "/access/users/change": ("/access/users/change", {"name": "ben", "role": "analyst"}, "user_changed"),
    "/access/users/link": ("/access/users/link", {"name": "ben"}, "link_made"),
    "/access/users/end": ("/access/users/end", {"name": "ben"}, "signed_out"),
    "/access/users/remove": ("/access/users/remove", {"name": "ben"}, "user_removed"),
    "/access/tokens/add": ("/access/tokens/add", {"name": "nightly", "role": "viewer", "days": "0"}, "token_made"),
    "/access/tokens/remove": ("/access/tokens/remove", {"name": "nightly"}, "token_removed"),
    "/access/sign-ins/end": ("/access/sign-ins/end", {"id": "1"}, "signed_out"),
}
"""In an order in which each can be."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    project = Path(shutil.copytree(PROJECT, tmp_path_factory.mktemp("acts") / "shop"))
    shop = aside(lambda: Shop(people=4, days=2, project=project))
    workspace = replace(shop.settings.workspace, testers=("test@nordlicht.example",))
    shop.settings = shop.house.settings = replace(shop.settings, workspace=workspace)
    accounts = shop.house.office.accounts
    accounts.put(Account("ada", "admin", 1, "a test"))
    accounts.open(SignIn(0, bytes(32), "ada", "x", 1, 1, 1 << 60, "link"))
    with serve(shop) as one:
        yield one
    shop.close()


def posts(served: Served) -> set[str]:
    found = (route for route in routes_of(served.console) if isinstance(route, Route))
    return {route.path for route in found if {"POST", "PATCH", "PUT", "DELETE"} & set(route.methods or ())}


def hidden(page: str) -> dict[str, str]:
    """What the form of the page sends beside what somebody types."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {unescape(name): unescape(value) for name, value in found if name != "csrf"}


def test_all_forms_are_known(served: Served) -> None:
    assert posts(served) == {*QUIET, *SIGNED_IN, *ACTS}


def unnoted(served: Served, acts: Iterable[tuple[str, dict[str, str], str]]) -> list[object]:
    """What was sent and left no line of its kind by whoever sent it."""
    audit, missing = served.console.office.audit, list[object]()
    for place, fields, act in acts:
        (newest,) = served.console.office.revisions.of(limit=1) or (None,)
        path = place.replace("NEWEST", str(newest.id)) if newest is not None else place
        asked = path.replace("/approve", "/preview")
        page = served.get(f"{asked}?to=renamed" if path.endswith("/rename") else asked)
        more = hidden(page.text) if page.status == 200 else {}
        before = len(audit.acts(limit=1_000))
        answer = served.send(path, {**more, **fields})
        acts_now = audit.acts(limit=1_000)
        new = [(one.act, one.who) for one in acts_now[: len(acts_now) - before]]
        if (act, "nina") not in new:
            missing.append((path, act, answer.status, new))
    return missing


def test_every_act_leaves_a_line(served: Served) -> None:
    file = folder.read(served.console.project, "segments/buyers.yaml")
    served.post("/definitions/segments/buyers/edit", text=f"# looked at\n{file.text}", shown=file.digest)
    missing = unnoted(served, ACTS.values())
    assert not missing, "\n".join(map(str, missing))


def test_a_missing_note_is_seen(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Console, "note", lambda *_: None)
    for path in ("/sending", "/outbox/suppressions/add", "/consent/verify"):
        assert unnoted(served, [ACTS[path]]), path


def test_what_is_quiet_changes_nothing_of_the_project(served: Served) -> None:
    before = served.console.house.office.audit.acts(limit=1)
    for path in QUIET:
        served.post(path.replace("{kind}", "segments").replace("{name}", "buyers"), text="when: true\n", name="buyers")
    assert served.console.house.office.audit.acts(limit=1) == before
