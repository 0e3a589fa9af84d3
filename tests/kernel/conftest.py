import pytest

from tests.kernel.once import compile_once


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_once(monkeypatch)
