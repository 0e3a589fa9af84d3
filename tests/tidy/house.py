"""What the house rules look at: the project's own files, as git would keep them."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def files(*suffixes: str) -> tuple[Path, ...]:
    """Files that are tracked, or new and not ignored; relative to the root."""
    # Whoever runs the tests need not be whoever checked the project out.
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    return tuple(Path(name) for name in sorted(listed) if name.endswith(suffixes) and (ROOT / name).is_file())


def text(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")
