"""Journeys as people write them: every form, and every mistake with its place."""

import pytest

from tactful.errors import DefinitionError, Problem
from tactful.journeys.definition import (
    Arm,
    AwaitStep,
    Ending,
    ExitStep,
    IfStep,
    Journey,
    Limit,
    SendStep,
    SetStep,
    SplitStep,
    UntilStep,
    WaitStep,
    walk,
)
from tactful.journeys.program import Schedule
from tactful.journeys.reading_steps import DEEPEST, MOST_STEPS
from tactful.journeys.rules import NEVER_AGAIN
from tactful.kernel.definitions import Definitions, read_project
from tactful.values import DAY_US, HOUR_US, MINUTE_US

BESIDE = {
    "messages/mail.yaml": "subject: x\nhtml: y\ntext: z\n",
    "messages/text.yaml": "channel: sms\ntext: x\n",
    "segments/buyers.yaml": 'when: any("Order Completed", last="30d")\n',
    "segments/viewers.yaml": 'when: count("Product Viewed", same=product_id, last="10m") > 2\n',
}
TYPES = {
    "events/identify.yaml": "name: $identify\nproperties: {vip: boolean, visits: number, tier: text, since: time}\n",
    "events/cart.yaml": "name: Cart Viewed\nproperties: {cart_id: text, lines: list, total: number}\n",
    "events/order.yaml": "name: Order Completed\nproperties: {cart_id: text, total: number}\n",
    "events/viewed.yaml": "name: Product Viewed\nproperties: {product_id: text}\n",
}
SEND = "send: {email: mail}\n"


def project(text: str, **more: str) -> Definitions:
    return read_project(BESIDE | more | {"journeys/j.yaml": text})


def read(text: str, **more: str) -> Journey:
    return project(text, **more).journeys["j"]


def steps(text: str) -> Journey:
    return read(f"start: {{event: Cart Viewed}}\nkey: cart_id\nsteps:\n{text}")


def told(problem: Problem) -> str:
    return f"{problem.place.line}:{problem.place.column}: {problem.message}"


