"""Who may not be remembered leaves nothing: once the raw log has expired, no file of the data folder names the visitor.

The folder is the real one. The search reads every file as it is, every column of every table, and whatever is packed or
compressed within; that it can find things is shown by somebody who agreed, and did the same under other names.
"""

import json
import shutil
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from tactful.adapters.installation import Installation
from tactful.events.identifiers import partition_of
from tactful.events.intake import Arrival, accept
from tactful.events.records import Consent, Event, Publish, encode
from tactful.events.sources import Source
from tactful.kernel import deciding
from tactful.people import seen
from tactful.runtime.settings import (
    ConsentSettings,
    EngineSettings,
    PurposeSettings,
    Settings,
    SourceSettings,
    plan_settings,
)
from tactful.testing import SimClock
from tests.simulation.definitions import MINUTE
from tests.simulation.histories import START

Otherwise = Literal["anonymous", "count", "drop"]
FILES = {
    "events/added.yaml": "name: Product Added\nproperties:\n  price: {type: number, required: true}\n",
    "segments/buyers.yaml": 'when: any("Product Added", last="30d")\n',
    "journeys/left.yaml": "start: {event: Product Added}\nsend: {email: reminder}\n",
    "messages/reminder.yaml": (
        "purpose: marketing\nsubject: Still there\nhtml: <p>{{ profile.name }}</p>\ntext: Hello {{ profile.name }}\n"
    ),
}
SHOP = Source("shop", "key", "server")
WEB = Source("web", "public", "browser")


def settings(otherwise: Otherwise, partitions: int = 2) -> Settings:
    purposes = {"analytics": PurposeSettings(categories=["analytics"], gpc=True), "marketing": PurposeSettings()}
    sources = {"web": SourceSettings("public", unplanned="quarantine"), "shop": SourceSettings("key", "server")}
    consent = ConsentSettings(collect="analytics", otherwise=otherwise, purposes=purposes)
    return Settings(sources=sources, consent=consent, engine=EngineSettings(partitions=partitions))


def needles(who: str) -> dict[str, bytes]:
    """What would name this visitor, by what it is."""
    texts = {
        "anonymousId": f"anonymous-{who}",
        "deviceId": f"device-{who}",
        "userId": f"user-{who}",
        "name": f"Name of {who}",
        "email": f"{who}@needle.example",
        "ip": {"visitor": "203.0.113.7", "known": "203.0.113.8", "later": "203.0.113.9"}[who],
        "userAgent": f"Agent/{who}",
        "street": f"Street of {who}",
        "messageId": f"message-{who}-1",
    }
    return {what: text.encode() for what, text in texts.items()} | {"messageId's mark": seen.mark(texts["messageId"])}


def calls(who: str, said: Mapping[str, Any], user: str = "") -> Iterator[dict[str, Any]]:
    """What a browser sends: pages, a cart, an identify, an alias, and something that does not fit the tracking plan."""
    of = {what: text.decode() for what, text in needles(who).items() if what != "messageId's mark"}
    context = {"ip": of["ip"], "userAgent": of["userAgent"], "device": {"id": of["deviceId"]}, **said}
    ids = {"anonymousId": of["anonymousId"], "context": context}
    known = {"userId": user or of["userId"]}
    traits = {"name": of["name"], "email": of["email"], "street": of["street"]}
    yield {"type": "page", "name": of["street"], **ids}
    yield {"type": "track", "event": "Product Added", "properties": {"price": 30, "note": of["street"]}, **ids}
    yield {"type": "identify", "traits": traits, **ids, **known}
    yield {"type": "track", "event": "Product Added", "properties": {"price": 30, "note": of["street"]}, **ids, **known}
    yield {"type": "alias", "previousId": of["anonymousId"], **ids, **known}
    yield {"type": "track", "event": "Product Added", "properties": {"price": "much", "note": of["street"]}, **ids}
    yield {"type": "track", "event": "Product Added", "properties": {"note": of["street"]}, **ids, **known}
    yield {"type": "page", "name": of["street"], "context": context, **known}


class Place:
    """A data folder with its workers."""

    def __init__(self, folder: Path, otherwise: Otherwise) -> None:
        self.clock = SimClock(START)
        self.house = Installation(folder, settings(otherwise), self.clock, read_only=False)
        self.workers = [self.house.worker(partition, self.clock) for partition in range(self.house.partitions)]
        self.house.log.append({0: [encode(Publish(START, FILES, plan_settings(self.house.settings), "me"))]})
        self.work()

    def work(self) -> None:
        while any([worker.turn() for worker in self.workers]):
            pass

    def call(self, who: str, said: Mapping[str, Any], source: Source = WEB, user: str = "") -> None:
        for number, call in enumerate(calls(who, said, user)):
            self.clock.advance(MINUTE)
            body = json.dumps({"messageId": f"message-{who}-{number}", **call}).encode()
            event = accept(body, Arrival(source, self.clock.now_us()))
            assert isinstance(event, Event), event
            self.append(event)

    def append(self, record: Event | Consent) -> None:
        self.house.log.append({partition_of(record.key, self.house.partitions): [encode(record)]})
        self.work()

    def says(self, key: str, purpose: str, granted: bool) -> None:
        now_us, number = self.clock.now_us(), f"{key} {purpose} {granted}"
        self.append(Consent(1, "shop", "server", key, number, purpose, granted, now_us, now_us))

    def expire(self) -> Path:
        """The raw log is gone, everything else is on disk."""
        self.clock.advance(60 * MINUTE)
        self.work()
        for worker in self.workers:
            worker.maintain()
        self.house.close()
        shutil.rmtree(self.house.data / "log")
        return self.house.data


