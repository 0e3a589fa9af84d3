"""Packing: a page goes out as gzip where the browser takes it.

How well a page packs says something of what stands in it, to who sees its length and can put text beside it (BREACH,
2013). Sign-ins are not sent along when another site asks for a page, and the one secret in it, the token of its forms,
looks different in each (web/masking.py).
"""

import gzip

from starlette.datastructures import Headers
from starlette.responses import Response

LEAST_BYTES = 1_400
"""What goes into one packet is not made shorter."""
LEVEL = 4
"""Beyond it a page gets few bytes shorter, and takes longer."""


def packed(asked: Headers, answer: Response) -> Response:
    """The same answer, shorter."""
    answer.headers.add_vary_header("Accept-Encoding")
    if "gzip" not in asked.get("accept-encoding", "").lower() or len(answer.body) < LEAST_BYTES:
        return answer
    answer.body = gzip.compress(answer.body, LEVEL, mtime=0)
    answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Content-Length"] = str(len(answer.body))
    return answer
