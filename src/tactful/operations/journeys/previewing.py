"""Previewing: who a campaign would reach if it were launched now, by the production engine, with nothing changed.

Everybody is looked at once. Whoever is in the segment is put before the same start that the launch would be, on a copy
of their state, and every message that the journey may send before the gate, with what the outbox says now. Later steps
are asked as of now as well: what people do meanwhile nobody knows.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappush, heappushpop
from typing import Any

import msgspec
from msgspec import Raw, Struct

from tactful.events.derived import Row, RunEnded, RunStarted, SendMessage
from tactful.events.reasons import reason_of
from tactful.events.records import EMPTY_MAP
from tactful.journeys.program import Send
from tactful.journeys.rules import Cause, JourneyRule
from tactful.journeys.runs import Run
from tactful.kernel.gate import Claim, Facts, Later, Refusal, decide
from tactful.kernel.looks import Look, is_still_true
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.starting import begin
from tactful.kernel.state import FIRST_KEY, PartitionState, PlanState, Profile, decode_profile
from tactful.kernel.turn import Turn
from tactful.messages.render import render, render_note
from tactful.messages.source import source_of
from tactful.messages.template import TemplateError
from tactful.operations.journeys.campaigns import sends
from tactful.operations.journeys.steering import PEOPLE_PAGE
from tactful.operations.places import People, state_of
from tactful.segments.membership import matched_text
from tactful.values import digest

SAMPLE = 10
"""People who are shown, the same for as long as they are in it."""
RENDERED = 3


class Reach(Struct, frozen=True, rename="camel"):
    """Of one message, how many people it would reach now, and why not the others."""

    step: str
    channel: str
    message: str
    reached: int
    later: int
    """In their quiet hours just now."""
    reasons: dict[str, int]


class Shown(Struct, frozen=True, rename="camel"):
    """A message as somebody would get it."""

    person: str
    message: str
    address: str
    variant: str
    subject: str
    text: str
    """Or why it could not be written."""


class Preview(Struct, frozen=True, rename="camel"):
    campaign: str
    people: int
    """Everybody who is known."""
    audience: int
    """In the segment now."""
    entering: int
    """Of these, who would enter."""
    held_out: dict[str, int]
    """Of those who would enter, by holdout: they are sent nothing."""
    not_entering: dict[str, int]
    """Of the audience, by reason."""
    reach: tuple[Reach, ...]
    """Of those who would enter and are not held out."""
    sample: tuple[str, ...]
    shown: tuple[Shown, ...]
    is_settling: bool = False
    """A plan, a seed or a threshold has not reached everybody yet, so the numbers still move."""


class _Counts(Struct):
    people: int = 0
    audience: int = 0
    entering: int = 0
    held_out: Counter[str] = msgspec.field(default_factory=Counter)
    not_entering: Counter[str] = msgspec.field(default_factory=Counter)
    reached: Counter[str] = msgspec.field(default_factory=Counter)
    later: Counter[str] = msgspec.field(default_factory=Counter)
    reasons: dict[str, Counter[str]] = msgspec.field(default_factory=dict)


class _Glance(Struct, array_like=True):
    """As much of a profile as says in which segments it is; the rest is skipped."""

    key: Raw
    settled: Raw
    tail: Raw
    seen: Raw
    fragments: Raw
    segments: dict[int, int]


_glance = msgspec.msgpack.Decoder(_Glance)


class _Chosen:
    """The people with the lowest digests of all that were offered: a draw that is the same each time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[tuple[int, str]] = []

    def offer(self, key: str) -> None:
        entry = (-int(digest("preview", key)[:15], 16), key)
        if len(self._heap) < self._most:
            heappush(self._heap, entry)
        else:
            heappushpop(self._heap, entry)

    def keys(self) -> list[str]:
        return [key for _, key in sorted(self._heap, reverse=True)]


