"""The least that still differs: fewer people, fewer lines, a smaller expression, plainer values, one instant.

A smaller case counts as long as the engines still differ on it in some way, not necessarily in the way they did first.
"""

import ast
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.parity.batches import Batch, Difference, alike, meant
from tests.parity.histories import SECOND, written
from tests.parity.oracle import Project, parse
from tests.parity.oracle.lines import shown
from tests.parity.oracle.ties import identifiers
from tests.parity.projects import files

StillDiffers = Callable[[Batch], bool]
MOST = 50_000
"""Lines. Some engines take minutes for them, and a test that fails should say so within its time."""


def shrunk(batch: Batch, difference: Difference, differs: StillDiffers, lines: int = MOST) -> Batch:
    """`differs` is asked of so many lines at most, all in all."""
    left = [lines]

    def holds(smaller: Batch) -> bool:
        left[0] -= len(smaller.lines)
        return left[0] >= 0 and differs(smaller)

    instants = [difference.at] if difference.at is not None else batch.instants
    least = batch._replace(texts=[difference.text], instants=instants)
    people = [difference.person] if difference.person is not None else _people(batch.lines)
    around = (least._replace(lines=_around(batch.lines, person)) for person in people)
    mine = next((one for one in around if holds(one)), None)
    if mine is not None:
        least = mine
    elif not holds(least):
        return batch._replace(texts=[difference.text])
    before = None
    while before != least and left[0] > 0:
        before = least
        least = _fewer_instants(least, holds)
        least = _fewer_lines(least, holds)
        least = _smaller_text(least, holds)
        least = _smaller_project(least, holds)
        least = _plainer_lines(least, holds)
    return least


