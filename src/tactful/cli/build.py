"""Build: what the command line may ask app/ for; app.py alone knows which engines stand behind it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tactful.events.sources import Source
from tactful.operations.access.access import Access
from tactful.operations.backtesting.crew import Crew
from tactful.operations.doctor import Finding
from tactful.operations.imports.tables import Tables
from tactful.operations.journeys.campaigns import Approvals
from tactful.operations.messages.proofs import Said
from tactful.runtime.house import House
from tactful.runtime.ports import Claimed, Clock
from tactful.runtime.settings import Settings

if TYPE_CHECKING:  # Arrow is slow to import, and most commands need none of it.
    from tactful.history.queries import Queries
    from tactful.operations.history.lake_mending import Mending
    from tactful.operations.history.new_lake import Beginning
    from tactful.operations.history.opened import History


class Build(Protocol):
    def house(self, data: Path, project: Path | None, *, read_only: bool) -> House:
        """Open (or, unless read-only, make) a data folder, with the settings of a project."""
        ...

    def trial(self, settings: Settings, clock: Clock) -> House:
        """An empty house in memory, of which nothing leaves."""
        ...

    def approvals(self, data: Path) -> Approvals:
        """Of campaigns, in a data folder."""
        ...

    def access(self, data: Path, *, read_only: bool = False) -> Access:
        """Who may come in to the installation in this folder."""
        ...

    def terminal(self) -> str:
        """Who types, as the audit log has it."""
        ...

    def address(self, data: Path) -> str:
        """Where the server on this folder is reached, or would be."""
        ...

    def locked(self, data: Path) -> Callable[[], None]:
        """Take the data folder for oneself; returns what gives it back. UsageError where a server runs on it."""
        ...

    def settings(self, project: Path) -> Settings: ...

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
        """`speed`: how many times as fast as the world the folder's clock runs, `begin_us` where a new one's begins."""
        ...

    def run_collect(self, project: Path, data: Path, host: str, port: int) -> None: ...

    def run_show(self, project: Path, data: Path, address: str) -> None: ...

    def run_work(self, project: Path, data: Path, partitions: Sequence[int]) -> None: ...

    def run_deliver(self, project: Path, data: Path, address: str, number: int) -> None: ...

    def run_archive(self, project: Path, data: Path) -> None: ...

    def run_survey(self, project: Path, data: Path) -> None: ...

    def doctor(self, project: Path, data: Path | None) -> Sequence[Finding]:
        """`data` is the data folder that belongs to the project, if it is there."""
        ...

    def proof(self, project: Path, data: Path, claim: Claimed, source: bytes) -> Said:
        """Send one test message, made from this source, by the channel of its intent."""
        ...

    def sources(self, project: Path) -> Sequence[Source]: ...

    def tables(self) -> Tables:
        """Files of other systems, to be imported."""
        ...

    def now_us(self) -> int:
        """Where no installation has a time of its own."""
        ...

    def queries(self) -> "Queries":
        """An engine of SQL over histories."""
        ...

    def history(self, house: House) -> "History":
        """Of an installation: its lake, and what the lake has not yet. Raises TransientError."""
        ...

    def archive(self, house: House) -> None:
        """Bring what was decided into the lake of an installation that only this process writes to, where it is much.
        Raises TransientError."""
        ...

    def new_lake(self, house: House) -> "Beginning":
        """What beginning a new lake would do, on an installation that nobody else writes to. Raises UsageError where
        there is no need, or it lies where nothing can be put aside; TransientError where it cannot be reached."""
        ...

    def lake_mending(self, house: House) -> "tuple[Mending, Callable[[], None]]":
        """What can be had again of broken files of its lake, and what does it."""
        ...

    def crew(self, processes: int) -> Crew:
        """So many processes, or (0) one for each core."""
        ...
