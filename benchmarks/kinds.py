"""What each kind of state costs in microseconds: taking an event in, being read, saying when it changes next; and its
bytes. Of a person with 20 events in the window, and of a bot whose state is full, with values that repeat as by Zipf.

Run `python -m benchmarks.kinds`.
"""

import time
from random import Random
from typing import Any, NamedTuple

import msgspec

from tactful.aggregates.kinds import State, build
from tactful.aggregates.spec import CAP, AggregateSpec

SECOND = 1_000_000
HOUR = 3600 * SECOND
PERSON, BOT = 20, 2 * CAP
OPERATIONS = 2_000


class Asked(NamedTuple):
    kind: str
    reader: str
    keep: int = CAP
    extra: tuple[Any, ...] = ()
    behind: tuple[Any, ...] = ()


READERS = (
    Asked("newest", "at_least", keep=1, extra=(1,)),
    Asked("newest", "at_least", keep=3, extra=(3,)),
    Asked("newest", "count"),
    Asked("tally", "count"),
    Asked("total", "sum"),
    Asked("greatest", "value"),
    Asked("distinct", "count"),
    Asked("grouped", "at_least", keep=3, extra=(3,)),
    Asked("grouped", "count"),
    Asked("earliest", "value"),
    Asked("latest", "value"),
    Asked("days", "count", behind=("Europe/Berlin",)),
    Asked("kept", "events"),
)


def measure(asked: Asked, older_us: int | None, newer_us: int, count: int) -> list[float]:
    """Microseconds of fold, reader and next_change, of decoding and encoding, and bytes, after `count` events."""
    aggregate: Any = build(AggregateSpec(asked.kind, ("E",), keep=asked.keep, older_us=older_us, newer_us=newer_us))
    random = Random(1)
    step = 15 * 60 * SECOND if asked.kind == "days" else HOUR // count
    values = [min(int(random.paretovariate(0.6)), 10**6) for _ in range(count + OPERATIONS)]
    state = aggregate.new()
    spent = [0.0, 0.0, 0.0]
    for index, value in enumerate(values):
        at = 1_700_000_000 * SECOND + index * step
        now = at + 250_000
        item: Any = [value] if asked.kind == "kept" else value
        begun = time.perf_counter()
        aggregate.fold(state, at, 250_000, 5 << 20 | index, item, now)
        folded = time.perf_counter()
        if index >= count:
            getattr(aggregate, asked.reader)(state, *asked.extra, now, *asked.behind)
            read = time.perf_counter()
            aggregate.next_change(state, now)
            ended = time.perf_counter()
            spent = [spent[0] + folded - begun, spent[1] + read - folded, spent[2] + ended - read]
    return [part / OPERATIONS * 1e6 for part in spent] + stored(state)


def stored(state: Any) -> list[float]:
    """Microseconds of decoding and of encoding, and bytes."""
    decoder, encode = msgspec.msgpack.Decoder(State), msgspec.msgpack.Encoder().encode
    body = encode(state)
    rounds = max(20, 200_000 // len(body))
    begun = time.perf_counter()
    for _ in range(rounds):
        decoder.decode(body)
    decoded = time.perf_counter()
    for _ in range(rounds):
        encode(state)
    ended = time.perf_counter()
    return [(decoded - begun) / rounds * 1e6, (ended - decoded) / rounds * 1e6, len(body)]


def windows(asked: Asked) -> dict[str, tuple[int | None, int]]:
    lasting = 40 * 24 * HOUR if asked.kind == "days" else HOUR
    all_time: dict[str, tuple[int | None, int]] = {"all time": (None, 0)}
    if asked.kind == "tally":
        return all_time
    return {**all_time, "last=": (lasting, 0), "between=": (lasting, lasting // 4)}


def line(label: str, figures: list[float]) -> str:
    *spent, size = figures
    return f"{label:36}{''.join(f'{figure:9.1f}' for figure in spent)}{size:9,.0f}"


def main() -> None:
    print(f"{'us':36}{'fold':>9}{'read':>9}{'next':>9}{'decode':>9}{'encode':>9}{'bytes':>9}")
    for asked in READERS:
        for name, window in windows(asked).items():
            label = f"{asked.kind}.{asked.reader} {'' if asked.keep == CAP else f'({asked.keep}) '}{name}"
            person, bot = (measure(asked, *window, count) for count in (PERSON, BOT))
            print(line(label, person))
            print(line("  full", bot))


if __name__ == "__main__":
    main()
