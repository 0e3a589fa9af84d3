"""Scores: what models say of a person; the newest by (received_at, ref) counts, whenever it arrives. Pure."""

from collections.abc import Iterable, Mapping

from msgspec import Struct


class ScoreWrite(Struct, array_like=True, frozen=True):
    value: float
    received_at: int
    ref: int

    def order(self) -> tuple[int, int]:
        return (self.received_at, self.ref)


def record(scores: dict[str, ScoreWrite], model: str, write: ScoreWrite) -> bool:
    """Fold one score in. True where the value that counts is now another."""
    before = scores.get(model)
    if before is not None and before.order() >= write.order():
        return False
    scores[model] = write
    return before is None or before.value != write.value


def values(fragments: Iterable[Mapping[str, ScoreWrite]]) -> dict[str, float]:
    """The scores that the person has, by model; of several fragments the newest of each."""
    newest: dict[str, ScoreWrite] = {}
    for scores in fragments:
        for model, write in scores.items():
            record(newest, model, write)
    return {model: write.value for model, write in newest.items()}
