"""Audit: who did what and when; for administrators."""

import asyncio
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from tactful.values import format_time
from tactful.web.console.room import Console, wants_csv

ROWS, MOST = 100, 10_000


def routes(console: Console) -> list[BaseRoute]:
    async def audit(request: Request) -> Response:
        asked = {name: request.query_params.get(name, "").strip()[:200] for name in ("who", "act", "about")}
        before = request.query_params.get("before", "")
        first = int(before) if before.isdecimal() and len(before) < 16 else None
        limit = MOST if wants_csv(request) else ROWS

        acts = await asyncio.to_thread(lambda: console.office.audit.acts(first, limit, **asked))
        if wants_csv(request):
            rows = [(format_time(one.at), one.who, one.act, one.about, one.detail) for one in acts]
            return console.csv(request, "audit", ("at", "who", "act", "about", "detail"), rows)
        given = {name: value for name, value in asked.items() if value}
        older = f"/audit?{urlencode({**given, 'before': acts[-1].id})}" if len(acts) == ROWS else None
        newest = f"/audit?{urlencode(given)}" if first is not None else None
        return await console.page(request, "access/audit.html", acts=acts, asked=asked, older=older, newest=newest)

    return [console.route("/audit", audit, may="admin")]
