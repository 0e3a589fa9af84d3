"""Journeys as runs go by them: the list of instructions, what of it is looked at, and what stays when they are edited."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.events.records import Plan, Publish
from tactful.journeys import program
from tactful.journeys.program import END, SHARES, Branch, Exit, Instruction, Send, SetTraits, Split, Wait, WaitFor
from tactful.journeys.rules import JourneyRule
from tactful.kernel.editions import MOST
from tactful.kernel.plan import CompiledPlan, UnknownAggregate, adopt, compiled
from tactful.kernel.state import PlanState, decode_plan, encode
from tactful.values import DAY_US, HOUR_US, MINUTE_US, parse_time

NOW = parse_time("2025-03-01T12:00:00Z") or 0
MAIL = "subject: Hi {{ event.properties.name }}\nhtml: '{{ event.name }} {{ event.timestamp }}'\ntext: z\n"
RICH = """
start: {event: Cart Viewed, where: context.page.path == "/cart"}
key: cart_id
if: any("Order Completed", last="30d")
unless:
  - Order Completed
  - {event: Cart Emptied, where: total > 0, same: cart_id}
  - {when: 'count("Complaint") > 2'}
goal: {event: Order Completed, same: cart_ids, within: 5d, value: total}
limit: 2 per 7d
validity: 6h
repeat: restart
again: 30d
priority: 70
holdout: 10%
steps:
  - wait: 30m
  - {name: remind, send: {email: mail}, validity: 2h}
  - wait: {for: Order Completed, same: cart_id, at_most: 2d}
    then:
      - set: {buyer: true, orders: 'count("Order Completed", last="1d")'}
      - exit: bought
  - if: segment("fans")
    then:
      - split: {calm: 1, bold: 2}
        bold:
          - send: {sms: text}
    else:
      - wait: {until: "09:00", on: [monday]}
  - send: {webhook: "https://a.example/x"}
    purpose: crm
