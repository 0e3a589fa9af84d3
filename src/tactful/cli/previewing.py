"""Commands that look ahead: preview."""

from pathlib import Path

import click

from tactful.cli.build import Build
from tactful.cli.histories import history_of
from tactful.cli.main import data_option, echo_json, echo_warnings, json_option, opened, project_option
from tactful.cli.recalling import happened_option, instant, sees_of
from tactful.errors import Problem, UsageError
from tactful.language.mistakes import place_at

EXPRESSION = "<expression>"
MOST_DAYS = 3_650


def register(group: click.Group, build: Build) -> None:
    @group.command("preview")
    @click.argument("expression")
    @project_option
    @data_option
    @click.option("--at", metavar="TIME", default="", help="When: 2026-03-01T14:03Z (default: now).")
    @click.option("--days", default=30, show_default=True, help="So far back it is asked as well, day by day.")
    @happened_option
    @json_option
    def preview_command(
        expression: str, project: Path, data: Path, at: str, days: int, happened: bool, as_json: bool
    ) -> None:
        """Say for how many people EXPRESSION holds, now and day by day before, who some of them are, and how the values
        that it compares lie over people.

        An expression that is no condition is shown by its values. Segments, metrics and collections are those that are
        in force.
        """
        from tactful.operations.history.asked import checked_by
        from tactful.operations.previews import (  # Slow to import, and wanted here only.
            previewed_text,
            previewing_history,
        )

        if not 0 <= days <= MOST_DAYS:
            raise UsageError(f"--days is from 0 to {MOST_DAYS}")
        house = opened(build, data, project=project)
        at_us = instant(at, house.clock.now_us())
        plan = house.plan(0)
        checked = checked_by(plan.plan.publish if plan is not None else None, expression)
        if not as_json:
            remarks = ((one, place_at(EXPRESSION, expression, one.offset)) for one in checked.warnings)
            echo_warnings(Problem(one.message, where, one.hint) for one, where in remarks)
        with history_of(build, house) as history:
            found = previewing_history.preview(
                history, checked, at_us, days, sees=sees_of(is_happened=happened), is_brief=not days
            )
        if as_json:
            echo_json(previewing_history.as_values(found))
        else:
            click.echo(previewed_text.as_text(found), nl=False)
