"""Where little is kept, a value that is not flagged coarse is right all the same (LANGUAGE.md 6.2)."""

import inspect

import pytest

from tactful.aggregates import kinds, sequence
from tactful.aggregates.spec import CAP
from tests.parity.batches import ENGINES, Size, batch, differences

FEW = 4


@pytest.fixture(autouse=True)
def _little_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    makers = {
        base for forms in kinds.KINDS.values() for form in forms if inspect.isclass(form) for base in form.__mro__
    }
    for init in {vars(maker)["__init__"] for maker in makers if "__init__" in vars(maker)}:
        if CAP in (getattr(init, "__defaults__", None) or ()):
            monkeypatch.setattr(init, "__defaults__", (FEW,))
    monkeypatch.setattr(sequence, "CAP", FEW)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 20))])
def test_what_is_not_flagged_is_right(seed: int) -> None:
    drawn = batch(seed, Size(50, 100, 10))
    answers = ENGINES["live"](drawn.question(), drawn.lines, drawn.instants)
    flags = [answer.is_coarse for texts in answers.values() for people in texts.values() for answer in people.values()]
    assert 0.001 < sum(flags) / len(flags) < 0.5, "nothing is flagged, or next to everything"
    assert list(differences(drawn, {"live": ENGINES["live"]})) == []
