"""The inbox: which mails were sent, and what shoppers do with them, as far as a client of the API can see.

Journeys are followed by their feeds (GET /v1/journeys/{name}/feed), with an API token. A mail that somebody opens is
fetched as it was sent (GET /v1/outbox/{intent}/mail), where the installation keeps it, and its own pixel and links are
asked for, as a mail program and a browser would.
"""

import re
from collections.abc import Sequence
from email import message_from_bytes
from html import unescape
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from tactful.errors import UsageError
from tactful.shoppers.crowd import Crowd, Look
from tactful.shoppers.network import Network, Request, insist
from tactful.shoppers.people import AGENTS
from tactful.values import parse_time

_PIXEL = re.compile(r'<img\b[^>]*\bsrc="([^"]*/v1/o/[^"]+)"', re.IGNORECASE)
_LINK = re.compile(r'<a\b[^>]*\bhref="([^"]*/v1/c/[^"]+)"([^>]*)', re.IGNORECASE)
_CONFIRM = re.compile(r'href="([^"]*/v1/confirm/[^"]+)"', re.IGNORECASE)
_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
_SCANNER = "Mozilla/5.0 (compatible; SafeLinks mail gateway)"


class Inbox:
    """`token` is an API token, "" from the same machine."""

    def __init__(self, network: Network, crowd: Crowd, token: str) -> None:
        self._network = network
        self._crowd = crowd
        self._headers = (("Authorization", f"Bearer {token}"),) if token else ()
        self._after: dict[str, str] = {}
        self._begun: dict[str, str] = {}
        self._intents: dict[str, tuple[str, str, str]] = {}
        """Person and step of intents that were made, until their outcome; and the journey."""
        self.mails = 0
        self.opened = 0
        self.clicked = 0

    async def journeys(self) -> list[str]:
        said = await self._get("/v1/journeys")
        return [one["journey"] for one in said["journeys"]] if said is not None else []

    async def begin(self) -> None:
        """From here on: what was sent before is nobody's business."""
        for name in await self.journeys():
            await self._follow(name, "end")
        self._begun = dict(self._after)

    async def since_begin(self, journey: str) -> tuple[list[dict[str, Any]], str]:
        """Everything that happened in a journey since then, each row with who it is about by now; and its file."""
        rows: list[dict[str, Any]] = []
        after = self._begun.get(journey, "")
        while (said := await self._page(journey, after)) is not None:
            rows += said["rows"]
            if said["next"] == after:
                return rows, said["definition"]
            after = said["next"]
        return rows, ""

    async def look(self) -> None:
        """What came since."""
        for name in await self.journeys():
            while await self._follow(name, self._after.get(name, "")):
                pass

    async def _follow(self, journey: str, after: str) -> bool:
        """One page of a feed; False at its end."""
        said = await self._page(journey, after)
        if said is None:
            return False
        for row in said["rows"]:
            await self._take(journey, row)
        is_more = bool(said["next"] != self._after.get(journey) and after != "end")
        self._after[journey] = said["next"]
        return is_more

    async def _page(self, journey: str, after: str) -> dict[str, Any] | None:
        return await self._get(f"/v1/journeys/{quote(journey, safe='')}/feed?after={after}")

    async def _take(self, journey: str, row: dict[str, Any]) -> None:
        if row["what"] == "intent":
            self._intents[row["intent"]] = (row["person"], row["step"], row["channel"])
        if row["what"] != "outcome":
            return
        made = self._intents.pop(row["intent"], None)
        if row["status"] != "sent":
            return
        if made is None:
            said = await self._get(f"/v1/outbox/{row['intent']}")
            if said is None:
                return
            made = said["person"], said["step"], said["channel"]
        person, step, channel = made
        number = self._crowd.number_within(person)
        if number is not None and channel != "webhook":
            self.mails += 1
            at = parse_time(row["at"])
            self._crowd.got(number, journey, step, at if at is not None else self._crowd.now, row["intent"])

    # ---- what they do with a mail ------------------------------------------------------------------------------

    async def handle(self, looks: Sequence[Look]) -> None:
        """Fetch the mails and ask for what is asked for."""
        for look in looks:
            answer = await insist(self._network, self._asked(f"/v1/outbox/{look.intent}/mail"))
            html = _html(answer.body) if answer.status == 200 else ""
            await self._react(look, html)

    async def _react(self, look: Look, html: str) -> None:
        one = self._crowd.people[look.person]
        agent = AGENTS[one.devices[0].partition("-")[0]]
        links = [(unescape(link), "display:none" in rest) for link, rest in _LINK.findall(html)]
        seen = [link for link, is_hidden in links if not is_hidden]
        match look.what:
            case "open":
                self.opened += 1
                await self._load(_PIXEL.findall(html), agent)
            case "click":
                self.clicked += 1
                await self._load([seen[look.at % len(seen)]] if seen else [], agent)
                for link in _CONFIRM.findall(html)[:1]:
                    await self._press(link, agent)
            case "prefetch":
                await self._load(_PIXEL.findall(html), _PROXY)
            case "scan":
                await self._load([link for link, _ in links], _SCANNER)
            case "unsubscribe":
                for link in re.findall(r'href="([^"]*/v1/unsubscribe/[^"]+)"', html)[:1]:
                    await self._press(link, agent)

    async def _press(self, link: str, agent: str) -> None:
        """The one button of the page behind a link."""
        headers = (("User-Agent", agent), ("Content-Type", "application/x-www-form-urlencoded"))
        await insist(self._network, Request("POST", _path(unescape(link)), b"confirm=yes", headers))

    async def _load(self, links: Sequence[str], agent: str) -> None:
        for link in links:
            await insist(self._network, Request("GET", _path(unescape(link)), headers=(("User-Agent", agent),)))

    # ---- asking ------------------------------------------------------------------------------------------------

    def _asked(self, path: str) -> Request:
        return Request("GET", path, headers=self._headers)

    async def _get(self, path: str) -> dict[str, Any] | None:
        """None where there is no such thing."""
        answer = await insist(self._network, self._asked(path))
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise UsageError(f"{path}: status {answer.status}; is this Tactful, and as new as its shoppers?")
        return msgspec.json.decode(answer.body, type=dict[str, Any])


def _path(link: str) -> str:
    """Links name the public address; shoppers go to the server that they were shown."""
    parts = urlsplit(link)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _html(raw: bytes) -> str:
    """The HTML part; a reader of one's own mail need not be picky."""
    for part in message_from_bytes(raw).walk():
        if part.get_content_type() == "text/html":
            body = part.get_payload(decode=True)
            return body.decode("utf-8", "replace") if isinstance(body, bytes) else ""
    return ""
