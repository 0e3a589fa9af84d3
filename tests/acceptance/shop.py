"""A shop that its own server and anybody's browser speak to, with everything that an attacker can reach: the write key
of the page, the doors of the API, and an inbox of their own."""

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple
from urllib.parse import quote

from aiosmtpd.smtp import SMTP, Envelope, Session

from tactful.runtime.ports import OutboxRow
from tests.acceptance.installation import Running
from tests.acceptance.receivers import Mailbox, mail_server
from tests.acceptance.waiting import until

SERVER_KEY, PAGE_KEY, TOKEN = "shop-server", "shop-page", "token-of-the-administrator"
SECRET = "secret-of-the-shops-tokens-0123456789"
PURPOSE = "email_marketing"
_numbers = count()
SETTINGS = """
[workspace]
name = "Kettle Shop"
public_url = "https://mail.example.test"
[sources.server]
write_key = "{server_key}"
trust = "server"
[sources.page]
write_key = "{page_key}"
[channels.email]
from = "Kettle Shop <hello@shop.example>"
smtp_url = "smtp://127.0.0.1:{smtp_port}?starttls=never"
slots = 1
[engine]
partitions = 2
workers = 1
[identity]
browser = "{mode}"
secrets = ["{secret}"]
[consent.purposes.email_marketing]
categories = ["Advertising"]
"""
LETTER = (
    "purpose: email_marketing\nsubject: '{subject}'\nhtml: '{body}{link}'\ntext: '{body} {{{{ unsubscribe_url }}}}'\n"
)
BODY, LINK = "Dear {{ profile.firstName }}, {{ event.properties.note }}", '<a href="{{ unsubscribe_url }}">No more</a>'
FILES = {
    "events/order_completed.yaml": "name: Order Completed\nserver_only: true\n",
    "events/wish_made.yaml": "name: Wish Made\n",
    "events/newsletter_subscribed.yaml": "name: Newsletter Subscribed\n",
    "journeys/thanks.yaml": "start: {event: Order Completed}\nsend: {email: thanks}\n",
    "journeys/wish.yaml": "start: {event: Wish Made}\nsend: {email: wish}\n",
    "journeys/ask.yaml": "start: {event: Newsletter Subscribed}\nsend: {email: confirm}\n",
    "messages/thanks.yaml": LETTER.format(subject="Thank you, {{ profile.firstName }}", body=BODY, link=LINK),
    "messages/wish.yaml": LETTER.format(subject="Your wish, {{ profile.firstName }}", body=BODY, link=LINK),
    "messages/confirm.yaml": (
        "confirms: email_marketing\nsubject: 'Please confirm your address'\n"
        "html: '<a href=\"{{ confirm_url }}\">Yes</a>'\ntext: 'Yes: {{ confirm_url }}'\n"
    ),
}


class Letter(NamedTuple):
    to: str
    whole: str
    """Everything that a reader's program may show, decoded, with all headers."""
    html: str

    def link(self, page: str) -> str:
        """The path of the link to `page` (`unsubscribe`, `confirm`)."""
        found = re.search(rf"https://mail\.example\.test(/v1/{page}/[\w-]+)", self.whole)
        assert found, self.whole
        return found[1]


