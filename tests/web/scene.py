"""A small shop, one afternoon, written down by hand: what a log, its trail and an outbox hold after a few people came by.

Pages and stories are shown over it, on the in-memory adapters, so that every sentence can be compared with what happened.
"""

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any, Literal

from tactful.adapters.memory.log import MemoryLog
from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.adapters.memory.quarantine import MemoryQuarantine
from tactful.adapters.memory.store import MemoryStore
from tactful.adapters.memory.trail import MemoryTrail
from tactful.aggregates.newest import Newest
from tactful.consent.permits import ConsentWrite
from tactful.events.derived import (
    ConsentChanged,
    EventKept,
    Group,
    OutcomeNoted,
    Reading,
    Row,
    RunEnded,
    RunStarted,
    SegmentEntered,
    SegmentLeft,
    SendMessage,
    encode_groups,
    ref,
)
from tactful.events.identifiers import partition_of
from tactful.events.records import EMPTY_MAP, Event, Plan, Publish, Tick, encode, pack
from tactful.journeys.runs import Run
from tactful.kernel.state import (
    PLAN_KEY,
    Fragment,
    PartitionState,
    PlanState,
    Profile,
)
from tactful.kernel.state import encode as encode_state
from tactful.operations.reading.reader import Reader
from tactful.people.traits import TraitWrite
from tactful.runtime.ports import Claimed, Clock, Commit, Quarantined, StateWrite, Verdict
from tactful.values import DAY_US, HOUR_US, MINUTE_US, SECOND_US, parse_time

PARTITIONS = 2
NOON = parse_time("2025-03-12T12:00:00Z") or 0
CART = 'any("Product Added", last="1h") and not any("Order Completed", last="1h")'


class SceneClock(Clock):
    def now_us(self) -> int:
        return NOON


class Scene:
    """Write with `event` and `rows`; `settle` makes the states; `reader` reads."""

    def __init__(self) -> None:
        self.log = MemoryLog(PARTITIONS, SceneClock())
        self.stores = [MemoryStore() for _ in range(PARTITIONS)]
        self.trail = MemoryTrail()
        self.outbox = MemoryOutbox()
        self.quarantine = MemoryQuarantine()
        self.mails: dict[str, bytes] = {}
        self.profiles: dict[str, Profile] = {}
        self.events = 0
        self.consent = ""
        """The policy, as the plan tells it."""
        self.reader = Reader(self.log, self.stores, self.trail, self.outbox, self.quarantine)

    def person(self, key: str) -> Profile:
        if key not in self.profiles:
            fragments = {f"{key}#1": Fragment([], {}, {}, {})}
            self.profiles[key] = Profile(key, 1, 0, b"", fragments, {}, [], {})
        return self.profiles[key]

    def event(
        self, key: str, at: int, name: str, /, late: int = 0, also: tuple[str, ...] = (), **properties: Any
    ) -> int:
        """Put an event into the log, which names the identifiers `also` beside its key; returns its ref."""
        kind: Literal["identify", "track"] = "identify" if name == "$identify" else "track"
        number = f"m{self.events}"
        packed = pack(properties)
        event = Event(1, "site", "server", kind, name, key, (key, *also), number, at, at + late, packed)
        partition = partition_of(key, PARTITIONS)
        position = self.log.append({partition: [encode(event)]})[partition]
        self.events += 1
        if kind == "identify":
            traits = self.person(key).fragments[f"{key}#1"].traits
            traits.update({trait: TraitWrite(value, at, at, 1) for trait, value in properties.items()})
        return ref(partition, position)

    def tick(self, key: str, at: int) -> int:
        """Time passes where the person lives; returns the tick's ref."""
        partition = partition_of(key, PARTITIONS)
        return ref(partition, self.log.append({partition: [encode(Tick(at, 100))]})[partition])

    def rows(self, key: str, number: int, *rows: Row) -> None:
        """What was decided at a ref."""
        partition, position = partition_of(key, PARTITIONS), number >> 10
        profile = self.person(key)
        group = Group(position, key, profile.tail, rows)
        profile.tail = position
        self.trail.append(partition, position, position, encode_groups([group]))
        self.outbox.put(partition, [row for row in rows if isinstance(row, SendMessage)])

    def did(self, key: str, at: int, name: str, /, *rows: Row, **properties: Any) -> int:
        """An event and what followed from it."""
        number = self.event(key, at, name, **properties)
        self.rows(key, number, EventKept(at, name, number), *rows)
        return number

    def claim(self, intent: SendMessage, at: int, address: str, permit: str) -> None:
        partition = partition_of(intent.key, PARTITIONS)
        position = self.log.end(partition)
        claimed = Claimed(intent, partition, 1, at, position, address, permit, "", b"\x80")
        with self.outbox.claiming(partition, self.outbox.own(partition)) as claiming:
            claiming.claim(claimed, b"")

    def refuse(self, intent: SendMessage, at: int, status: str, reason: str, detail: str = "") -> None:
        partition = partition_of(intent.key, PARTITIONS)
        with self.outbox.claiming(partition, self.outbox.own(partition)) as claiming:
            claiming.close(Verdict(intent.intent, status, reason, detail), at)

    def settle(self) -> None:
        """Commit all states, as a worker that has read everything."""
        publish = Publish(NOON, {}, {"consent": self.consent})
        plan = PlanState(Plan(3, publish), {"segment/cart_open": 1, "segment/regulars": 2}, {}, {}, NOON)
        for partition, store in enumerate(self.stores):
            mine = [each for key, each in self.profiles.items() if partition_of(key, PARTITIONS) == partition]
            states = [StateWrite(each.key, encode_state(each), each.wake_at) for each in mine]
            states.append(StateWrite(PLAN_KEY, encode_state(plan), None))
            end = self.log.end(partition)
            state = PartitionState(partition, PARTITIONS, NOON, events=end, profiles=len(mine))
            before = store.checkpoint().version
            store.commit(Commit(before, end, encode_state(state), states, b"", end, [], end, {}))


