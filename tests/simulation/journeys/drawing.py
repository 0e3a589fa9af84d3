"""Random journeys, as YAML texts that are right, and other versions of them.

Everything is small: four events, few values, durations of a grid of ten minutes, so that whatever can meet does meet.
All conditions on people are drawn from one pool, which a project asks from its beginning, so that none is ever warming.
"""

from collections.abc import Sequence
from random import Random

import yaml

EVENTS = ("A", "B", "C", "D")
LENGTHS = ("10m", "20m", "30m", "1h", "3h", "10m", "20m", "1d")
TIMES = ("02:30", "09:00", "00:00", "23:30", "12:10")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WHERE = ("price > 15", "price == 10", 'cart == "x"', "price is None")
ABOUT = ("cart", "carts")
ASKED = (
    'country == "DE"',
    'any("B", last="40m")',
    'count("A", last="1h") >= 2',
    'time_since("C") >= "30m"',
    'not any("D", last="20m")',
    'sum("B", price, last="2h") > 20',
    'consents("email_marketing")',
    'sequence("A", "B", within="30m", last="3h")',
    'sequence("A", not "B", within="30m", last="3h")',
    'plan == "gold"',
    "vip",
)
SETS: tuple[dict[str, object], ...] = (
    {"vip": True},
    {"plan": '"gold"'},
    {"vip": False, "spent": 'sum("B", price, last="2h")'},
)
CLOCKS = ("9 <= local_hour() < 18", "local_weekday() < 6")
SEGMENTS = {
    "keen": 'count("A", last="1h") >= 2',
    "german": 'country == "DE"',
    "cold": 'time_since("C") >= "30m"',
    "quiet": 'any("B", last="40m") and not any("D", last="20m")',
}
POOL = {f"pool_{number}": text for number, text in enumerate(ASKED)}
MESSAGES = {
    "hello": "subject: Hello\npurpose: email_marketing\ntext: Hello\n",
    "notice": "subject: Notice\npurpose: notices\ntext: Notice\n",
}


def segments() -> dict[str, str]:
    return SEGMENTS | POOL


def files(journeys: dict[str, str]) -> dict[str, str]:
    return {
        **{f"segments/{name}.yaml": yaml.safe_dump({"when": text}) for name, text in segments().items()},
        **{f"messages/{name}.yaml": text for name, text in MESSAGES.items()},
        **{f"journeys/{name}.yaml": text for name, text in journeys.items()},
    }


