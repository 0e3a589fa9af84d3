"""Definitions: every file of the project, what it says, who names it, and what it said before, by whom."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.errors import UsageError
from tactful.kernel.state import PlanState
from tactful.operations.definitions import folder, proposing
from tactful.operations.definitions.folder import tidy
from tactful.operations.reading.reader import Reader
from tactful.runtime.office import Revision
from tactful.web.console.room import Console, wants_csv
from tactful.web.console.workshop import KINDS, Workshop
from tactful.web.wording import path as quoted

ROWS = 50
HISTORY = 20
"""Revisions that the page of a file shows."""
SHOWN_AT = {"segments": "/segments/", "journeys": "/journeys/", "messages": "/messages/"}
"""Rooms of their own."""


def routes(console: Console, workshop: Workshop) -> list[BaseRoute]:
    definitions = DefinitionsRoom(console, workshop)
    return [
        console.route("/definitions", definitions.list),
        console.route("/definitions/revisions", definitions.revisions),
        console.route("/definitions/revisions/{id:int}", definitions.revision),
        console.route("/definitions/{kind}/{name}", definitions.show),
    ]


class DefinitionsRoom:
    def __init__(self, console: Console, workshop: Workshop) -> None:
        self._console = console
        self._workshop = workshop

    async def list(self, request: Request) -> Response:
        kind = request.query_params.get("kind", "")
        kind = kind if kind in KINDS else ""

        def look(reader: Reader) -> tuple[dict[str, str], PlanState | None]:
            plan = self._workshop.plan(reader)
            return self._workshop.files(), plan

        files, plan = await self._workshop.ask(look)
        published = plan.plan.publish.files if plan is not None else {}
        descriptions, order = self._described(), {kind: number for number, kind in enumerate(KINDS)}
        rows = [
            {"path": path, "kind": path.partition("/")[0], "name": path.partition("/")[2].removesuffix(".yaml")}
            | {"state": _state(path, files, published), "description": descriptions.get(path, "")}
            for path in sorted({*files, *published}, key=lambda path: (order.get(path.partition("/")[0], 0), path))
            if path.endswith(".yaml") and path.count("/") == 1 and path.partition("/")[0] in KINDS
        ]
        counts = {one: sum(row["kind"] == one for row in rows) for one in KINDS}
        chosen = [row for row in rows if kind in ("", row["kind"])]
        if wants_csv(request):
            cells = ([row["kind"], row["name"], row["description"], row["state"]] for row in chosen)
            return self._console.csv(request, "definitions", ("kind", "name", "description", "state"), cells)
        newest = await self._workshop.ask(lambda reader: self._console.office.revisions.of(limit=1))
        return await self._console.page(
            request,
            "definitions/list.html",
            rows=chosen,
            kinds=KINDS,
            kind=kind,
            counts=counts,
            waiting=sum(row["state"] != "" for row in rows),
            version=plan.plan.version if plan is not None else 0,
            newest=newest[0] if newest else None,
            project=self._console.project,
        )

    def _described(self) -> dict[str, str]:
        found = self._workshop.definitions()
        return {
            f"{kind}/{name}.yaml": getattr(one, "description", "") or getattr(one, "subject", "")
            for kind in ("segments", "journeys", "messages", "metrics", "collections", "features")
            for name, one in getattr(found, kind).items()
        }

    async def show(self, request: Request) -> Response:
        kind, name = request.path_params["kind"], request.path_params["name"]
        try:
            path = folder.path_of(kind, name)
        except UsageError:
            return await self._console.page(request, "nothing.html", 404)
        workshop = self._workshop

        def look(reader: Reader) -> tuple[folder.File, str, list[Revision], tuple[object, ...]]:
            plan = workshop.plan(reader)
            file = folder.read(self._console.project, path)
            published = plan.plan.publish.files.get(path) if plan is not None else None
            files = workshop.files()
            named = proposing.dependents(files, path) if path in files else ()
            state = _state(
                path,
                {path: file.text} if file.text is not None else {},
                {path: published} if published is not None else {},
            )
            return file, state, self._console.office.revisions.of(path, limit=HISTORY), named

        file, state, history, named = await workshop.ask(look)
        if file.text is None and not history and name == "new":
            return self._console.back(f"/definitions/new?kind={kind}")
        if file.text is None and not history:
            return await self._console.page(request, "nothing.html", 404)
        return await self._console.page(
            request,
            "definitions/show.html",
            file=file,
            kind=kind,
            name=name,
            what=KINDS[kind],
            state=state,
            history=history,
            named=named,
            draft=workshop.draft(request, path),
            room=SHOWN_AT[kind] + quoted(name) if kind in SHOWN_AT else "",
            saved=request.query_params.get("saved", ""),
        )

    # ---- what was said before

    async def revisions(self, request: Request) -> Response:
        path = request.query_params.get("path", "")
        before = request.query_params.get("before", "")
        before_id = int(before) if before.isdecimal() and len(before) < 19 else None

        def look(reader: Reader) -> list[Revision]:
            self._workshop.plan(reader)
            return self._console.office.revisions.of(path, before_id, ROWS)

        rows = await self._workshop.ask(look)
        if wants_csv(request):
            cells = ([one.id, one.at, one.author or "outside", one.path, one.version, _verb(one)] for one in rows)
            columns = ("revision", "at_us", "author", "path", "plan", "change")
            return self._console.csv(request, "revisions", columns, cells)
        older = rows[-1].id if len(rows) == ROWS else None
        return await self._console.page(
            request, "definitions/revisions.html", rows=[(one, _verb(one)) for one in rows], of=path, older=older
        )

    async def revision(self, request: Request) -> Response:
        id, console = request.path_params["id"], self._console
        one = await self._workshop.ask(lambda reader: console.office.revisions.revision(id))
        if one is None:
            return await console.page(request, "nothing.html", 404)
        file = await self._workshop.ask(lambda reader: folder.read(console.project, one.path))
        before = {one.path: one.before} if one.before is not None else {}
        after = {one.path: one.after} if one.after is not None else {}
        return await console.page(
            request,
            "definitions/revision.html",
            one=one,
            verb=_verb(one),
            diff=proposing.difference(before, after),
            is_now=file.text == one.after,
            is_undone=file.text == one.before,
        )


def _verb(one: Revision) -> str:
    if one.before is None:
        return "added"
    return "removed" if one.after is None else "changed"


def _state(path: str, files: Mapping[str, str | None], published: Mapping[str, str | None]) -> str:
    """How the folder is ahead of the plan in force; "" where they say the same."""
    here, there = files.get(path), published.get(path)
    if there is None:
        return "not published"
    if here is None:
        return "removed, still in force"
    return "" if tidy(here) == tidy(there) else "changed, not published"