def intent(key: str, at: int, started_ref: int, name: str = "cart_reminder", channel: str = "email") -> SendMessage:
    return SendMessage(
        at=at,
        intent=f"{name}-{key[2:]}",
        key=key,
        journey=name,
        entry_key="",
        channel=channel,
        message=name if channel == "email" else "https://crm.example/hooks/cart",
        purpose="email_marketing",
        due=at,
        valid_until=at + 24 * HOUR_US,
        plan=3,
        started_at=at - 30 * MINUTE_US,
        started_ref=started_ref,
        event="Product Added",
        properties=EMPTY_MAP,
    )


def mail(to: str, subject: str, html: str, text: str) -> bytes:
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = subject, "The Kettle Shop <hello@kettle.example>", to
    made["Date"] = "Wed, 12 Mar 2025 12:44:01 +0000"
    made["Message-ID"] = "<cart_reminder-ada@kettle.example>"
    made["List-Unsubscribe"] = "<https://kettle.example/unsubscribe/eyJpIjoi>"
    made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(text)
    made.add_alternative(html, subtype="html")
    return made.as_bytes()


KETTLE_HTML = """<div style="font-family:Georgia,serif;background:#f6f1e7;padding:40px 16px">
<div style="max-width:520px;margin:0 auto;background:#fff;padding:40px;color:#2b2620;line-height:1.6">
<p style="letter-spacing:.12em;font:12px sans-serif;color:#8a7f70">THE KETTLE SHOP</p>
<h1 style="font-weight:400;font-size:28px;margin:0 0 16px">Your kettle is still warm, Ada</h1>
<p>You left an <b>Enamel kettle</b> in your cart. We keep it for you until tomorrow.</p>
<p style="margin:32px 0"><a href="https://kettle.example/cart" style="background:#2b2620;color:#fff;padding:14px 28px;
text-decoration:none">Back to my cart</a></p>
<p style="font:12px sans-serif;color:#8a7f70">You get this because you said yes to offers by e-mail.
<a href="https://kettle.example/unsubscribe/eyJpIjoi" style="color:#8a7f70">Unsubscribe</a></p></div></div>"""


def afternoon() -> Scene:
    """Ada is reminded and buys; Bea buys in time; Chen never said yes; Dov's message waits; Eve's is held."""
    scene = Scene()
    _ada(scene)
    _bea(scene)
    _chen(scene)
    _dov_and_eve(scene)
    scene.quarantine.put([Quarantined(0, NOON, "site", "no_identifier", "userId", "names nobody", b"{}", 2)])
    scene.settle()
    return scene


