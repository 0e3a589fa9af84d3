"""The demo shop over days and months: calls by HTTP go in, mail as it is written comes out, and the clock is moved.

Everything is what `tactful up` runs, over a data folder on disk: the app that takes calls with the doors of its mails,
the workers, the deliverer with its lanes and the local outbox. Only sockets, processes and the passing of time are not
there; tests/acceptance/test_stories_running.py has those.
"""

import asyncio
import base64
import hmac
import json
import re
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from starlette.applications import Starlette

from tactful.adapters.approvals import FileApprovals
from tactful.adapters.installation import Installation
from tactful.app.answering import Answering
from tactful.app.lanes import Share, lanes
from tactful.app.parts import sources_of
from tactful.events.identifiers import partition_of
from tactful.events.records import Consent, encode
from tactful.messages.links import unseal, unseal_confirm
from tactful.operations.definitions.project import load
from tactful.operations.definitions.publish import publish
from tactful.operations.journeys import campaigns, coupons, steering
from tactful.operations.people import explain_runs
from tactful.operations.people.journeying import RunStory
from tactful.operations.reading.reader import Reader
from tactful.runtime.deliver import Deliverer
from tactful.runtime.fetching import Fetcher
from tactful.runtime.intake import Intake
from tactful.runtime.ports import Bell, Bells
from tactful.runtime.settings import naming_of, plan_settings, read_settings
from tactful.runtime.tokens import Tokens
from tactful.testing.clock import SimClock
from tactful.testing.processes import DeliverProcess, SimBells
from tactful.values import SECOND_US, format_time, parse_time
from tactful.web.collect import collect_app
from tactful.web.collect_reading import Rules
from tactful.web.confirm import routes as confirm
from tactful.web.unsubscribe import routes as unsubscribe
from tests.web.asking import ask

SHOP = Path("examples/shop")
PAGE, BACKEND = "demo-website", "demo-backend"
HERE = "http://127.0.0.1:8080"
SECRET = b"a-secret-for-the-demo-and-for-nothing-else"
STILL = 10_000
"""Rounds at one instant after which somebody must be busy for nothing."""


class Mail(NamedTuple):
    at: str
    """By its Date: `2025-03-03 10:30`, or with seconds where they are not 0; UTC."""
    subject: str
    text: str
    html: str


class _Bells:
    """The port `Bells`, of a process whose deliverer alone listens."""

    def __init__(self, bells: SimBells, clock: SimClock) -> None:
        self._bells, self._clock = bells, clock
        self.process: DeliverProcess | None = None

    def ring(self, name: str) -> None:
        self._bells.ring(name)

    def bell(self, *names: str) -> Bell:
        assert self.process is not None
        return self._bells.give(self.process, names, self._clock, has_net=False)

    def close(self) -> None:
        """Nothing is open."""


class _Nobody:
    """The port `Ask`, without a network."""

    async def __call__(self, url: str, timeout_s: float, /) -> bytes:
        raise OSError("there is no network here")

    async def close(self) -> None:
        """Nothing is open."""


class _House(Installation):
    rung: Bells

    @cached_property
    def bells(self) -> Bells:  # type: ignore[override]  # a port, in the place of sockets
        return self.rung