class Previewer:
    """`facts` is what the outbox says; `workspace` its name, for messages."""

    def __init__(
        self,
        rule: JourneyRule,
        plan: CompiledPlan,
        plan_state: PlanState,
        states: Sequence[People],
        facts: Facts,
        now_us: int,
        mails_per_address: int,
        workspace: str,
    ) -> None:
        self._rule, self._plan, self._plan_state = rule, plan, plan_state
        self._states, self._facts, self._now = states, facts, now_us
        self._known = [state_of(store) for store in states]
        self._most, self._workspace = mails_per_address, workspace
        self._sends = sends(rule)

    def preview(self) -> Preview:
        counts, sample = _Counts(people=sum(state.profiles for state in self._known)), _Chosen(SAMPLE)
        reached = {one.name: _Chosen(RENDERED) for one in self._sends}
        for state, profile in self._people():
            counts.audience += 1
            arm = self._enters(state, profile, counts)
            if arm is None:
                continue
            counts.entering += 1
            sample.offer(profile.key)
            if arm:
                counts.held_out[arm] += 1
                continue
            for send in self._sends:
                if self._ask(send, profile, counts):
                    reached[send.name].offer(profile.key)
        return Preview(
            campaign=self._rule.name,
            people=counts.people,
            audience=counts.audience,
            entering=counts.entering,
            held_out=dict(counts.held_out),
            not_entering=_by_number(counts.not_entering),
            reach=tuple(self._reach(send, counts) for send in self._sends),
            sample=tuple(sample.keys()),
            shown=tuple(
                shown
                for send in self._sends
                if send.channel != "webhook"
                for shown in self._shown(send, reached[send.name].keys())
            ),
            is_settling=any(state.sweep is not None for state in self._known),
        )

    def _people(self) -> Iterator[tuple[PartitionState, Profile]]:
        """Those in the segment, as copies that may be changed; identifiers that belong to somebody are no people."""
        for state, store in zip(self._known, self._states, strict=True):
            cursor = FIRST_KEY
            while keys := store.keys_after(cursor, PEOPLE_PAGE):
                cursor = keys[-1]
                for body in store.load(keys).values():
                    if self._rule.audience is None or self._rule.audience in _glance.decode(body).segments:
                        profile = decode_profile(body)
                        if profile.owner() is None:
                            yield state, profile

    def _enters(self, state: PartitionState, profile: Profile, counts: _Counts) -> str | None:
        """The arm of the run that would begin; None where none would."""
        look = self._look(state, profile)
        if not is_still_true(look, self._rule):
            counts.not_entering[f"if: {_condition(self._rule)} does not hold"] += 1
            return None
        matched = ""
        if self._rule.audience is not None:
            matched = matched_text(self._plan.by_number[self._rule.audience].condition.key(look.view, look.at))
        begin(look, self._rule, Cause(self._now, self._now, 0, "", "campaign", EMPTY_MAP, matched))
        started = next((row for row in look.rows if isinstance(row, RunStarted)), None)
        if started is not None:
            return started.arm
        refused = next((row for row in look.rows if isinstance(row, RunEnded)), None)
        why = reason_of(refused.reason) if refused is not None else "is inside already"
        counts.not_entering[why] += 1
        return None

    def _look(self, state: PartitionState, profile: Profile) -> Look:
        turn = Turn(state, self._plan, self._plan_state, lambda key: profile if key == profile.key else None)
        rows: list[Row] = []
        return Look(turn, profile, turn.view(profile), self._now, rows)

    # ---- messages --------------------------------------------------------------------------------------------------

    def _ask(self, send: Send, profile: Profile, counts: _Counts) -> bool:
        """Put one message before the gate."""
        answer = self._decide(send, profile)
        if isinstance(answer, Claim):
            counts.reached[send.name] += 1
        elif isinstance(answer, Later):
            counts.later[send.name] += 1
        else:
            counts.reasons.setdefault(send.name, Counter())[reason_of(answer.reason)] += 1
        return isinstance(answer, Claim)

    def _decide(self, send: Send, profile: Profile) -> Claim | Later | Refusal:
        rule, now = self._rule, self._now
        intent = SendMessage(
            at=now,
            intent=f"preview {send.name}",
            key=profile.key,
            journey=rule.name,
            entry_key="",
            channel=send.channel,
            message=send.target,
            purpose=send.purpose,
            due=now,
            valid_until=now + send.validity_us,
            plan=self._plan.version,
            started_at=now,
            started_ref=0,
            event="campaign",
            properties=EMPTY_MAP,
            version=rule.version,
            step=send.name,
        )
        run = Run(rule.name, "", now, now, 0, "", now, "campaign", EMPTY_MAP, rule.version, intent=intent.intent)
        return decide(intent, profile, run, self._plan, self._facts, now, self._most)

    def _reach(self, send: Send, counts: _Counts) -> Reach:
        reasons = _by_number(counts.reasons.get(send.name, Counter()))
        return Reach(send.name, send.channel, send.target, counts.reached[send.name], counts.later[send.name], reasons)

    def _shown(self, send: Send, keys: Sequence[str]) -> Iterator[Shown]:
        """A message as the first of those who would get it would see it."""
        for key in keys:
            body = next((found for store in self._states if (found := store.load([key]).get(key)) is not None), None)
            answer = self._decide(send, decode_profile(body)) if body is not None else None
            if isinstance(answer, Claim):
                subject, text = self._written(answer)
                yield Shown(key, send.target, answer.address, answer.variant, subject, text)

    def _written(self, claim: Claim) -> tuple[str, str]:
        if claim.message is None:
            return "", ""
        values: dict[str, Any] = msgspec.msgpack.decode(claim.frozen)
        values["workspace"] = {"name": self._workspace}
        source = source_of(claim.message)
        try:
            if source.channel == "email":
                mail = render(source, values, self._now, "https://unsubscribe.example/")
                return mail.subject, mail.text
            note = render_note(source, values, self._now)
        except TemplateError as error:
            return "", f"could not be written: {error}"
        return note.title, note.text


def _condition(rule: JourneyRule) -> str:
    return rule.condition.said if rule.condition is not None else ""


def _by_number(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
