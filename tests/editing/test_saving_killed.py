"""Who saves is killed at any step: after the next one who opens the folder, all of it is there or nothing."""

import os
import shutil
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tactful.errors import TransientError, UsageError
from tactful.operations.definitions import saving
from tactful.operations.definitions.folder import edited, read
from tactful.operations.definitions.project import load
from tactful.operations.definitions.proposing import rename
from tactful.operations.definitions.saving import NOTE, held, save

BUYERS = "segments/buyers.yaml"
TO = "segments/bought_lately.yaml"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree("examples/shop", tmp_path / "shop"))


def left_over(project: Path) -> list[str]:
    return [path.name for path in project.rglob("*.new")] + [path.name for path in project.rglob(NOTE)]


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Whether it was still at work: SIGKILL before its step-th change of the disk."""
    child = os.fork()
    if child == 0:
        left = count()

        def deadly(change: Callable[..., Any]) -> Callable[..., Any]:
            def counted(*given: Any, **named: Any) -> Any:
                if next(left) == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return change(*given, **named)

            return counted

        for owner, name in ((Path, "replace"), (Path, "unlink"), (Path, "open"), (os, "fsync")):
            setattr(owner, name, deadly(getattr(owner, name)))
        try:
            work()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] != 0


def test_a_rename_that_was_killed_is_there_or_not(project: Path, tmp_path: Path) -> None:
    before = load(project)
    edits = rename(before, BUYERS, TO)
    assert len(edits) >= 2
    shown = {path: read(project, path).digest for path in edits}
    seen = set()
    for step in count():
        copy = Path(shutil.copytree(project, tmp_path / f"copy{step}"))
        was_killed = killed_at(step, lambda copy=copy: save(copy, edits, shown))  # type: ignore[misc]  # bound at once
        with held(copy):
            now = load(copy)
        assert now in (before, edited(before, edits)), f"half of it is there after step {step}"
        assert left_over(copy) == []
        seen.add(now == before)
        if not was_killed:
            break
        for again in count():  # Who finishes it may be killed as well.
            other = Path(shutil.copytree(project, tmp_path / f"copy{step}-{again}"))
            killed_at(step, lambda other=other: save(other, edits, shown))  # type: ignore[misc]  # likewise
            is_over = not killed_at(again, lambda other=other: open_and_close(other))  # type: ignore[misc]  # likewise
            with held(other):
                assert load(other) == now
            if is_over:
                break
    assert seen == {True, False}, "killed before and after it was decided"
    assert now == edited(before, edits)


def open_and_close(project: Path) -> None:
    with held(project):
        pass


def test_what_an_editor_has_changed_since_is_left_as_it_is(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {path: read(project, path).digest for path in (BUYERS, TO)}
    monkeypatch.setattr(saving, "_go", lambda *_: None)  # Dies before the first move.
    save(project, {BUYERS: None, TO: "when: vip\n"}, shown)
    monkeypatch.undo()
    assert BUYERS in load(project) and TO not in load(project)
    (project / BUYERS).write_text("when: by_hand\n")
    with held(project):
        files = load(project)
    assert (files[BUYERS], files[TO]) == ("when: by_hand\n", "when: vip\n")
    assert left_over(project) == []


@pytest.mark.parametrize("said", ["", "nonsense", '[{"path":"../x.yaml","before":"","waiting":""}]'])
def test_a_note_that_nobody_wrote_is_refused(project: Path, said: str) -> None:
    (project / NOTE).write_text(said)
    with pytest.raises(UsageError, match="remove it"), held(project):
        pass


def test_no_note_leads_out_of_the_project(project: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key")
    (project / NOTE).write_text('[{"path":"segments/x.yaml","before":"","waiting":"../../secret"}]')
    with pytest.raises(UsageError, match="no name"), held(project):
        pass
    assert (tmp_path / "secret").read_text() == "key"


def test_nobody_else_holds_it_meanwhile(project: Path) -> None:
    """Not even in another process."""
    reading, writing = os.pipe()
    with held(project):
        child = os.fork()
        if child == 0:
            with held(project):
                os.write(writing, b"in")
            os._exit(0)
        os.set_blocking(reading, False)
        with pytest.raises(BlockingIOError):
            os.read(reading, 2)
    os.waitpid(child, 0)
    assert os.read(reading, 2) == b"in"


def test_a_disk_that_refuses_leaves_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each step at which it may be full."""
    before = load(project)
    edits = rename(before, BUYERS, TO)
    shown = {path: read(project, path).digest for path in edits}
    for step in count():
        left = count()

        def full(number: int, left: "count[int]" = left, step: int = step) -> None:
            if next(left) == step:
                raise OSError(28, "No space left on device", "there")

        monkeypatch.setattr(os, "fsync", full)
        try:
            save(project, edits, shown)
        except TransientError as error:
            refused = str(error)
        else:
            break
        finally:
            monkeypatch.undo()
        assert "No space left" in refused
        with held(project):
            now = load(project)
        assert left_over(project) == []
        if now != before:  # Decided already, and finished.
            assert now == edited(before, edits)
            shutil.rmtree(project)
            shutil.copytree("examples/shop", project)
    assert step > 3
