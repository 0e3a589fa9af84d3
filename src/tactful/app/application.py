"""The one place where everything is put together; the only file that imports adapters and faces.

What only one kind of process needs is imported where that process is made: after a crash every process starts at once,
and a worker that need not wait for web servers and templates is back in half the time.
"""

import gc
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tactful.adapters.approvals import FileApprovals
from tactful.adapters.installation import Installation
from tactful.adapters.standing import read
from tactful.adapters.supervisor import Lock, StopSignal, follow_parent
from tactful.adapters.unloaded import leave_unloaded
from tactful.app.clocks import Clocks, SystemClock
from tactful.app.doorkeeping import access_of, at_terminal, findings, refuse_open_door
from tactful.app.newest import newest
from tactful.app.parts import email_of, sources_of
from tactful.cli import (
    admitting,
    backtesting,
    beginning,
    bouncing,
    boxes,
    campaigning,
    consenting,
    editors,
    evaluating,
    featuring,
    importing,
    lakes,
    lists,
    looking,
    measuring,
    messages,
    previewing,
    projects,
    recalling,
    servers,
    simulating,
    steering,
    surveying,
    trying,
)
from tactful.cli.main import command_line
from tactful.errors import DefinitionError, Place, Problem, UsageError
from tactful.events.sources import Source
from tactful.operations.access.access import Access
from tactful.operations.backtesting.crew import Crew
from tactful.operations.definitions.project import load
from tactful.operations.definitions.saving import held
from tactful.operations.doctor import Finding, check_channels
from tactful.operations.imports.tables import Tables
from tactful.operations.messages.proofs import Said
from tactful.operations.people import identities
from tactful.operations.people.consenting import check as check_consent
from tactful.runtime.house import House
from tactful.runtime.ports import Claimed, Clock
from tactful.runtime.settings import Settings, read_settings
from tactful.runtime.settings_mistakes import FILE
from tactful.runtime.work import Work

if TYPE_CHECKING:  # Arrow is slow to import, and most processes need none of it.
    from tactful.history.queries import Queries
    from tactful.operations.history.lake_mending import Mending
    from tactful.operations.history.new_lake import Beginning
    from tactful.operations.history.opened import History

_MODULES = (
    admitting,
    backtesting,
    beginning,
    projects,
    previewing,
    evaluating,
    featuring,
    editors,
    servers,
    surveying,
    lakes,
    importing,
    looking,
    recalling,
    boxes,
    bouncing,
    consenting,
    steering,
    lists,
    measuring,
    messages,
    trying,
    campaigning,
    simulating,
)
COMMANDS = tuple(module.register for module in _MODULES)


NEEDED: Mapping[str, Sequence[str]] = {
    "collect": ("tactful.app.collecting",),
    "show": ("tactful.app.showing",),
    "deliver": ("tactful.app.delivering", "tactful.app.lanes"),
    "archive": ("tactful.app.archiving",),
    "survey": ("tactful.app.surveying",),
}
"""What each kind of process loads besides this file, for whoever loads it before (adapters/nursery.py)."""


