"""Reaching: tries what a doctor asks about. Raises OSError with what failed, and changes nothing."""

import asyncio

import aiohttp

PATIENCE_S = 10.0


async def page(public_url: str) -> str:
    """Whether this server answers where mails will lead."""
    url = f"{public_url.rstrip('/')}/healthz"
    try:
        async with (
            asyncio.timeout(PATIENCE_S),
            aiohttp.ClientSession() as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            status = answer.status
    except TimeoutError:
        raise OSError(f"{url} did not answer within {PATIENCE_S:.0f} s") from None
    except aiohttp.ClientError as error:
        raise OSError(f"{url}: {error}") from None
    if status != 200:
        raise OSError(f"{url} answers {status}; is it this server?")
    return f"{url} answers"
