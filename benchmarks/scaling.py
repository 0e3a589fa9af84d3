"""Scaling: the engine's events per second on all cores (four) beside one. Run `python -m benchmarks scaling`.

The load's generator has no core of its own here: its share of each is the engine's loss.
"""

from benchmarks import load, shop
from benchmarks.engine import drive
from benchmarks.place import Place, cores_of_machine, median, table

CORES = 4


def once(place: Place, on: list[int], workers: int, events: int, seed: int) -> float:
    requests = load.batches(list(load.calls(seed, events, place.profiles)))
    warm = len(requests) // 5
    data = place.seeded(shop.project())
    with place.copy(data) as mine, place.server(mine, shop.project(), on, workers=workers) as server:
        lasted, _ = drive(server, requests, warm)
    return (len(requests) - warm) * 100 / lasted


def run(place: Place) -> None:
    several = cores_of_machine()[-CORES:]
    events = place.scaled(200_000, 3_000)
    pairs = [
        (once(place, [place.core], 1, events, seed), once(place, several, len(several), 2 * events, seed))
        for seed in range(place.rounds)
    ]
    table(
        f"scaling: {len(several)} cores beside one, the load's generator among them, medians of {len(pairs)}",
        [
            ("one core, events/s", f"{median(one for one, _ in pairs):,.0f}"),
            (f"{len(several)} cores, events/s", f"{median(many for _, many in pairs):,.0f}"),
            ("times one", f"{median(many / one for one, many in pairs):.2f}"),
        ],
    )
