from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collect.edge import Edge


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    built = Edge(tmp_path)
    yield built
    built.close()
