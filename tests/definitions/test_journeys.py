"""Journeys as people write them: every form."""

import pytest

from tactful.journeys.definition import (
    Arm,
    AwaitStep,
    Ending,
    ExitStep,
    IfStep,
    Limit,
    SendStep,
    SetStep,
    SplitStep,
    UntilStep,
    WaitStep,
    walk,
)
from tactful.journeys.program import Schedule
from tactful.journeys.rules import NEVER_AGAIN
from tactful.values import DAY_US, HOUR_US, MINUTE_US
from tests.definitions.journeys_written import SEND, read, steps

# ---- forms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "kind", "segment"),
    [
        ("{event: Cart Viewed}", "event", ""),
        ("{segment: buyers}", "segment", "buyers"),
        ("{left: buyers}", "left", "buyers"),
        ("{schedule: daily at 09:00, segment: buyers}", "schedule", "buyers"),
        ("{schedule: daily at 09:00}", "schedule", ""),
        ("{campaign: buyers}", "campaign", "buyers"),
        ("{call: true}", "call", ""),
    ],
)
def test_starts(start: str, kind: str, segment: str) -> None:
    journey = read(f"start: {start}\n{SEND}")
    assert (journey.start.kind, journey.start.segment) == (kind, segment)
    assert (journey.start.schedule is not None) == (kind == "schedule")


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("daily 09:00", Schedule(540)),
        ("daily at 9:05", Schedule(545)),
        ("Daily  AT  00:00", Schedule(0)),
        ("mondays 09:00", Schedule(540, frozenset({1}))),
        ("monday, friday at 10:30", Schedule(630, frozenset({1, 5}))),
        ("monday,friday and sundays at 23:59", Schedule(1439, frozenset({1, 5, 7}))),
        ("weekdays 08:30", Schedule(510, frozenset({1, 2, 3, 4, 5}))),
        ("weekends at 08:30", Schedule(510, frozenset({6, 7}))),
        ("monthly on the 1 at 09:00", Schedule(540, day=1)),
        ("monthly on the 31st at 09:00", Schedule(540, day=31)),
        ("monthly on 15 09:00", Schedule(540, day=15)),
    ],
)
def test_schedules(text: str, schedule: Schedule) -> None:
    assert read(f'start: {{schedule: "{text}", segment: buyers}}\n{SEND}').start.schedule == schedule


def test_what_stands_beside_the_steps() -> None:
    journey = read(
        "start: {event: Cart Viewed}\nkey: cart_id\nlimit: 2 per 7d\nvalidity: 2h\nrepeat: restart\nagain: 30d\n"
        "priority: 70\ngroup: cart\nholdout: 2.5%\nediting: finish\n"
        "goal: {event: Order Completed, where: total > 0, same: cart_id, within: 5d, value: total}\n" + SEND,
    )
    assert journey.key is not None
    assert (journey.limit, journey.validity_us, journey.repeat) == (Limit(2, 7 * DAY_US), 2 * HOUR_US, "restart")
    assert (journey.again_us, journey.priority, journey.group) == (30 * DAY_US, 70, "cart")
    assert (journey.holdout, journey.is_finishing) == (250, True)
    goal = journey.goal
    assert goal is not None
    assert goal.wanted.where is not None
    assert goal.wanted.same is not None
    assert goal.value is not None
    assert (goal.wanted.events, goal.within_us) == (("Order Completed",), 5 * DAY_US)


def test_what_is_so_where_nothing_is_said() -> None:
    journey = read(f"start: {{event: Cart Viewed}}\n{SEND}")
    assert (journey.key, journey.condition, journey.unless, journey.goal, journey.limit) == (None, None, (), None, None)
    assert (journey.validity_us, journey.repeat, journey.again_us) == (DAY_US, "ignore", 0)
    assert (journey.priority, journey.group, journey.holdout) == (50, "", 0)
    assert (journey.on_merge, journey.is_finishing) == (False, False)


@pytest.mark.parametrize(("text", "again_us"), [("always", 0), ("never", NEVER_AGAIN), ("400d", 400 * DAY_US)])
def test_again(text: str, again_us: int) -> None:
    assert read(f"start: {{event: Cart Viewed}}\nagain: {text}\n{SEND}").again_us == again_us


def endings(unless: str) -> list[tuple[tuple[str, ...], bool, bool, bool]]:
    journey = read(f"start: {{event: Cart Viewed}}\nkey: cart_id\nunless: {unless}\nwait: 1h\n{SEND}")
    return [_shape(one) for one in journey.unless]


def _shape(one: Ending) -> tuple[tuple[str, ...], bool, bool, bool]:
    if one.wanted is None:
        return (), False, False, one.when is not None
    return one.wanted.events, one.wanted.where is not None, one.wanted.same is not None, one.when is not None


