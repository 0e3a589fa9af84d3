"""Webhooks to a real receiver: signed, repeated with the same id, and never into a network that is not public."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from tactful.adapters.webhook import Webhook, is_public, judge
from tactful.messages.call import secret_key
from tactful.runtime.channels import Rejected, Retry, Sent, WebhookSettings
from tactful.values import HOUR_US, SECOND_US
from tests.deliver.desk import Desk, order, run

SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()


class Names(AbstractResolver):
    """A name server of our own."""

    def __init__(self, **names: Sequence[str]) -> None:
        self.names = names
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self.names[host.replace(".", "_")]
        ]

    async def close(self) -> None:
        return None


class Receiver:
    """Answers what it is told to, in order; then 200."""

    def __init__(self, *answers: web.Response) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[dict[str, str], bytes, str]] = []
        self.stall: asyncio.Event | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.stall is not None:
            self.stall.set()
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.calls.append((dict(request.headers), await request.read(), request.path))
        if self.stall is not None:
            await self.stall.wait()
        return self.answers.pop(0) if self.answers else web.Response(text="thank you")


def verified(headers: dict[str, str], body: bytes) -> bool:
    """The receiver's side of Standard Webhooks, written from its specification."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    good = base64.b64encode(hmac.new(b"k" * 24, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(f"v1,{good}", given) for given in headers["webhook-signature"].split(" "))


def test_a_call_is_signed_and_repeated_with_the_same_id_and_body(tmp_path: Path) -> None:
    async def scene() -> None:
        async with Receiver(
            web.Response(status=503, headers={"Retry-After": "600"}), web.Response(status=429)
        ) as receiver:
            desk = Desk(tmp_path)
            channel = Webhook(WebhookSettings((SECRET, "another"), allow_private=True), desk.clock)
            desk.put(order("w1", "webhook", f"http://127.0.0.1:{receiver.port}/hook"))
            started = desk.clock.now
            await desk.deliver(desk.deliverer(desk.lane(channel)), rounds=5)
            await channel.close()
            assert desk.status("w1") == "sent"
            assert len(receiver.calls) == 3
            assert all(verified(headers, body) for headers, body, _ in receiver.calls)
            assert {headers["webhook-id"] for headers, _, _ in receiver.calls} == {"w1"}
            assert {headers["Idempotency-Key"] for headers, _, _ in receiver.calls} == {"w1"}
            assert len({body for _, body, _ in receiver.calls}) == 1
            assert desk.clock.now >= started + 600 * SECOND_US
            sent = json.loads(receiver.calls[0][1])
            assert sent["type"] == "journey.message"
            assert sent["data"]["person"] == "u:w1"
            assert sent["data"]["event"] == {
                "name": "Product Added",
                "properties": {"name": "Lamp"},
                "timestamp": "2025-03-01T08:00:00.000Z",
            }
            desk.close()

    run(scene())


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("http://127.0.0.1:{port}/", {}),
        ("http://[::1]:{port}/", {}),
        ("http://[::ffff:127.0.0.1]:{port}/", {}),
        ("http://10.0.0.5/", {}),
        ("http://169.254.169.254/latest/meta-data", {}),
        ("http://0.0.0.0:{port}/", {}),
        ("http://intern.example:{port}/", {"intern_example": ["127.0.0.1"]}),
        ("http://mixed.example:{port}/", {"mixed_example": ["93.184.216.34", "192.168.1.1"]}),
        ("http://mapped.example:{port}/", {"mapped_example": ["::ffff:10.0.0.1"]}),
        ("http://2130706433:{port}/", {"2130706433": ["127.0.0.1"]}),
        ("http://localhost:{port}/", {"localhost": ["127.0.0.1", "::1"]}),
        ("file:///etc/passwd", {}),
        ("gopher://127.0.0.1/", {}),
        ("nonsense", {}),
        ("http://", {}),
    ],
)
def test_no_way_into_networks_that_are_not_public(tmp_path: Path, url: str, names: dict[str, list[str]]) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            desk = Desk(tmp_path)
            channel = Webhook(WebhookSettings((SECRET,)), desk.clock, Names(**names))
            desk.put(order("w1", "webhook", url.replace("{port}", str(receiver.port))))
            await desk.deliver(desk.deliverer(desk.lane(channel)))
            await channel.close()
            assert receiver.calls == []
            assert desk.status("w1") == "rejected"
            desk.close()

    run(scene())


