"""Fetching: a small document by HTTPS, such as the certificate that a webhook names.

The caller has looked at the address; no redirect leads from it to another.
"""

import asyncio

import aiohttp

from tactful.errors import TransientError

PATIENCE_S = 10.0


async def fetch(url: str, most: int) -> bytes:
    """The body of a 200; raises TransientError for anything else, and beyond `most` bytes."""
    try:
        async with (
            asyncio.timeout(PATIENCE_S),
            aiohttp.ClientSession() as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise TransientError(f"{url} answers {answer.status}")
            body = await answer.content.read(most + 1)
            while len(body) <= most and (more := await answer.content.read(most + 1)):
                body += more
    except TimeoutError:
        raise TransientError(f"{url} did not answer within {PATIENCE_S:.0f} s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise TransientError(f"{url}: {error}") from None
    if len(body) > most:
        raise TransientError(f"{url} is larger than {most:,} bytes")
    return body