class Letters(Mailbox):
    """Reads what it accepts; keeps the line of one recipient waiting, if asked."""

    def __init__(self) -> None:
        super().__init__(1)
        self.letters: list[Letter] = []
        self.slow = ""
        self.reached, self.goes_on = Event(), Event()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        if self.slow in envelope.rcpt_tos:
            self.reached.set()
            await asyncio.to_thread(self.goes_on.wait, 60)
        assert envelope.original_content is not None
        mail = message_from_bytes(envelope.original_content, _class=EmailMessage, policy=policy.default)
        parts = [str(part.get_content()) for part in mail.walk() if not part.is_multipart()]
        whole = "\n".join([*(f"{name}: {value}" for name, value in mail.items()), *parts])
        html = mail.get_body(("html",))
        shown = str(html.get_content()) if html is not None else ""
        self.letters += [Letter(to, whole, shown) for to in envelope.rcpt_tos]
        return "250 kept"

    def to(self, *addresses: str) -> list[Letter]:
        return [letter for letter in self.letters if letter.to in addresses]


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Shop:
    def __init__(self, running: Running, letters: Letters, mode: str) -> None:
        self.running, self.letters, self.mode = running, letters, mode
        self._numbers = count()

    # ---- asking ------------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One request as it is; a `dict` as JSON. Underscores of headers are hyphens."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = HTTPConnection("127.0.0.1", self.running.port, timeout=20)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            kept = {name.lower(): value for name, value in answer.getheaders() if name.lower() != "date"}
            return Reply(answer.status, kept, answer.read())
        finally:
            connection.close()

    def call(self, key: str, path: str, **call: Any) -> Reply:
        call.setdefault("messageId", f"m{next(self._numbers)}")
        return self.ask("POST", path, call, Authorization=basic(key))

    def server(self, path: str, **call: Any) -> None:
        """The shop's own server, which is believed."""
        reply = self.call(SERVER_KEY, path, **call)
        assert reply.status == 200, reply

    def page(self, path: str, **call: Any) -> Reply:
        """Whoever has opened the shop's page."""
        return self.call(PAGE_KEY, path, **call)

    # ---- looking -----------------------------------------------------------------------------------------------

    def look(self, what: str, person: str) -> dict[str, Any]:
        """`profiles` or `explain` of somebody, as the administrator sees it; {} of nobody."""
        reply = self.ask("GET", f"/v1/{what}/{quote(person, safe='')}", Authorization=f"Bearer {TOKEN}")
        found: dict[str, Any] = json.loads(reply.body)
        return found if reply.status == 200 else {}

    def profile(self, person: str) -> dict[str, Any]:
        return self.look("profiles", person)

    def granted(self, person: str) -> bool:
        """Whether mail that needs consent may go to the person."""
        consents = self.profile(person)["consents"]
        return any(each["purpose"] == PURPOSE and each["granted"] for each in consents)

    def is_tied(self, identifier: str, person: str) -> bool:
        return self.profile(identifier).get("person") == person

    def fates(self, person: str) -> list[str]:
        """What became of the person's messages, in order: `thanks sent`, `wish refused: no consent: ...`."""
        rows = sorted(self.outbox(person), key=lambda row: row.intent.due)
        return [f"{row.intent.journey} {row.status}{f': {row.reason}' if row.status != 'sent' else ''}" for row in rows]

    def outbox(self, person: str) -> list[OutboxRow]:
        return [row for row in self.running.intents() if row.intent.key == person]

    # ---- waiting -----------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """All that was told is applied, and every message has ended."""
        self.running.await_quiet(0)

    def await_tied(self, identifier: str, person: str) -> None:
        until(lambda: self.is_tied(identifier, person), f"{identifier} to be {person}")
        self.settle()

    def await_fate(self, person: str, *fates: str) -> None:
        self.settle()
        until(lambda: self.fates(person) == [*fates], lambda: f"{fates}; there are {self.fates(person)}", 10)

    def await_letter(self, to: str, number: int = 1) -> Letter:
        """The newest of so many."""
        until(lambda: len(self.letters.to(to)) >= number, f"letter {number} to {to}")
        self.settle()
        return self.letters.to(to)[-1]


class Pair:
    """A victim and an attacker of their own for each story; all that a story names is theirs."""

    def __init__(self, site: Shop) -> None:
        number = next(_numbers)
        self.site = site
        self.user, self.visitor = f"victim{number}", f"eve{number}"
        self.key, self.address, self.eves = (
            f"u:{self.user}",
            f"victim{number}@people.example",
            f"eve{number}@evil.example",
        )

    def known(self, *, has_agreed: bool | None = True) -> "Pair":
        """The shop's server has told of the victim, and what they decided."""
        traits = {"email": self.address, "firstName": "Ada"}
        self.site.server("/v1/identify", userId=self.user, traits=traits)
        if has_agreed is not None:
            self.site.server("/v1/consent", userId=self.user, purpose=PURPOSE, granted=has_agreed)
        self.site.settle()
        return self

    def order(self, note: str = "your kettle") -> None:
        """What brings a letter to whoever permits it."""
        self.site.server("/v1/track", userId=self.user, event="Order Completed", properties={"note": note})

    def eve_confirms(self) -> None:
        """Eve's own address, by the link that went to it."""
        self.site.page("/v1/identify", anonymousId=self.visitor, traits={"email": self.eves, "firstName": "Eve"})
        self.site.page("/v1/track", anonymousId=self.visitor, event="Newsletter Subscribed")
        press(self.site, self.site.await_letter(self.eves).link("confirm"), "confirm=yes")

    def eve_signs_in_as_victim(self) -> None:
        self.site.page("/v1/identify", userId=self.user, anonymousId=self.visitor, traits={})
        if self.site.mode == "open":
            self.site.await_tied(f"a:{self.visitor}", self.key)
        self.site.settle()


def press(site: Shop, path: str, button: str) -> int:
    """The button of a page that a mail leads to."""
    return site.ask("POST", path, button.encode(), Content_Type="application/x-www-form-urlencoded").status


def basic(user: str, password: str = "") -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


@contextmanager
def shop(folder: Path, mode: str) -> Iterator[Shop]:
    """A running one; nothing in it has failed when it ends."""
    project = folder / "project"
    letters = Letters()
    with mail_server(letters):
        keys = {"server_key": SERVER_KEY, "page_key": PAGE_KEY, "secret": SECRET}
        settings = SETTINGS.format(smtp_port=letters.port, mode=mode, **keys)
        for name, text in {"tactful.toml": settings, **FILES}.items():
            path = project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        running = Running(project, folder / "data")
        try:
            running.start({"TACTFUL_ADMIN_TOKEN": TOKEN})
            yield Shop(running, letters, mode)
            assert running.stop() == 0
            assert "Traceback" not in running.said(), running.said()[-6000:]
        finally:
            running.kill_all()
