"""Journeys as pictures: every step there, nothing over anything else, and lines that go where the program goes."""

from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings

from tactful.journeys import flow
from tactful.journeys.flow import Box, Flow, Line, Point, flow_of
from tactful.journeys.program import END, Instruction
from tactful.journeys.reading_steps import MOST_STEPS
from tests.definitions.journeys_published import FILES, publish, rule, targets
from tests.definitions.test_any_journey import as_yaml, lists, names_by_place
from tests.tries import tries

SHOP = Path("examples/shop")
START = 72


def heights(program: tuple[Instruction, ...]) -> dict[str, int]:
    """Different ones, as texts of one to three lines have."""
    return {one.name: 44 + 18 * (number % 3) for number, one in enumerate(program)}


def drawn(program: tuple[Instruction, ...], *, is_restarting: bool = False) -> Flow:
    return flow_of(program, heights(program), START, is_restarting=is_restarting)


def steps(text: str) -> tuple[Instruction, ...]:
    return rule({**FILES, "journeys/j.yaml": f"start: {{event: A}}\nkey: k\nsteps:\n{text}"}).program


# ---- what holds for every picture ------------------------------------------------------------------------------------


def check(program: tuple[Instruction, ...], found: Flow) -> None:
    assert sorted(box.step for box in found.boxes if box.kind == "step") == sorted(one.name for one in program)
    assert [box.kind for box in found.boxes].count("start") == 1
    for box in found.boxes:
        assert box.x >= 0 <= box.y, box
        assert box.x + box.width <= found.width, box
        assert box.y + box.height <= found.height, box
    for one, other in combinations(found.boxes, 2):
        assert is_apart(one, other), (one, other)
    for line in found.lines:
        for piece in pairwise(line.points):
            (x, y), (to_x, to_y) = piece
            assert x == to_x or y == to_y, line
            assert min(x, to_x) >= 0, line
            assert max(x, to_x) <= found.width, line
            crossed = [box for box in found.boxes if is_crossed(piece, box)]
            assert not crossed, (line, crossed)
    for number, step in enumerate(program):
        ways = {END if to == END else program[to].name for to in targets(step)}
        assert reached(found, box_of(found, step.name)) == ways, (number, step)
    assert reached(found, found.boxes[0]) == {program[0].name}


def is_apart(one: Box, other: Box) -> bool:
    return (
        one.x + one.width < other.x
        or other.x + other.width < one.x
        or one.y + one.height < other.y
        or other.y + other.height < one.y
    )


def is_crossed(piece: tuple[Point, Point], box: Box) -> bool:
    """Whether a piece of a line goes through the inside of a box."""
    (x, y), (to_x, to_y) = piece
    is_beside = max(x, to_x) <= box.x or min(x, to_x) >= box.x + box.width
    return not is_beside and not (max(y, to_y) <= box.y or min(y, to_y) >= box.y + box.height)


def box_of(found: Flow, step: str) -> Box:
    return next(box for box in found.boxes if box.kind == "step" and box.step == step)