def test_unless() -> None:
    assert endings("Order Completed") == [(("Order Completed",), False, False, False)]
    assert endings("[B, A]") == [(("A", "B"), False, False, False)]
    assert endings("{event: A, where: total > 0, same: cart_id}") == [(("A",), True, True, False)]
    assert endings("{when: vip}") == [((), False, False, True)]
    assert endings("[B, {event: [C, D]}, A, {when: vip}]") == [
        (("A", "B"), False, False, False),
        (("C", "D"), False, False, False),
        ((), False, False, True),
    ]


def test_the_short_form_is_a_list_of_two() -> None:
    short = read(f"start: {{event: Cart Viewed}}\nwait: 30m\n{SEND}")
    long = read("start: {event: Cart Viewed}\nsteps:\n- wait: 30m\n- send: {email: mail}\n")
    assert [_plain(one) for one in short.steps] == [_plain(one) for one in long.steps]
    assert [one.name for one in short.steps] == ["1", "2"]
    assert [one.name for one in read(f"start: {{event: Cart Viewed}}\n{SEND}").steps] == ["1"]
    evening = read(f"start: {{event: Cart Viewed}}\nwait: {{until: '18:00'}}\n{SEND}")
    assert evening.steps[0] == UntilStep("1", 18 * 60, frozenset())


def _plain(step: object) -> object:
    return SendStep(step.name, step.channel, step.message) if isinstance(step, SendStep) else step


def test_every_step() -> None:
    journey = steps(
        """
  - wait: 30m
  - wait: {until: "09:00", on: [monday, fridays]}
  - wait: {until: 9:30, on: weekends}
  - name: order
    wait: {for: [Order Completed, Order Paid], where: total > 10, same: [cart_id][0] , at_most: 3d}
    then:
      - exit: bought
  - wait: {when: vip, at_most: 1d}
    else:
      - {name: calm, send: {sms: text}, validity: 2h}
      - send: {webhook: "https://a.example/x"}
        purpose: crm
  - if: country == "DE"
    else:
      - set: {vip: true, visits: 3, tier: '"gold"', gone: null, last_seen: profile.seen, off: "False"}
  - split: {bold: 25, calm: 75.5, none: 0}
    calm:
      - wait: 1h
      - if: vip
        then:
          - exit: it is enough
""".replace("[cart_id][0] ", "cart_id")
    )
    found = [*walk(journey.steps)]
    assert [one.name for one in found] == [
        "1", "2", "3", "order", "4.then.1", "5", "calm", "5.else.2", "6", "6.else.1", "7", "7.calm.1", "7.calm.2",
        "7.calm.2.then.1",
    ]  # fmt: skip
    assert found[0] == WaitStep("1", 30 * MINUTE_US)
    assert found[1] == UntilStep("2", 540, frozenset({1, 5}))
    assert found[2] == UntilStep("3", 570, frozenset({6, 7}))
    order = found[3]
    assert isinstance(order, AwaitStep)
    assert order.wanted is not None
    assert order.wanted.events == ("Order Completed", "Order Paid")
    assert (order.at_most_us, order.when, order.otherwise) == (3 * DAY_US, None, ())
    assert order.then == (ExitStep("4.then.1", "bought"),)
    vip = found[5]
    assert isinstance(vip, AwaitStep)
    assert (vip.wanted, vip.when is not None, len(vip.otherwise)) == (None, True, 2)
    assert _plain(found[6]) == SendStep("calm", "sms", "text")
    assert isinstance(found[6], SendStep)
    assert found[6].validity_us == 2 * HOUR_US
    hook = found[7]
    assert isinstance(hook, SendStep)
    assert (hook.channel, hook.purpose, hook.validity_us) == ("webhook", "crm", None)
    assert isinstance(found[8], IfStep)
    written = found[9]
    assert isinstance(written, SetStep)
    values = dict(written.values)
    assert values.pop("last_seen").text == "profile.seen"  # type: ignore[union-attr]  # an expression
    assert values == {"vip": True, "visits": 3, "tier": "gold", "gone": None, "off": False}
    split = found[10]
    assert isinstance(split, SplitStep)
    assert [(arm.name, arm.weight, len(arm.steps)) for arm in split.arms] == [
        ("bold", 2500, 0), ("calm", 7550, 2), ("none", 0, 0),
    ]  # fmt: skip
    assert split.arms[0] == Arm("bold", 2500)


def test_conditions_may_ask_the_clock() -> None:
    steps("- {if: local_hour() >= 9, then: [{exit: late}]}\n- wait: {when: 'local_weekday() == 1', at_most: 7d}")
    read(f"start: {{schedule: daily at 09:00}}\nif: local_month() == 8\n{SEND}")


def test_a_run_has_a_key_without_a_line_for_it() -> None:
    for start in ("{segment: viewers}", "{call: true}"):
        read(f"start: {start}\nunless: {{event: A, same: x}}\nwait: 1h\n{SEND}")
    counted = 'count("A", same=x, last="1d") > 2'
    read(f"start: {{event: A}}\nif: {counted}\nunless: {{event: B, same: x}}\nwait: 1h\n{SEND}")
