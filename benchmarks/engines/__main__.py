"""The embedded engines side by side: `python -m benchmarks.engines` (with the extra `bench` for LMDB and RocksDB).

Each engine runs in a process of its own, on the disk that holds --folder.
"""

import argparse
import multiprocessing
import tempfile

from benchmarks.engines import appends, states
from benchmarks.engines.measured import HEADER


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--profiles", type=int, default=200_000)
    options.add_argument("--turns", type=int, default=300)
    options.add_argument("--folder", default=tempfile.gettempdir())
    given = options.parse_args()
    spawn = multiprocessing.get_context("spawn")
    appending = [(appends.run, (one.__name__, given.folder, given.turns * 5)) for one in appends.ALL]
    committing = [(states.run, (one.__name__, given.folder, given.profiles, given.turns)) for one in states.ALL]
    for title, runs in (
        (f"Durable append, {appends.EVENTS} events of {appends.EVENT_BYTES} bytes a turn", appending),
        (f"State of {given.profiles:,} profiles, those of {states.EVENTS} events a turn", committing),
    ):
        print(f"\n{title}\n\n{HEADER}", flush=True)
        for target, arguments in runs:
            process = spawn.Process(target=target, args=arguments)
            process.start()
            process.join()


if __name__ == "__main__":
    main()
