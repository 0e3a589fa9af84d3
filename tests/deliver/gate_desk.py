"""People, a plan with `[sending]`, and workers who put intents before the gate, over a real outbox; time is a number."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Raw

from tactful.consent.permits import ConsentWrite
from tactful.events.derived import SendMessage
from tactful.events.records import CONSENT, SENDING, Plan, Publish, pack
from tactful.journeys.runs import Run
from tactful.kernel.plan import CompiledPlan, adopt
from tactful.kernel.state import Fragment, PartitionState, Profile, Steering
from tactful.people.traits import TraitWrite
from tactful.runtime.claims import Claims
from tactful.runtime.ports import Outbox
from tactful.values import DAY_US, parse_time

URL = "https://crm.example/"
CONTRACT = "service"
TEXTS = {
    "email": "subject: x\nhtml: <p>x</p>\ntext: x\n",
    "sms": "channel: sms\ntext: x\n",
    "push": "channel: push\ntitle: x\ntext: x\n",
    "web_push": "channel: web_push\ntitle: x\ntext: x\n",
    "chat": "channel: chat\ntext: x\n",
}
START = "start: {event: A}\n"


def at(text: str) -> int:
    found = parse_time(text)
    assert found is not None
    return found


def plan_of(sending: Mapping[str, Any], more: Mapping[str, str] | None = None) -> CompiledPlan:
    """Of each channel a message CHANNEL, and `receipt`, which a contract demands; journeys of the same names."""
    files = {f"messages/{channel}.yaml": f"purpose: marketing\n{text}" for channel, text in TEXTS.items()}
    files |= {f"journeys/{channel}.yaml": f"{START}send: {{{channel}: {channel}}}\n" for channel in TEXTS}
    files |= {
        "journeys/webhook.yaml": f"{START}send: {{webhook: '{URL}'}}\n",
        "messages/receipt.yaml": f"purpose: {CONTRACT}\n{TEXTS['email']}",
        "journeys/receipt.yaml": f"{START}send: {{email: receipt}}\n",
        **(more or {}),
    }
    purposes = {"purposes": {CONTRACT: {"basis": "contract"}, "marketing": {"basis": "consent"}}}
    settings = {SENDING: json.dumps(dict(sending)), CONSENT: json.dumps(purposes), "time_zone": "UTC"}
    return adopt(None, Plan(1, Publish(1, files, settings)), 1, is_empty=True)[1]


def person(key: str, zone: str = "", *others: str, **given: object) -> Profile:
    """Who agreed to marketing and has every address, unless told otherwise; `others` are identifiers that are theirs."""
    name = key.partition(":")[2]
    values: dict[str, object] = {
        "email": f"{name}@x.example",
        "phone": "+4930123456",
        "push_tokens": f"token-{name}",
        "chat": f"@{name}",
        "web_push": {"endpoint": f"https://push.example/{name}", "keys": {"p256dh": "B" * 87, "auth": "a" * 22}},
    }
    values |= given
    if zone:
        values["timezone"] = zone
    traits = {trait: TraitWrite(value, 1, 1, 1) for trait, value in values.items()}
    own = Fragment([], {}, traits, {"marketing": ConsentWrite(True, 1, 1, 1)})
    fragments = {f"{key}#1": own} | {f"{other}#1": Fragment([], {}, {}, {}) for other in others}
    return Profile(key, 0, 0, b"", fragments, {}, [], {})


class Desk:
    """`now` goes on by hand; `turn` lets one worker of each partition decide, over and over until nothing is left."""

    def __init__(self, outbox: Outbox, plan: CompiledPlan, now: int, *, slots: int = 1000, partitions: int = 1) -> None:
        self.outbox = outbox
        self.plan = plan
        self.now = now
        self.people: dict[str, Profile] = {}
        self.states = [PartitionState(number, partitions) for number in range(partitions)]
        self._slots = dict.fromkeys((*TEXTS, "webhook"), slots)
        self.workers = [self.worker(number) for number in range(partitions)]

    def worker(self, partition: int, outbox: Outbox | None = None) -> Claims:
        return Claims(partition, outbox or self.outbox, self._slots, 1_000_000)

    def put(
        self,
        intent: str,
        profile: Profile,
        channel: str = "email",
        *,
        valid_us: int = DAY_US,
        priority: int = 50,
        journey: str = "",
        due: int | None = None,
        partition: int = 0,
    ) -> None:
        journey = journey or channel
        self.people[profile.key] = profile
        due = self.now if due is None else due
        profile.runs.append(Run(journey, "", due, 0, 5, "m", 0, "A", pack({}), "v", intent))
        message = URL if channel == "webhook" else journey
        purpose = self.plan.messages[message].purpose if channel != "webhook" else ""
        order = SendMessage(
            at=due, intent=intent, key=profile.key, journey=journey, entry_key="", channel=channel, message=message,
            purpose=purpose, due=due, valid_until=due + valid_us, plan=1, started_at=due, started_ref=5, event="A",
            properties=Raw(pack({})), priority=priority,
        )  # fmt: skip
        self.outbox.put(partition, [order])

    def turn(self, partition: int | None = None) -> None:
        for number in range(len(self.workers)) if partition is None else [partition]:
            while self.step(number):
                pass

    def step(self, partition: int = 0) -> bool:
        decided = self.workers[partition].decide(
            self.plan, self.people.get, self.now, position=1, is_behind=False, state=self.states[partition]
        )
        return bool(decided)

    def steer(self, journey: str, order: str, partitions: Sequence[int] | None = None) -> None:
        for state in self.states if partitions is None else [self.states[number] for number in partitions]:
            state.steering.pop(journey, None)
            if order != "resume":
                state.steering[journey] = Steering(order, self.now, 1, "ann", "a mistake")

    def fate(self, intent: str) -> str:
        """`claimed`, or the status with its reason."""
        row = self.outbox.row(intent)
        assert row is not None
        return f"{row.status}: {row.reason}" if row.reason else row.status

    def sends(self, intent: str, profile: Profile, channel: str = "email", **more: Any) -> str:
        self.put(intent, profile, channel, **more)
        self.turn()
        return self.fate(intent)
