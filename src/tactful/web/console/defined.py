"""Defined: the definitions in force as they are written, read once for each plan.

The plan that decides holds them compiled; what is shown of a message or a journey, a preview above all, needs them as
they stand in their files. Reading a project takes longer than a page should, so it is done on the slow desk.
"""

from tactful.kernel.definitions import Definitions, read_published
from tactful.operations.reading.reader import Reader
from tactful.web.desk import Desk


class Defined:
    def __init__(self, slow: Desk) -> None:
        self._slow = slow
        self._known: tuple[int, Definitions] | None = None

    async def ask(self, version: int) -> Definitions | None:
        """The definitions of the plan in force; `version` is what the desk says that it is (0: none yet)."""
        if version == 0:
            return None
        if self._known is None or self._known[0] != version:
            self._known = await self._slow.ask(_read)
        return self._known[1]


def _read(reader: Reader) -> tuple[int, Definitions]:
    plan = reader.plan_state().plan
    return plan.version, read_published(plan.publish)
