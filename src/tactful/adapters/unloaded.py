"""Pandas is left unloaded. Pyarrow takes it in where it is installed, as soon as a list becomes a column; that takes a
process longer than all else that it starts with, and nobody here has a use for it."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

NAME = "pandas"


def leave_unloaded() -> None:
    """In this process: to whoever tries, it is not installed. For processes that are our own from the start."""
    sys.meta_path.insert(0, _Unloaded())


class _Unloaded(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == NAME:
            raise ModuleNotFoundError(f"{NAME} is not loaded in processes of Tactful", name=NAME)
        return None
