"""The web server under every face: uvicorn, with what it must not do by itself switched off."""

import socket

import uvicorn

from tactful.web.answers import App
from tactful.web.desk import News
from tactful.web.patience import Patient


class _Server(uvicorn.Server):
    """Ends the streams of open pages first, so that a stop does not wait for them."""

    def __init__(self, config: uvicorn.Config, news: News | None) -> None:
        super().__init__(config)
        self._news = news

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._news is not None:
            self._news.close()
        await super().shutdown(sockets)


def server(app: App, host: str, port: int, news: News | None = None) -> uvicorn.Server:
    """Host and port count for nothing where it is served on sockets that are open already."""
    config = uvicorn.Config(
        app, host=host, port=port, loop="uvloop", http=Patient, lifespan="off", access_log=False,
        log_config=None, timeout_graceful_shutdown=10, proxy_headers=False, server_header=False, backlog=2048,
    )  # fmt: skip
    return _Server(config, news)
