"""Journeys as people write them: every mistake with its place, and what is warned of."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.errors import DefinitionError
from tactful.journeys.definition import (
    CHANNELS,
    walk,
)
from tactful.journeys.reading import KNOWN
from tactful.journeys.reading_steps import DEEPEST, MOST_STEPS, STEP_KEYS, WAIT_KEYS
from tactful.kernel.definitions import read_project
from tests.definitions.journeys_written import SEND, TYPES, hints, mistakes, project, read, told
from tests.tries import tries

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
        ("start: {event: A}\non_publish: start\nsend: {email: mail}", "2:13: on_publish: speaks of entering a segment, and none starts this"),
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


@pytest.mark.parametrize(
    ("lines", "hint"),
    [
        ("start: Product Added\nsend: {email: mail}", "write start: {event: Product Added}"),
        ("start: {event: A}\nsend: mail", "write send: {email: mail}"),
        ("start: {event: A}\ngoal: B\nsend: {email: mail}", "write goal: {event: B, within: ...}"),
        ("start: [A]\nsend: {email: mail}", "it needs event, where, segment, left, schedule, campaign, call"),
        (
            "start: {event: A}\nsteps:\n- wait: {when: count('A', last='1d') > 1, at_most: 1d}\n- send: {email: mail}",
            "a comma ends a value within { }: put the whole expression into quotes",
        ),
    ],
)
def test_a_hint_can_be_copied(lines: str, hint: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        project(lines + "\n")
    assert hint in [problem.hint for problem in caught.value.problems]


# ---- whatever is written ---------------------------------------------------------------------------------------------

_KEYS = sorted({*KNOWN, *WAIT_KEYS, *(key for keys in STEP_KEYS.values() for key in keys), *CHANNELS, "event", "segment", "left",
                "schedule", "campaign", "call", "within", "value", "calm", "bold"})  # fmt: skip
_words = st.sampled_from(
    ["A", "x", "mail", "buyers", "30m", "1 per 24h", "10%", "daily at 09:00", "monday", "true", "", "x > 1", "x = 1",
     "5", "'", '"x"', "count('A', same=x) > 1", "09:00", "never", "start", "https://a.example", "\u2028", "null"],
)  # fmt: skip
_anything = st.recursive(
    _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=tries(400), deadline=None)
@given(st.dictionaries(st.sampled_from(_KEYS), _anything, max_size=8))
def test_whatever_is_written_is_read_or_refused_with_a_place(found: dict[str, Any]) -> None:
    text = json.dumps(found)
    try:
        project(text)
    except DefinitionError as error:
        for problem in error.problems:
            assert problem.place.file == "journeys/j.yaml"
            assert 1 <= problem.place.line <= text.count("\n") + 1
            str(problem)