class Application:
    """What the command line may ask for (runtime/house.py: Build)."""

    def __init__(self) -> None:
        self._clocks = Clocks(SystemClock())

    def settings(self, project: Path) -> Settings:
        path = project / FILE
        if not path.exists():
            raise UsageError(f"{path} is missing; `tactful init {project}` makes a project there")
        settings = read_settings(path.read_text(encoding="utf-8"), os.environ)
        if problems := check_channels(email_of(settings), settings.workspace.public_url):
            raise DefinitionError(*(Problem(problem, Place(FILE, 1, 1)) for problem in problems))
        return settings

    def house(self, data: Path, project: Path | None, *, read_only: bool) -> Installation:
        settings = self.settings(project) if project is not None else Settings()
        return Installation(data, settings, self._clocks.of(data), read_only=read_only)

    def trial(self, settings: Settings, clock: Clock) -> House:
        from tactful.adapters.memory.house import MemoryHouse

        return MemoryHouse(settings, clock)

    def approvals(self, data: Path) -> FileApprovals:
        return FileApprovals(data)

    def access(self, data: Path, *, read_only: bool = False) -> Access:
        house = Installation(data, Settings(), self._clocks.world, read_only=read_only)
        return access_of(house, house.settings)

    def terminal(self) -> str:
        return at_terminal()

    def address(self, data: Path) -> str:
        found = read(data)
        return found.public or found.address if found is not None else "http://127.0.0.1:8080"

    def locked(self, data: Path) -> Callable[[], None]:
        return Lock(data).release

    def sources(self, project: Path) -> list[Source]:
        return sources_of(self.settings(project))

    def tables(self) -> Tables:
        from tactful.adapters.tables.opening import FileTables

        return FileTables()

    def now_us(self) -> int:
        return self._clocks.world.now_us()

    def queries(self) -> "Queries":
        from tactful.adapters.duckdb_queries import DuckDBQueries

        return DuckDBQueries()

    def history(self, house: House) -> "History":
        from tactful.app.histories import history_of

        return history_of(house)

    def crew(self, processes: int) -> Crew:
        from tactful.adapters.crew import Processes

        return Processes(processes)

    def doctor(self, project: Path, data: Path | None) -> list[Finding]:
        from tactful.app import examining
        from tactful.app.lakes import findings as of_lake

        settings = self.settings(project)
        found = identities.check(settings.identity, settings.sources) + check_consent(settings.consent)
        found += findings(settings, data, self._clocks.world)
        if data is not None:
            found += of_lake(settings, data, self._clocks.of(data))
        return found + examining.channels(settings, project, data, self._clocks.world)

    def proof(self, project: Path, data: Path, claim: Claimed, source: bytes) -> Said:
        from tactful.app import proving

        settings = self.settings(project)
        house = Installation(data, settings, self._clocks.of(data), read_only=True)
        try:
            return proving.proof(house, project, data, claim, source)
        finally:
            house.close()

    # ---- processes -----------------------------------------------------------------------------------------

    def run_up(
        self,
        project: Path,
        data: Path,
        host: str,
        port: int,
        *,
        is_dev: bool,
        speed: int | None = None,
        begin_us: int | None = None,
    ) -> None:
        """Publish, start the processes, and keep them running until a signal comes."""
        from tactful.adapters.nursery import Nursery
        from tactful.app import up

        settings = self.settings(project)
        refuse_open_door(host, data, self._clocks.world)
        if speed is not None:
            up.refuse_hurry(speed, settings, is_dev=is_dev)
        self._clocks.refuse(data, speed, begin_us)
        email = email_of(settings, project)
        if email.provider or email.dkim:
            from tactful.app import lanes

            lanes.refuse_unusable(email, self._clocks.world)
        with held(project):  # What the console died in the middle of is whole by then.
            files = load(project)
        lock = Lock(data)
        nursery = Nursery(lock.descriptor)  # It loads while the project is published.
        try:
            fast = self._clocks.run(data, speed, begin_us, newest(data)) if speed is not None else None
            house = self.house(data, project, read_only=False)
            try:
                server = up.Up(house, project, lambda: self.settings(project), host, port)
                server.run(files, nursery, fast, is_dev=is_dev)
            finally:
                house.close()
                if fast is not None:
                    fast.stop()
        finally:
            nursery.close()
            lock.release()

    def run_collect(self, project: Path, data: Path, host: str, port: int) -> None:
        from tactful.app import collecting

        house = self.house(data, project, read_only=False)
        follow_parent()
        collecting.run(house, data, host, port)
        house.close()

    def run_show(self, project: Path, data: Path, address: str) -> None:
        from tactful.app import showing

        house = self.house(data, project, read_only=False)
        follow_parent()
        showing.run(house, project, address)
        house.close()

    def run_work(self, project: Path, data: Path, partitions: Sequence[int]) -> None:
        house = self.house(data, project, read_only=False)
        stopping = StopSignal()
        follow_parent()
        bell = house.bells.bell(*(f"work-{partition}" for partition in partitions))
        stopping.rings = lambda: house.bells.ring(f"work-{partitions[0]}")
        Work(
            partitions,
            lambda partition: house.worker(partition, house.clock),
            bell,
            house.clock,
            lambda: stopping.asked,
        ).run()
        house.close()

    def run_deliver(self, project: Path, data: Path, address: str, number: int) -> None:
        from tactful.app import delivering, lanes

        house = self.house(data, project, read_only=False)
        follow_parent()
        share = lanes.Share(number, max(house.settings.engine.deliverers, number + 1))
        delivering.run(house, project, data, address, share)
        house.close()

    def run_archive(self, project: Path, data: Path) -> None:
        from tactful.app import archiving

        self._keep(project, data, archiving.run)

    def archive(self, house: House) -> None:
        from tactful.app import archiving

        assert isinstance(house, Installation)
        archiving.bring(house)

    def new_lake(self, house: House) -> "Beginning":
        from tactful.app import renewing

        assert isinstance(house, Installation)
        return renewing.beginning(house)

    def lake_mending(self, house: House) -> "tuple[Mending, Callable[[], None]]":
        from tactful.app import renewing

        assert isinstance(house, Installation)
        return renewing.mending(house)

    def run_survey(self, project: Path, data: Path) -> None:
        from tactful.app import surveying

        self._keep(project, data, surveying.run)

    def _keep(self, project: Path, data: Path, run: Callable[[Installation], None]) -> None:
        house = self.house(data, project, read_only=False)
        run(house)
        house.close()


def main() -> None:
    """The `tactful` command."""
    leave_unloaded()
    gc.freeze()  # What was imported stays: the collector of cycles need not look through it, least of all at the end.
    command_line(Application(), COMMANDS)()
