"""Campaigns: a journey that somebody launches for a segment, once: approved, launched, stopped, and how it stands.

What is approved is a version: a digest of the journey, of every message that it sends and of the segment that it is
for. Another version needs another approval. The approval stands in a file of the data folder until the launch, whose
record in the log then carries who launched and who approved, for good. That protects from haste and from changes that
nobody has looked at; names are what people say of themselves, and whoever may write the data folder can do all of this
anyway (decision 0006).
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from tactful.errors import UsageError
from tactful.events.records import SENDING, Launch
from tactful.journeys.program import Send
from tactful.journeys.rules import JourneyRule
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import PartitionState, PlanState
from tactful.messages.source import source_of
from tactful.operations.journeys.steering import ALL
from tactful.values import digest, format_time

MOST_NAME = 200
SECOND_PERSON = "second_person"
TOKEN = "token "  # noqa: S105  (how those of a program are called)
_HINTS = {"pause": "it is paused", "drain": "it is draining", "stop": "it was stopped"}


class Approval(Struct, frozen=True):
    """Somebody has looked at a version of a campaign, and agrees."""

    version: str
    by: str
    at: int
    note: str = ""


class Approvals(Protocol):
    """Where approvals stand until the launch."""

    def read(self) -> dict[str, Approval]:
        """By campaign."""
        ...

    def write(self, approvals: Mapping[str, Approval]) -> None: ...


class Status(Struct, frozen=True, rename="camel"):
    """How a campaign stands. Times are ISO 8601, None where there is none."""

    campaign: str
    version: str
    """In force now."""
    approved_by: str
    approved_at: str | None
    is_approved: bool
    """This very version."""
    launched_at: str | None
    """This very version of the journey."""
    state: str
    """`not approved`, `approved`, `changed since approval`, `being launched`, `launched`, or what it is steered to."""


# ---- versions --------------------------------------------------------------------------------------------------------


def campaign(name: str, plan: CompiledPlan) -> JourneyRule:
    """The rule of a campaign. Raises UsageError where there is none of this name."""
    rule = plan.journeys.get(name)
    if rule is not None and rule.is_campaign:
        return rule
    named = ", ".join(sorted(one.name for one in plan.journeys.values() if one.is_campaign)) or "none"
    if rule is not None:
        raise UsageError(f"{name} is no campaign: its file says nothing of start: {{campaign: SEGMENT}}")
    raise UsageError(f"there is no campaign {name!r}; published are: {named}")


def sends(rule: JourneyRule) -> list[Send]:
    """What it may send, each message once."""
    found = {(one.channel, one.target): one for one in rule.program if isinstance(one, Send)}
    return list(found.values())


def version_of(rule: JourneyRule, plan: CompiledPlan, state: PlanState) -> str:
    """`JOURNEY-REST`: the journey's version, and a digest of what else people will see: messages and the segment."""
    messages = sorted({one.target for one in sends(rule) if one.channel != "webhook"})
    sources = [source_of(plan.messages[name]).digest() for name in messages if name in plan.messages]
    segment = plan.by_number.get(rule.audience) if rule.audience is not None else None
    meant = state.since.get(f"segment/{segment.name}", ("", 0))[0] if segment is not None else ""
    return f"{rule.version}-{digest(*messages, *sources, meant)[:12]}"


# ---- orders ----------------------------------------------------------------------------------------------------------


def approve(
    name: str,
    by: str,
    wanted: str,
    plan: CompiledPlan,
    state: PlanState,
    approvals: Approvals,
    now_us: int,
    note: str = "",
) -> Approval:
    """Agree to the version in force, which is the one `wanted` where that is given. Raises UsageError otherwise."""
    rule = campaign(name, plan)
    who = _who(by)
    version = version_of(rule, plan, state)
    if wanted and wanted != version:
        raise UsageError(
            f"{name} is at version {version} by now, not {wanted}: look at it once more (campaign preview)"
        )
    if approval_by(state) == SECOND_PERSON:
        _require_person(who)
    approval = Approval(version, who, now_us, note[:500])
    approvals.write({**approvals.read(), name: approval})
    return approval


def launch(
    name: str, by: str, plan: CompiledPlan, state: PlanState, known: PartitionState, approvals: Approvals
) -> Launch:
    """The record, without its time. Raises UsageError where it may not be launched, with what is missing."""
    rule = campaign(name, plan)
    who = _who(by)
    if (at := known.campaigns.get(f"{name}@{rule.version}")) is not None:
        raise UsageError(
            f"{name} was launched at {format_time(at)}; once is enough (a changed campaign may be launched)"
        )
    for steered, what in ((name, name), (ALL, "all sending")):
        said = known.steering.get(steered)
        if said is not None:
            how = _HINTS[said.order] if steered else "it is off"
            raise UsageError(f"{what} cannot be launched: {how}, since {format_time(said.since)} by {said.author}")
    approval, version = approvals.read().get(name), version_of(rule, plan, state)
    if approval is None:
        raise UsageError(f"nobody has approved {name}: tactful campaign approve {name} --by WHO")
    if approval.version != version:
        raise UsageError(
            f"{name} has changed since {approval.by} approved it: version {approval.version} was looked at, "
            f"{version} is in force. Have it approved once more"
        )
    if approval_by(state) == SECOND_PERSON:
        _require_person(who)
        _require_person(approval.by)
        if _same(approval.by, who):
            raise UsageError(
                f'{who} has approved {name}, and somebody else has to launch it ([sending] approval = "second_person")'
            )
    return Launch(0, name, version, who, approval.by)


def status(
    name: str, plan: CompiledPlan, state: PlanState, partitions: Sequence[PartitionState], approvals: Approvals
) -> Status:
    """How a campaign stands; `partitions` in their order. Raises UsageError where there is none of this name."""
    known = partitions[0]
    rule = campaign(name, plan)
    approval, version = approvals.read().get(name), version_of(rule, plan, state)
    launched = known.campaigns.get(f"{name}@{rule.version}")
    said = known.steering.get(name)
    is_approved = approval is not None and approval.version == version
    if said is not None:
        stands = {"pause": "paused", "drain": "draining", "stop": "stopped"}[said.order]
    elif launched is not None:
        is_under_way = any(one.journey == name for each in partitions for one in each.launched)
        stands = "being launched" if is_under_way else "launched"
    elif approval is None:
        stands = "not approved"
    else:
        stands = "approved" if is_approved else "changed since approval"
    return Status(
        campaign=name,
        version=version,
        approved_by=approval.by if approval is not None else "",
        approved_at=format_time(approval.at) if approval is not None else None,
        is_approved=is_approved,
        launched_at=format_time(launched) if launched is not None else None,
        state=stands,
    )


def approval_by(state: PlanState) -> str:
    """Who may approve, by the settings that were published: "anybody", "second_person"."""
    section = msgspec.json.decode(state.plan.publish.settings.get(SENDING) or "{}", type=_Sending)
    return section.approval


class _Sending(Struct):
    approval: str = "anybody"


def _who(name: str) -> str:
    who = " ".join(name.split())
    if not who or len(who) > MOST_NAME:
        raise UsageError(f"say who you are: --by NAME, of at most {MOST_NAME} characters")
    return who


def _require_person(who: str) -> None:
    """Names of people have no spaces where they sign in, so this is a token, which either of the two could hold."""
    if who.startswith(TOKEN):
        raise UsageError(
            f'a token is no person ({who}), and [sending] approval = "second_person" wants two who sign in'
        )


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
