"""Editing: a definition's file as text: written, looked at as a difference, and then saved and put in force.

Nothing is put in force from the page in which it is written: the review shows what changes line by line, what else
would be published, and what would have no answer at first. Every step is a page of its own address, so that Back and
reload mean what they always mean; what was written is kept as a draft in between.
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from tactful.errors import DefinitionError, TransientError, UsageError
from tactful.operations.definitions import completion, folder, proposing
from tactful.operations.definitions.folder import Conflict, Edits
from tactful.operations.definitions.new_definitions import TEMPLATES
from tactful.operations.reading.reader import Reader
from tactful.web.console.foresights import Foresights
from tactful.web.console.room import HEADERS, Console
from tactful.web.console.workshop import KINDS, Workshop, address, problems_in


def routes(console: Console, workshop: Workshop) -> list[BaseRoute]:
    editing = Editing(console, workshop)
    both = ("GET", "POST")
    return [
        console.route("/definitions/vocabulary", editing.vocabulary),
        console.route("/definitions/check", editing.check, may="edit", methods=("POST",)),
        console.route("/definitions/new", editing.new, may="edit", methods=both),
        console.route("/definitions/revisions/{id:int}/undo", editing.undo, may="edit", methods=both),
        console.route("/definitions/{kind}/{name}/edit", editing.edit, may="edit", methods=both),
        console.route("/definitions/{kind}/{name}/review", editing.review, may="edit", methods=both),
        console.route("/definitions/{kind}/{name}/remove", editing.remove, may="edit", methods=both),
        console.route("/definitions/{kind}/{name}/rename", editing.rename, may="edit", methods=both),
    ]


class Editing:
    def __init__(self, console: Console, workshop: Workshop) -> None:
        self._console = console
        self._workshop = workshop
        self._foresights = Foresights(console, workshop)

    # ---- for scripts

    async def vocabulary(self, request: Request) -> Response:
        """What `tactful vocabulary --json` says, for the completion of conditions."""

        def look(reader: Reader) -> dict[str, object]:
            log = self._console.house.log
            lately = completion.Lately(self._workshop.seen(reader), completion.sample(log))
            return completion.vocabulary(self._workshop.definitions(), lately)

        return JSONResponse(await self._workshop.ask(look), headers=HEADERS)

    async def check(self, request: Request) -> Response:
        form = await self._console.form(request)
        path, text = str(form.get("path", "")), folder.tidy(str(form.get("text", "")))
        try:
            folder.split(path)
            found = await self._workshop.ask(lambda reader: self._workshop.check(reader, {path: text}))
        except UsageError as error:
            return JSONResponse({"problems": [], "warnings": [], "refused": str(error)}, headers=HEADERS)
        return JSONResponse(found, headers=HEADERS)

    # ---- writing

    async def new(self, request: Request) -> Response:
        given = (await self._console.form(request)) if request.method == "POST" else request.query_params
        kind, template = str(given.get("kind", "segments")), str(given.get("template", ""))
        kind = kind if kind in KINDS else "segments"
        name, error = str(given.get("name", "")).strip(), ""
        if request.method == "POST":
            try:
                path = folder.path_of(kind, name)
                file = await self._workshop.ask(lambda reader: folder.read(self._console.project, path))
                if file.text is None:
                    texts = {one.name: one.text for one in TEMPLATES[kind]}
                    self._workshop.keep(request, path, texts.get(template, TEMPLATES[kind][0].text), "")
                    return self._console.back(f"{address(path)}/edit")
                error = f"{path} is there already; choose another name, or edit that one"
            except UsageError as refused:
                error = str(refused)
        return await self._console.page(
            request,
            "definitions/new.html",
            422 if error else 200,
            kinds=KINDS,
            kind=kind,
            templates=TEMPLATES,
            chosen=template,
            name=name,
            error=error,
        )

    async def edit(self, request: Request) -> Response:
        path = self._path(request)
        if path is None:
            return await self._console.page(request, "nothing.html", 404)
        workshop = self._workshop
        if request.method == "POST":
            form = await self._console.form(request)
            if form.get("do") == "drop":
                workshop.drop(request, path)
                file = await workshop.ask(lambda reader: folder.read(self._console.project, path))
                return self._console.back(f"{address(path)}/edit" if file.text is not None else "/definitions")
            text = folder.tidy(str(form.get("text", "")))
            workshop.keep(request, path, text if text.endswith("\n") else text + "\n", str(form.get("shown", "")))
            found = await workshop.ask(lambda reader: workshop.check(reader, {path: text}))
            return self._console.back(f"{address(path)}/{'edit#problems' if found['problems'] else 'review'}")
        file = await workshop.ask(lambda reader: folder.read(self._console.project, path))
        draft = workshop.draft(request, path)
        if file.text is None and draft is None:
            return await self._console.page(request, "nothing.html", 404)
        text = draft.text if draft is not None else file.text or ""
        found = await workshop.ask(lambda reader: workshop.check(reader, {path: text})) if draft is not None else {}
        kind, name = folder.split(path)
        return await self._console.page(
            request,
            "definitions/edit.html",
            path_of=path,
            kind=kind,
            name=name,
            what=KINDS[kind],
            text=text,
            shown=draft.shown if draft is not None else file.digest,
            draft=draft,
            is_stale=draft is not None and draft.shown != file.digest,
            problems=found.get("problems", []),
            warnings=found.get("warnings", []),
        )

    # ---- putting in force

    async def review(self, request: Request) -> Response:
        path = self._path(request)
        draft = self._workshop.draft(request, path) if path is not None else None
        if path is None:
            return await self._console.page(request, "nothing.html", 404)
        if draft is None:
            return self._console.back(f"{address(path)}/edit")
        if request.method == "POST":
            form = await self._console.form(request)
            if form.get("do") == "mine":  # In place of what somebody else has saved meanwhile, which was shown.
                self._workshop.keep(request, path, draft.text, str(form.get("theirs", "")))
                return self._console.back(f"{address(path)}/review")
            if form.get("draft") != draft.digest:
                return self._console.back(f"{address(path)}/review")
            edits = {path: draft.text}
            return await self._put(request, edits, {path: draft.shown}, f"save {path}", path, f"{address(path)}/review")
        file = await self._workshop.ask(lambda reader: folder.read(self._console.project, path))
        hidden = {"draft": draft.digest}
        is_stale = file.digest != draft.shown
        return await self._confirm(
            request,
            {path: draft.text},
            path,
            "change",
            hidden,
            f"{address(path)}/edit",
            theirs=file if is_stale else None,
        )

    async def remove(self, request: Request) -> Response:
        path = self._path(request)
        files = await self._workshop.ask(lambda reader: self._workshop.files())
        if path is None or path not in files:
            return await self._console.page(request, "nothing.html", 404)
        edits: Edits = {path: None}
        if request.method == "POST":
            return await self._put(request, edits, await self._shown(request, edits), f"remove {path}", path, "")
        named = await self._workshop.ask(lambda reader: proposing.dependents(files, path))
        return await self._confirm(
            request, edits, path, "remove", await self._digests(edits), address(path), named=named
        )

    async def rename(self, request: Request) -> Response:
        path = self._path(request)
        files = await self._workshop.ask(lambda reader: self._workshop.files())
        if path is None or path not in files:
            return await self._console.page(request, "nothing.html", 404)
        given = (await self._console.form(request)) if request.method == "POST" else request.query_params
        kind, name = folder.split(path)
        to, error = str(given.get("to", "")).strip(), ""
        if to:
            try:
                target = folder.path_of(kind, to)
                if target not in files and target != path:
                    edits = await self._workshop.ask(lambda reader: proposing.rename(files, path, target))
                    if request.method == "POST":
                        shown = await self._shown(request, edits)
                        return await self._put(request, edits, shown, f"rename {path} to {target}", target, "")
                    hidden = {**await self._digests(edits), "to": to}
                    return await self._confirm(request, edits, target, "rename", hidden, address(path), old=path)
                error = f"{target} is there already" if target != path else "that is its name"
            except UsageError as refused:
                error = str(refused)
        status = 422 if error else 200
        page = "definitions/rename.html"
        return await self._console.page(
            request, page, status, path_of=path, kind=kind, name=name, to=to or name, what=KINDS[kind], error=error
        )

    async def undo(self, request: Request) -> Response:
        """Back to what stood there before a revision, as a change like any other."""
        console = self._console
        one = await self._workshop.ask(lambda reader: console.office.revisions.revision(request.path_params["id"]))
        if one is None:
            return await console.page(request, "nothing.html", 404)
        edits: Edits = {one.path: one.before}
        if request.method == "POST":
            shown = await self._shown(request, edits)
            return await self._put(request, edits, shown, f"undo revision {one.id}", one.path, "", act="revert")
        return await self._confirm(
            request,
            edits,
            one.path,
            "undo",
            await self._digests(edits),
            f"/definitions/revisions/{one.id}",
            old=one.path,
        )

    async def _confirm(
        self,
        request: Request,
        edits: Edits,
        path: str,
        act: str,
        hidden: Mapping[str, str],
        back: str,
        **more: Any,
    ) -> Response:
        """The difference, what else would be published, and the button."""
        try:
            found = await self._workshop.ask(lambda reader: self._workshop.propose(reader, edits))
        except DefinitionError as error:
            return await self._console.page(request, "definitions/refused.html", 409, text=str(error), back=back)
        except (UsageError, TransientError) as error:
            return await self._console.page(request, "definitions/refused.html", 409, text=str(error), back=back)
        own, others = problems_in(found.report.problems, path)
        values = {"theirs": None, "named": (), "old": path, **more}
        if not found.report.problems and found.diff:
            values["foresight"] = await self._foresights.of(edits, found.silent)
            values["played"] = lambda journey: self._foresights.played(journey, edits)
        return await self._console.page(
            request,
            "definitions/review.html",
            of=path,
            act=act,
            found=found,
            own=own,
            others=others,
            warnings=[one for one in found.report.warnings if one.place.file in edits],
            hidden=hidden,
            back=back,
            room=address(path),
            **values,
        )

    async def _put(
        self,
        request: Request,
        edits: Edits,
        shown: Mapping[str, str],
        detail: str,
        path: str,
        review: str,
        act: str = "publish",
    ) -> Response:
        """`review` shows a conflict; without it the page that was confirmed is shown again."""
        try:
            await self._workshop.publish(request, edits, shown, path, detail, act)
        except Conflict as conflict:
            if review:
                return self._console.back(review)
            text = f"{conflict} was changed by somebody else while this page was open. Nothing was written."
            return await self._console.page(
                request, "definitions/refused.html", 409, text=text, back=request.url.path + _query(request)
            )
        except (DefinitionError, UsageError, TransientError) as error:
            return await self._console.page(
                request, "definitions/refused.html", 409, text=str(error), back=address(path)
            )
        if edits.get(path) is None:
            return self._console.back("/definitions")
        return self._console.back(f"{address(path)}?saved={detail.partition(' ')[0]}")

    async def _digests(self, edits: Edits) -> dict[str, str]:
        """Of the files that will be written, as the form keeps them."""
        project = self._console.project
        return await self._workshop.ask(
            lambda reader: {f"shown {path}": folder.read(project, path).digest for path in edits}
        )

    async def _shown(self, request: Request, edits: Edits) -> dict[str, str]:
        form = await self._console.form(request)
        return {path: str(form.get(f"shown {path}", "?")) for path in edits}

    def _path(self, request: Request) -> str | None:
        try:
            return folder.path_of(request.path_params["kind"], request.path_params["name"])
        except UsageError:
            return None


def _query(request: Request) -> str:
    return f"?{request.url.query}" if request.url.query else ""
