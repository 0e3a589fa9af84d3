"""python -m benchmarks [NAME ...] [--quick] [--rounds N] [--folder DIR]: every figure, or those named."""

import importlib
import sys

from benchmarks.place import place

NAMES = (
    "collect", "importing", "engine", "scaling", "latency", "timers", "definitions", "language", "identity",
    "history", "previewing", "growing", "archiving", "lake", "remote", "seeds", "backtesting", "deliver", "memory",
    "recovery", "measuring", "rendering", "waiting", "simulating",
    "console", "live", "day",
)  # fmt: skip


def main() -> None:
    arguments = sys.argv[1:]
    named = [argument for argument in arguments if argument in NAMES]
    rest = [argument for argument in arguments if argument not in NAMES]
    with place(rest, __doc__) as here:
        for name in named or NAMES:
            importlib.import_module(f"benchmarks.{name}").run(here)


if __name__ == "__main__":
    main()
