"""Reaching: tries what a doctor asks about. Raises OSError with what failed, and changes nothing."""

import asyncio

import aiohttp

PATIENCE_S = 10.0


async def names(name: str, server: tuple[str, int] | None = None) -> list[str]:
    """The TXT records of a name; none where there is no such name. Asks the system's servers, or the one given."""
    import dns.asyncresolver
    import dns.exception
    import dns.resolver

    try:
        resolver = dns.asyncresolver.Resolver(configure=server is None)
        if server is not None:
            resolver.nameservers, resolver.port = [server[0]], server[1]
        found = await resolver.resolve(name, "TXT", lifetime=PATIENCE_S)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise OSError(" ".join(str(error).split())) from None
    return [b"".join(record.strings).decode("utf-8", "replace") for record in found]


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