# ---- the search ------------------------------------------------------------------------------------------------------


def found(folder: Path, sought: Mapping[str, bytes]) -> dict[str, set[str]]:
    """By what it is, the files (by their folder, or name) that name it."""
    places: dict[str, set[str]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        place = path.relative_to(folder).parts[0]
        for text in _texts_of(path):
            folded = text.lower()
            for what, needle in sought.items():
                if needle in text or needle.lower() in folded:
                    places.setdefault(what, set()).add(place.partition(".")[0])
    return places


def _texts_of(path: Path) -> Iterator[bytes]:
    """The file as it is, and all that is within."""
    body = path.read_bytes()
    yield body
    if body.startswith(b"SQLite format 3"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                for row in database.execute(f"SELECT * FROM {table}"):
                    for value in row:
                        yield from _texts(value)
        database.close()


def _texts(value: object) -> Iterator[bytes]:
    match value:
        case str():
            yield value.encode("utf-8", "surrogatepass")
        case bytes():
            yield value
            yield from _unpacked(value)
        case dict():
            for key, inner in value.items():
                yield from _texts(key)
                yield from _texts(inner)
        case list() | tuple():
            for inner in value:
                yield from _texts(inner)


def _unpacked(body: bytes) -> Iterator[bytes]:
    for opened in (zlib.decompress, msgspec.msgpack.decode):
        try:
            inner = opened(body)
        except (zlib.error, msgspec.DecodeError, ValueError):
            continue
        if isinstance(inner, bytes | dict | list):
            yield from _texts(inner)


# ---- what must be ----------------------------------------------------------------------------------------------------

SAYS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "no": {"consent": {"categoryPreferences": {"analytics": False}}},
    "gpc": {"gpc": True},
}
AGREES = {"consent": {"categoryPreferences": {"analytics": True}}}


def test_the_search_finds_whoever_agreed_in_every_format(tmp_path: Path) -> None:
    place = Place(tmp_path / "data", "count")
    place.says("u:user-known", "analytics", granted=True)
    place.says("u:user-known", "marketing", granted=True)
    place.call("known", AGREES, SHOP)
    place.call("later", AGREES)
    places = found(place.expire(), needles("known"))
    everywhere = {"store", "trail", "outbox", "ledger"}
    assert places["userId"] >= everywhere
    assert places["anonymousId"] >= {"store", "trail"}
    assert places["email"] >= {"store", "outbox"}
    assert places["name"] >= {"store", "outbox"}
    assert "store" in places["messageId's mark"]
    misfits = found(tmp_path / "data", needles("later"))
    for what in ("anonymousId", "deviceId", "ip", "userAgent", "street"):
        assert "quarantine" in misfits[what], what


@pytest.mark.parametrize(
    ("said", "otherwise"),
    [("nothing", "anonymous"), ("nothing", "count"), ("nothing", "drop"), ("no", "anonymous"), ("gpc", "count")],
)
def test_i7_a_visitor_who_did_not_agree_is_nowhere(tmp_path: Path, said: str, otherwise: Otherwise) -> None:
    place = Place(tmp_path / "data", otherwise)
    place.call("visitor", SAYS[said])
    assert found(place.expire(), needles("visitor")) == {}


@pytest.mark.parametrize(
    ("source", "otherwise"), [(SHOP, "anonymous"), (WEB, "anonymous"), (WEB, "count"), (WEB, "drop")]
)
def test_i7_of_somebody_who_withdrew_nothing_is_added(tmp_path: Path, source: Source, otherwise: Otherwise) -> None:
    place = Place(tmp_path / "data", otherwise)
    place.says("u:user-known", "analytics", granted=True)
    place.call("known", AGREES, SHOP)
    place.says("u:user-known", "analytics", granted=False)
    place.call("later", {}, source, user="user-known")
    assert found(place.expire(), needles("later")) == {}


def test_a_verdict_that_forgets_to_ask_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "may_collect_of_nobody", lambda *_: True)
    place = Place(tmp_path / "data", "count")
    place.call("visitor", {})
    assert found(place.expire(), needles("visitor"))
