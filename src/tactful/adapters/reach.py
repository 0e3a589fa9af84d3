"""Reaching: tries the connections that a doctor asks about. Raises OSError with what failed, and changes nothing."""

import asyncio
import ssl

import aiohttp

from tactful.runtime.channels import EmailSettings
from tactful.runtime.smtp_url import parse_url

PATIENCE_S = 10.0


async def mail_server(settings: EmailSettings) -> str:
    """The greeting of the mail server (RFC 5321 4.2)."""
    at = parse_url(settings.smtp_url)
    context = ssl.create_default_context() if at.is_tls else None
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(at.host, at.port, ssl=context)
            greeting = (await reader.readline()).decode("ascii", "replace").strip()
            writer.write(b"QUIT\r\n")
            writer.close()
    except TimeoutError:
        raise OSError(f"{at.host}:{at.port} did not answer within {PATIENCE_S:.0f} s") from None
    if not greeting.startswith("220"):
        raise OSError(f"{at.host}:{at.port} greets with {greeting or 'nothing'!r}, not with 220")
    return f"{at.host}:{at.port} greets: {greeting}"


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
