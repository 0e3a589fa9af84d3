"""Web push to a real local push service, which decrypts as a browser does and believes no token that it cannot check."""

import base64
import json
from pathlib import Path
from urllib.parse import urlsplit

import http_ece
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tactful.adapters.web_push import WebPush
from tactful.errors import UsageError
from tactful.messages import note
from tactful.messages.note import Note
from tactful.runtime.channels import WebPushSettings
from tactful.runtime.deliver import Lane
from tactful.values import DAY_US, SECOND_US
from tests.deliver.desk import START, Desk, StillClock, order, run
from tests.deliver.faulty_api import Asked, FaultyApi, Mail, Refused, Told, need

TOLD = Note("Your cart is still there", "Hello Ada", "https://t.shop.example/cart")
KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
CONTACT = "mailto:ops@shop.example"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """What `pushManager.subscribe` keeps, and what it gives away."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = bytes(range(16))

    def subscription(self, server: FaultyApi) -> str:
        public = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"auth": b64(self.auth), "p256dh": b64(public)}
        return json.dumps(
            {"endpoint": f"{server.address}/push/{self.name}", "keys": keys}, sort_keys=True, separators=(",", ":")
        )


class PushService:
    """RFC 8030, 8188, 8291, 8292."""

    def __init__(self, *browsers: Browser) -> None:
        self.browsers = {browser.name: browser for browser in browsers}
        self.tokens: set[str] = set()

    def good(self, number: int) -> tuple[int, dict[str, str], object]:
        return 201, {"Location": f"/message/{number}"}, ""

    def take(self, asked: Asked) -> Mail | object:
        scheme, _, said = asked.headers["authorization"].partition(" ")
        parts = dict(part.strip().split("=", 1) for part in said.split(","))
        need(scheme == "vapid" and unb64(parts["k"]) == PUBLIC, Refused(403, "made with another key"))
        origin = f"http://{asked.headers['host']}"
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(parts["k"]))
        claims = jwt.decode(parts["t"], public, algorithms=["ES256"], audience=origin, options={"verify_exp": False})
        need(claims["sub"] == CONTACT and START < claims["exp"] * SECOND_US <= START + DAY_US, Refused(401, "token"))
        self.tokens.add(parts["t"])
        browser = self.browsers.get(asked.path.removeprefix("/push/"))
        if browser is None:
            raise Refused(410, "gone")
        need(asked.headers["ttl"].isdecimal(), Refused(400, "TTL"))
        need(asked.headers["content-encoding"] == "aes128gcm" and len(asked.body) <= 4096, Refused(413, "too long"))
        opened = http_ece.decrypt(asked.body, private_key=browser.key, auth_secret=browser.auth, version="aes128gcm")
        told = note.decode(opened)
        return Mail("", browser.name, "", told.title, told.url, told.text, dict(asked.headers))


def lane(key: str = PEM, body: bytes | None = None, *, is_open: bool = True, timeout_s: float = 30.0) -> Lane:
    settings = WebPushSettings(CONTACT, key, allow_private=is_open, timeout_s=timeout_s)
    return Lane(WebPush(settings, StillClock()), lambda claim: body or note.compose(TOLD))


def test_a_browser_can_read_it(tmp_path: Path) -> None:
    async def scene() -> None:
        ada, phone = Browser("ada"), Browser("phone")
        service = PushService(ada, phone)
        async with FaultyApi(service) as server:
            desk, way = Desk(tmp_path), lane()
            desk.address = "\n".join(browser.subscription(server) for browser in (ada, phone))
            desk.put(order("i1", "web_push", valid_us=7200 * SECOND_US))
            await desk.deliver(desk.deliverer(way), channels=["web_push"])
            assert desk.status("i1") == "sent", desk.row("i1")
            assert [one.to for one in server.taken] == ["ada", "phone"]
            taken = server.taken[0]
            assert (taken.subject, taken.text, taken.html) == (TOLD.title, TOLD.text, TOLD.url)
            assert taken.headers["ttl"] == "7200", "it waits for as long as the message is valid"
            assert len(service.tokens) == 1, "a token serves for hours"
            await way.channel.close()
            desk.close()

    run(scene())


def test_a_subscription_that_is_no_more_is_suppressed_by_its_endpoint(tmp_path: Path) -> None:
    async def scene() -> None:
        ada, gone = Browser("ada"), Browser("gone")
        async with FaultyApi(PushService(ada)) as server:
            desk, way = Desk(tmp_path), lane()
            desk.address = "\n".join(browser.subscription(server) for browser in (gone, ada))
            desk.put(order("i1", "web_push"))
            await desk.deliver(desk.deliverer(way), channels=["web_push"])
            assert desk.status("i1") == "sent"
            suppressed = [address for address, _, _ in desk.outbox.suppressions()]
            assert [urlsplit(address).path for address in suppressed] == ["/push/gone"]
            desk.address = gone.subscription(server)
            desk.put(order("i2", "web_push"))
            await desk.deliver(desk.deliverer(way), channels=["web_push"])
            assert desk.status("i2") == "rejected"
            await way.channel.close()
            desk.close()

    run(scene())


@pytest.mark.parametrize(
    ("fault", "status", "kept"),
    [
        (Told(401, "exp"), "waiting", 0),
        (Told(403, "another key"), "rejected", 0),
        (Told(404), "rejected", 0),
        (Told(410), "rejected", 0),
        (Told(413), "rejected", 0),
        (Told(429, "", {"Retry-After": "60"}), "waiting", 0),
        (Told(500), "held", 0),
        (Told(what="close"), "held", 0),
        (Told(what="accept+drop"), "held", 1),
        (Told(what="accept+stall"), "held", 1),
        (Told(what="garbage"), "held", 0),
    ],
    ids=lambda value: str(getattr(value, "what", "") or getattr(value, "status", value)),
)
def test_under_every_fault_a_note_goes_at_most_once(fault: Told, status: str, kept: int, tmp_path: Path) -> None:
    async def scene() -> None:
        ada = Browser("ada")
        async with FaultyApi(PushService(ada), [fault]) as server:
            desk, way = Desk(tmp_path), lane(timeout_s=0.3 if "stall" in fault.what else 30.0)
            desk.address = ada.subscription(server)
            desk.put(order("i1", "web_push"))
            deliverer = desk.deliverer(way)
            await desk.deliver(deliverer, channels=["web_push"])
            assert (desk.status("i1"), len(server.taken)) == (status, kept), desk.row("i1")
            is_gone = fault.status in {404, 410}
            assert len(desk.outbox.suppressions()) == is_gone
            await desk.deliver(deliverer, rounds=3, channels=["web_push"])
            assert len(server.taken) <= 1
            await way.channel.close()
            desk.close()

    run(scene())


@pytest.mark.parametrize(
    ("address", "body", "is_open", "reason"),
    [
        ("not json", b"", True, "no subscription"),
        ('{"keys":{}}', b"", True, "no subscription"),
        ("SUBSCRIPTION", b"x" * 4000, True, "too long for web push"),
        ("SUBSCRIPTION", b"", False, "not a public address"),
    ],
)
def test_what_cannot_be_sent(address: str, body: bytes, is_open: bool, reason: str, tmp_path: Path) -> None:
    async def scene() -> None:
        ada = Browser("ada")
        async with FaultyApi(PushService(ada)) as server:
            desk, way = Desk(tmp_path), lane(body=body, is_open=is_open)
            desk.address = ada.subscription(server) if address == "SUBSCRIPTION" else address
            desk.put(order("i1", "web_push"))
            await desk.deliver(desk.deliverer(way), channels=["web_push"])
            assert (desk.status("i1"), desk.row("i1").reason) == ("rejected", reason)
            assert not server.asked
            await way.channel.close()
            desk.close()

    run(scene())


def test_nobody_there_and_no_key(tmp_path: Path) -> None:
    async def scene() -> None:
        ada = Browser("ada")
        async with FaultyApi(PushService(ada)) as server:
            pass
        desk, way = Desk(tmp_path), lane()
        desk.address = ada.subscription(server)
        desk.put(order("i1", "web_push"))
        await desk.deliver(desk.deliverer(way), channels=["web_push"])
        assert (desk.status("i1"), desk.row("i1").reason) == ("waiting", "the push service cannot be reached")
        await way.channel.close()
        desk.close()

    run(scene())
    with pytest.raises(UsageError, match="key of web push"):
        lane(key="no key")