"""
FILES = {
    "journeys/j.yaml": RICH,
    "messages/mail.yaml": MAIL,
    "messages/text.yaml": "channel: sms\ntext: '{{ event.properties.total }}'\n",
    "segments/fans.yaml": 'when: count("Product Viewed", last="7d") > 3\n',
}


def publish(
    files: dict[str, str], before: PlanState | None = None, *, at: int = NOW, version: int = 1, is_empty: bool = True
) -> tuple[PlanState, CompiledPlan]:
    state, plan = adopt(before, Plan(version, Publish(at, files, {})), at, is_empty=is_empty)
    return decode_plan(encode(state)), plan


def rule(files: dict[str, str], name: str = "j") -> JourneyRule:
    return publish(files)[1].journeys[name]


def targets(one: Instruction) -> list[int]:
    match one:
        case WaitFor():
            return [one.came, one.otherwise]
        case Branch():
            return [one.then, one.otherwise]
        case Split():
            return [target for _, _, target in one.arms]
        case Exit():
            return []
        case _:
            return [one.next]


def shape(one: Instruction) -> tuple[Any, ...]:
    return (type(one).__name__, one.name, *targets(one))


def test_the_program_of_a_rich_journey() -> None:
    found = rule(FILES)
    assert [shape(one) for one in found.program] == [
        ("Wait", "1", 1),
        ("Send", "remind", 2),
        ("WaitFor", "3", 3, 5),
        ("SetTraits", "3.then.1", 4),
        ("Exit", "3.then.2"),
        ("Branch", "4", 6, 8),
        ("Split", "4.then.1", 9, 7),
        ("Send", "4.then.1.bold.1", 9),
        ("WaitUntil", "4.else.1", 9),
        ("Send", "5", END),
    ]
    wait, remind, awaits, sets, _, _, split, sms, until, hook = found.program
    assert isinstance(wait, Wait)
    assert wait.us == 30 * MINUTE_US
    assert isinstance(remind, Send)
    assert (remind.channel, remind.target, remind.purpose, remind.validity_us) == (
        "email", "mail", "email_marketing", 2 * HOUR_US,
    )  # fmt: skip
    assert isinstance(awaits, WaitFor)
    assert awaits.match is not None
    assert awaits.match.same is not None
    assert (awaits.at_most_us, awaits.match.same({"cart_id": "c"}, {})) == (2 * DAY_US, "c")
    assert isinstance(sets, SetTraits)
    (buyer, orders) = sets.values
    assert buyer == ("buyer", True)
    assert orders[0] == "orders"
    assert len(orders[1].folds) == 1
    assert isinstance(split, Split)
    assert split.arms == (("calm", 3333, 9), ("bold", SHARES, 7))
    assert isinstance(sms, Send)
    assert (sms.channel, sms.validity_us) == ("sms", 6 * HOUR_US)
    assert isinstance(until, program.WaitUntil)
    assert (until.minute, until.weekdays) == (540, frozenset({1}))
    assert isinstance(hook, Send)
    assert (hook.channel, hook.target, hook.purpose) == ("webhook", "https://a.example/x", "crm")


def test_the_head_of_a_rich_journey() -> None:
    found = rule(FILES)
    assert found.where is not None
    assert found.where.holds({}, {"page": {"path": "/cart"}})
    assert found.key is not None
    assert [found.key(properties, {}) for properties in ({"cart_id": "c"}, {})] == ["c", None]
    orders, emptied, complaints = found.exits
    assert orders.match is not None
    assert (orders.match.events, orders.match.where, orders.match.same) == (frozenset({"Order Completed"}), None, None)
    assert emptied.match is not None
    assert emptied.match.where is not None
    assert emptied.match.where.holds({"total": 1}, {})
    assert complaints.when is not None
    assert (complaints.match, complaints.unwelcome) == (None, None)
    assert orders.unwelcome not in (None, emptied.unwelcome)
    assert found.goal is not None
    assert found.goal.value is not None
    assert found.goal.within_us == 5 * DAY_US
    assert found.goal.value({"total": 7}, {}) == 7
    assert (found.limit, found.per_us, found.validity_us) == (2, 7 * DAY_US, 6 * HOUR_US)
    assert (found.is_restarting, found.again_us, found.priority, found.holdout) == (True, 30 * DAY_US, 70, 1000)


def test_stored_and_compiled_again_it_is_the_same() -> None:
    state, plan = publish(FILES)
    again = compiled(state)
    assert [shape(one) for one in again.journeys["j"].program] == [shape(one) for one in plan.journeys["j"].program]
    numbers = [[exit_.unwelcome for exit_ in one.journeys["j"].exits] for one in (plan, again)]
    assert numbers[0] == numbers[1]
    assert again.aggregates.keys() == plan.aggregates.keys()


def test_a_state_of_another_version_is_refused_and_not_misread() -> None:
    """A version that knew no steps has no instant for what they read."""
    state, _ = publish(FILES)
    state.since.pop("journey/j/4")
    with pytest.raises(UnknownAggregate):
        compiled(state)


def test_what_is_warming_says_so_at_each_place() -> None:
    found = publish(FILES, is_empty=False)[1].journeys["j"]
    branch = next(one for one in found.program if isinstance(one, Branch))
    sets = next(one for one in found.program if isinstance(one, SetTraits))
    assert found.ready_at == NOW + 30 * DAY_US
    assert branch.when.ready_at == NOW + 7 * DAY_US
    assert sets.ready_at == NOW + DAY_US


def test_what_is_edited_elsewhere_goes_on_as_it_was() -> None:
    state, _ = publish(FILES)
    edited = {**FILES, "journeys/j.yaml": RICH.replace("wait: 30m", "wait: 31m")}
    after, _ = publish(edited, state, at=NOW + DAY_US, version=2, is_empty=False)
    assert {at for name, (_, at) in after.since.items() if name.startswith("journey/")} == {NOW}


# ---- starts ----------------------------------------------------------------------------------------------------------


def starting(start: str, **more: str) -> CompiledPlan:
    files = {**FILES, "journeys/j.yaml": f"start: {start}\nsend: {{email: mail}}\n", **more}
    return publish(files)[1]


def test_segments_start_where_they_are_entered_or_left() -> None:
    plan = starting("{segment: fans}", **{"journeys/k.yaml": "start: {left: fans}\nsend: {email: mail}\n"})
    (number,) = (rule.number for rule in plan.segments)
    assert {key: [one.name for one in rules] for key, rules in plan.started_by.items()} == {number: ["j"]}
    assert {key: [one.name for one in rules] for key, rules in plan.left_by.items()} == {number: ["k"]}


def test_schedules_and_campaigns_name_their_audience() -> None:
    plan = starting(
        "{schedule: mondays 09:00, segment: fans}",
        **{
            "journeys/k.yaml": "start: {campaign: fans}\nsend: {email: mail}\n",
            "journeys/l.yaml": "start: {schedule: daily 09:00}\nsend: {email: mail}\n",
        },
    )
    (number,) = (rule.number for rule in plan.segments)
    assert [one.name for one in plan.scheduled] == ["j", "l"]
    j, k, everybody = (plan.journeys[name] for name in "jkl")
    assert (j.audience, k.audience, everybody.audience) == (number, number, None)
    assert (j.schedule, k.is_campaign, j.is_campaign) == (program.Schedule(540, frozenset({1})), True, False)
    assert (plan.started_by, plan.left_by) == ({}, {})


def test_calls() -> None:
    plan = starting("{call: true}")
    assert plan.journeys["j"].is_called
    assert not plan.reader("track", "Cart Viewed").starts


# ---- what reads an event ---------------------------------------------------------------------------------------------


def test_an_event_that_no_journey_reads_costs_nothing() -> None:
    reader = publish(FILES)[1].reader("track", "Anything")
    assert (reader.read, reader.starts, reader.follows) == (None, (), False)
    assert (reader.needs_properties, reader.needs_context) == (False, False)


def test_what_reads_an_event() -> None:
    plan = publish(FILES)[1]
    orders, emptied, viewed = (
        plan.reader("track", name) for name in ("Order Completed", "Cart Emptied", "Cart Viewed")
    )
    assert [set(one) for one in (orders.stops, orders.pursued, orders.awaited)] == [{"j"}, {"j"}, {"j"}]
    assert [set(one) for one in (emptied.stops, emptied.pursued, emptied.awaited)] == [{"j"}, set(), set()]
    assert [one.name for one in viewed.starts] == ["j"]
    assert (viewed.needs_properties, viewed.needs_context) == (True, True)
    assert (orders.follows, emptied.follows, viewed.follows) == (True, True, False)
    assert set(orders.names) == {"Order Completed", "*"}
    assert set(plan.reader("identify", "$identify").names) == {"$identify"}


@pytest.mark.parametrize(
    ("journey", "needs"),
    [
        ("start: {event: A}\nsend: {email: mail}\n", (False, False)),
        ("start: {event: A}\nkey: x\nsend: {email: mail}\n", (True, False)),
        ("start: {event: A}\nkey: context.page.path\nsend: {email: mail}\n", (True, True)),
        ("start: {event: B}\nunless: A\nwait: 1h\nsend: {email: mail}\n", (False, False)),
        # What is kept for starts that arrive late is folded in, whoever is inside.
        ("start: {event: B}\nunless: {event: A, where: x}\nwait: 1h\nsend: {email: mail}\n", (True, False)),
        ("start: {event: B}\ngoal: {event: A, within: 1d}\nsend: {email: mail}\n", (False, False)),
        ("start: {event: B}\ngoal: {event: A, within: 1d, value: x}\nsend: {email: mail}\n", (False, False)),
        ("start: {event: B}\nsteps: [{wait: {for: A, where: context.x, at_most: 1d}}, {send: {email: mail}}]\n", (False, False)),
    ],
)  # fmt: skip
def test_what_an_event_has_to_be_opened_for(journey: str, needs: tuple[bool, bool]) -> None:
    """Whether anybody is inside or not."""
    reader = publish({**FILES, "journeys/j.yaml": journey})[1].reader("track", "A")
    assert (reader.needs_properties, reader.needs_context) == needs


def test_any_event_is_none_that_comes_back_from_a_message() -> None:
    text = "start: {event: B}\nsteps: [{wait: {for: '*', at_most: 1d}}, {send: {email: mail}}]\n"
    plan = publish({**FILES, "journeys/j.yaml": text})[1]
    assert plan.reader("page", "$page").awaited == {"j"}
    assert plan.reader("message", "Email Opened").awaited == set()


# ---- what messages read of the start ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("nothing", set()),
        ("{{ profile.event }} {{ the_event }} {{ event_name }}", set()),
        ("{{ event.name }} {{ event.timestamp }} {{ event.key }}", set()),
        ("{{ event.properties.name }}{% for x in event.properties.products %}{{ x.sku }}{% endfor %}", {"name", "products"}),
        ("{{ event.properties.a-b }}", {"a-b", "a", "b"}),
        ("{{ event.properties['order id'] }}", None),
        ("{{ event.properties[name] }}", None),
        ("{{ event.properties }}", None),
        ("{% assign e = event %}{{ e.properties.x }}", None),
        ("{{ event['properties'].x }}", None),
        ("{{ event . properties . x }}", None),
    ],
)  # fmt: skip
def test_what_is_kept_of_the_event_that_began_a_run(html: str, kept: set[str] | None) -> None:
    files = {
        "journeys/j.yaml": "start: {event: A}\nsend: {email: mail}\n",
        "messages/mail.yaml": f"subject: x\ntext: y\nhtml: |\n  {html}\n",
    }
    found = rule(files).kept
    assert found == (None if kept is None else frozenset(kept))


def test_what_is_kept_is_of_all_messages_and_all_that_is_in_them() -> None:
    files = {
        "journeys/j.yaml": "start: {event: A}\nsteps: [{send: {email: mail}}, {send: {sms: text}}]\n",
        "messages/mail.yaml": (
            "subject: x\ntext: y\nhtml: z\nlanguage: en\n"
            "translations: {de: {subject: '{{ event.properties.b }}'}}\n"
            "variants:\n- {name: v, if: x, subject: '{{ event.properties.c }}'}\n"
        ),
        "messages/text.yaml": "channel: sms\ntext: '{{ event.properties.a }}'\n",
    }
    assert rule(files).kept == frozenset("abc")
    hooked = {**files, "journeys/j.yaml": "start: {event: A}\nsend: {webhook: 'https://a.example'}\n"}
    assert rule(hooked).kept is None


# ---- editions --------------------------------------------------------------------------------------------------------


def edition(number: int, more: str = "editing: finish\n") -> dict[str, str]:
    text = f'start: {{event: A}}\nif: any("B", last="{number}d")\n{more}wait: {number}h\nsend: {{email: mail}}\n'
    return {"journeys/j.yaml": text, "messages/mail.yaml": MAIL}


def waits(plan: CompiledPlan) -> list[int]:
    """Of each earlier edition its first wait, in hours."""
    return [one.program[0].us // HOUR_US for one in plan.editions.values() if isinstance(one.program[0], Wait)]


def edited(*files: dict[str, str]) -> Iterator[tuple[PlanState, CompiledPlan]]:
    state: PlanState | None = None
    for version, each in enumerate(files, start=1):
        state, plan = publish(each, state, at=NOW + version, version=version, is_empty=version == 1)
        yield state, plan


def test_runs_finish_on_the_newest_five() -> None:
    found = [waits(plan) for _, plan in edited(*map(edition, range(1, 9)))]
    assert found == [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4, 5], [2, 3, 4, 5, 6], [3, 4, 5, 6, 7]]
    assert len(found[-1]) == MOST


def test_what_is_published_unchanged_is_no_new_edition() -> None:
    assert [waits(plan) for _, plan in edited(edition(1), edition(1), edition(2), edition(2))] == [[], [], [1], [1]]


def test_coming_back_to_a_text_makes_it_the_present_one() -> None:
    assert [waits(plan) for _, plan in edited(edition(1), edition(2), edition(1), edition(3))] == [[], [1], [2], [2, 1]]


def test_a_journey_that_moves_keeps_none() -> None:
    moving = edition(2, "")
    assert [waits(plan) for _, plan in edited(edition(1), moving, edition(3))] == [[], [], [2]]


def test_a_journey_that_is_gone_keeps_none() -> None:
    gone = {"messages/mail.yaml": MAIL}
    assert [waits(plan) for _, plan in edited(edition(1), gone, edition(3))] == [[], [], []]


def test_an_edition_starts_nothing_and_goes_on_exactly() -> None:
    *_, (state, plan) = edited(edition(1), edition(2))
    ((name, version), old) = next(iter(plan.editions.items()))
    assert (name, version) == ("j", old.version)
    assert (old.events, old.segment, old.schedule, old.is_campaign) == (frozenset(), None, None, False)
    assert [one.version for one in plan.reader("track", "A").starts] == [plan.journeys["j"].version]
    assert old.ready_at == NOW + 1  # What it counts was counted from the first publication, into an empty partition.
    assert plan.journeys["j"].ready_at == NOW + 2 + 2 * DAY_US
    assert old.condition is not None
    assert {fold.number for fold in old.condition.folds} <= plan.numbers
    again = compiled(state)
    assert again.editions.keys() == plan.editions.keys()
    assert again.editions["j", version].ready_at == old.ready_at


def test_an_edition_that_does_not_fit_any_more_is_left_out() -> None:
    other = {**edition(2), "messages/other.yaml": MAIL, "messages/mail.yaml": MAIL}
    first = {
        "journeys/j.yaml": edition(1)["journeys/j.yaml"].replace("email: mail", "email: other"),
        "messages/other.yaml": MAIL,
    }
    without = {name: text for name, text in edition(3).items() if "other" not in name}
    assert [waits(plan) for _, plan in edited(first, other, without, {**edition(4), "messages/other.yaml": MAIL})] == [
        [], [1], [2], [1, 2, 3],
    ]  # fmt: skip


def test_an_exit_of_an_edition_is_still_heard() -> None:
    old = {
        "journeys/j.yaml": "start: {event: A}\nunless: B\nwait: 1h\nsend: {email: mail}\n",
        "messages/mail.yaml": MAIL,
    }
    *_, (_, plan) = edited(old, edition(2))
    assert plan.reader("track", "B").stops == {"j"}


# ---- any journey -----------------------------------------------------------------------------------------------------

waiting: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"wait": "1h"},
        {"wait": {"until": "09:00", "on": ["monday"]}},
        {"wait": {"for": "B", "where": "x > 1", "same": "k", "at_most": "2d"}},
        {"wait": {"when": 'any("C", last="3d")', "at_most": "2d"}},
    ]
)
doing: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{"send": {"email": "mail"}}, {"send": {"sms": "text"}}, {"set": {"vip": "true", "n": "x + 1"}}]
)


@st.composite
def lists(draw: st.DrawFn, depth: int = 0) -> list[dict[str, Any]]:
    """Steps, steps within them; what ends the run comes last."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["wait", "do", "await", "if", "split"] if depth < 3 else ["wait", "do"]))
        step: dict[str, Any]
        match kind:
            case "wait":
                step = dict(draw(waiting))
            case "do":
                step = dict(draw(doing))
            case "split":
                step = {"split": {"a": draw(st.integers(0, 5)), "b": draw(st.integers(1, 5)), "c": 0}}
                step["a"] = draw(lists(depth=depth + 1))
                if draw(st.booleans()):
                    step["b"] = draw(lists(depth=depth + 1))
            case _:
                step = {"if": 'any("C", last="1d")'} if kind == "if" else {"wait": {"for": "B", "at_most": "1d"}}
                for branch in draw(st.sampled_from([("then",), ("else",), ("then", "else")])):
                    step[branch] = draw(lists(depth=depth + 1))
        found.append(step)
        if _ends(step):
            return found
    if draw(st.integers(0, 3)) == 0:
        found.append({"exit": "done"})
    return found