def test_a_name_is_resolved_once_and_the_call_keeps_it(tmp_path: Path) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            desk = Desk(tmp_path)
            names = Names(shop_example=["127.0.0.1"])
            channel = Webhook(WebhookSettings((SECRET,), allow_private=True), desk.clock, names)
            desk.put(order("w1", "webhook", f"http://shop.example:{receiver.port}/hook"))
            await desk.deliver(desk.deliverer(desk.lane(channel)))
            await channel.close()
            assert desk.status("w1") == "sent"
            assert receiver.calls[0][0]["Host"] == f"shop.example:{receiver.port}"
            assert names.asked == 1
            desk.close()

    run(scene())


def test_redirects_are_not_followed(tmp_path: Path) -> None:
    async def scene() -> None:
        async with Receiver() as receiver:
            receiver.answers = [
                web.Response(status=307, headers={"Location": f"http://127.0.0.1:{receiver.port}/inside"})
            ]
            desk = Desk(tmp_path)
            channel = Webhook(WebhookSettings((SECRET,), allow_private=True), desk.clock)
            desk.put(order("w1", "webhook", f"http://127.0.0.1:{receiver.port}/outside"))
            await desk.deliver(desk.deliverer(desk.lane(channel)))
            await channel.close()
            assert [path for _, _, path in receiver.calls] == ["/outside"]
            assert desk.row("w1").reason == "redirects are not followed"
            desk.close()

    run(scene())


def test_of_a_long_answer_little_is_read_and_a_slow_one_is_given_up(tmp_path: Path) -> None:
    async def scene() -> None:
        async with Receiver(web.Response(body=b"x" * 5_000_000)) as receiver:
            desk = Desk(tmp_path)
            channel = Webhook(WebhookSettings((SECRET,), allow_private=True, timeout_s=0.3), desk.clock)
            desk.put(order("long", "webhook", f"http://127.0.0.1:{receiver.port}/"))
            await desk.deliver(desk.deliverer(desk.lane(channel)))
            assert desk.status("long") == "sent"
            assert len(desk.row("long").detail) <= 500
            receiver.stall = asyncio.Event()
            desk.put(order("slow", "webhook", f"http://127.0.0.1:{receiver.port}/"))
            await desk.deliver(desk.deliverer(desk.lane(channel)))
            assert (desk.status("slow"), desk.row("slow").reason) == ("waiting", "no answer")
            await channel.close()
            desk.close()

    run(scene())


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1:248:1893:25c8:1946", True), ("127.0.0.1", False), ("10.1.2.3", False),
        ("172.16.0.1", False), ("192.168.0.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False),
        ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False), ("::", False), ("fe80::1%eth0", False),
        ("fc00::1", False), ("fec0::1", False), ("ff02::1", False), ("::ffff:127.0.0.1", False), ("::ffff:8.8.8.8", True),
        ("64:ff9b::a9fe:a9fe", False), ("2002:7f00:1::", False), ("192.0.2.1", False), ("198.18.0.1", False), ("x", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address: str, answer: bool) -> None:
    assert is_public(address) is answer


def test_what_each_answer_means() -> None:
    assert judge(204, "", "") == Sent("204 ")
    assert judge(503, "30", "busy") == Retry("the receiver asks to come again", "503 busy", 30 * SECOND_US)
    assert judge(429, "99999999", "") == Retry("the receiver asks to come again", "429 ", 0)
    assert judge(503, "999999", "") == Retry("the receiver asks to come again", "503 ", 6 * HOUR_US)
    assert judge(500, "Wed, 21 Oct 2015 07:28:00 GMT", "") == Retry("the receiver asks to come again", "500 ", 0)
    for never in (301, 400, 401, 404, 410, 422):
        assert isinstance(judge(never, "", ""), Rejected)


def test_secrets() -> None:
    assert secret_key("whsec_" + base64.b64encode(b"abc").decode()) == b"abc"
    assert secret_key("whsec_no base64!") == b"whsec_no base64!"
    assert secret_key("plain") == b"plain"