class Days:
    """The shop in `folder`, published at an instant such as `2025-03-03 10:00` (UTC)."""

    def __init__(self, folder: Path, at: str, project: Path = SHOP) -> None:
        self.clock = SimClock(_instant(at))
        settings = read_settings((project / "tactful.toml").read_text(encoding="utf-8"), {})
        self.house = _House(folder / "data", settings, self.clock, read_only=False)
        self.house.rung = self._bells = _Bells(SimBells(), self.clock)
        self._numbers = count()
        self._lanes = lanes(self.house, project, folder / "data", HERE, Share())
        for lane in self._lanes:
            # Nobody answers what letters ask for: their defaults stand there.
            lane.fetcher = lane.fetcher and Fetcher(_Nobody(), self.clock, self.house.outbox.template, {})
        for file in sorted((project / "coupons").glob("*.txt")):
            with file.open("rb") as codes:
                coupons.load(self.house.outbox.coupons, file.stem, codes, self.clock.now_us())
        self._workers = [self.house.worker(number, self.clock) for number in range(self.house.partitions)]
        self._deliver = DeliverProcess("deliver", self.clock, self._deliverer)
        publish(load(project), plan_settings(settings), self.house.log, self.house.bells, self.clock, "story")
        self._settle()

    def close(self) -> None:
        self._deliver.die()
        self.house.close()

    def _deliverer(self, process: DeliverProcess) -> Deliverer:
        self._bells.process = process
        return Deliverer("deliver", self.house.outbox, self.house.log, self.house.bells, self.clock, self._lanes)

    # ---- time --------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> str:
        return _shown(self.clock.now_us())

    def go_to(self, at: str) -> None:
        """Let time pass until then, with everybody at work at every instant at which there is something to do."""
        until = _instant(at)
        assert until >= self.clock.now_us(), f"it is {self.now} already"
        while (wake := self._next()) is not None and wake <= until:
            self.clock.advance(max(wake - self.clock.now_us(), 0))
            self._settle()
        self.clock.advance(until - self.clock.now_us())
        self._settle()

    def _next(self) -> int | None:
        wakes = [worker.next_wake() for worker in self._workers]
        at = self._deliver.next_us()
        begun = self.clock.now_us() - self.clock.monotonic_us
        return min(
            [*(wake for wake in wakes if wake is not None), *([at + begun] if at is not None else [])], default=None
        )

    def _settle(self) -> None:
        """Until nobody has anything left to do at this instant."""
        for _ in range(STILL):
            is_busy = any([worker.turn() for worker in self._workers])
            if self._deliver.is_ready(self.clock.monotonic_us):
                self._deliver.run()
                is_busy = True
            if not is_busy:
                return
        raise AssertionError("somebody is busy for nothing")

    # ---- what people do ----------------------------------------------------------------------------------------------

    def backend(self, path: str, **call: Any) -> None:
        """A call of the shop's own server."""
        self._call(BACKEND, path, call)

    def knows(self, user: str, *, has_agreed: bool = True, **traits: Any) -> None:
        """An account, its address, and what its holder said of the banner and of mail."""
        named = {"email": f"{user}@mail.example", "firstName": user.title(), **traits}
        self.backend("consent", userId=user, consents={"analytics": True})
        self.backend("identify", userId=user, traits=named)
        self.backend("consent", userId=user, consents={"email_marketing": has_agreed})

    def orders(self, user: str, total: float = 129, products: tuple[str, ...] = ("lamp-fjord",), **call: Any) -> None:
        lines = [{"product_id": product, "quantity": 1} for product in products]
        said = {"order_id": f"N{next(self._numbers)}", "total": total, "currency": "EUR", "products": lines}
        self.backend("track", userId=user, event="Order Completed", properties=said, **call)

    def page(self, user: str, event: str, /, **properties: Any) -> None:
        """What the browser of somebody who is signed in tells."""
        context = {"consent": {"categoryPreferences": {"Analytics": True}}, "identityToken": self._token(user)}
        said = {"userId": user, "anonymousId": f"{user}-phone", "context": context}
        self._call(PAGE, "track", {"event": event, "properties": properties, **said})

    def visitor(self, device: str, path: str = "track", /, **call: Any) -> None:
        """What the browser of a stranger tells."""
        context = {"consent": {"categoryPreferences": {"Analytics": True}}}
        self._call(PAGE, path, {"anonymousId": device, "context": context, **call})

    def press(self, link: str, button: str) -> None:
        """The button behind a link of a mail."""
        assert link.startswith(HERE)
        sent = {"Content-Type": "application/x-www-form-urlencoded"}
        self._ask(link.removeprefix(HERE), button.encode(), sent)

    def launch(self, campaign: str) -> None:
        """As `tactful campaign approve` and `launch`, by two people."""
        approvals, reader = FileApprovals(self.house.data), self._reader(self.house)
        told = reader.compiled(), reader.plan_state()
        campaigns.approve(campaign, "bea", "", *told, approvals, self.clock.now_us())
        record = campaigns.launch(campaign, "ann", *told, reader.partition_state(), approvals)
        steering.tell(record, self.house.log, self.house.bells, self.clock)
        self._settle()

    def _call(self, key: str, path: str, call: Mapping[str, Any]) -> None:
        basic = base64.b64encode(f"{key}:".encode()).decode()
        body = {"messageId": f"story-{next(self._numbers)}", **call}
        sent = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}
        self._ask(f"/v1/{path}", json.dumps(body).encode(), sent)

    def _ask(self, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        """One request; with its answer it is durable, and then everybody goes to work."""
        house, keys, identity = self.house, self.house.link_keys(), self.house.settings.identity

        async def play() -> int:
            intake = Intake(house.log, house.quarantine, house.bells, house.clock)
            intake.start()
            answering = Answering(house, keys, intake, lambda consent: consent)

            async def submit(consent: Consent) -> None:
                await intake.submit([(partition_of(consent.key, house.partitions), encode(consent))])

            workspace = house.settings.workspace.name
            doors = [
                *unsubscribe(lambda token: unseal(keys, token), answering.unsubscribe, house.clock, workspace),
                *confirm(lambda token: unseal_confirm(keys, token), submit, house.clock, workspace),
            ]
            rules = Rules(naming_of(identity), Tokens(identity.secrets).prove)
            app = collect_app(intake, sources_of(house.settings), house.clock, Starlette(routes=doors), rules=rules)
            try:
                return (await ask(app, "POST", path, headers, body)).status
            finally:
                await intake.stop()

        status = asyncio.run(play())
        assert status == 200, f"{path} {body!r} was answered with {status}"
        self._settle()

    def _token(self, user: str) -> str:
        """As the shop's server gives it to whoever is signed in."""
        claims = {"sub": user, "exp": self.clock.now_us() // SECOND_US + 3600}
        signed = ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        return f"{signed}.{_base64(hmac.digest(SECRET, signed.encode(), 'sha256'))}"

    # ---- what came of it ---------------------------------------------------------------------------------------------

    def mails(self, user: str) -> list[Mail]:
        """Everything that lies in the local outbox for somebody, in order."""
        files = (self.house.data / "mail").glob("*.eml")
        read = [message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=policy.default) for file in files]
        mine = [mail for mail in read if str(mail["To"]) == f"{user}@mail.example"]
        return sorted(map(_mail, mine))

    def got(self, user: str) -> list[tuple[str, str]]:
        """When, and with which subject."""
        return [(mail.at, mail.subject) for mail in self.mails(user)]

    def runs(self, user: str, journey: str) -> tuple[RunStory, ...]:
        house = Installation(self.house.data, self.house.settings, self.clock, read_only=True)
        try:
            found = self._reader(house).runs(user, journey)
            assert found is not None, f"nobody is {user}"
            return found[1]
        finally:
            house.close()

    def explained(self, user: str, journey: str) -> str:
        """`tactful explain USER --journey JOURNEY`."""
        return explain_runs.as_text(user, journey, self.runs(user, journey))

    @staticmethod
    def _reader(house: Installation) -> Reader:
        return Reader(house.log, house.stores(), house.trail, house.outbox, house.quarantine)


def links(text: str) -> list[str]:
    return re.findall(rf"{re.escape(HERE)}/v1/[\w/-]+", text)


def _mail(mail: EmailMessage) -> Mail:
    at = int(parsedate_to_datetime(str(mail["Date"])).timestamp()) * SECOND_US
    parts = {kind: mail.get_body((kind,)) for kind in ("plain", "html")}
    text, html = (str(part.get_content()) if (part := parts[kind]) is not None else "" for kind in ("plain", "html"))
    return Mail(_shown(at), str(mail["Subject"]), text, html)


def _instant(text: str) -> int:
    at = parse_time(f"{text.replace(' ', 'T')}Z")
    assert at is not None, text
    return at


def _shown(at: int) -> str:
    return format_time(at).replace("T", " ").removesuffix("Z").removesuffix(".000").removesuffix(":00")


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
