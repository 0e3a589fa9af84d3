"""Files of the data folder that only their owner may read."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, for the owner only."""
    half = path.with_suffix(".new")
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
