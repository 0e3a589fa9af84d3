"""A person's runs through one journey, told from a real engine: where each stands, what it saw, what came back."""

from typing import Any

import pytest
from msgspec.structs import replace

from tactful.errors import UsageError
from tactful.events.records import Consent, Event
from tactful.operations.people import explain, explain_runs
from tactful.operations.people.journeying import RunStory
from tactful.operations.reading.reader import Reader
from tactful.values import DAY_US, format_time
from tests.operations.engine import Engine

WELCOME = """
description: Welcome
start: {event: Signed Up}
key: plan
if: country == "DE"
goal: {event: Order Completed, within: 30d, value: revenue}
steps:
  - {name: hello, send: {webhook: "https://x.example/hello"}}
  - name: pause
    wait: {for: Product Viewed, at_most: 2d}
    then:
      - name: keen
        if: 'count("Product Viewed", last="7d") > 1'
        then:
          - exit: keen
  - {name: rest, wait: 3d}
"""


class Lived:
    def __init__(self) -> None:
        self.engine = Engine()
        self.engine.publish({"journeys/welcome.yaml": WELCOME})
        engine = self.engine
        self.reader = Reader(engine.log, engine.stores, engine.trail, engine.outbox, engine.quarantine)

    def took(self, *records: Event | Consent) -> None:
        self.engine.take(*records)
        self.engine.run()

    def did(self, event: str, /, **said: Any) -> None:
        self.took(self.engine.event(event, "u:ada", **said))

    def pass_time(self, duration_us: int) -> None:
        self.engine.at += duration_us
        self.engine.clock.advance(max(0, self.engine.at - self.engine.clock.now_us()))
        self.engine.run()

    def runs(self) -> tuple[RunStory, ...]:
        found = self.reader.runs("ada", "welcome")
        assert found is not None
        return found[1]


@pytest.fixture
def lived() -> Lived:
    lived = Lived()
    lived.took(replace(lived.engine.event("$identify", "u:ada", country="DE"), kind="identify"))
    return lived


def test_a_run_that_waits_says_for_what_and_until_when(lived: Lived) -> None:
    lived.did("Signed Up", plan="pro")
    (run,) = lived.runs()
    assert (run.state, run.entry_key, run.step, run.waits_for) == (
        "waiting",
        "pro",
        "pause",
        "Product Viewed, at most 2d",
    )
    assert run.due == run.started_at + 2 * DAY_US
    (message,) = run.messages
    assert (message.step, message.channel, message.status) == ("hello", "webhook", "waiting")
    assert [line.kind for line in run.lines] == ["started", "intent", "wait"]


def test_each_branch_says_what_it_saw(lived: Lived) -> None:
    lived.did("Signed Up", plan="pro")
    lived.did("Product Viewed", title="Kettle")
    (run,) = lived.runs()
    branch = next(line for line in run.lines if line.kind == "branch")
    (why,) = branch.why
    assert (why.text, why.value, [event.properties["title"] for event in why.events]) == (
        'count("Product Viewed", last="7d") > 1',
        False,
        ["Kettle"],
    )
    assert (run.step, run.waits_for) == ("rest", "3d")


def test_runs_are_told_apart_by_their_keys_and_ends(lived: Lived) -> None:
    lived.did("Signed Up", plan="pro")
    lived.did("Product Viewed")
    lived.did("Signed Up", plan="basic")
    lived.did("Product Viewed")
    first, second = lived.runs()
    assert (first.entry_key, first.state, first.step) == ("pro", "waiting", "rest")
    assert (second.entry_key, second.state, second.ended) == ("basic", "ended", "keen")
    assert second.lines[-1].text == "the journey welcome for basic ended at 2.then.1.then.1"


def test_a_goal_is_counted_with_its_worth_also_behind_the_end(lived: Lived) -> None:
    lived.did("Signed Up", plan="pro")
    lived.pass_time(6 * DAY_US)
    lived.did("Order Completed", revenue=30)
    lived.did("Order Completed", revenue=12.5)
    (run,) = lived.runs()
    assert (run.state, run.goals, run.worth) == ("ended", 2, 42.5)
    text = explain_runs.as_text("u:ada", "welcome", (run,))
    assert "goal reached 2 times, worth 42.5" in text
    begun = format_time(run.started_at)
    assert f"reached the goal of welcome for pro, begun {begun}, once more, the 2nd time, worth 12.5" in text


def test_values_for_machines_say_the_same(lived: Lived) -> None:
    lived.did("Signed Up", plan="pro")
    (run,) = lived.runs()
    (values,) = explain_runs.as_values("u:ada", "welcome", (run,))["runs"]
    assert (values["state"], values["waitsFor"], values["due"]) == ("waiting", run.waits_for, format_time(run.due))
    assert [step["kind"] for step in values["story"]] == ["started", "intent", "wait"]


def test_the_whole_story_shows_where_runs_wait(lived: Lived) -> None:
    lived.did("Signed Up", plan="pro")
    story = lived.reader.story("ada")
    assert story is not None
    (run,) = story.runs
    told = f"waits in the journey welcome for pro at pause until {format_time(run.due)} ({run.waits_for})"
    assert told in explain.as_text(story)
    assert "Product Viewed" in run.waits_for
    assert explain.as_values(story)["runs"][0]["step"] == "pause"


def test_a_journey_that_nobody_knows_is_refused_with_those_there_are(lived: Lived) -> None:
    with pytest.raises(UsageError, match="there is no journey 'welcom'; there are: welcome"):
        lived.reader.runs("ada", "welcom")
    assert lived.reader.runs("zoe", "welcome") is None


def test_who_was_never_in_it_is_told_so(lived: Lived) -> None:
    assert lived.runs() == ()
    assert "was never in the journey welcome" in explain_runs.as_text("u:ada", "welcome", ())
