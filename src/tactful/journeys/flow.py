"""A program as a picture: boxes along an axis from top to bottom, branches beside it, and lines between them. Pure.

Programs have no loops and branches that come together again, so a picture is made as the file is written: a sequence is
a column, a fork puts the columns of its branches side by side. Where a branch is empty, its line runs straight on and
the other branch is a detour beside it. The same program gives the same picture; units are those of the sizes given.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from tactful.journeys.program import END, SHARES, Branch, Exit, Instruction, Split, WaitFor

Kind = Literal["start", "step", "end"]
Point = tuple[int, int]

WIDTH = 232
"""Of a box."""
GAP = 32
"""Between a box and the next below it."""
FORK = 64
"""Between a box and its branches, with room for their names."""
JOIN = 20
BESIDE = 28
"""Between branches."""
NAME = 112
"""Room for the name of a branch that is nothing but a line."""
END_HEIGHT = 32
LOOP = 36
"""Left of the axis, where a start begins it anew."""
MARGIN = 4


class Box(Struct, frozen=True):
    """A step, or where a run begins or ends; x and y are those of its upper left corner."""

    kind: Kind
    step: str
    x: int
    y: int
    width: int
    height: int


class Line(Struct, frozen=True):
    """From point to point, at right angles. It ends at a box (`is_arrow`) or where another begins."""

    points: tuple[Point, ...]
    name: str = ""
    """Of the branch."""
    name_at: Point = (0, 0)
    """Where that begins, on the line of writing."""
    is_arrow: bool = False
    is_loop: bool = False


class Flow(Struct, frozen=True):
    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


class _Block(Struct):
    """Boxes and lines around an axis at x = 0, from y = 0 on."""

    boxes: list[Box]
    lines: list[Line]
    left: int
    """How far it reaches to the left of the axis, and to the right."""
    right: int
    height: int
    is_open: bool
    """It goes on at (0, height)."""


def flow_of(program: Sequence[Instruction], heights: Mapping[str, int], start: int, *, is_restarting: bool) -> Flow:
    """`heights` of the boxes by step, `start` that of the first."""
    body = _Layer(program, heights).sequence(0, END)
    top = start + GAP
    boxes = [Box("start", "", -WIDTH // 2, 0, WIDTH, start), *_boxes(body, 0, top)]
    lines = [Line(((0, start), (0, top)), is_arrow=True), *_lines(body, 0, top)]
    height = top + body.height
    if body.is_open:
        lines.append(Line(((0, height), (0, height + GAP)), is_arrow=True))
        boxes.append(Box("end", "", -WIDTH // 4, height + GAP, WIDTH // 2, END_HEIGHT))
        height += GAP + END_HEIGHT
    left = max(body.left, WIDTH // 2)
    if is_restarting:
        first = boxes[1]
        middle, out = first.y + first.height // 2, -WIDTH // 2 - LOOP
        points = ((first.x, middle), (out, middle), (out, start // 2), (-WIDTH // 2, start // 2))
        lines.append(Line(points, is_arrow=True, is_loop=True))
        left = max(left, -out)
    by, down = left + MARGIN, MARGIN
    return Flow(
        width=left + max(body.right, WIDTH // 2) + 2 * MARGIN,
        height=height + 2 * MARGIN,
        boxes=tuple(_moved_box(one, by, down) for one in boxes),
        lines=tuple(_moved_line(one, by, down) for one in lines),
    )


# ---- where branches come together ------------------------------------------------------------------------------------


def branches(one: Instruction) -> list[tuple[str, int]]:
    """The branches of an instruction that has several: what they are called in a picture, and where they go."""
    match one:
        case Branch():
            return [("yes", one.then), ("no", one.otherwise)]
        case WaitFor():
            return [("it came", one.came), ("time is over", one.otherwise)]
        case Split():
            ends = [0, *(end for _, end, _ in one.arms)]
            shares = [end - before for before, end in pairwise(ends)]
            return [
                (f"{name}, {100 * share / SHARES:.4g} %", target)
                for (name, _, target), share in zip(one.arms, shares, strict=True)
            ]
        case _:
            return []


def targets(one: Instruction) -> list[int]:
    """Where an instruction may go on; nowhere from an exit."""
    match one:
        case Exit():
            return []
        case Branch() | WaitFor() | Split():
            return [target for _, target in branches(one)]
        case _:
            return [one.next]


class _Ways:
    """Where ways lead, and where those that part come together again."""

    def __init__(self, program: Sequence[Instruction]) -> None:
        self._to = [targets(one) for one in program]
        self._reached: list[frozenset[int]] = [frozenset()] * len(program)
        for at in reversed(range(len(program))):
            further = (self._reached[to] for to in self._to[at] if to != END)
            self._reached[at] = frozenset(self._to[at]).union(*further)
        self._above = self._dominators()
        """Of each instruction the last that every way to it comes by."""
        self._met = {self._above[at]: at for at in range(1, len(program)) if self._comes_from(at) > 1}

    def _comes_from(self, at: int) -> int:
        return sum(to.count(at) for to in self._to)

    def _dominators(self) -> list[int]:
        above = [0] * len(self._to)
        for at in range(1, len(self._to)):
            before = [one for one in range(at) if at in self._to[one]]
            while len(set(before)) > 1:
                latest = max(before)
                before = [above[one] if one == latest else one for one in before]
            above[at] = before[0]
        return above

    def join(self, fork: int, stop: int | None) -> int | None:
        """Where it goes on behind a fork, in a sequence that ends before `stop`; None where all ways lead out. Where
        one branch alone goes on, that is the way itself, and the others leave it."""
        if fork in self._met:
            return self._met[fork]
        onward = [to for to in self._to[fork] if to == stop or (to != END and stop in self._reached[to])]
        if not onward:
            return None
        return onward[0] if len(set(onward)) == 1 else stop


# ---- blocks ----------------------------------------------------------------------------------------------------------


class _Layer:
    def __init__(self, program: Sequence[Instruction], heights: Mapping[str, int]) -> None:
        self._program, self._heights = program, heights
        self._ways = _Ways(program)

    def sequence(self, at: int, stop: int | None) -> _Block:
        """From one instruction on, to the one before `stop`."""
        block = _Block([], [], WIDTH // 2, WIDTH // 2, 0, is_open=True)
        next_: int | None = at
        while next_ is not None and next_ not in (stop, END):
            one = self._program[next_]
            if block.boxes:
                block.lines.append(Line(((0, block.height), (0, block.height + GAP)), is_arrow=True))
                block.height += GAP
            height = self._heights[one.name]
            block.boxes.append(Box("step", one.name, -WIDTH // 2, block.height, WIDTH, height))
            block.height += height
            if branches(one):
                join = self._ways.join(next_, stop)
                self._fork(block, branches(one), join)
                next_ = join
            else:
                next_ = None if isinstance(one, Exit) else targets(one)[0]
        block.is_open = next_ is not None
        return block

    def _fork(self, block: _Block, ways: Sequence[tuple[str, int]], join: int | None) -> None:
        """Branches below the box at the end of the block, down to where they come together."""
        straight = [name for name, target in ways if target == join]
        arms = [(name, self.sequence(target, join)) for name, target in ways if target != join]
        if not arms:  # Whatever happens, it goes on.
            return
        if straight:
            arms.append((" or ".join(straight), _Block([], [], 0, NAME, 0, is_open=True)))
        top, axes = block.height + FORK, _axes([arm for _, arm in arms], is_straight=bool(straight) and len(arms) == 2)
        bottom = top + max(arm.height for _, arm in arms) + JOIN
        for (name, arm), axis in zip(arms, axes, strict=True):
            is_way = bool(arm.boxes)
            block.lines.append(_down(0, block.height, block.height + GAP, axis, top, name, is_arrow=is_way))
            block.boxes += _boxes(arm, axis, top)
            block.lines += _lines(arm, axis, top)
            if arm.is_open:
                block.lines.append(_down(axis, top + arm.height, bottom, 0, bottom))
            block.left = max(block.left, arm.left - axis)
            block.right = max(block.right, arm.right + axis)
        block.height = bottom


def _axes(arms: Sequence[_Block], *, is_straight: bool) -> list[int]:
    """Where the axes of branches are. Where one of two is only a line, it runs straight on."""
    if is_straight:
        return [arms[0].left + NAME, 0]
    found = [0]
    for before, arm in pairwise(arms):
        found.append(found[-1] + before.right + BESIDE + arm.left)
    middle = (found[0] + found[-1]) // 2
    return [axis - middle for axis in found]


def _down(x: int, y: int, across: int, to_x: int, to_y: int, name: str = "", *, is_arrow: bool = False) -> Line:
    """Down to `across`, over to another axis, and down."""
    corners = [(x, y), (x, across), (to_x, across), (to_x, to_y)]
    points = [one for number, one in enumerate(corners) if number == 0 or one != corners[number - 1]]
    if x == to_x:
        points = [points[0], points[-1]]
    return Line(tuple(points), name, (to_x + 10, across + 18), is_arrow)


def _boxes(block: _Block, by: int, down: int) -> Iterator[Box]:
    return (_moved_box(one, by, down) for one in block.boxes)


def _lines(block: _Block, by: int, down: int) -> Iterator[Line]:
    return (_moved_line(one, by, down) for one in block.lines)


def _moved_box(box: Box, by: int, down: int) -> Box:
    return replace(box, x=box.x + by, y=box.y + down)


def _moved_line(line: Line, by: int, down: int) -> Line:
    x, y = line.name_at
    points = tuple((x + by, y + down) for x, y in line.points)
    return replace(line, points=points, name_at=(x + by, y + down))