def _ends(step: dict[str, Any]) -> bool:
    branches = [step.get(name) for name in (["a", "b", "c"] if "split" in step else ["then", "else"])]
    return all(branch and ("exit" in branch[-1] or _ends(branch[-1])) for branch in branches)


def as_yaml(steps: list[dict[str, Any]], indent: int = 0) -> str:
    space = " " * indent
    lines = []
    for step in steps:
        first = True
        for key, value in step.items():
            start = f"{space}{'- ' if first else '  '}{key}:"
            first = False
            if isinstance(value, list) and value and isinstance(value[0], dict):
                lines.append(f"{start}\n{as_yaml(value, indent + 4)}")
            else:
                lines.append(f"{start} {_flow(value)}\n")
    return "".join(lines)


def _flow(value: object) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case int():
            return str(value)
        case _:
            return f"'{value}'" if value != "true" else "true"


def names_by_place(steps: list[dict[str, Any]], place: str = "") -> Iterator[str]:
    for number, step in enumerate(steps, start=1):
        yield f"{place}{number}"
        for key, value in step.items():
            if key not in ("wait", "send", "set", "split"):
                yield from names_by_place(value, f"{place}{number}.{key}.") if isinstance(value, list) else ()


@settings(max_examples=150, deadline=None)
@given(lists())
def test_any_journey_compiles_to_a_program_that_holds_together(steps: list[dict[str, Any]]) -> None:
    files = {**FILES, "journeys/j.yaml": f"start: {{event: A}}\nkey: k\nsteps:\n{as_yaml(steps)}"}
    found = rule(files).program
    # Every target is one, every instruction is come to, and no way leads back.
    reached, todo = set(), [0]
    while todo:
        at = todo.pop()
        if at != END and at not in reached:
            assert 0 <= at < len(found)
            reached.add(at)
            todo += targets(found[at])
    assert reached == set(range(len(found)))
    assert all(target == END or target > at for at, one in enumerate(found) for target in targets(one))
    # Names are places, each there once, in the order of the file.
    assert [one.name for one in found] == list(names_by_place(steps))
    for one in found:
        if isinstance(one, Split):
            ends = [end for _, end, _ in one.arms]
            assert ends == sorted(ends)
            assert ends[-1] == SHARES
