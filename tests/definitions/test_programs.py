"""Journeys as runs go by them: the list of instructions, and what of a plan reads which event."""

from typing import Any

import pytest

from tactful.journeys import program
from tactful.journeys.program import END, SHARES, Branch, Instruction, Send, SetTraits, Split, Wait, WaitFor
from tactful.kernel.plan import NEVER, CompiledPlan, UnknownAggregate, compiled
from tactful.kernel.programs import exact_from
from tactful.values import DAY_US, HOUR_US, MINUTE_US
from tests.definitions.journeys_published import FILES, NOW, RICH, publish, rule, targets


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


def test_from_when_all_of_it_is_exact() -> None:
    assert exact_from(publish(FILES, is_empty=False)[1].journeys["j"]) == NEVER  # A question about all time.
    steps = "start: {event: A}\nsteps:\n"
    for line, days in (
        ('- {if: \'any("B", last="3d")\', then: [{send: {email: mail}}]}', 3),
        ('- wait: {when: \'any("B", last="4d")\', at_most: 1d}\n- send: {email: mail}', 4),
        ('- set: {n: \'count("B", last="5d")\'}', 5),
        ('- wait: 1h\n- send: {email: mail}\nunless: {when: \'any("B", last="6d")\'}', 6),
        ("- wait: {for: B, at_most: 1d}\n- send: {email: mail}", 0),
    ):
        files = {**FILES, "journeys/j.yaml": steps + line + "\n"}
        exact = exact_from(publish(files, is_empty=False)[1].journeys["j"])
        assert exact == (NOW + days * DAY_US if days else 0)


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
        # So is what goals ask for, of whoever turns out to be one with somebody who is inside.
        ("start: {event: B}\ngoal: {event: A, within: 1d, value: x}\nsend: {email: mail}\n", (True, False)),
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
