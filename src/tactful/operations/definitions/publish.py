"""Publish: a checked project becomes a record in partition 0, which numbers it and tells the others."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tactful.consent import policy
from tactful.errors import DefinitionError, UsageError
from tactful.events.records import CONSENT, IDENTITY, SESSION_GAP, Plan, Publish, decode, encode
from tactful.kernel.definitions import read_project
from tactful.kernel.plan import NEVER, adopt
from tactful.kernel.programs import exact_from
from tactful.kernel.state import PLAN_KEY, PlanState, decode_partition, decode_plan
from tactful.language.vocabulary import DEFAULT_GAP_US
from tactful.operations.places import States
from tactful.runtime.ports import Bells, Clock, Log, Store
from tactful.runtime.settings import IdentitySettings
from tactful.values import parse_duration

_READ = 1_000
"""Records at a time."""


def published(store: Store) -> PlanState | None:
    """The plan in force in the partition of this store."""
    body = store.load([PLAN_KEY]).get(PLAN_KEY)
    return decode_plan(body) if body is not None else None


def publish(
    files: Mapping[str, str], settings: Mapping[str, str], log: Log, bells: Bells, clock: Clock, author: str = ""
) -> int:
    """Check the project, and render its messages for sample people; append it. Returns its position in partition 0."""
    position = log.append({0: [publication(files, settings, clock.now_us(), author)]})[0]
    bells.ring("work-0")
    return position


def publication(files: Mapping[str, str], settings: Mapping[str, str], now_us: int, author: str) -> bytes:
    """The record that puts a project in force, for partition 0. Raises DefinitionError where it has mistakes."""
    from tactful.messages.template import check_template  # Seldom wanted, and slow to import.
    from tactful.operations.messages.rehearsing import rehearse

    gap_us = parse_duration(settings.get(SESSION_GAP, "")) or DEFAULT_GAP_US
    purposes = policy.read(settings.get(CONSENT, "")).purposes
    definitions = read_project(files, check_template, gap_us=gap_us, purposes=purposes)
    if problems := rehearse(definitions, files, None).problems:
        raise DefinitionError(*problems)
    return encode(Publish(now_us, dict(files), dict(settings), author))


def warming(
    before: PlanState | None,
    files: Mapping[str, str],
    settings: Mapping[str, str],
    stores: Iterable[States],
    now_us: int,
) -> dict[str, int | None]:
    """Which segments, journeys and messages ask something that would have no answer at first, by file, and until when:
    it was not counted from the beginning. None: for ever, since they ask about all time."""
    bodies = [store.checkpoint().partition_state for store in stores]
    if before is None or not any(body and decode_partition(body).events for body in bodies):
        return {}
    plan = Plan(before.plan.version + 1, Publish(now_us, dict(files), dict(settings)))
    _, compiled = adopt(before, plan, now_us, is_empty=False)
    ready = {f"segments/{rule.name}.yaml": rule.ready_at for rule in compiled.segments}
    ready |= {f"journeys/{rule.name}.yaml": exact_from(rule) for rule in compiled.journeys.values()}
    for message in compiled.message_rules.values():
        ready[f"messages/{message.name}.yaml"] = max((one.ready_at for one in message.variants), default=0)
    return {path: at if at < NEVER else None for path, at in ready.items() if at > now_us}


def refuse_other_priority(before: PlanState | None, settings: Mapping[str, str]) -> None:
    """UsageError where [identity] priority is not that of the plan in force: it decides in which partition an event
    enters, and the people who are there already would be split."""
    if before is None:
        return
    was, now = _priority(before.plan.publish.settings), _priority(settings)
    if was != now:
        raise UsageError(
            f"[identity] priority cannot be changed: this data folder was made with {json.dumps(was)}. Put that back, "
            "or name a new folder with --data and bring the history in with `tactful import --replay`"
        )


def _priority(settings: Mapping[str, str]) -> list[str]:
    section = msgspec.json.decode(settings.get(IDENTITY) or "{}", type=dict[str, Any])
    return list(section.get("priority", IdentitySettings().priority))


def on_their_way(log: Log, store: States) -> list[Publish]:
    """What stands in the log and is not in force yet, oldest first."""
    found, after = list[Publish](), store.checkpoint().position
    while read := log.read(0, after, _READ):
        found += [record for _, body in read if isinstance(record := decode(body), Publish)]
        after = read[-1][0]
    return found


def is_on_its_way(files: Mapping[str, str], settings: Mapping[str, str], log: Log, store: States) -> bool:
    """Whether the newest of them says just this."""
    newest = next(reversed(on_their_way(log, store)), None)
    return newest is not None and newest.files == files and newest.settings == settings


def changes(before: PlanState | None, files: Mapping[str, str], settings: Mapping[str, str]) -> list[str]:
    """What a publish would change: "+ segments/new.yaml", "~ ...", "- ..."; "~ tactful.toml" where a setting that
    definitions depend on is another."""
    old = before.plan.publish.files if before is not None else {}
    is_other = before is not None and before.plan.publish.settings != settings
    return (["~ tactful.toml"] if is_other else []) + sorted(
        [f"+ {path}" for path in files.keys() - old.keys()]
        + [f"- {path}" for path in old.keys() - files.keys()]
        + [f"~ {path}" for path in files.keys() & old.keys() if files[path] != old[path]],
        key=lambda line: line[2:],
    )
