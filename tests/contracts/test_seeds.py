"""The port Seeds, over every adapter."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tactful.adapters.memory.seeds import MemorySeeds
from tactful.adapters.sqlite.seeds import SqliteSeeds
from tactful.errors import TransientError
from tests.contracts.values import HandClock

Maker = Callable[[], SqliteSeeds | MemorySeeds]
ROWS = [("a:1#1", b"one"), ("u:2#1", b""), ("u:2#2", b"\x00\xff" * 900), ("é\x00'#1", b"odd")]


@pytest.fixture
def open_seeds(engine: str, tmp_path: Path, clock: HandClock) -> Maker:
    shared = MemorySeeds(clock)
    return lambda: shared if engine == "memory" else SqliteSeeds(tmp_path / "seeds", clock)


def test_what_was_written_is_found_by_fragment(open_seeds: Maker) -> None:
    seeds = open_seeds()
    assert seeds.digests() == []
    digest = seeds.write(iter(ROWS))
    for view in (seeds, open_seeds()):
        assert [view.states(digest, fragment) for fragment, _ in ROWS] == [body for _, body in ROWS]
        assert view.states(digest, "u:2#3") is None
        assert view.digests() == [digest]
        view.close()


def test_the_same_has_the_same_name(open_seeds: Maker) -> None:
    seeds = open_seeds()
    first = seeds.write(ROWS)
    assert seeds.states(first, "a:1#1") == b"one"
    assert seeds.write(ROWS) == first and seeds.digests() == [first]
    assert len({first, seeds.write([]), seeds.write(ROWS[:1]), seeds.write([("a:1#1o", b"ne")])}) == 4
    assert seeds.states(first, "a:1#1") == b"one", "also while others have it open"


def test_a_file_that_was_lost_is_written_again_under_its_name(open_seeds: Maker) -> None:
    seeds = open_seeds()
    lost = seeds.write(ROWS)
    assert seeds.is_sound(lost) and seeds.is_sound(lost, is_thorough=True)
    seeds.forget([], 1 << 60)
    assert not seeds.is_sound(lost)
    assert seeds.write(ROWS[:2], instead=lost) == lost
    assert seeds.digests() == [lost]
    assert [seeds.states(lost, fragment) for fragment, _ in ROWS] == [b"one", b"", None, None]
    assert seeds.is_sound(lost, is_thorough=True)


def test_damage_is_seen_by_the_size_or_by_a_look_at_all_of_it(tmp_path: Path, clock: HandClock) -> None:
    seeds = SqliteSeeds(tmp_path, clock)
    digest = seeds.write([(f"u:{number}#1", b"x" * 100) for number in range(500)])
    path = tmp_path / f"{digest}.db"
    body = path.read_bytes()
    for damaged in (b"", body[:50], body[: len(body) // 2], bytes(100) + body[100:]):
        path.write_bytes(damaged)
        assert not seeds.is_sound(digest)
    path.write_bytes(body[:8192] + bytes(4096) + body[12288:])
    assert seeds.is_sound(digest)
    assert not seeds.is_sound(digest, is_thorough=True)


def test_what_is_not_there_is_said(open_seeds: Maker) -> None:
    with pytest.raises(TransientError, match="is not there"):
        open_seeds().states("0" * 32, "u:1#1")


def test_files_go_when_they_are_old_and_nobody_names_them(open_seeds: Maker, clock: HandClock) -> None:
    seeds = open_seeds()
    old, named = seeds.write(ROWS[:1]), seeds.write(ROWS[:2])
    clock.us += 10
    new = seeds.write(ROWS)
    assert seeds.forget([named], clock.now_us()) == 1
    assert seeds.digests() == sorted([named, new])
    with pytest.raises(TransientError):
        open_seeds().states(old, "a:1#1")


def test_a_file_that_was_cut_short_is_read_again_when_it_is_whole(tmp_path: Path, clock: HandClock) -> None:
    """Though it was open meanwhile, and is written into as it stands."""
    seeds = SqliteSeeds(tmp_path, clock)
    digest = seeds.write([(f"u:{number}#1", b"x" * 100) for number in range(500)])
    path = tmp_path / f"{digest}.db"
    body = path.read_bytes()
    path.write_bytes(body[: len(body) // 2])
    for _ in range(2):
        with pytest.raises(TransientError, match=rf"{digest}.db: the file is damaged"):
            seeds.states(digest, "u:499#1")
    with path.open("r+b") as file:
        file.write(body)
    assert seeds.states(digest, "u:499#1") == b"x" * 100


def test_a_half_written_file_is_no_file(tmp_path: Path, clock: HandClock) -> None:
    seeds = SqliteSeeds(tmp_path, clock)

    def rows() -> object:
        yield ROWS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        seeds.write(rows())  # type: ignore[arg-type]  # killed in the middle
    assert seeds.digests() == []
    digest = seeds.write(ROWS)
    assert SqliteSeeds(tmp_path, clock).states(digest, "u:2#1") == b""


def test_who_is_erased_is_in_no_file(open_seeds: Maker, tmp_path: Path) -> None:
    seeds, reader = open_seeds(), open_seeds()
    odd = ("u:2#x#1", b"somebody else's")
    first, second = seeds.write([*ROWS, odd]), seeds.write(ROWS[:1])
    assert reader.states(first, "u:2#2") == ROWS[2][1]
    assert seeds.erase({"u:2", "u:9"}) == 2
    for view in (seeds, reader, open_seeds()):
        assert [view.states(first, name) for name, _ in ROWS] == [b"one", None, None, b"odd"]
        assert view.states(first, odd[0]) == odd[1] and view.states(second, "a:1#1") == b"one"
        assert view.digests() == sorted([first, second])
    assert not any(ROWS[2][1] in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert seeds.erase({"u:2"}) == 0