def mistakes(text: str, files: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        read_project(BESIDE | (files or {}) | {"journeys/j.yaml": text})
    assert {one.place.file for one in caught.value.problems} == {"journeys/j.yaml"}
    return [told(one) for one in caught.value.problems]


def hints(text: str, files: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        read_project(BESIDE | (files or {}) | {"journeys/j.yaml": text})
    return [one.hint for one in caught.value.problems]


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


# ---- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        # starts
        ("start: {event: A, left: buyers}", ["1:8: a journey starts in one way"]),
        ("start: {segment: buyers, call: true}", ["1:8: a journey starts in one way"]),
        ("start: {call: false}", ['1:15: "call" cannot be "false"']),
        ("start: {left: buyer}", ['1:15: there is no segment "buyer"']),
        ("start: {campaign: buyer}", ['1:19: there is no segment "buyer"']),
        ("start: {schedule: daily at 09:00, segment: x}", ['1:44: there is no segment "x"']),
        ("start: {schedule: 09:00}", ["1:19: a schedule says on which days"]),
        ("start: {schedule: daily}", ['1:19: "daily" is no schedule']),
        ("start: {schedule: daily at noon}", ["1:28: a schedule ends with a time of day"]),
        ("start: {schedule: daily at 24:00}", ['1:28: "24:00" is no time of a day']),
        ("start: {schedule: mnodays 09:00}", ['1:19: "mnodays" is no day of the week']),
        ('start: {schedule: "monday, firday 09:00"}', ['1:28: "firday" is no day of the week']),
        ("start: {schedule: monthly 09:00}", ["1:19: monthly on which day?"]),
        ("start: {schedule: monthly on the 32 at 09:00}", ["1:34: a month has the days 1 to 31"]),
        # keys
        ("start: {segment: buyers}\nkey: x", ["2:6: the key of a run that a segment starts is what the segment counts with same="]),
        ("start: {call: true}\nkey: x", ["2:6: the key of a run that a call starts is the key which the call gives"]),
        ("start: {left: buyers}\nkey: x", ["2:6: key: is a value of the starting event, and no event starts this"]),
        ('start: {event: A}\nkey: "1"', ["2:7: 1 is the same for every event"]),
        ("start: {event: A}\nkey: profile.x", ["2:6: key: looks at the event alone"]),
        ('start: {event: A}\nkey: count("B")', ["2:6: count() cannot stand inside where="]),
        ("start: {event: A}\nkey: time(x)", ["2:6: a time is not a key"]),
        # ends
        ("start: {event: A}\nunless: {}", ["2:9: a run ends with an event, or when a condition on the person holds"]),
        ("start: {event: A}\nunless: {event: B, when: x}", ["2:9: a run ends with an event, or when a condition on the person holds"]),
        ("start: {event: A}\nunless: {when: x, same: y}", ["2:25: same: speaks of an event, and when: is a condition on the person"]),
        ("start: {event: A}\nunless: [B, {evnet: C}]", ["2:13: a run ends with an event, or when a condition on the person holds", '2:14: "unless" has no "evnet"']),
        ("start: {event: A}\nunless: {event: B, same: x}", ["2:26: same: is compared with the key of the run, and no run has one"]),
        ("start: {segment: buyers}\nunless: {event: B, same: x}", ["2:26: same: is compared with the key of the run, and no run has one"]),
        ("start: {left: viewers}\nunless: {event: B, same: x}", ["2:26: same: is compared with the key of the run, and no run has one"]),
        ("start: {event: A}\nunless: {event: B, where: profile.y == 1}", ["2:27: where: looks at the event alone"]),
        ("start: {event: A}\nunless: [[B]]", ["2:10: an event is a text"]),
        ("start: {event: A}\nunless: {when: 5}", ["2:16: a number is no condition"]),
        # goals
        ("start: {event: A}\ngoal: Order Completed", ['2:7: "goal" is written as names with values']),
        ("start: {event: A}\ngoal: {event: B}", ['2:7: "goal" needs "within"']),
        ("start: {event: A}\ngoal: {within: 5d}", ['2:7: "goal" needs "event"']),
        ("start: {event: A}\ngoal: {event: B, within: 5}", ['2:26: "5" is no duration']),
        ("start: {event: A}\ngoal: {event: B, within: 5d, value: lower(x)}", ["2:37: a text is not what is added up"]),
        ("start: {event: A}\ngoal: {event: B, within: 5d, same: x}", ["2:36: same: is compared with the key of the run, and no run has one"]),
        # the rest of the head
        ("start: {event: A}\nagain: nver", ['2:8: "again" cannot be "nver"']),
        ("start: {event: A}\nagain: 3 days", ['2:8: "3 days" is no duration']),
        ("start: {event: A}\npriority: 0", ['2:11: "priority" is a whole number from 1 to 100']),
        ("start: {event: A}\npriority: 101", ['2:11: "priority" is a whole number from 1 to 100']),
        ("start: {event: A}\ngroup: Big One", ['2:8: "Big One" is no name']),
        ("start: {event: A}\nholdout: 10", ['2:10: "10" is no share of people']),
        ("start: {event: A}\nholdout: 101%", ['2:10: "101%" is no share of people']),
        ("start: {event: A}\nediting: fnish", ['2:10: "editing" cannot be "fnish"']),
        ("start: {event: A}\nlimit: 1 per day", ['2:8: "1 per day" is no limit']),
    ],
)  # fmt: skip
def test_mistakes_in_the_head(lines: str, said: list[str]) -> None:
    assert mistakes(f"{lines}\nwait: 1h\n{SEND}") == said


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", ["1:1: a journey needs steps"]),
        ("steps: []", ["2:8: there are no steps in it"]),
        ("steps: {wait: 1h}", ['2:8: "steps" is a list of steps']),
        ("steps: [x]", ["2:9: a step is written as names with values"]),
        ("steps: [{}]", ["2:9: this step does nothing that is known"]),
        ("steps: [{sned: x}]", ["2:10: this step does nothing that is known"]),
        ("steps: [{name: x}]", ["2:9: this step does nothing that is known"]),
        ("steps: [{wait: 1h, send: {email: mail}}]", ["2:20: a step does one thing"]),
        ("steps: [{wait: 1h, nmae: x}]", ['2:20: a step has no "nmae"']),
        ("steps: [{wait: 1h, wait: 2h}]", ['2:20: "wait" is given twice']),
        ("steps: [{send: {email: mail}}]\nsend: {email: mail}", ["3:7: send: stands beside steps:"]),
        ("steps: [{send: {email: mail}}]\nwait: 1h", ["3:7: wait: stands beside steps:"]),
        ("wait: {for: B, at_most: 1h}\nsend: {email: mail}", ["2:7: what is waited for stands in a step"]),
        # names
        ("steps: [{wait: 1h, name: A}]", ['2:26: "A" cannot be the name of a step']),
        ("steps: [{wait: 1h, name: '2'}]", ['2:27: "2" cannot be the name of a step']),
        ("steps:\n- {wait: 1h, name: a}\n- {wait: 1h, name: a}", ['4:20: two steps are called "a"']),
        ("steps:\n- {wait: 1h, name: a}\n- if: x\n  then:\n  - {exit: y, name: a}", ['6:21: two steps are called "a"']),
        # waits
        ("steps: [{wait: soon}]", ['2:16: "soon" is no duration']),
        ("steps: [{wait: }]", ['2:16: "wait" is empty']),
        ("steps: [{wait: [1h]}]", ['2:16: "wait" is a text']),
        ("steps: [{wait: {}}]", ["2:16: a wait is for one thing"]),
        ("steps: [{wait: {for: B, when: x, at_most: 1h}}]", ["2:16: a wait is for one thing"]),
        ("steps: [{wait: {at_most: 1h}}]", ["2:16: a wait is for one thing"]),
        ("steps: [{wait: {for: B}}]", ["2:16: a wait that may never end needs at_most:"]),
        ("steps: [{wait: {when: x}}]", ["2:16: a wait that may never end needs at_most:"]),
        ("steps: [{wait: {for: B, at_most: 1y}}]", ['2:34: "1y" is no duration']),
        ("steps: [{wait: {until: '25:00'}}]", ['2:25: "25:00" is no time of a day']),
        ("steps: [{wait: {until: 9 am}}]", ['2:24: "9 am" is no time of a day']),
        ("steps: [{wait: {until: '09:00', on: [mnoday, tuesday]}}]", ['2:38: "mnoday" is no day of the week']),
        ("steps: [{wait: {until: '09:00', on: []}}]", ["2:37: the list of days is empty"]),
        ("steps: [{wait: {until: '09:00', at_most: 1h}}]", ["2:42: at_most: does not stand beside until:"]),
        ("steps: [{wait: {when: x, same: y, at_most: 1h}}]", ["2:32: same: does not stand beside when:"]),
        ("steps: [{wait: {for: B, same: y, at_most: 1h}}]", ["2:31: same: is compared with the key of the run, and no run has one"]),
        ("steps: [{wait: {for: B, where: profile.y, at_most: 1h}}]", ["2:32: where: looks at the event alone"]),
        ("steps:\n- wait: 1h\n  then:\n  - exit: x", ["5:3: then: stands with if:, and with a wait for: or when: something"]),
        # branches
        ("steps: [{if: x}]", ["2:14: both ways go on alike"]),
        ("steps: [{if: x, then: []}]", ["2:23: there are no steps in it"]),
        ("steps: [{if: x, then: {exit: y}}]", ['2:23: "then" is a list of steps']),
        ("steps: [{if: x = 1, then: [{exit: y}]}]", ["2:16: = does not compare"]),
        ("steps: [{if: 5, then: [{exit: y}]}]", ["2:14: a number is no condition"]),
        ("steps: [{split: 50}]", ['2:17: "split" is written as names with values']),
        ("steps: [{split: {a: 1}}]", ["2:17: a split has two branches or more"]),
        ("steps: [{split: {a: 0, b: 0}, a: [{exit: x}]}]", ["2:17: the shares add up to nothing"]),
        ("steps: [{split: {a: 1, b: 1}}]", ["2:17: all branches go on alike"]),
        ("steps: [{split: {a: 1, b: x}, a: [{exit: x}]}]", ['2:27: "x" is no share']),
        ("steps: [{split: {a: -1, b: 1}, a: [{exit: x}]}]", ['2:21: "-1" is no share']),
        ("steps: [{split: {a: 1, b: 99999}, a: [{exit: x}]}]", ['2:17: the share of "a" is too small to be counted']),
        ("steps: [{split: {a: 1, a: 1}, a: [{exit: x}]}]", ['2:24: "a" is given twice']),
        ("steps: [{split: {a: 1, b: 1}, c: [{exit: x}]}]", ["2:17: all branches go on alike", '2:31: a step has no "c"']),
        ("steps: [{split: {a: 1, then: 1}, a: [{exit: x}]}]", ['2:24: "then" cannot be the name of a branch']),
        ("steps: [{split: {a: 1, B: 1}, a: [{exit: x}]}]", ['2:24: "B" cannot be the name of a branch']),
        # what is done
        ("steps: [{send: mail}]", ['2:16: "send" is written as names with values']),
        ("steps: [{send: {}}]", ["2:16: a step sends one message"]),
        ("steps: [{send: {email: mail, sms: text}}]", ["2:16: a step sends one message"]),
        ("steps: [{send: {emial: mail}}]", ["2:16: a step sends one message", '2:17: "send" has no "emial"']),
        ("steps: [{send: {email: mial}}]", ['2:24: there is no message "mial"']),
        ("steps: [{send: {email: text}}]", ['2:24: "text" is a message of the channel sms']),
        ("steps: [{send: {web_push: mail}}]", ['2:27: "mail" is a message of the channel email']),
        ("steps: [{send: {email: mail}, purpose: x}]", ["2:40: the purpose of a message stands in its own file"]),
        ("steps: [{send: {email: mail}, validity: x}]", ['2:41: "x" is no duration']),
        ("steps: [{send: {webhook: 'ftp://a.example'}}]", ['2:27: "ftp://a.example" is no address to send to']),
        ("steps: [{set: {}}]", ["2:15: no trait is set"]),
        ("steps: [{set: vip}]", ['2:15: "set" is written as names with values']),
        ("steps: [{set: {vip: [a]}}]", ['2:21: "vip" is an expression']),
        ("steps: [{set: {vip: a b}}]", ["2:23: something is missing between a and b"]),
        ("steps: [{exit: }]", ['2:16: "exit" is empty']),
        (f"steps: [{{exit: {'x' * 201}}}]", ["2:16: a reason is one short line"]),
        # what nobody comes to
        ("steps:\n- exit: x\n- wait: 1h\n- wait: 1h", ["4:3: no run comes to this step"]),
        ("steps:\n- if: x\n  then: [{exit: a}]\n  else: [{exit: b}]\n- wait: 1h", ["6:3: no run comes to this step"]),
        ("steps:\n- split: {a: 1, b: 1}\n  a: [{exit: a}]\n  b: [{wait: 1h}, {exit: b}]\n- exit: x", ["6:3: no run comes to this step"]),
    ],
)  # fmt: skip
def test_mistakes_in_steps(lines: str, said: list[str]) -> None:
    assert mistakes(f"start: {{event: A}}\n{lines}\n") == said


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("steps: [{set: {vpi: true}}]", ['2:16: no trait "vpi" is declared']),
        ("steps: [{set: {vip: 3}}]", ['2:21: "vip" is declared as true or false, and this is a number']),
        ("steps: [{set: {tier: gold}}]", ['2:22: no trait "gold" is declared']),
        ("steps: [{set: {visits: '\"x\"'}}]", ['2:24: "visits" is declared as a number, and this is a text']),
        ("key: crat_id\nwait: 1h\nsend: {email: mail}", ['2:6: "Cart Viewed" has no property "crat_id"']),
        ("key: lines\nwait: 1h\nsend: {email: mail}", ["2:6: a list is not a key"]),
        ("unless: Order Compleetd\nwait: 1h\nsend: {email: mail}", ['2:9: no event "Order Compleetd" is declared']),
        ("steps: [{wait: {for: Order Compleetd, at_most: 1d}}]", ['2:22: no event "Order Compleetd" is declared']),
        ("goal: {event: Order Completed, within: 1d, value: totla}\nsend: {email: mail}", ['2:51: "Order Completed" has no property "totla"']),
        ("goal: {event: Order Completed, within: 1d, value: cart_id}\nsend: {email: mail}", ["2:51: a text is not what is added up"]),
    ],
)  # fmt: skip
def test_mistakes_where_names_and_types_are_declared(lines: str, said: list[str]) -> None:
    assert mistakes(f"start: {{event: Cart Viewed}}\n{lines}\n", TYPES) == said


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        ("steps: [{sned: {email: mail}}]", 'did you mean "send"?'),
        ("steps: [{wait: {until: '09:00', on: wendesday}}]", 'did you mean "wednesday"?'),
        ("steps: [{send: {email: mial}}]", 'did you mean "mail"?'),
        ("steps: [{send: {email: text}}]", "write send: {sms: text}"),
        ("steps: [{wait: {for: B}}]", "add how long: wait: {for: ..., at_most: 3d}"),
        ("steps:\n- {wait: 1h, name: a}\n- {wait: 1h, name: a}", "the other stands on line 3"),
        ("schedule: x", "known are"),
    ],
)
def test_what_to_do_instead(lines: str, hint: str) -> None:
    assert any(hint in one for one in hints(f"start: {{event: A}}\n{lines}\n"))


