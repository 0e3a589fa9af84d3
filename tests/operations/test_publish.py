"""What is looked at before a project goes into the log."""

from typing import Any

import pytest

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.log import MemoryLog
from tactful.errors import DefinitionError
from tactful.events.records import CONSENT, SESSION_GAP, Publish, decode
from tactful.kernel.definitions import read_project
from tactful.language.tree import Sessions, walk
from tactful.operations.definitions import publish
from tactful.testing.clock import SimClock
from tactful.values import DAY_US, MINUTE_US

FILES = {"segments/busy.yaml": "when: sessions() > 3\n"}


def test_it_is_read_with_the_gap_between_sessions_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    gaps: list[int] = []

    def read(*args: Any, **options: Any) -> Any:
        definitions = read_project(*args, **options)
        gaps.extend(node.gap_us for node in walk(definitions.segments["busy"].when.tree) if isinstance(node, Sessions))
        return definitions

    monkeypatch.setattr(publish, "read_project", read)
    for settings in ({}, {SESSION_GAP: "5m"}, {SESSION_GAP: "1d"}):
        log = MemoryLog(1, SimClock(0))
        publish.publish(FILES, settings, log, MemoryBells(), SimClock(0), "ada")
        record = decode(log.read(0, 0, 1)[0][1])
        assert record == Publish(0, FILES, settings, "ada")
    assert gaps == [30 * MINUTE_US, 5 * MINUTE_US, DAY_US]


def test_a_mistake_leaves_the_log_as_it_was() -> None:
    log = MemoryLog(1, SimClock(0))
    files = {"segments/a.yaml": "when: consents('ads')\n"}
    with pytest.raises(DefinitionError, match="ads"):
        publish.publish(
            files, {CONSENT: '{"purposes": {"mail": {"basis": "consent"}}}'}, log, MemoryBells(), SimClock(0)
        )
    assert log.end(0) == 0
