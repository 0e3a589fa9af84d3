"""What comes back from a mail, through all processes: links and pixel of a mail as it arrived, a bounce by command and by
API, a provider's webhook, and the way out; each an event of the person, and a bad address is written to no more."""

import base64
import json
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd import smtp
from aiosmtpd.smtp import Envelope, Session

from tactful.adapters.installation import Installation as House
from tactful.app.clocks import SystemClock
from tactful.operations.history.listing import Listing
from tactful.runtime.settings import Settings
from tests.acceptance.installation import WRITE_KEY, Running, free_port, project, run
from tests.acceptance.receivers import Mailbox, mail_server
from tests.acceptance.waiting import until

TOKEN = "an-administrators-token"
PASSWORD = "a-password-of-the-webhook"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
MESSAGE = """purpose: email_marketing
subject: "Thank you, {{ profile.name }}"
html: |
  <html><body><p>Thanks.</p><a href="https://shop.example/orders?a=1&amp;b=2">Your orders</a>
  <a data-track="no" href="https://shop.example/terms">Terms</a>
  <a href="{{ unsubscribe_url }}">No more</a></body></html>
text: "Thanks. https://shop.example/orders {{ unsubscribe_url }}"
"""


class Inbox(Mailbox):
    """Keeps mails by whom they are for, with their envelope's sender."""

    def __init__(self) -> None:
        super().__init__(1)
        self.mails: dict[str, list[tuple[str, EmailMessage]]] = {}

    async def handle_DATA(self, server: smtp.SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        content, sender = envelope.original_content, envelope.mail_from
        assert content is not None and sender is not None
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.setdefault(str(mail["To"]), []).append((sender, mail))
        return "250 kept"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox()
    with mail_server(made):
        yield made


@pytest.fixture
def shop(tmp_path: Path, inbox: Inbox) -> Iterator[Running]:
    folder = project(tmp_path / "project", inbox.port, free_port())
    settings = folder / "tactful.toml"
    more = 'bounce_address = "bounces@shop.example"\n\n[tracking]\nclicks = true\nopens = true\n'
    more += f'\n[hooks.postmark]\npassword = "{PASSWORD}"\n'
    settings.write_text(settings.read_text().replace("\n[channels.webhook]", f"{more}\n[channels.webhook]"))
    (folder / "messages/thanks.yaml").write_text(MESSAGE)
    (folder / "segments/readers.yaml").write_text('when: any("Email Link Clicked", where=not machine)\n')
    made = Running(folder, tmp_path / "data")
    made.start({"TACTFUL_ADMIN_TOKEN": TOKEN})
    yield made
    made.kill_all()


def ask(shop: Running, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", shop.port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {"User-Agent": FIREFOX, **named})
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


def order(shop: Running, person: str) -> None:
    """Somebody agrees and orders, which brings a mail."""
    basic = "Basic " + base64.b64encode(f"{WRITE_KEY}:".encode()).decode()
    for path, call in (
        ("/v1/identify", {"traits": {"email": f"{person}@reader.example", "name": person}}),
        ("/v1/consent", {"purpose": "email_marketing", "granted": True}),
        ("/v1/track", {"event": "Order Completed"}),
    ):
        status, _, said = ask(shop, "POST", path, json.dumps({"userId": person, **call}).encode(), Authorization=basic)
        assert status == 200, said


def mail_of(inbox: Inbox, person: str) -> tuple[str, EmailMessage]:
    to = f"{person}@reader.example"
    until(lambda: to in inbox.mails, f"mail to {to}")
    return inbox.mails[to][-1]


def told(shop: Running, name: str, person: str) -> list[dict[str, Any]]:
    """As `tactful events` lists them; read beside the server."""
    house = House(shop.data, Settings(), SystemClock(), read_only=True)
    try:
        events = list(Listing(house.log, house.trail, lambda _: None).fresh())
    finally:
        house.close()
    found = [one for one in events if one["type"] == "message" and one["event"] == name]
    return [one["properties"] for one in found if one["userId"] == person]


def await_told(shop: Running, name: str, person: str, count: int = 1) -> list[dict[str, Any]]:
    until(lambda: len(told(shop, name, person)) >= count, f"{name} of {person}; {shop.said()[-2000:]}")
    found = told(shop, name, person)
    assert len(found) == count
    assert all(one["journey"] == "thanks" and one["message"] == "thanks" for one in found)
    return found


def bounce(sender: str, intent: str) -> bytes:
    sample = Path("tests/reports/mails/postfix_unknown_user.eml").read_text()
    return sample.replace("{VERP}", sender).replace("{INTENT}", intent).encode()


def test_what_comes_back_from_a_mail(shop: Running, inbox: Inbox) -> None:
    order(shop, "ada")
    sender, mail = mail_of(inbox, "ada")
    (sent,) = await_told(shop, "Email Sent", "ada")
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]  # it has one
    assert 'href="https://shop.example/terms"' in html
    assert "https://shop.example/orders" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # it has one
    (link,) = re.findall(r"https://mail\.example\.test(/v1/c/[\w-]+)", html)
    (pixel,) = re.findall(r"https://mail\.example\.test(/v1/o/[\w-]+\.gif)", html)

    # A scanner looks at once, and then with HEAD; later somebody reads.
    assert ask(shop, "HEAD", link)[0] == 302
    assert ask(shop, "GET", link, User_Agent="Barracuda Sentinel (EE)")[0] == 302
    status, headers, _ = ask(shop, "GET", pixel)
    assert (status, headers["content-type"]) == (200, "image/gif")
    await_told(shop, "Email Opened", "ada")
    status, headers, _ = ask(shop, "GET", link)
    assert (status, headers["location"]) == (302, "https://shop.example/orders?a=1&b=2")
    clicks = await_told(shop, "Email Link Clicked", "ada", 2)
    assert clicks[0]["machine"] is True
    assert clicks[0]["link"] == "https://shop.example/orders?a=1&b=2"
    assert ask(shop, "GET", "/v1/c/forged")[0] == 404

    # The way out is told as well.
    (path,) = re.findall(r"https://mail\.example\.test(/v1/unsubscribe/[\w-]+)", str(mail["List-Unsubscribe"]))
    status, _, _ = ask(
        shop, "POST", path, b"List-Unsubscribe=One-Click", Content_Type="application/x-www-form-urlencoded"
    )
    assert status == 200
    (gone,) = await_told(shop, "Unsubscribed", "ada")
    assert gone["purpose"] == "email_marketing"
    assert sender.startswith("bounces+") and sender.endswith("@shop.example")
    assert sent["intent"] == gone["intent"]


def test_what_bounces_is_written_to_no_more(shop: Running, inbox: Inbox, tmp_path: Path) -> None:
    for person in ("bea", "chen", "dov"):
        order(shop, person)
    senders = {}
    for person in ("bea", "chen", "dov"):
        sender, _ = mail_of(inbox, person)
        (sent,) = await_told(shop, "Email Sent", person)
        senders[person] = sender, str(sent["intent"])

    # By command, twice; by API; by a provider.
    file = tmp_path / "bounce.eml"
    file.write_bytes(bounce(*senders["bea"]))
    for _ in range(2):
        done = run("bounces", str(file), "--data", str(shop.data), "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"Email Bounced (hard)": 1}
    mail = bounce(*senders["chen"])
    assert ask(shop, "POST", "/v1/bounces", mail)[0] == 401
    status, _, said = ask(shop, "POST", "/v1/bounces", mail, Authorization=f"Bearer {TOKEN}")
    assert (status, json.loads(said)["kind"]) == (200, "hard")
    hook = {"RecordType": "SpamComplaint", "Metadata": {"intent": senders["dov"][1]}}
    basic = "Basic " + base64.b64encode(f"x:{PASSWORD}".encode()).decode()
    assert ask(shop, "POST", "/v1/hooks/postmark", json.dumps(hook).encode())[0] == 403
    assert ask(shop, "POST", "/v1/hooks/postmark", json.dumps(hook).encode(), Authorization=basic)[0] == 200
    assert await_told(shop, "Email Bounced", "bea")[0]["kind"] == "hard"
    await_told(shop, "Email Bounced", "chen")
    await_told(shop, "Email Marked as Spam", "dov")

    for person in ("bea", "chen", "dov"):
        order(shop, person)
    until(
        lambda: sum(row.status == "refused" for row in shop.intents()) == 3,
        lambda: f"refusals: {[(row.status, row.reason) for row in shop.intents()]}",
    )
    assert all(len(mails) == 1 for mails in inbox.mails.values())
    assert shop.stop() == 0


def test_an_empty_pipe_is_no_bounce(tmp_path: Path, shop: Running) -> None:
    done = run("bounces", "/dev/null", "--data", str(shop.data))
    assert (done.returncode, done.stdout) == (0, "1 mail: no bounce\n")
    assert run("bounces", str(tmp_path / "nowhere"), "--data", str(shop.data)).returncode != 0
