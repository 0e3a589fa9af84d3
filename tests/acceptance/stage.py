"""A server that a test may do anything to, with a mail server and a webhook receiver that misbehave now and then."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.installation import Running, project
from tests.acceptance.receivers import Hooks, Mailbox, hook_server, mail_server

RUDENESS = 0.06


@contextmanager
def stage(folder: Path, seed: int) -> Iterator[tuple[Running, Mailbox, Hooks]]:
    with mail_server(Mailbox(seed, RUDENESS)) as mailbox, hook_server(Hooks(seed, RUDENESS)) as hooks:
        running = Running(project(folder / "project", mailbox.port, hooks.port), folder / "data")
        try:
            yield running, mailbox, hooks
        finally:
            running.kill_all()