class Author:
    """Writes journeys; `names` counts the names of steps."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self._steps = 0

    def maybe(self, share: float) -> bool:
        return self.rng.random() < share

    def text(self, said: dict[str, object]) -> str:
        return yaml.safe_dump(said, sort_keys=False, width=200)

    def journey(self) -> dict[str, object]:
        rng = self.rng
        said: dict[str, object] = {"start": self.start()}
        has_key = False
        start = said["start"]
        assert isinstance(start, dict)
        if "event" in start and self.maybe(0.4):
            said["key"] = "cart"
            has_key = True
        has_key = has_key or "call" in start
        options: dict[str, object] = {
            "if": rng.choice((*ASKED, *CLOCKS)),
            "unless": self.unless(has_key),
            "goal": self.goal(has_key),
            "limit": rng.choice(("1 per 1h", "2 per 3h", "1 per 10m", "1 per 1d")),
            "validity": rng.choice(("10m", "30m", "1h", "3h")),
            "repeat": "restart",
            "again": rng.choice(("never", "30m", "2h")),
            "priority": rng.choice((10, 50, 90)),
            "group": rng.choice(("g", "g", "h")),
            "holdout": rng.choice(("10%", "50%")),
            "editing": "finish",
        }
        if "segment" in start and "schedule" not in start:
            options["on_merge"] = "start"
        shares = {"unless": 0.4, "goal": 0.4, "holdout": 0.2, "repeat": 0.3, "group": 0.6, "priority": 0.7}
        said |= {name: value for name, value in options.items() if self.maybe(shares.get(name, 0.25))}
        said["steps"] = self.steps(has_key, depth=0)
        return said

    def start(self) -> dict[str, object]:
        rng = self.rng
        names = list(SEGMENTS)
        match rng.choice(("event",) * 7 + ("segment", "segment", "left", "schedule", "campaign", "call")):
            case "segment":
                return {"segment": rng.choice(names)}
            case "left":
                return {"left": rng.choice(names)}
            case "schedule":
                when = rng.choice(("daily", "weekdays", "mondays", "saturday, sunday", "monthly on the 31"))
                said: dict[str, object] = {"schedule": f"{when} {rng.choice(TIMES)}"}
                if self.maybe(0.6):
                    said["segment"] = rng.choice(names)
                return said
            case "campaign":
                return {"campaign": rng.choice(names)}
            case "call":
                return {"call": True}
        said = {"event": self.events()}
        if self.maybe(0.3):
            said["where"] = rng.choice(WHERE)
        return said

    def events(self) -> object:
        return self.rng.choice(EVENTS) if self.maybe(0.8) else self.rng.sample(EVENTS, 2)

    def match(self, of: str, has_key: bool) -> dict[str, object]:
        said: dict[str, object] = {of: self.events()}
        if self.maybe(0.3):
            said["where"] = self.rng.choice(WHERE)
        if has_key and self.maybe(0.6):
            said["same"] = self.rng.choice(ABOUT)
        return said

    def unless(self, has_key: bool) -> object:
        def one() -> object:
            match self.rng.randrange(4):
                case 0:
                    return self.rng.choice(EVENTS)
                case 1:
                    return {"when": self.rng.choice(ASKED)}
            return self.match("event", has_key)

        return one() if self.maybe(0.7) else [one(), one()]

    def goal(self, has_key: bool) -> dict[str, object]:
        said = self.match("event", has_key) | {"within": self.rng.choice(("30m", "2h", "1d"))}
        if self.maybe(0.5):
            said["value"] = "price"
        return said

    # ---- steps ---------------------------------------------------------------------------------------------------

    def steps(self, has_key: bool, depth: int) -> list[dict[str, object]]:
        found = [self.step(has_key, depth) for _ in range(self.rng.randrange(1, 5 - depth))]
        return self._reachable(found)

    def _reachable(self, steps: Sequence[dict[str, object]]) -> list[dict[str, object]]:
        """Nothing stands behind a step that always ends the run."""
        found: list[dict[str, object]] = []
        for step in steps:
            found.append(step)
            if _ends(step):
                break
        return found

    def step(self, has_key: bool, depth: int) -> dict[str, object]:
        rng = self.rng
        name: dict[str, object] = {"name": f"s{self._number()}"} if self.maybe(0.6) else {}
        kinds = ["wait"] * 5 + ["until"] * 2 + ["for"] * 4 + ["when"] * 3 + ["send"] * 7 + ["set"]
        if depth < 2:
            kinds += ["if"] * 3 + ["split"] * 2
        if depth:
            kinds.append("exit")
        match rng.choice(kinds):
            case "wait":
                return name | {"wait": rng.choice(LENGTHS)}
            case "until":
                until: dict[str, object] = {"until": rng.choice(TIMES)}
                if self.maybe(0.4):
                    until["on"] = rng.sample(DAYS, rng.randrange(1, 4))
                return name | {"wait": until}
            case "for":
                wait = self.match("for", has_key) | {"at_most": rng.choice(LENGTHS)}
                return name | {"wait": wait} | self.branches(has_key, depth)
            case "when":
                wait = {"when": rng.choice(ASKED), "at_most": rng.choice(LENGTHS)}
                return name | {"wait": wait} | self.branches(has_key, depth)
            case "if":
                branches = self.branches(has_key, depth)
                if not branches:
                    branches = {"then": self.steps(has_key, depth + 1)}
                return name | {"if": rng.choice((*ASKED, *CLOCKS))} | branches
            case "split":
                shares = {"calm": rng.choice((10, 50)), "bold": rng.choice((50, 90))}
                arms: dict[str, object] = {"bold": self.steps(has_key, depth + 1)}
                if self.maybe(0.4):
                    arms["calm"] = self.steps(has_key, depth + 1)
                return name | {"split": shares} | arms
            case "set":
                return name | {"set": dict(rng.choice(SETS))}
            case "exit":
                return name | {"exit": rng.choice(("bought", "enough"))}
        return name | self.send()

    def send(self) -> dict[str, object]:
        rng = self.rng
        number = self._number()
        url = f"https://shop.example/{number}"
        channel, target = rng.choice((("email", "hello"), ("email", "notice"), ("webhook", url), ("webhook", url)))
        said: dict[str, object] = {"send": {channel: target}}
        return said | ({"validity": rng.choice(("10m", "2h"))} if self.maybe(0.3) else {})

    def branches(self, has_key: bool, depth: int) -> dict[str, object]:
        if depth >= 2:
            return {}
        return {which: self.steps(has_key, depth + 1) for which in ("then", "else") if self.maybe(0.45)}

    def _number(self) -> int:
        self._steps += 1
        return self._steps

    # ---- another version -----------------------------------------------------------------------------------------

    def edited(self, said: dict[str, object]) -> dict[str, object]:
        """The same journey a week later: a step more or less, other lengths."""
        rng = self.rng
        new: dict[str, object] = yaml.safe_load(self.text(said))
        steps = new["steps"]
        assert isinstance(steps, list)
        match rng.randrange(4):
            case 0:
                steps.insert(rng.randrange(len(steps)), self.step("key" in said, 1))
            case 1 if len(steps) > 1:
                steps.pop(rng.randrange(len(steps)))
            case 2:
                for step in steps:
                    if isinstance(step.get("wait"), str):
                        step["wait"] = rng.choice(LENGTHS)
            case 3:
                new["validity"] = rng.choice(("20m", "2h"))
        new["steps"] = self._reachable(steps)
        if self.maybe(0.2):
            new["editing"] = "finish"
        return new


def _ends(step: dict[str, object]) -> bool:
    """Whether no run goes on behind it."""
    if "exit" in step:
        return True
    names = [name for name in step if isinstance(step[name], list)]
    if "if" in step or (isinstance(step.get("wait"), dict) and "at_most" in step["wait"]):  # type: ignore[operator]  # a mapping
        return {"then", "else"} <= set(names) and all(_branch_ends(step[name]) for name in names)
    if "split" in step:
        arms = step["split"]
        assert isinstance(arms, dict)
        return set(arms) <= set(names) and all(_branch_ends(step[name]) for name in arms)
    return False


def _branch_ends(steps: object) -> bool:
    return isinstance(steps, list) and bool(steps) and _ends(steps[-1])