def reached(found: Flow, box: Box) -> set[str | int]:
    """The boxes that one comes to along the lines below a box: steps by name, END for the end."""
    ways: set[str | int] = set()
    todo: list[Point] = [(box.x + box.width // 2, box.y + box.height)]
    while todo:
        at = todo.pop()
        for line in (one for one in found.lines if one.points[0] == at and not one.is_loop):
            if line.is_arrow:
                ways |= {END if one.kind == "end" else one.step for one in found.boxes if is_above(line, one)}
            else:
                todo.append(line.points[-1])
    return ways


def is_above(line: Line, box: Box) -> bool:
    return line.points[-1] == (box.x + box.width // 2, box.y)


@pytest.mark.parametrize("path", sorted(SHOP.glob("journeys/*.yaml")), ids=lambda path: path.stem)
def test_journeys_of_the_shop(path: Path) -> None:
    files = {
        str(one.relative_to(SHOP)): one.read_text() for one in SHOP.glob("*/*.yaml") if one.parent.name != "stories"
    }
    found = publish(files)[1].journeys[path.stem]
    check(found.program, drawn(found.program, is_restarting=found.is_restarting))


@settings(max_examples=tries(150), deadline=None)
@given(lists())
def test_any_journey(drawn_steps: list[dict[str, Any]]) -> None:
    assume(len(list(names_by_place(drawn_steps))) <= MOST_STEPS)
    program = steps(as_yaml(drawn_steps))
    found = drawn(program, is_restarting=True)
    check(program, found)
    assert drawn(program, is_restarting=True) == found


# ---- what single forms look like -------------------------------------------------------------------------------------

SEND = "{send: {email: mail}}"


def at(found: Flow, step: str) -> Point:
    box = box_of(found, step)
    return box.x, box.y


def test_a_sequence_is_a_column() -> None:
    found = drawn(steps(f"  - wait: 1h\n  - {SEND}\n"))
    assert [box.kind for box in found.boxes] == ["start", "step", "step", "end"]
    assert len({box.x + box.width // 2 for box in found.boxes}) == 1
    assert [box.y for box in found.boxes] == sorted(box.y for box in found.boxes)
    assert found.width == flow.WIDTH + 2 * flow.MARGIN


def test_a_branch_that_is_empty_runs_straight_on_beside_the_other() -> None:
    found = drawn(steps(f'  - if: any("C", last="1d")\n    then: [{SEND}]\n  - wait: 1h\n'))
    assert at(found, "1")[0] == at(found, "2")[0] < at(found, "1.then.1")[0]
    assert {line.name for line in found.lines} == {"", "yes", "no"}


def test_whoever_leaves_does_so_beside_the_way_of_the_others() -> None:
    text = f'  - if: any("C", last="1d")\n    then: [{{exit: gone}}]\n    else: [{SEND}]\n  - wait: 1h\n'
    found = drawn(steps(text))
    assert at(found, "1")[0] == at(found, "1.else.1")[0] == at(found, "2")[0] < at(found, "1.then.1")[0]
    assert reached(found, box_of(found, "1.then.1")) == set()


def test_two_branches_stand_side_by_side() -> None:
    found = drawn(steps(f'  - if: any("C", last="1d")\n    then: [{SEND}]\n    else: [{{wait: 1d}}, {SEND}]\n'))
    (left, top), (right, same) = at(found, "1.then.1"), at(found, "1.else.1")
    assert top == same
    assert left + flow.WIDTH < right
    assert left + right == 2 * at(found, "1")[0]


def test_arms_of_a_split_say_their_shares() -> None:
    text = f"  - split: {{calm: 1, bold: 2, none: 1}}\n    calm: [{SEND}]\n    bold: [{SEND}]\n"
    found = drawn(steps(text))
    names = [line.name for line in found.lines if line.name]
    assert names == ["calm, 25 %", "bold, 50 %", "none, 25 %"]


def test_a_wait_that_goes_on_either_way_is_one_line() -> None:
    found = drawn(steps(f"  - wait: {{for: B, at_most: 1d}}\n  - {SEND}\n"))
    assert {line.name for line in found.lines} == {""}
    assert len(found.lines) == 3


def test_where_everybody_leaves_nothing_is_behind() -> None:
    text = f'  - if: any("C", last="1d")\n    then: [{{exit: a}}]\n    else: [{SEND}, {{exit: b}}]\n'
    assert "end" not in [box.kind for box in drawn(steps(text)).boxes]


def test_a_start_that_begins_it_anew_is_a_loop() -> None:
    program = steps(f"  - wait: 1h\n  - {SEND}\n")
    (loop,) = [line for line in drawn(program, is_restarting=True).lines if line.is_loop]
    start = drawn(program, is_restarting=True).boxes[0]
    assert loop.points[-1] == (start.x, start.y + start.height // 2)
    assert not [line for line in drawn(program).lines if line.is_loop]
