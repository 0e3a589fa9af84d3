"""The steps of a journey's file, steps within steps, with their names and every mistake's place.

A step does one thing, which one of its keys says. Names are what runs are found again by when the journey is edited, so
each is there once; a step without one is called by its place ("2", "3.then.1"), which no name of an author can be.
"""

import re
from urllib.parse import urlsplit

from tactful.journeys import notation
from tactful.journeys.definition import (
    CHANNELS,
    Arm,
    AwaitStep,
    ExitStep,
    IfStep,
    SendStep,
    SetStep,
    SplitStep,
    Step,
    Steps,
    UntilStep,
    WaitStep,
    branches,
)
from tactful.journeys.program import SHARES
from tactful.journeys.reading_events import Events
from tactful.language.check import Checked
from tactful.language.document import Fields
from tactful.language.known import KINDS, unknown_trait
from tactful.language.mistakes import Mistake, did_you_mean
from tactful.language.tree import Literal, Scalar, Trait
from tactful.language.types import ANYTHING, DURATION, LIST, MISSING, kind_of
from tactful.language.yaml_nodes import Mapping, Node, Sequence, Text

KINDS_OF_STEPS = ("wait", "if", "split", "send", "set", "exit")
STEP_KEYS = {
    "wait": ("name", "wait", "then", "else"),
    "if": ("name", "if", "then", "else"),
    "split": ("name", "split"),
    "send": ("name", "send", "purpose", "validity"),
    "set": ("name", "set"),
    "exit": ("name", "exit"),
}
WAIT_KEYS = ("until", "on", "for", "where", "same", "when", "at_most")
_RESERVED = {*KINDS_OF_STEPS, *(key for keys in STEP_KEYS.values() for key in keys)}
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_ARM = re.compile(r"[a-z0-9_-]{1,64}")
_NAME_HINT = "begin with a small letter; small letters, digits, _ and -, 64 at most"
DEEPEST = 8
"""Branches within branches; YAML itself is read to 20 levels."""
MOST_STEPS = 200
MOST_ARMS = 20
LONGEST_REASON = 200


