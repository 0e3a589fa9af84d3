"""`python -m tests.parity SEED [SEEDS]`: batches until one differs, what differs first of each expression, shrunk."""

import argparse
from collections import Counter
from collections.abc import Mapping

from tests.parity.batches import ENGINES, Batch, Engine, Size, batch, differences
from tests.parity.shrinking import shrunk, told


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.parity")
    parser.add_argument("seed", type=int)
    parser.add_argument("seeds", type=int, nargs="?", default=1)
    parser.add_argument("--expressions", type=int, default=50)
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--instants", type=int, default=20)
    parser.add_argument("--engine", choices=[*ENGINES], action="append")
    parser.add_argument("--most", type=int, default=5, help="expressions to shrink and show")
    parser.add_argument("--about", action="append", default=[], help="only expressions with one of these constructs")
    asked = parser.parse_args()
    engines = {name: ENGINES[name] for name in asked.engine or ENGINES}
    for seed in range(asked.seed, asked.seed + asked.seeds):
        drawn = batch(seed, Size(asked.expressions, asked.people, asked.instants), about=asked.about)
        report = show(drawn, engines, asked.most)
        print(report or f"seed {seed}: {len(drawn.texts)} expressions, all agree")


def show(drawn: Batch, engines: Mapping[str, Engine], most: int) -> str:
    """The first expressions that differ, shrunk; nothing where none does."""
    found = list(differences(drawn, engines))
    counts = Counter((one.engine, one.text) for one in found)
    parts = [f"{len(counts)} expressions differ"] if counts else []
    for (engine, text), count in sorted(counts.items(), key=lambda one: len(one[0][1]))[:most]:
        first = next(one for one in found if (one.engine, one.text) == (engine, text))
        alone = {engine: engines[engine]}
        less = shrunk(drawn, first, lambda less, alone=alone: _differs(less, alone))  # type: ignore[misc]  # bound here
        parts.append(f"---- {engine}, {count} times: {text}\n{told(less, engines)}")
    return "\n".join(parts)


def _differs(less: Batch, engines: Mapping[str, Engine]) -> bool:
    """A smaller case that an engine refuses is another matter."""
    try:
        return next(differences(less, engines), None) is not None
    except Exception:
        return False


if __name__ == "__main__":
    main()