def _ada(scene: Scene) -> None:
    key, at = "u:ada", NOON
    earlier = [
        scene.did(key, at - days * DAY_US, "Order Completed", order_id=f"o-{1000 + 40 - days}", total=20 + days)
        for days in (9, 3)
    ]
    scene.did(key, at, "$identify", name="Ada Byron", email="ada@kettle.example", country="GB", plan="gold")
    asked = scene.event(key, at + 5 * SECOND_US, "Signed Up")
    scene.rows(
        key,
        asked,
        EventKept(at + 5 * SECOND_US, "Signed Up", asked),
        ConsentChanged(at + 5 * SECOND_US, "email_marketing", granted=True, origin="api", text_version="2025-01"),
    )
    scene.person(key).fragments["u:ada#1"].consents["email_marketing"] = ConsentWrite(
        granted=True, timestamp=at, received_at=at, ref=asked
    )
    scene.did(key, at + 13 * MINUTE_US, "Product Viewed", name="Enamel kettle", price=39, currency="GBP")
    at += 14 * MINUTE_US + 2 * SECOND_US
    added = scene.event(key, at, "Product Added", name="Enamel kettle", price=39, quantity=1, cart_id="c-81", sku="K-7")
    because: tuple[Reading, ...] = (Reading('any("Product Added", last="1h")', value=True, refs=(added,)),)
    because += (Reading('not any("Order Completed", last="1h")', value=True),)
    entered = SegmentEntered(at, "cart_open", "event", because)
    scene.rows(
        key,
        added,
        EventKept(at, "Product Added", added),
        entered,
        RunStarted(at, "cart_reminder", "", at + 30 * MINUTE_US),
    )
    at += 30 * MINUTE_US
    reminder = intent(key, at, added)
    scene.rows(key, scene.tick(key, at), reminder)
    scene.claim(reminder, at + 20_000, "ada@kettle.example", "email_marketing granted at 2025-03-12T12:00:05.000Z")
    scene.outbox.finish([Verdict(reminder.intent, "sent", "250 2.0.0 Ok", "", "d1")], at + 90_000)
    scene.mails[reminder.intent] = mail(
        "ada@kettle.example", "Your kettle is still warm, Ada", KETTLE_HTML, "You left an Enamel kettle in your cart.\n"
    )
    noted = OutcomeNoted(at + 90_000, reminder.intent, "cart_reminder", "sent", "250 2.0.0 Ok")
    scene.rows(key, scene.tick(key, at + 100_000), noted)
    at += 9 * MINUTE_US
    scene.did(key, at, "Cart Viewed", cart_id="c-81")
    at += 2 * MINUTE_US
    bought = scene.event(
        key, at, "Order Completed", order_id="o-1043", total=39, currency="GBP", products=[{"sku": "K-7"}]
    )
    count = Reading('count("Order Completed", last="30d")', 3.0, (*earlier, bought))
    gone = (Reading('not any("Order Completed", last="1h")', value=False, refs=(bought,)),)
    scene.rows(
        key,
        bought,
        EventKept(at, "Order Completed", bought),
        SegmentLeft(at, "cart_open", "event", gone),
        SegmentEntered(at, "regulars", "event", (count,)),
    )
    scene.person(key).segments[2] = at
    scene.person(key).fragments["u:ada#1"].aggregates[0] = Newest([at], [bought])


def _bea(scene: Scene) -> None:
    key, at = "u:bea", NOON + 20 * MINUTE_US
    scene.did(key, at, "$identify", name="Bea <b>Okafor</b>", email="bea@kettle.example")
    started = RunStarted(at + MINUTE_US, "cart_reminder", "", at + 31 * MINUTE_US)
    scene.did(key, at + MINUTE_US, "Product Added", started, name="Tea cosy", price=12)
    bought = scene.event(key, at + 6 * MINUTE_US, "Order Completed", late=2 * HOUR_US, order_id="o-1042", total=12)
    ended = RunEnded(at + 6 * MINUTE_US, "cart_reminder", "", "Order Completed came first", bought)
    scene.rows(key, bought, EventKept(at + 6 * MINUTE_US, "Order Completed", bought), ended)


def _chen(scene: Scene) -> None:
    key, at = "u:chen", NOON + 25 * MINUTE_US
    added = scene.did(key, at, "Product Added", name="Whisk", price=9)
    reminder = intent(key, at + 30 * MINUTE_US, added)
    scene.rows(key, scene.tick(key, at + 30 * MINUTE_US), reminder)
    scene.refuse(reminder, at + 31 * MINUTE_US, "refused", "no consent: email_marketing", "never granted, or withdrawn")


def _dov_and_eve(scene: Scene) -> None:
    at = NOON + 40 * MINUTE_US
    for key, name in (("u:dov", "Linen apron"), ("e:eve@kettle.example", "Cast iron pan")):
        added = scene.event(key, at, "Product Added", name=name, price=54)
        reminder = intent(key, at + 30 * MINUTE_US, added)
        rows: Sequence[Row] = (EventKept(at, "Product Added", added), reminder)
        scene.rows(key, added, *rows)
        at += 3 * SECOND_US
        if key.startswith("e:"):
            scene.claim(reminder, at, "eve@kettle.example", "email_marketing granted")
            scene.outbox.finish(
                [Verdict(reminder.intent, "held", "outcome unknown", "the connection broke after DATA")], at
            )
    scene.person("u:dov").runs.append(Run("win_back", "", at, 0, 1, "m", HOUR_US, "Product Added", EMPTY_MAP, "v"))
