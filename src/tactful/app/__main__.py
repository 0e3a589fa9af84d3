"""`python -m tactful.app LINE` is the process that the others of `tactful up` are forked from (adapters/nursery.py)."""

import importlib
import socket
import sys

from setproctitle import setproctitle

from tactful.adapters.nursery import serve
from tactful.app.application import NEEDED, main

setproctitle("tactful nursery")


def load(command: str) -> None:
    for module in NEEDED.get(command, ()):
        importlib.import_module(module)


sys.argv = ["tactful", *serve(socket.socket(fileno=int(sys.argv[1])), load, setproctitle)]
main()
