"""SMS, chat and app push through Apprise to real local services: what arrives, and what is known when it fails."""

import json
from pathlib import Path
from urllib.parse import unquote

import pytest

from tactful.adapters.apprise import Apprise
from tactful.adapters.missing import Missing
from tactful.errors import UsageError
from tactful.messages import note
from tactful.messages.note import Note
from tactful.runtime.channels import AppriseSettings
from tactful.runtime.deliver import Lane
from tactful.values import MINUTE_US, SECOND_US
from tests.deliver.desk import START, Desk, order, run
from tests.deliver.faulty_api import Asked, FaultyApi, Mail, Refused, Told, need

# One of Apprise's hundred services still imports it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
TOLD = Note("Your cart is still there", "Hello Ada", "https://t.shop.example/cart")


class JsonApi:
    """Apprise's json://: POST to the path, title and message as JSON."""

    def good(self, number: int) -> tuple[int, dict[str, str], object]:
        return 200, {}, {"taken": number}

    def take(self, asked: Asked) -> Mail | object:
        need(asked.method == "POST" and asked.headers["authorization"].startswith("Basic "), Refused(401, "who?"))
        said = json.loads(asked.body)
        need("bad" not in asked.path, Refused(400, "no such number"))
        return Mail("", unquote(asked.path).removeprefix("/sms/"), "", said["title"], "", said["message"], {})


class NtfyApi:
    """A self-hosted ntfy: topic, title and message as JSON."""

    def good(self, number: int) -> tuple[int, dict[str, str], object]:
        return 200, {}, {"id": f"n{number}"}

    def take(self, asked: Asked) -> Mail | object:
        said = json.loads(asked.body)
        return Mail("", said["topic"], "", said["title"], "", said["message"], {})


def lane(server: FaultyApi, channel: str = "sms") -> Lane:
    url = f"json://shop:secret@127.0.0.1:{server.port}/sms/{{address}}"
    return Lane(Apprise(AppriseSettings(channel, url, slots=3)), lambda claim: note.compose(TOLD))


def test_what_arrives(tmp_path: Path) -> None:
    async def scene() -> None:
        async with FaultyApi(JsonApi()) as server:
            desk = Desk(tmp_path)
            way = lane(server)
            desk.address = "+49 151/2345?x=1&to=others"
            desk.put(order("i1", "sms"))
            await desk.deliver(desk.deliverer(way), channels=["sms"])
            assert desk.status("i1") == "sent", desk.row("i1")
            (taken,) = server.taken
            assert taken.to == "+49 151/2345?x=1&to=others", "no address leads elsewhere"
            assert (taken.subject, taken.text) == ("Hello Ada", "Your cart is still there\nhttps://t.shop.example/cart")
            await way.channel.close()
            desk.close()

    run(scene())


def test_another_service(tmp_path: Path) -> None:
    async def scene() -> None:
        async with FaultyApi(NtfyApi()) as server:
            desk = Desk(tmp_path)
            desk.address = "device-1\ndevice-2"
            url = f"ntfy://127.0.0.1:{server.port}/{{address}}"
            way = Lane(Apprise(AppriseSettings("push", url)), lambda claim: note.compose(TOLD))
            desk.put(order("i1", "push"))
            await desk.deliver(desk.deliverer(way), channels=["push"])
            assert desk.status("i1") == "sent", desk.row("i1")
            assert [one.to for one in server.taken] == ["device-1", "device-2"], "each device of the person"
            assert desk.row("i1").detail.startswith("2 of 2 devices")
            await way.channel.close()
            desk.close()

    run(scene())


@pytest.mark.parametrize(
    ("fault", "status", "kept"),
    [
        (Told(401, "who are you?"), "waiting", 0),
        (Told(429, "slow", {"Retry-After": "9"}), "waiting", 0),
        (Told(404, "nobody"), "rejected", 0),
        (Told(400, "no"), "rejected", 0),
        (Told(500, "oops"), "held", 0),
        (Told(503, "oops"), "held", 0),
        (Told(what="close"), "held", 0),
        (Told(what="drop"), "held", 0),
        (Told(what="accept+drop"), "held", 1),
        (Told(what="accept+garbage"), "held", 1),
    ],
    ids=lambda value: str(getattr(value, "what", "") or getattr(value, "status", value)),
)
def test_under_every_fault_a_message_goes_at_most_once(fault: Told, status: str, kept: int, tmp_path: Path) -> None:
    async def scene() -> None:
        async with FaultyApi(JsonApi(), [fault]) as server:
            desk, way = Desk(tmp_path), lane(server)
            desk.address = "+4915112345"
            desk.put(order("i1", "sms"))
            deliverer = desk.deliverer(way)
            await desk.deliver(deliverer, channels=["sms"])
            assert (desk.status("i1"), len(server.taken)) == (status, kept), desk.row("i1")
            if fault.status == 429:
                assert desk.row("i1").not_before >= START + 9 * SECOND_US
            await desk.deliver(deliverer, rounds=3, channels=["sms"])
            assert desk.status("i1") == ("sent" if status == "waiting" else status)
            assert len(server.taken) <= 1
            await way.channel.close()
            desk.close()

    run(scene())


def test_nobody_there_is_tried_again(tmp_path: Path) -> None:
    async def scene() -> None:
        async with FaultyApi(JsonApi()) as server:
            pass
        desk, way = Desk(tmp_path), lane(server)
        desk.address = "+4915112345"
        desk.put(order("i1", "sms"))
        await desk.deliver(desk.deliverer(way), channels=["sms"])
        assert (desk.status("i1"), desk.row("i1").reason) == ("waiting", "the service cannot be reached")
        await way.channel.close()
        desk.close()

    run(scene())


def test_a_device_that_is_gone_is_suppressed_by_itself(tmp_path: Path) -> None:
    async def scene() -> None:
        async with FaultyApi(JsonApi(), [Told(404, '{"error": {"status": "UNREGISTERED"}}')]) as server:
            desk, way = Desk(tmp_path), lane(server, "push")
            desk.address = "old-token\nnew-token"
            desk.put(order("i1", "push"))
            await desk.deliver(desk.deliverer(way), channels=["push"])
            assert desk.status("i1") == "sent"
            assert [one.to for one in server.taken] == ["new-token"]
            assert [address for address, _, _ in desk.outbox.suppressions()] == ["old-token"]
            await way.channel.close()
            desk.close()

    run(scene())


@pytest.mark.parametrize("url", ["nowhere://x/{address}", "twilio://{address}"])
def test_a_url_that_apprise_does_not_know(url: str) -> None:
    with pytest.raises(UsageError, match=r"\[channels.sms\] url"):
        Apprise(AppriseSettings("sms", url))


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    with pytest.raises(UsageError, match=r"tactful\[push\]"):
        Apprise(AppriseSettings("sms", "json://localhost/{address}"))


def test_what_is_not_set_up_waits(tmp_path: Path) -> None:
    async def scene() -> None:
        desk = Desk(tmp_path)
        desk.address = "+4915112345"
        desk.put(order("i1", "sms"))
        way = Lane(Missing("sms", "set [channels.sms] url", 5), lambda claim: b"")
        await desk.deliver(desk.deliverer(way), channels=["sms"])
        row = desk.row("i1")
        assert (row.status, row.detail) == ("waiting", "set [channels.sms] url")
        assert row.not_before >= START + MINUTE_US
        desk.close()

    run(scene())
