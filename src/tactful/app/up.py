"""`tactful up`: publishes, starts the processes in order, says when the doors are open, and keeps all of it running."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from tactful.adapters.installation import Installation
from tactful.adapters.nursery import Nursery
from tactful.adapters.standing import leave, stand
from tactful.adapters.supervisor import Supervisor
from tactful.adapters.watching import watch
from tactful.app.clocks import FASTEST, Running
from tactful.app.doorkeeping import answers, near, welcome
from tactful.errors import DefinitionError, TransientError, UsageError
from tactful.operations.definitions.project import load
from tactful.operations.definitions.publish import changes, is_on_its_way, publish, refuse_other_priority
from tactful.operations.definitions.saving import held
from tactful.runtime.ports import Bell
from tactful.runtime.settings import Settings, plan_settings
from tactful.runtime.settings_channels import leaving

_TRY_S, _TRIES = 0.1, 200


class Up:
    """`read` reads the settings of the project as they are now."""

    def __init__(self, house: Installation, project: Path, read: Callable[[], Settings], host: str, port: int) -> None:
        self._house = house
        self._project = project
        self._read = read
        self._host = host
        self._port = port
        self._here = f"http://{host}:{port}"
        self._near = near(host, port)
        self._where = ["--project", str(project), "--data", str(house.data)]

    def run(self, files: Mapping[str, str], nursery: Nursery, clock: Running | None, *, is_dev: bool) -> None:
        """Until a signal comes. `clock` is the folder's own, where it runs fast."""
        house = self._house
        house.look_over()
        settings = plan_settings(house.settings)
        refuse_other_priority(house.plan(0), settings)
        bell = house.bells.bell("plan")
        if is_dev and house.plan(0) is not None:
            self._publish_again()
        elif changes(house.plan(0), files, settings):
            # Before any process is started: what is wrong with a project is all that is said.
            publish(files, settings, house.log, house.bells, house.clock, "up")
        # Before anybody is told that it runs: what is saved from then on is not missed.
        unwatch = watch(self._project, self._publish_again) if is_dev else lambda: None
        supervisor = Supervisor(nursery.start, house.clock)
        supervisor.listen()
        try:
            self._start_engine(supervisor)
            stand(house.data, self._near, house.settings.workspace.public_url)
            # Everybody's first plan must stand before the first event, so that aggregates are exact from the start.
            while not supervisor.is_stopping and None in map(house.plan, range(house.partitions)):
                bell.wait(0.2)
                supervisor.look_after()
            if not supervisor.is_stopping:
                self._open(supervisor, bell)
            supervisor.watch(clock.note if clock is not None else lambda: None)
        finally:
            unwatch()
            supervisor.stop()
            leave(house.data)

    def _start_engine(self, supervisor: Supervisor) -> None:
        engine = self._house.settings.engine
        for number, owned in enumerate(_shares(self._house.partitions, engine.workers)):
            supervisor.start(f"work {number}", ["work", *self._where, "--partitions", ",".join(map(str, owned))])
        for number in range(engine.deliverers):
            words = ["deliver", *self._where, "--address", self._here, "--number", str(number)]
            supervisor.start(f"deliver {number}", words)

    def _open(self, supervisor: Supervisor, bell: Bell) -> None:
        """The doors, and where they are: said when they are open, so that the first call finds somebody."""
        supervisor.start("show", ["show", *self._where, "--address", self._here])
        supervisor.start("collect", ["collect", *self._where, "--host", self._host, "--port", str(self._port)])
        for _ in range(_TRIES):
            if answers(self._near, _TRY_S * 10):
                break
            bell.wait(_TRY_S)
            supervisor.look_after()
            if supervisor.is_stopping:
                return
        # They load much, and nobody waits for them.
        supervisor.start("archive", ["archive", *self._where])
        supervisor.start("survey", ["survey", *self._where])
        click.echo(f"Tactful is at {self._here}", err=True)
        if said := welcome(self._house, self._near):
            click.echo(said, err=True)

    def _publish_again(self) -> None:
        """After a save: put the project in force, or say what is wrong with it while the old plan stays."""
        house = self._house
        try:
            with held(self._project):  # Not while the console writes and publishes.
                files = load(self._project)
            settings = plan_settings(self._read())
            refuse_other_priority(house.plan(0), settings)
            changed = changes(house.plan(0), files, settings)
            if changed and not is_on_its_way(files, settings, house.log, house.store(0)):
                publish(files, settings, house.log, house.bells, house.clock, "dev")
                click.echo("published: " + ", ".join(changed), err=True)
        except (DefinitionError, UsageError, TransientError) as error:
            click.echo(f"not published:\n{error}", err=True)


def _shares(partitions: int, workers: int) -> Sequence[Sequence[int]]:
    """Which partitions each worker process owns; as many processes as cores unless told otherwise."""
    processes = min(workers or len(os.sched_getaffinity(0)), partitions)
    return [range(number, partitions, processes) for number in range(processes)]


def refuse_hurry(speed: int, settings: Settings, *, is_dev: bool) -> None:
    if not is_dev:
        raise UsageError("--speed is for trying things out: say --dev as well")
    if not 1 <= speed <= FASTEST:
        raise UsageError(f"--speed is from 1 to {FASTEST}")
    if ways := leaving(settings.channels):
        raise UsageError(
            f"--speed would send a day's messages in minutes, and here they would really leave: {', '.join(ways)} "
            f"({'is' if len(ways) == 1 else 'are'} set). Without it, messages go into the local outbox."
        )