def _people(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whoever is named, one after the other."""
    named = {name for line in lines if line["type"] != "threshold" for name in identifiers(line)}
    return sorted({*shown(named).values()})


def _around(lines: Sequence[Mapping[str, Any]], person: str | None) -> list[Mapping[str, Any]]:
    """Of whoever may be tied to the person; thresholds are of all."""
    named = [set() if line["type"] == "threshold" else {*identifiers(line)} for line in lines]
    found = {name for name, text in shown(set().union(*named)).items() if text == person}
    before = 0
    while len(found) > before:
        before = len(found)
        found = found.union(*(names for names in named if names & found))
    return [line for line, names in zip(lines, named, strict=True) if not names or names & found]


def _fewer_instants(batch: Batch, holds: StillDiffers) -> Batch:
    """One, or else without those that do not matter (they are instants at which an engine wakes)."""
    if len(batch.instants) == 1:
        return batch
    single = (batch._replace(instants=[at]) for at in batch.instants)
    found = next((one for one in single if holds(one)), None)
    if found is not None:
        return found
    for at in batch.instants:
        fewer = batch._replace(instants=[other for other in batch.instants if other != at])
        batch = fewer if holds(fewer) else batch
    return batch


def _fewer_lines(batch: Batch, holds: StillDiffers) -> Batch:
    """Halves first, then quarters, down to single lines."""
    size = len(batch.lines)
    while size >= 1:
        begin = 0
        while begin < len(batch.lines):
            fewer = batch._replace(lines=[*batch.lines[:begin], *batch.lines[begin + size :]])
            if fewer.lines and holds(fewer):
                batch = fewer
            else:
                begin += size
        size //= 2
    return batch


def _smaller_text(batch: Batch, holds: StillDiffers) -> Batch:
    """The first smaller text that still differs, again and again."""
    while True:
        text = batch.texts[0]
        candidates = sorted({*_smaller(parse(text))} - {text}, key=len)
        shorter = (batch._replace(texts=[one]) for one in candidates if len(one) <= len(text))
        found = next((one for one in shorter if holds(one)), None)
        if found is None:
            return batch
        batch = found


def _smaller(node: ast.expr) -> Iterator[str]:
    """Texts with one part of the tree put in place of a larger one, or left out."""
    for inner in ast.walk(node):
        yield from _replaced(node, inner)
    if isinstance(node, ast.BoolOp | ast.UnaryOp | ast.BinOp | ast.Compare):
        yield from (ast.unparse(part) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr))


def _replaced(root: ast.expr, inner: ast.AST) -> Iterator[str]:
    """With fields of `inner` changed for a moment."""
    for field, value in ast.iter_fields(inner):
        changes: list[Any] = []
        if isinstance(value, list) and len(value) > 1:
            changes += [[*value[:index], *value[index + 1 :]] for index in range(len(value))]
        elif isinstance(value, list) and isinstance(inner, ast.Call) and field == "keywords":
            changes.append([])
        if isinstance(value, ast.expr):
            changes += [part for part in ast.iter_child_nodes(value) if isinstance(part, ast.expr)]
        if isinstance(value, list):
            for index, one in enumerate(value):
                parts = [part for part in ast.iter_child_nodes(one) if isinstance(part, ast.expr)]
                changes += [[*value[:index], part, *value[index + 1 :]] for part in parts if isinstance(one, ast.expr)]
        for change in changes:
            setattr(inner, field, change)
            try:
                yield ast.unparse(root)
            except (IndexError, AttributeError, ValueError):
                continue  # The change made no tree of Python.
            finally:
                setattr(inner, field, value)


def _smaller_project(batch: Batch, holds: StillDiffers) -> Batch:
    for kind in ("segments", "metrics", "collections", "retention", "rules"):
        for name in sorted(getattr(batch.project, kind)):
            rest = {key: value for key, value in getattr(batch.project, kind).items() if key != name}
            smaller = batch._replace(project=batch.project._replace(**{kind: rest}))  # type: ignore[arg-type]  # by name
            batch = smaller if holds(smaller) else batch
    plain = batch._replace(project=batch.project._replace(time_zone="UTC", gap=Project().gap))
    return plain if plain != batch and holds(plain) else batch


def _plainer_lines(batch: Batch, holds: StillDiffers) -> Batch:
    """Without fields of lines, and fields of those."""
    for number in range(len(batch.lines)):
        for path in _paths(batch.lines[number]):
            lines = list(batch.lines)
            lines[number] = _without(lines[number], path)
            plainer = batch._replace(lines=lines)
            batch = plainer if holds(plainer) else batch
    return batch


def _paths(line: Mapping[str, Any]) -> list[tuple[str, ...]]:
    tops = [(key,) for key in ("context", "properties", "traits", "messageId", "sentAt") if key in line]
    inner = [(bag, key) for bag in ("context", "properties", "traits") for key in line.get(bag) or {}]
    return [*tops, *inner]


def _without(line: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    if len(path) == 1:
        return {key: value for key, value in line.items() if key != path[0]}
    if path[0] not in line:
        return dict(line)
    return {**line, path[0]: _without(line[path[0]], path[1:])}


def told(batch: Batch, engines: Mapping[str, Any]) -> str:
    """A difference in words: the expression, what each engine says, and the case as it can stand in specs/."""
    expected = meant(batch)
    lines = [f"differs: {batch.texts[0]}"]
    lines += [f"at {written(at)}: oracle {expected[at]['0']}" for at in batch.instants]
    for name, answers in engines.items():
        try:
            found = answers(batch.question(), batch.lines, batch.instants)
        except Exception as error:  # Whatever it is belongs into the message.
            lines.append(f"    {name} failed: {error!r}  <--")
            continue
        for at in batch.instants:
            said, right = {who: one.value for who, one in found[at]["0"].items()}, expected[at]["0"]
            is_right = said.keys() == right.keys() and all(alike(said[who], right[who]) for who in right)
            lines.append(f"    {name} {said}{'' if is_right else '  <--'}")
    return "\n".join([*lines, case(batch, expected)])


def case(batch: Batch, expected: Mapping[int, Mapping[str, Any]]) -> str:
    """In the form of specs/."""
    project = batch.project
    extra: dict[str, Any] = {"files": files(project)} if files(project) else {}
    if project.time_zone != "UTC":
        extra["time_zone"] = project.time_zone
    if project.gap != Project().gap:
        extra["session_gap"] = f"{project.gap // SECOND}s"
    checks = [{"at": written(at), "values": expected[at]["0"]} for at in batch.instants]
    whole = {"name": "found by parity", "expr": batch.texts[0], **extra, "events": list(batch.lines), "checks": checks}
    return json.dumps(whole, ensure_ascii=False, indent=1)
