"""Templates, and what they are compiled to: that is kept beside them, as Python keeps its own (__pycache__), since to
compile all of them takes most of the time in which a console starts. Where that folder cannot be written, they are
compiled each time.
"""

import contextlib
import sys
from importlib.util import cache_from_source
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket, FileSystemBytecodeCache

from tactful import web

_TEMPLATES = Path(web.__file__).parent / "templates"
_NAME = "%s.trimmed"
"""Of a file; whoever reads templates in another way from now on gives another, so that none is taken from before."""


def environment() -> Environment:
    """As all pages of the console are made in it; filters and globals are still to be put in."""
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        bytecode_cache=_Compiled(),
        autoescape=True,
        auto_reload=False,  # Else each page looks at each file that it is made of.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class _Compiled(FileSystemBytecodeCache):
    """Each goes by a sum of its template's text, and by the versions of Jinja and Python."""

    def __init__(self) -> None:
        folder = Path(cache_from_source(str(_TEMPLATES / "any.html"))).parent
        if not sys.dont_write_bytecode:
            with contextlib.suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
        super().__init__(str(folder), _NAME)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not sys.dont_write_bytecode:
            with contextlib.suppress(OSError):
                super().dump_bytecode(bucket)
