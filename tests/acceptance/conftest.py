from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.installation import Running, project
from tests.acceptance.receivers import Hooks, Mailbox, hook_server, mail_server
from tests.acceptance.shop import Pair, Shop, shop

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The mail server of the tests uses what its own dependencies deprecate."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:aiosmtpd"))


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server(Mailbox(1)) as serving:
        yield serving


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with hook_server(Hooks(1)) as serving:
        yield serving


@pytest.fixture
def running(tmp_path: Path, mailbox: Mailbox, hooks: Hooks) -> Iterator[Running]:
    """Not started yet; killed at the end, if a test left it."""
    made = Running(project(tmp_path / "project", mailbox.port, hooks.port), tmp_path / "data")
    yield made
    made.kill_all()


@pytest.fixture(scope="module", params=["open", "signed"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for all stories of a file, in each mode of `[identity] browser`."""
    with shop(tmp_path_factory.mktemp(request.param), request.param) as running:
        yield running


@pytest.fixture
def pair(site: Shop) -> Pair:
    return Pair(site)
