"""What the tests start as processes of their own, to be watched and killed. They speak in lines on standard output."""

import sys
from pathlib import Path

from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.adapters.sqlite.store import SqliteStore
from tactful.runtime.ports import Clock, StateWrite
from tests.contracts.values import commit, intent


class CountingClock(Clock):
    """A microsecond passes with each look, so that a slice of n is n appends long."""

    def __init__(self) -> None:
        self.us = 0

    def now_us(self) -> int:
        self.us += 1
        return self.us


def append(folder: str, name: str, number: str, slice_us: str) -> None:
    """Says `name n position` once record n of this process stands at that position."""
    log = SqliteLog(Path(folder), 2, CountingClock(), slice_us=int(slice_us))
    for n in range(int(number)):
        firsts = log.append({0: [f"{name} {n} a".encode(), f"{name} {n} b".encode()], 1: [f"{name} {n} c".encode()]})
        print(name, n, firsts[0], firsts[1], flush=True)
    log.close()


def commit_states(folder: str) -> None:
    """Says the version of each commit; all profiles then hold it."""
    store = SqliteStore(Path(folder), 0)
    version = store.checkpoint().version
    while True:
        states = [StateWrite(f"u:{n}", b"%d " % (version + 1) * 100, version + n) for n in range(20)]
        store.commit(commit(version, version + 1, states))
        version += 1
        print(version, flush=True)


def put(path: str) -> None:
    """Says the name of each intent that the outbox has taken."""
    outbox = SqliteOutbox(Path(path))
    first = sum(outbox.counts().values())
    for n in range(first, first + 1_000_000):
        outbox.put(0, [intent(f"{n}.1"), intent(f"{n}.2")])
        print(n, flush=True)


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    if role == "append":
        append(*rest)
    elif role == "commit_states":
        commit_states(*rest)
    else:
        put(*rest)
