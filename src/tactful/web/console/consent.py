"""Consent: what people are asked for, what they answered, what is not kept because of it, and the proof of both.

Whoever answers for privacy begins here: one person's decisions in order, with what proves each of them, and the chain
of the whole ledger computed again.
"""

import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.consent.policy import Policy
from tactful.errors import TransientError, UsageError
from tactful.events.identifiers import partition_of
from tactful.events.intake import VERSION
from tactful.events.mentions import EVERYBODY, Tally
from tactful.events.records import Consent as Decided
from tactful.events.records import encode
from tactful.operations.people import consenting, unmerging
from tactful.operations.people.consenting import Checked, Decision
from tactful.operations.reading.reader import Reader
from tactful.runtime.intake import Busy
from tactful.values import DAY_US, HOUR_US
from tactful.web.console import charts
from tactful.web.console.charts import Series
from tactful.web.console.room import Console, wants_csv
from tactful.web.wording import path

DAYS = 28
ORIGIN = "console"
VERDICTS = {
    "anonymous": "kept without identifiers",
    "count": "only counted",
    "drop": "dropped",
    "quarantine": "in the quarantine",
}


def routes(console: Console) -> list[BaseRoute]:
    room = Consent(console)
    return [
        console.route("/consent", room.index),
        console.route("/consent/verify", room.verify, may="privacy", methods=("POST",)),
        console.route("/consent/of/{key:path}", room.person, may="people"),
        console.route("/people/{key:path}/consent", room.decide, may="privacy", methods=("POST",)),
        console.route("/people/{key:path}/unmerge", room.unmerge, may="privacy", methods=("POST",)),
    ]


@dataclass
class Verification:
    """Of the whole ledger, the last that somebody asked for."""

    at_us: int
    checked: list[Checked]

    @property
    def entries(self) -> int:
        return sum(one.entries for one in self.checked)

    @property
    def faults(self) -> list[Checked]:
        return [one for one in self.checked if one.fault is not None]


