"""Rendering to look at: a message as one person would get it now, and how many people get which of its variants.

The message is that of the project's files, published or not; the person is that of the data folder, or a sample. What
its templates or variants ask and nobody has counted yet (it has to be published first) is missing, and said. Nothing is
claimed, fetched or counted.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tactful.aggregates.kinds import State
from tactful.aggregates.spec import AggregateSpec
from tactful.errors import UsageError
from tactful.kernel.definitions import Definitions
from tactful.kernel.fragments import states
from tactful.kernel.plan import CompiledPlan, compiled, empty_plan
from tactful.kernel.seeding import whole
from tactful.kernel.state import FIRST_KEY, PlanState, Profile, decode_profile, decode_states
from tactful.kernel.view import Around, PersonView
from tactful.language.compile import compile_condition, compile_value
from tactful.language.compiled import Condition, Valued
from tactful.language.mistakes import did_you_mean
from tactful.messages import languages, looks, rules, samples
from tactful.messages.definition import Message
from tactful.messages.looks import Remark
from tactful.messages.mail import Rendered
from tactful.messages.note import Note
from tactful.messages.render import render, render_note, sources_of_links
from tactful.messages.rules import MessageRule
from tactful.messages.samples import Sample
from tactful.messages.source import source_of
from tactful.messages.template import TemplateError
from tactful.operations.messages import rehearsing
from tactful.operations.messages.rehearsing import Coverage
from tactful.people import traits
from tactful.runtime.ports import Store
from tactful.runtime.seeds import Seeds

URL = "https://example.com/preview"
"""What templates see as the link to unsubscribe."""


class _Unknown(Exception):
    """An aggregate that the plan in force does not count."""


class Asked(Struct, frozen=True):
    """What a preview is asked to show; "" leaves it to what is known of the person."""

    variant: str = ""
    language: str = ""
    event: Mapping[str, Any] = {}
    """Properties of the event that would have started it."""


class Preview(Struct, frozen=True):
    """One of `mail` and `note`."""

    values: Mapping[str, Any]
    """That it was rendered from."""
    variant: str
    mail: Rendered | None = None
    note: Note | None = None
    remarks: tuple[Remark, ...] = ()


def message_of(definitions: Definitions, name: str) -> Message:
    """Raises UsageError where there is none of that name."""
    message = definitions.messages.get(name)
    if message is None:
        hint = did_you_mean(name, list(definitions.messages))
        raise UsageError(f'there is no message "{name}"{f"; {hint}" if hint else ""}')
    return message


def of_a_person(
    message: Message,
    profile: Profile,
    plan: PlanState | None,
    asked: Asked,
    now_us: int,
    *,
    site_url: str = "",
    workspace: str = "Tactful",
) -> Preview:
    """Raises UsageError where it cannot be rendered for this person."""
    values, missing = _values(message, profile, plan, now_us)
    values["workspace"] = {"name": workspace}
    values["event"] = {"name": "", "timestamp": now_us, "key": "", "properties": dict(asked.event)}
    values["fetched"] = {fetch.name: samples.default(fetch) for fetch in message.fetches}
    if message.coupon:
        values["coupon"] = {"code": "SAMPLE-CODE", "pool": message.coupon}
    return _rendered(message, values, missing, asked, now_us, site_url)


def of_a_sample(
    message: Message,
    definitions: Definitions,
    asked: Asked,
    *,
    site_url: str = "",
    workspace: str = "Tactful",
    sample: Sample | None = None,
) -> Preview:
    """For somebody of whom everything is known that the templates name, or another sample. Raises UsageError as
    `of_a_person` does."""
    sample = sample or rehearsing.full_sample(definitions, message, workspace)
    values = {name: value for name, value in sample.values.items() if name != "segments"}
    if asked.event:
        values["event"] = {**values["event"], "properties": dict(asked.event)}
    return _rendered(message, values, [], asked, samples.AT_US, site_url)


def _rendered(
    message: Message, values: dict[str, Any], missing: Sequence[str], asked: Asked, now_us: int, site_url: str
) -> Preview:
    if asked.variant and asked.variant not in {one.name for one in message.variants}:
        known = ", ".join(one.name for one in message.variants) or "none"
        raise UsageError(f'{message.name} has no variant "{asked.variant}"; it has {known}')
    if asked.variant:
        values["variant"] = asked.variant
    if asked.language:
        values["locale"] = asked.language
    source, url = source_of(message), URL if message.purpose or message.confirms else ""
    remarks = [Remark("", text, "publish it first") for text in missing]
    variant = str(values.get("variant", ""))
    try:
        if message.channel != "email":
            note = render_note(source, values, now_us, url)
            remarks += looks.of_note(note, message.channel)
            return Preview(values, variant, note=note, remarks=tuple(remarks))
        mail = render(source, values, now_us, url, site_url)
        html, amp = sources_of_links(source, values, now_us, url)
    except TemplateError as error:
        raise UsageError(f"{message.name} cannot be rendered for this person: {error}") from None
    remarks += looks.of_source(html, has_site=bool(site_url))
    remarks += looks.of_amp_size(amp)
    remarks += looks.of_mail(mail, url if message.purpose else "")
    return Preview(values, variant, mail=mail, remarks=tuple(remarks))


# ---- what is known of a person -------------------------------------------------------------------------------------


def _values(
    message: Message, profile: Profile, plan: PlanState | None, now_us: int
) -> tuple[dict[str, Any], list[str]]:
    """As the gate freezes them (kernel/gate.py), and what of it is not counted yet."""
    in_force = compiled(plan) if plan is not None else empty_plan()
    rule, missing = _rule(message, plan)
    values: dict[str, Any] = {
        "profile": traits.values((one.traits for one in profile.fragments.values()), in_force.traits),
        "key": profile.key,
        "journey": "",
    }
    values |= languages.heard(values["profile"], (one.locale for one in profile.fragments.values()))
    names = [one.name for number, one in in_force.by_number.items() if number in profile.segments]
    values |= rules.frozen(rule, _view(profile, in_force), profile.key, now_us, lambda: names)
    return values, missing


def _view(profile: Profile, plan: CompiledPlan) -> PersonView:
    around = Around(plan.time_zone, dict, plan.policy, plan.traits, is_signed=plan.identity.is_signed)
    return PersonView(states(profile), profile.fragments, around)


def _rule(message: Message, plan: PlanState | None) -> tuple[MessageRule, list[str]]:
    """The message compiled against what is counted."""

    def number(spec: AggregateSpec) -> int:
        found = plan.numbers.get(spec.canonical()) if plan is not None else None
        if found is None:
            raise _Unknown
        return found

    missing: list[str] = []
    conditions: dict[str, Condition] = {}
    valued: dict[str, Valued] = {}
    for name, checked in rules.conditions(message).items():
        try:
            conditions[name] = compile_condition(checked, number)
        except _Unknown:
            missing.append(f'nothing is counted yet of what the variant "{name.rpartition("/")[2]}" asks')
    for name, checked in rules.values(message).items():
        try:
            valued[name] = compile_value(checked, number)
        except _Unknown:
            missing.append(f"nothing is counted yet of {name.rpartition('/')[2]}")
    return rules.partial_rule(message, conditions, valued), missing


# ---- who gets what -------------------------------------------------------------------------------------------------


MOST_PEOPLE = 20_000
"""Looked at for a check; of more, those whose identifiers come first."""
_PAGE = 500


def people_of(stores: Sequence[Store], plan: PlanState, seeds: Seeds) -> Iterator[Profile]:
    """People, no marks, as many from each partition; with what is counted of them since a sweep that has not come to
    them yet."""
    aggregates = compiled(plan).aggregates

    def find(seed: str, fragment: str) -> Mapping[int, State]:
        body = seeds.states(seed, fragment)
        return decode_states(body) if body is not None else {}

    for store in stores:
        cursor, left = FIRST_KEY, MOST_PEOPLE // len(stores)
        while left > 0 and (keys := store.keys_after(cursor, min(_PAGE, left))):
            for body in store.load(keys).values():
                profile = decode_profile(body)
                if profile.owner() is None:
                    yield whole(profile, plan, aggregates, find)
            left -= len(keys)
            cursor = keys[-1]


def coverage(message: Message, profiles: Iterable[Profile], plan: PlanState, now_us: int) -> Coverage:
    """Each variant with how many people get it, each trait shown with how many lack it."""
    rule, _ = _rule(message, plan)
    is_counted = len(rule.variants) == len(message.variants)
    in_force = compiled(plan)
    shown = samples.shown(rehearsing.texts_of(message))
    variants = Counter(dict.fromkeys(["", *(one.name for one in message.variants)], 0))
    lacking = Counter(dict.fromkeys(shown, 0))
    people = 0
    for profile in profiles:
        people += 1
        if message.variants and is_counted:
            variants[rules.choose(rule, _view(profile, in_force), profile.key, now_us)] += 1
        if shown:
            known = traits.values((one.traits for one in profile.fragments.values()), in_force.traits)
            lacking.update(name for name in shown if name not in known)
    return Coverage(people, variants if message.variants and is_counted else {}, lacking)