def test_how_many_steps_and_how_deep() -> None:
    many = "".join("- wait: 1h\n" for _ in range(MOST_STEPS - 1))
    head = "start: {event: A}\nsteps:\n"
    assert len(read(f"{head}{many}- send: {{email: mail}}\n").steps) == MOST_STEPS
    assert mistakes(f"{head}{many}- wait: 1h\n- wait: 1h\n- wait: 1h\n") == [
        f"{MOST_STEPS + 3}:3: a journey has {MOST_STEPS} steps at most"
    ]

    def nested(levels: int) -> str:
        text = "- send: {email: mail}\n"
        for _ in range(levels - 1):
            text = "- if: x\n  then:\n" + "".join(f"  {line}\n" for line in text.splitlines())
        return f"start: {{event: A}}\nsteps:\n{text}"

    assert len([*walk(read(nested(DEEPEST)).steps)]) == DEEPEST
    (said,) = mistakes(nested(DEEPEST + 1))
    assert f"more than {DEEPEST} levels deep" in said


def test_what_a_webhook_serves_is_declared() -> None:
    text = 'start: {event: A}\nsteps: [{send: {webhook: "https://a.example"}, purpose: mrketing}]\n'
    with pytest.raises(DefinitionError) as caught:
        read_project({"journeys/j.yaml": text}, purposes=["marketing"])
    (one,) = caught.value.problems
    assert (told(one), one.hint) == ('2:57: no purpose "mrketing" is declared', 'did you mean "marketing"?')