class Reader:
    def __init__(self, events: Events) -> None:
        self._events = events
        self._document = events.document
        self._vocabulary = events.vocabulary
        self._named: dict[str, int] = {}
        self._count = 0

    def short(self, fields: Fields) -> Steps:
        """`wait:` and `send:` in the place of steps."""
        found: list[Step] = []
        if "wait" in fields:
            wait = self._wait("1", fields)
            if isinstance(wait, AwaitStep):
                fields.refuse("wait", "what is waited for stands in a step", "write it below steps: as - wait: ...")
            found.append(wait)
        if "send" in fields:
            found.append(self._send(f"{len(found) + 1}", fields, is_short=True))
        return tuple(found)

    def steps(self, node: Sequence, place: str = "", depth: int = 1) -> Steps:
        """The steps of a list; `place` is what the names of those without a name begin with."""
        if not node.items:
            self._document.refuse(node.start, "there are no steps in it", "write - send: {email: ...}, or leave it out")
        if depth > DEEPEST:
            hint = "make a journey of its own of a part of it"
            self._document.refuse(node.start, f"branches within branches, more than {DEEPEST} levels deep", hint)
            return ()
        found: list[Step] = []
        for number, item in enumerate(node.items, start=1):
            self._count += 1
            if self._count == MOST_STEPS + 1:
                hint = "make two journeys of it"
                self._document.refuse(item.start, f"a journey has {MOST_STEPS} steps at most", hint)
            if found and _ends(found[-1]):
                hint = "remove it, or move it before the step that ends the run"
                self._document.refuse(item.start, "no run comes to this step", hint)
                break
            if self._count <= MOST_STEPS and (step := self._step(item, f"{place}{number}", depth)) is not None:
                found.append(step)
        return tuple(found)

    def _step(self, node: Node, place: str, depth: int) -> Step | None:
        """None where nothing can be made of it."""
        kind = self._kind(node)
        if kind is None or not isinstance(node, Mapping):
            return None
        arms: list[tuple[Text, Node]] = []
        if kind == "split":
            arms = self._shares(node)
        known = (*STEP_KEYS[kind], *(key.value for key, _ in arms))
        fields = self._document.fields_of(node, "a step", known, ())
        if fields is None:
            return None
        name = self._name(fields, place)
        match kind:
            case "wait":
                return self._with_branches(self._wait(name, fields), fields, place, depth)
            case "if":
                when = fields.expression("if", self._vocabulary)
                step = self._with_branches(IfStep(name, when or _NOTHING), fields, place, depth)
                if isinstance(step, IfStep) and not ("then" in fields or "else" in fields):
                    fields.refuse("if", "both ways go on alike", "write then: or else: with a list of steps")
                return step
            case "split":
                return self._split(name, fields, arms, place, depth)
            case "send":
                return self._send(name, fields)
            case "set":
                return self._set(name, fields)
            case _:
                return self._exit(name, fields)

    def _kind(self, node: Node) -> str | None:
        """What the step does."""
        hint = f"a step has one of {', '.join(KINDS_OF_STEPS)}"
        if not isinstance(node, Mapping):
            self._document.refuse(node.start, "a step is written as names with values", "write - wait: 30m")
            return None
        keys = [key for key, _ in node.pairs if key.value in KINDS_OF_STEPS]
        if not keys:
            meant = [(key, word) for key, _ in node.pairs if (word := did_you_mean(key.value, KINDS_OF_STEPS))]
            at = meant[0][0].start if meant else node.start
            self._document.refuse(at, "this step does nothing that is known", meant[0][1] if meant else hint)
            return None
        for other in keys[1:]:
            if other.value != keys[0].value:
                hint = f"make two steps of it: one with {keys[0].value}:, one with {other.value}:"
                self._document.refuse(other.start, "a step does one thing", hint)
                return None
        return keys[0].value

    def _name(self, fields: Fields, place: str) -> str:
        name = fields.text("name")
        if not name:
            return place
        if not _NAME.fullmatch(name):
            fields.refuse("name", f'"{name}" cannot be the name of a step', _NAME_HINT)
        elif name in self._named:
            line = self._document.place(self._named[name]).line
            fields.refuse("name", f'two steps are called "{name}"', f"the other stands on line {line}")
        else:
            self._named[name] = fields.at("name")
        return name

    # ---- branches ----------------------------------------------------------------------------------------------------

    def _with_branches(self, step: Step, fields: Fields, place: str, depth: int) -> Step:
        found = {}
        for key in ("then", "else"):
            if key in fields:
                found[key] = self._branch(fields, key, place, depth)
        if isinstance(step, IfStep):
            return IfStep(step.name, step.when, found.get("then", ()), found.get("else", ()))
        if isinstance(step, AwaitStep):
            then, otherwise = found.get("then", ()), found.get("else", ())
            return AwaitStep(step.name, step.wanted, step.when, step.at_most_us, then, otherwise)
        for key in found:
            hint = "put the steps behind it, or wait for: an event"
            fields.refuse(key, f"{key}: stands with if:, and with a wait for: or when: something", hint)
        return step

    def _branch(self, fields: Fields, key: str, place: str, depth: int) -> Steps:
        node = fields.nodes[key]
        if not isinstance(node, Sequence):
            fields.refuse(key, f'"{key}" is a list of steps', "write each behind a hyphen: - send: {email: ...}")
            return ()
        return self.steps(node, f"{place}.{key}.", depth + 1)

    def _shares(self, node: Mapping) -> list[tuple[Text, Node]]:
        """The names of a split's branches, with their shares."""
        value = next(value for key, value in node.pairs if key.value == "split")
        return value.pairs if isinstance(value, Mapping) else []

    def _split(
        self, name: str, fields: Fields, arms: list[tuple[Text, Node]], place: str, depth: int
    ) -> SplitStep | None:
        fields.pairs("split")  # Says what is no mapping, and what stands there twice.
        if len(arms) < 2:
            if isinstance(fields.nodes["split"], Mapping):
                fields.refuse("split", "a split has two branches or more", "write split: {calm: 50, bold: 50}")
            return None
        if len(arms) > MOST_ARMS:
            fields.refuse("split", f"a split has {MOST_ARMS} branches at most", "split one of the branches again")
            return None
        found = []
        for key, value in arms:
            arm = key.value
            if not _ARM.fullmatch(arm) or arm in _RESERVED:
                hint = "a name has small letters, digits, _ and -, and is none of the words of steps"
                self._document.refuse(key.start, f'"{arm}" cannot be the name of a branch', hint)
                continue
            weight = self._weight(Fields(self._document, '"split"', {arm: value}), arm)
            found.append(Arm(arm, weight, self._branch(fields, arm, place, depth) if arm in fields else ()))
        self._check_shares(fields, found)
        if not any(arm.steps for arm in found):
            fields.refuse("split", "all branches go on alike", "write the steps of one: calm: [...]")
        return SplitStep(name, tuple(found))

    def _weight(self, fields: Fields, arm: str) -> int:
        text = fields.text(arm)
        try:
            return notation.weight(text) if text else 0
        except Mistake as mistake:
            fields.refuse_in(arm, mistake.remark.offset, mistake.remark.message, mistake.remark.hint)
            return 1

    def _check_shares(self, fields: Fields, arms: list[Arm]) -> None:
        total = sum(arm.weight for arm in arms)
        if arms and not total:
            fields.refuse("split", "the shares add up to nothing", "write split: {calm: 50, bold: 50}")
        for arm in arms:
            if arm.weight and arm.weight * SHARES < total:
                hint = "a share is at least a hundredth of a percent"
                fields.refuse("split", f'the share of "{arm.name}" is too small to be counted', hint)

    # ---- waits -------------------------------------------------------------------------------------------------------

    def _wait(self, name: str, fields: Fields) -> WaitStep | UntilStep | AwaitStep:
        if not isinstance(fields.nodes["wait"], Mapping):
            return WaitStep(name, fields.duration("wait", 0))
        inner = fields.mapping("wait", WAIT_KEYS)
        assert inner is not None
        kinds = [kind for kind in ("until", "for", "when") if kind in inner]
        if len(kinds) != 1:
            hint = "write one of until:, for: and when:, or a duration: wait: 30m"
            fields.refuse("wait", "a wait is for one thing", hint)
            return WaitStep(name, 0)
        self._refuse_others(inner, kinds[0])
        if kinds[0] == "until":
            return UntilStep(name, self._minute(inner), self._weekdays(inner))
        if "at_most" not in inner:
            hint = "add how long: wait: {" + kinds[0] + ": ..., at_most: 3d}"
            fields.refuse("wait", "a wait that may never end needs at_most:", hint)
        at_most_us = inner.duration("at_most", 1)
        if kinds[0] == "for":
            return AwaitStep(name, self._events.wanted(inner, "for"), None, at_most_us)
        return AwaitStep(name, None, inner.expression("when", self._vocabulary) or _NOTHING, at_most_us)

    def _refuse_others(self, inner: Fields, kind: str) -> None:
        allowed = {"until": ("on",), "for": ("where", "same", "at_most"), "when": ("at_most",)}[kind]
        for name in inner.nodes:
            if name != kind and name not in allowed:
                inner.refuse(name, f"{name}: does not stand beside {kind}:", "remove it")

    def _minute(self, inner: Fields) -> int:
        text = inner.text("until")
        try:
            return notation.minute_of_day(text) if text else 0
        except Mistake as mistake:
            inner.refuse_in("until", mistake.remark.offset, mistake.remark.message, mistake.remark.hint)
            return 0

    def _weekdays(self, inner: Fields) -> frozenset[int]:
        node = inner.nodes.get("on")
        found: frozenset[int] = frozenset()
        if node is None:
            return found
        if isinstance(node, Sequence) and not node.items:
            inner.refuse("on", "the list of days is empty", "write on: [monday, friday], or leave it out for any day")
        for item in node.items if isinstance(node, Sequence) else [node]:
            one = Fields(self._document, '"on"', {"on": item})
            text = one.text("on")
            try:
                found |= notation.weekdays(text) if text else frozenset()
            except Mistake as mistake:
                one.refuse_in("on", mistake.remark.offset, mistake.remark.message, mistake.remark.hint)
        return found

    # ---- what is done ------------------------------------------------------------------------------------------------

    def _send(self, name: str, fields: Fields, *, is_short: bool = False) -> SendStep:
        inner = fields.mapping("send", CHANNELS)
        nothing = SendStep(name, "email", "")
        if inner is None:
            return nothing
        if len(inner.nodes) != 1:
            hint = f"write one of {', '.join(CHANNELS)}: send: {{email: cart_reminder}}"
            fields.refuse("send", "a step sends one message", hint)
            return nothing
        (channel,) = inner.nodes
        validity_us = fields.duration("validity", 0) if "validity" in fields and not is_short else None
        at = inner.at(channel)
        if channel != "webhook":
            if "purpose" in fields:
                fields.refuse("purpose", "the purpose of a message stands in its own file", "remove it here")
            return SendStep(name, channel, inner.reference(channel, "messages"), "", validity_us, at)
        url = inner.text("webhook")
        if url and not _is_url(url):
            inner.refuse("webhook", f'"{url}" is no address to send to', "write https://example.com/path")
        return SendStep(name, channel, url, fields.purpose("purpose"), validity_us, at)

    def _set(self, name: str, fields: Fields) -> SetStep:
        pairs = fields.pairs("set")
        if not pairs and isinstance(fields.nodes["set"], Mapping):
            fields.refuse("set", "no trait is set", "write set: {vip: true}")
        return SetStep(name, tuple((key.value, self._trait(key, value)) for key, value in pairs))

    def _trait(self, key: Text, node: Node) -> Scalar | Checked:
        """What a trait is set to. YAML's words for true, false and null are those values; a text within quotes is what
        is left of YAML's quotes."""
        vocabulary, name = self._vocabulary, key.value
        if not name.strip():
            self._document.refuse(key.start, "a trait has a name", "write set: {vip: true}")
        message, hint = unknown_trait(vocabulary, name)
        if message:
            (self._document.refuse if vocabulary.is_strict else self._document.warn)(key.start, message, hint)
        if isinstance(node, Text) and not node.style and node.value in _WORDS:
            found: Scalar | Checked = _WORDS[node.value]
            kind = kind_of(Literal(_WORDS[node.value], (0, 0)))
        else:
            checked = Fields(self._document, '"set"', {name: node}).expression(name, vocabulary, wanted="value")
            if checked is None:
                return None
            kind = self._kind_of_trait(checked, key, node)
            found = checked.tree.value if isinstance(checked.tree, Literal) else checked
        declared = KINDS.get((vocabulary.traits or {}).get(name, ""), ANYTHING)
        if ANYTHING not in (declared, kind) and kind not in (MISSING, declared):
            hint = f"write {declared}, or change its type in events/"
            self._document.refuse(node.start, f'"{name}" is declared as {declared}, and this is {kind}', hint)
        return found

    def _kind_of_trait(self, checked: Checked, key: Text, node: Node) -> str:
        tree = checked.tree
        written = checked.text.strip()
        if isinstance(tree, Trait) and written.isidentifier():
            hint = f"the text is written '\"{written}\"', the trait profile.{written}"
            self._document.warn(node.start, f"{written} is read as the trait of this name", hint)
        kind = kind_of(tree)
        if kind in (DURATION, LIST) and isinstance(tree, Literal):
            self._document.refuse(node.start, f"{kind} cannot be a trait", "write a text, a number, true or false")
        return kind

    def _exit(self, name: str, fields: Fields) -> ExitStep:
        reason = fields.text("exit").strip()
        if len(reason) > LONGEST_REASON or not reason.isprintable():
            fields.refuse("exit", "a reason is one short line", f"{LONGEST_REASON} characters at most")
        return ExitStep(name, reason)


_NOTHING = Checked("", Literal(value=False, span=(0, 0)))
"""In the place of a condition that has a mistake."""
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", "", "None"), None),
}


def _ends(step: Step) -> bool:
    """Whether every run ends there, so that none goes on behind it."""
    if isinstance(step, ExitStep):
        return True
    found = [*branches(step)]
    return bool(found) and all(steps and _ends(steps[-1]) for _, steps in found)


def _is_url(url: str) -> bool:
    """https (or http, which the channel may refuse), a host, no password in it, nothing that could split a header."""
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_clean = url.isascii() and url.isprintable() and " " not in url and "@" not in parts.netloc
    return is_clean and has_port and parts.scheme in ("https", "http") and bool(parts.hostname)
