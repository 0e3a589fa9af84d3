"""Earlier texts of a journey, on which runs finish that began with them."""

from collections.abc import Iterator

from tactful.journeys.program import Wait
from tactful.kernel.editions import MOST
from tactful.kernel.plan import CompiledPlan, compiled
from tactful.kernel.state import PlanState
from tactful.values import DAY_US, HOUR_US
from tests.definitions.journeys_published import MAIL, NOW, publish


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