# ---- warnings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("start: {event: A}\nunless: B\nsend: {email: mail}", "2:9: without a wait nothing can end the run"),
        ("start: {event: A}\non_merge: start\nsend: {email: mail}", "2:11: on_merge: speaks of entering a segment, and none starts this"),
        ("start: {event: A}\ngroup: cart\nsend: {email: mail}", '2:8: no other journey is in "cart"'),
        ("start: {event: A}\nsteps: [{wait: 1h}]", "2:8: this journey sends nothing and sets nothing"),
        ("start: {event: A}\nlimit: 1 per 1d\nsteps: [{set: {vip: true}}]", "2:8: limit: speaks of messages, and no step sends any"),
        ("start: {schedule: daily at 09:00}\nsend: {email: mail}", "1:8: this is for everybody who is known"),
        ("start: {event: A}\nholdout: 100%\nsend: {email: mail}", "2:10: everybody is held out, nobody gets a message"),
        ("start: {event: A}\nsteps: [{set: {tier: gold}}]", "2:22: gold is read as the trait of this name"),
    ],
)  # fmt: skip
def test_what_is_warned_of(text: str, said: str) -> None:
    assert [told(one) for one in project(text).warnings] == [said]


def test_groups_of_two_are_no_mistake() -> None:
    text = f"start: {{event: A}}\ngroup: cart\n{SEND}"
    assert project(text, **{"journeys/k.yaml": text}).warnings == ()
    (one, other) = project(text, **{"journeys/k.yaml": text.replace("cart", "catr")}).warnings
    assert (one.hint, other.hint) == ('did you mean "catr"?', 'did you mean "cart"?')