class Consent:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._verified: Verification | None = None

    async def index(self, request: Request) -> Response:
        console = self._console
        wanted = request.query_params.get("q", "").strip()
        if wanted and "people" in console.permissions(request):
            return console.back("/consent/of/" + path(wanted))
        today = console.house.clock.now_us() // DAY_US
        policy, tallies, refused = await console.desk.ask(
            lambda reader: (
                reader.compiled().policy,
                reader.sums([(today + day) * DAY_US for day in range(1 - DAYS, 2)], EVERYBODY, ("consent",)),
                reader.overview().refused,
            )
        )
        answers = _answers(tallies)
        purposes = sorted({*policy.purposes, *(purpose for purpose, _ in answers)})
        rows = [(name, *_purpose(policy, name), answers[name, "yes"], answers[name, "no"]) for name in purposes]
        if wants_csv(request):
            columns = ("purpose", "basis", "before anybody is asked", "said by browsers", f"yes in {DAYS} days", "no")
            return console.csv(request, "consent", columns, rows)
        return await console.page(
            request,
            "consent/index.html",
            policy=policy,
            rows=rows,
            chart=charts.lines(_by_day(tallies, today), "Decisions by day", "", console.zone),
            refused=[(VERDICTS.get(verdict, verdict), number) for verdict, number in refused.items() if number],
            verified=self._verified,
            days=DAYS,
        )

    async def person(self, request: Request) -> Response:
        """Everything that somebody decided, with what proves it."""
        console, key = self._console, request.path_params["key"]
        ledger = console.house.ledger

        def ask(reader: Reader) -> list[Decision]:
            return consenting.decisions(key, ledger, reader.people_states())

        try:
            found = await console.desk.ask(ask)
        except UsageError:
            return await console.page(request, "consent/nobody.html", 404, key=key)
        if wants_csv(request):
            cells = (list(msgspec.to_builtins(one).values()) for one in found)
            return console.csv(request, "decisions", Decision.__struct_encode_fields__, cells)
        return await console.page(request, "consent/person.html", key=key, found=found)

    async def verify(self, request: Request) -> Response:
        console, house = self._console, self._console.house
        ledger = house.ledger
        checked = await console.slow.ask(
            lambda reader: list(consenting.verify(ledger, reader.people_states(), reader.log))
        )
        self._verified = Verification(house.clock.now_us(), checked)
        said = f"{self._verified.entries} entries, {len(self._verified.faults)} faults"
        console.note(request, "verify", "consent", said)
        return console.back("/consent#proof")

    # ---- what somebody says in a person's name, and who they are

    async def decide(self, request: Request) -> Response:
        """Somebody called, or wrote: a person's decision is entered by hand, with who did it."""
        console, key = self._console, request.path_params["key"]
        form = await console.form(request)
        purpose, granted = str(form.get("purpose", "")).strip(), form.get("granted") == "yes"
        found = await console.desk.ask(lambda reader: reader.find(key))
        if found is None or not purpose or len(purpose) > 200:
            return await console.page(request, "consent/nobody.html", 404, key=key)
        arrival, number = console.arrive(), f"console-{secrets.token_hex(12)}"
        at, text = arrival.received_at, " ".join(str(form.get("text", "")).split())[:200]
        record = Decided(
            VERSION, arrival.source.name, "server", found.key, number, purpose, granted, at, at, text, ORIGIN,
            salt=arrival.salt(number),
        )  # fmt: skip
        console.note(request, "consent", found.key, f"{purpose}: {'yes' if granted else 'no'}")
        return await self._told(
            request, (partition_of(found.key, console.house.log.partitions), encode(record)), found.key
        )

    async def unmerge(self, request: Request) -> Response:
        console, key = self._console, request.path_params["key"]
        identifier = str((await console.form(request)).get("identifier", ""))
        try:
            wanted = await console.desk.ask(lambda reader: reader.tie(identifier))
        except UsageError as error:
            return await console.page(request, "consent/not_tied.html", 409, key=key, why=str(error))
        now_us, who = console.arrive().received_at, console.who(request)
        record = unmerging.record(wanted, now_us, who, console.house.log.partitions)
        console.note(request, "unmerge", wanted.key, f"from {wanted.owner}")
        return await self._told(request, record, wanted.owner)

    async def _told(self, request: Request, record: tuple[int, bytes], key: str) -> Response:
        """Durable; the page of the person follows when a worker has read it."""
        console = self._console
        try:
            await console.submit([record])
        except (Busy, TransientError) as error:
            return await console.page(request, "consent/not_now.html", 503, key=key, why=str(error))
        return console.back("/people/" + path(key))


def _answers(tallies: Iterable[Tally]) -> Counter[tuple[str, str]]:
    """By purpose and `yes` or `no`."""
    found: Counter[tuple[str, str]] = Counter()
    for one in tallies:
        found[one.name, one.detail] += one.number
    return found


def _by_day(tallies: Iterable[Tally], today: int) -> list[Series]:
    """Days are counted from 1970, in UTC."""
    days = range(today - DAYS + 1, today + 1)
    counts: Counter[tuple[str, int]] = Counter()
    for one in tallies:
        counts[one.detail, one.hour * HOUR_US // DAY_US] += one.number
    if not counts:
        return []
    return [
        Series(name, [(day * DAY_US, counts[detail, day]) for day in days], tone)
        for name, detail, tone in (("Yes", "yes", ""), ("No", "no", "warn"))
    ]


def _purpose(policy: Policy, name: str) -> tuple[str, str, str]:
    """Basis, what holds before anybody is asked, and where browsers say it."""
    declared = policy.purposes.get(name)
    if declared is None:
        return "consent", "no", ""
    default = policy.by_default(name, "")
    said = [*declared.categories, *(["GPC"] if declared.has_gpc else [])]
    return declared.basis.replace("_", " "), f"yes ({default})" if default else "no", ", ".join(said)
