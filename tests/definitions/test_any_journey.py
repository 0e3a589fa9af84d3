"""Any journey compiles to a program that holds together."""

from collections.abc import Iterator
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tactful.journeys.program import END, SHARES, Split
from tactful.journeys.reading_steps import MOST_STEPS
from tests.definitions.journeys_published import FILES, rule, targets
from tests.tries import tries

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
    for _ in range(draw(st.integers(1, 3))):
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


@settings(max_examples=tries(150), deadline=None)
@given(lists())
def test_any_journey_compiles_to_a_program_that_holds_together(steps: list[dict[str, Any]]) -> None:
    names = list(names_by_place(steps))
    assume(len(names) <= MOST_STEPS)
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
    assert [one.name for one in found] == names
    for one in found:
        if isinstance(one, Split):
            ends = [end for _, end, _ in one.arms]
            assert ends == sorted(ends)
            assert ends[-1] == SHARES
