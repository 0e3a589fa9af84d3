"""Random projects: what an expression may name beside the language, and the files that say so."""

import json
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

import yaml

from tests.parity.expressions import Writer
from tests.parity.histories import DAY, HOUR, PURPOSES, SCORES, SECOND, ZONES
from tests.parity.oracle import Project
from tests.parity.oracle.values import read_duration
from tests.parity.words import ODD_EVENT

CART = {
    "add": ["Product Added"],
    "remove": ["Product Removed"],
    "clear": ["Order Completed"],
    "key": ["sku"],
    "quantity": ["quantity"],
    "price": ["price"],
    "fields": ["category", "price", "n"],
}
WISHES = {
    "add": ["A", "$page"],
    "remove": ["B"],
    "clear": [],
    "key": ["o", "t"],
    "quantity": ["n"],
    "price": ["o", "n"],
    "fields": ["t"],
}


def project(random: Random) -> Project:
    """Segments in segments, metrics, collections, retention, the workspace's zone and gap."""
    retention = {"D": 3 * DAY} if random.random() < 0.4 else {}
    zone, gap = random.choice(ZONES), random.choice((30 * 60 * SECOND, SECOND, HOUR, 10 * SECOND))
    few = {**WISHES, "limit": random.choice((3, 200))}
    rules = {name: random.choice(rules) for name, rules in RULES.items() if random.random() < 0.5}
    plain = Project({}, {}, {"cart": CART, "wishes": few}, retention, zone, gap, rules)
    writer = Writer(random, plain, SCORES, PURPOSES, has_clock=False)
    segments = {"s1": writer.condition("person", 1), "s2": writer.condition("person", 2)}
    segments["s3"] = f'(segment("s1") or (not segment("s2"))) and {writer.condition("person", 1)}'
    metrics = {name: writer.value("person", "number", 1, is_constant=False) for name in ("m1", "m2", "m3")}
    return plain._replace(segments=segments, metrics=metrics)


RULES: Mapping[str, Sequence[Any]] = {
    "age": ("maximum", "minimum"),
    "born": ("latest time", "earliest time"),
    "plan": ("first", ["crm", "web"]),
    "tags": ("union",),
    "likes": ("union", ["crm"]),
    "address": ("first", ["web"]),
    "timezone": ("first", ["web", "crm"]),
}
MERGES = {"latest time": ("time", "maximum"), "earliest time": ("time", "minimum")}
MERGES |= {name: ("number", name) for name in ("maximum", "minimum")}

TYPES = {
    **dict.fromkeys(("n", "q", "a b", "o.n", "quantity", "price"), "number"),
    **dict.fromkeys(("t", "u", "class", "category"), "text"),
    **dict.fromkeys(("l", "m", "products"), "list"),
    "when": "time",
    "sku": "anything",
    "f": "boolean",
    "o": "object",
}
DECLARED = ("A", "B", "C", "D", "Else", "Never Sent", "Order Completed", "Product Added", "Product Removed", ODD_EVENT)


def files(project: Project) -> dict[str, str]:
    """The project's folder."""
    folder = {f"segments/{name}.yaml": _yaml({"when": text}) for name, text in project.segments.items()}
    folder |= {f"metrics/{name}.yaml": _yaml({"value": text}) for name, text in project.metrics.items()}
    for name, about in project.collections.items():
        told = {**about, **{key: ".".join(about[key]) for key in ("key", "quantity", "price")}}
        folder[f"collections/{name}.yaml"] = _yaml({key: value for key, value in told.items() if value})
    if project.retention:
        folder |= {f"events/e{place}.yaml": _event(project, name) for place, name in enumerate(DECLARED)}
    if project.rules:
        properties = {name: _trait(rule) for name, rule in project.rules.items()}
        folder["events/identify.yaml"] = _yaml({"name": "$identify", "properties": properties})
    return folder


def _trait(rule: Any) -> dict[str, Any]:
    if isinstance(rule, list):
        return {"merge": {"sources": rule}}
    kind, merge = MERGES.get(rule, ("anything", rule))
    return {"type": kind, "merge": merge}


def _yaml(told: Mapping[str, Any]) -> str:
    """What is JSON is YAML, but for escapes of half a character."""
    return json.dumps(told, ensure_ascii=False)


def _event(project: Project, name: str) -> str:
    """What is declared is not what comes: the histories send odd types all the same."""
    told: dict[str, Any] = {"name": name, "properties": TYPES}
    if name in project.retention:
        told["retention"] = f"{project.retention[name] // DAY}d"
    return _yaml(told)


def read_files(folder: Mapping[str, str], time_zone: str = "UTC") -> Project:
    """The project that files describe, as far as the oracle needs it."""
    read = {path.removesuffix(".yaml"): yaml.safe_load(text) for path, text in folder.items()}

    def those(kind: str) -> dict[str, Any]:
        return {path.removeprefix(f"{kind}/"): told for path, told in read.items() if path.startswith(f"{kind}/")}

    collections = {
        name: {
            **{key: _several(told.get(key)) for key in ("add", "remove", "clear", "fields")},
            **{key: told.get(key, key).split(".") for key in ("key", "quantity", "price")},
        }
        for name, told in those("collections").items()
    }
    events = those("events").items()
    return Project(
        {name: told["when"] for name, told in those("segments").items()},
        {name: told["value"] for name, told in those("metrics").items()},
        collections,
        {told["name"]: read_duration(told["retention"]) for _, told in events if "retention" in told},
        time_zone,
        rules={name: rule for told in read.values() for name, rule in _rules(told)},
    )


def _rules(told: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Of a file, if it is the one that declares the traits."""
    for name, about in (told.get("properties") or {}).items() if told.get("name") == "$identify" else ():
        if isinstance(about, dict) and "merge" in about:
            named = about["merge"]
            times = [rule for rule, pair in MERGES.items() if pair == (about.get("type"), named)]
            yield name, named["sources"] if isinstance(named, dict) else times[0] if times else named


def _several(told: str | list[str] | None) -> list[str]:
    return [told] if isinstance(told, str) else told or []
