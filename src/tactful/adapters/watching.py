"""Watching: tells when files of a project change (`tactful up --dev`)."""

import threading
from collections.abc import Callable
from pathlib import Path

import watchfiles

from tactful.kernel.definitions import FOLDERS
from tactful.runtime.settings_mistakes import FILE


def watch(project: Path, changed: Callable[[], None]) -> Callable[[], None]:
    """Call `changed`, in a thread of its own, after each save of tactful.toml or under the project's definition
    folders; returns what ends it."""
    stop = threading.Event()
    root = project.resolve()

    def is_definition(change: watchfiles.Change, path: str) -> bool:
        parts = Path(path).relative_to(root).parts
        return parts == (FILE,) or (len(parts) > 1 and parts[0] in FOLDERS and not parts[-1].startswith("."))

    def run() -> None:
        for _ in watchfiles.watch(root, watch_filter=is_definition, stop_event=stop, rust_timeout=500):
            changed()

    thread = threading.Thread(target=run, name="watch", daemon=True)
    thread.start()

    def end() -> None:
        stop.set()
        thread.join()

    return end
