"""From a journey's file to a Journey, or to every mistake in it, each with its place. docs/journeys.md says what the
lines mean; the steps are read in reading_steps.py, what starts and ends a run in reading_events.py.
"""

import re
from typing import Literal

from tactful.journeys import notation
from tactful.journeys.definition import (
    AwaitStep,
    Goal,
    Journey,
    Limit,
    SendStep,
    SetStep,
    Steps,
    UntilStep,
    WaitStep,
    walk,
)
from tactful.journeys.program import SHARES
from tactful.journeys.reading_events import Events
from tactful.journeys.reading_steps import Reader
from tactful.journeys.rules import NEVER_AGAIN
from tactful.language.document import Document, Fields
from tactful.language.mistakes import Mistake
from tactful.language.vocabulary import Vocabulary
from tactful.language.yaml_nodes import Sequence
from tactful.values import DAY_US

KNOWN = (
    "description",
    "start",
    "key",
    "if",
    "unless",
    "goal",
    "limit",
    "validity",
    "repeat",
    "again",
    "priority",
    "group",
    "holdout",
    "on_merge",
    "on_publish",
    "editing",
    "steps",
    "wait",
    "send",
    "purpose",
)
_GROUP = re.compile(r"[a-z0-9_-]{1,64}")
LONGEST_DAYS = 366


def read(name: str, document: Document, vocabulary: Vocabulary) -> Journey | None:
    """The journey; None where the document now has problems. References are not checked here."""
    fields = document.fields(KNOWN, required=("start",))
    if fields is None:
        return None
    events = Events(fields, vocabulary)
    start = events.start()
    key, condition = events.key(start), fields.expression("if", vocabulary)
    events.learn_key(start, key, condition)
    repeat: Literal["ignore", "restart"] = "ignore"
    if fields.choice("repeat", ("ignore", "restart"), "ignore") == "restart":
        repeat = "restart"
    journey = Journey(
        name=name,
        description=fields.text("description"),
        start=start,
        key=key,
        condition=condition,
        unless=events.unless(),
        goal=_goal(events),
        repeat=repeat,
        again_us=_again(fields),
        limit=_limit(fields),
        validity_us=fields.duration("validity", DAY_US),
        priority=fields.whole_number("priority", 50, 100),
        group=_group(fields),
        group_at=fields.at("group") if "group" in fields else 0,
        holdout=_holdout(fields),
        on_merge=fields.choice("on_merge", ("ignore", "start"), "ignore") == "start",
        on_publish=fields.choice("on_publish", ("ignore", "start"), "ignore") == "start",
        is_finishing=fields.choice("editing", ("move", "finish"), "move") == "finish",
        steps=_steps(fields, events),
        version=document.version,
    )
    if not document.problems:
        _warn(fields, journey)
    return None if document.problems else journey


def _steps(fields: Fields, events: Events) -> Steps:
    reader = Reader(events)
    if "steps" not in fields:
        if "send" not in fields:
            fields.document.refuse(0, "a journey needs steps", "add steps: with a list, or send: for one message")
        return reader.short(fields)
    for alone in ("wait", "send", "purpose"):
        if alone in fields:
            fields.refuse(alone, f"{alone}: stands beside steps:", f"put it into the list: - {alone}: ...")
    node = fields.nodes["steps"]
    if not isinstance(node, Sequence):
        fields.refuse("steps", '"steps" is a list of steps', "write each behind a hyphen: - wait: 30m")
        return ()
    return reader.steps(node)


def _goal(events: Events) -> Goal | None:
    fields = events.fields
    if "goal" not in fields:
        return None
    inner = fields.mapping("goal", ("event", "where", "same", "within", "value"), ("event", "within"))
    if inner is None:
        return None
    wanted = events.wanted(inner, "event")
    within_us = inner.duration("within", DAY_US, LONGEST_DAYS)
    return Goal(wanted, within_us, events.amount(inner, "value", wanted.events))


def _again(fields: Fields) -> int:
    text = fields.text("again", "always")
    if text in ("always", "never"):
        return NEVER_AGAIN if text == "never" else 0
    if not any(char.isdigit() for char in text):
        fields.choice("again", ("always", "never"), "always")
        return 0
    return fields.duration("again", 0, 10 * LONGEST_DAYS)


def _limit(fields: Fields) -> Limit | None:
    if "limit" not in fields or not (text := fields.text("limit")):
        return None
    try:
        return Limit(*notation.limit(text))
    except Mistake as mistake:
        fields.refuse_in("limit", mistake.remark.offset, mistake.remark.message, mistake.remark.hint)
        return None


def _group(fields: Fields) -> str:
    group = fields.text("group")
    if group and not _GROUP.fullmatch(group):
        fields.refuse("group", f'"{group}" is no name', "write small letters, digits, _ and -, 64 at most")
    return group


def _holdout(fields: Fields) -> int:
    text = fields.text("holdout")
    if not text:
        return 0
    share = notation.share(text)
    if share is None:
        fields.refuse("holdout", f'"{text}" is no share of people', "write a number with %: 10%")
        return 0
    return share


def _warn(fields: Fields, journey: Journey) -> None:
    """What is no mistake and yet says nothing, or more than was meant."""
    document, start = fields.document, journey.start
    for name in ("on_merge", "on_publish"):
        if name in fields and start.kind != "segment":
            hint = "a run that an event starts goes on by itself" if name == "on_merge" else "remove it"
            document.warn(fields.at(name), f"{name}: speaks of entering a segment, and none starts this", hint)
    steps = [*walk(journey.steps)]
    sends = [step for step in steps if isinstance(step, SendStep)]
    if "unless" in fields and not any(isinstance(step, WaitStep | UntilStep | AwaitStep) for step in steps):
        document.warn(fields.at("unless"), "without a wait nothing can end the run", "add a line wait: 30m")
    if not sends and not any(isinstance(step, SetStep) for step in steps):
        document.warn(fields.at("steps"), "this journey sends nothing and sets nothing", "add a step: - send: ...")
    for name in ("limit", "holdout", "validity"):
        if name in fields and not sends:
            document.warn(fields.at(name), f"{name}: speaks of messages, and no step sends any", "remove it")
    if start.kind == "schedule" and not start.segment and journey.condition is None:
        hint = "name a segment: in start:, or write a condition in if:"
        document.warn(fields.at("start"), "this is for everybody who is known", hint)
    if journey.holdout >= SHARES:
        document.warn(fields.at("holdout"), "everybody is held out, nobody gets a message", "write a smaller share")
