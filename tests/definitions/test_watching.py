"""`up --dev` hears of each save of what is published: definitions and settings."""

from pathlib import Path
from threading import Event

import pytest

from tactful.adapters.watching import watch


@pytest.mark.parametrize("name", ["segments/buyers.yaml", "tactful.toml"])
def test_what_is_saved_is_heard_of(tmp_path: Path, name: str) -> None:
    told, path = Event(), tmp_path / name
    path.parent.mkdir(exist_ok=True)
    end = watch(tmp_path, told.set)
    try:
        # Until it listens, nobody hears.
        assert any(path.write_text(f"{number}") and told.wait(0.2) for number in range(300))
    finally:
        end()
