"""Machines: was it a person who opened a mail or followed a link, or a proxy or scanner on the way?

One table of stated rules; each says yes by its name, which stands beside the response (`machine`, `reason`). Nothing is
thrown away: who trusts other rules counts all of them. What a rule may know is the request alone (no list of networks,
which would have to be fetched and grows old), when the mail was sent, and what else of the same mail was asked for at
about the same time. docs/responses.md says on what each rests, and what none of them can see. Pure.
"""

import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from tactful.values import MINUTE_US, SECOND_US

CLICK_SOON_US = 2 * SECOND_US
OPEN_SOON_US = 3 * SECOND_US
PROXY_SOON_US = 10 * SECOND_US
"""From the sending; a mail takes about as long on its way to a mailbox, and nobody reads it faster."""
BURST_US = SECOND_US
BURST_LINKS = 3
"""So many different links of one mail within BURST_US."""
TRAP_US = 10 * MINUTE_US
"""So long after a mail's trap was followed, and for as long before as clicks wait to be judged."""


class Request(Struct, frozen=True):
    """What a request says of who makes it."""

    agent: str = ""
    """User-Agent."""


class Seen(NamedTuple):
    """One request for a mail's pixel or one of its links."""

    what: Literal["open", "click"]
    request: Request
    since_us: int
    """From the sending."""


class Rule(Struct, frozen=True):
    name: str
    of: tuple[str, ...]
    """`open`, `click`."""
    holds: Callable[[Seen], bool]


_SCANNERS = re.compile(
    r"barracuda|proofpoint|mimecast|urldefense|fireeye|trellix|ironport|ciscosecure|symantec|messagelabs|forcepoint"
    r"|sophos|fortinet|fortimail|fortiguard|trend ?micro|\btmes\b|kaspersky|bitdefender|\beset\b|avast"
    r"|avanan|checkpoint|zscaler|netcraft|virustotal|urlscan|safebrowsing|safelinks|spamhaus|spamassassin|rspamd"
    r"|mailscanner|hornetsecurity|cyren|vade ?secure|cloudmark|mailguard|abusix|phish",
    re.IGNORECASE,
)
"""Products for the safety of mail that say who they are."""
_BOTS = re.compile(
    r"(?<!cu)bot\b|bots\b|crawl|spider|slurp|preview|facebookexternalhit|whatsapp/|embedly|link ?check"
    r"|monitoring|pingdom|uptime|headlesschrome|phantomjs|puppeteer|playwright|selenium|lighthouse",
    re.IGNORECASE,
)
"""Crawlers, previews of links in chats, browsers without a screen; no phone of the make Cubot."""
_LIBRARIES = re.compile(
    r"\s*(?:curl|wget|python|aiohttp|httpx|go-http-client|okhttp|java|apache-httpclient|jakarta|libwww|lwp|perl|php|guzzle"
    r"|ruby|faraday|node|axios|got|undici|postman|insomnia|dart|winhttp|http_?client|cpp-httplib|reqwest|rust|scrapy"
    r"|mechanize)\b",
    re.IGNORECASE,
)
"""Programs, by what their agent begins with."""
_PROXIES = re.compile(r"GoogleImageProxy|YahooMailProxy|YahooCacheSystem", re.IGNORECASE)
"""They fetch when a reader opens; right after the sending nobody has read anything yet."""
_BARE = re.compile(r"\s*(?:Mozilla/[45]\.0)?\s*(?:\(compatible;?\))?\s*", re.IGNORECASE)
"""No browser or mail program: Apple's Mail Privacy Protection, which fetches what nobody opens, calls itself so."""

RULES = (
    Rule("no agent", ("click",), lambda seen: not seen.request.agent.strip()),
    Rule("bare agent", ("open", "click"), lambda seen: _BARE.fullmatch(seen.request.agent[:200]) is not None),
    Rule("scanner", ("open", "click"), lambda seen: _SCANNERS.search(seen.request.agent) is not None),
    Rule("bot", ("open", "click"), lambda seen: _BOTS.search(seen.request.agent) is not None),
    Rule("library", ("open", "click"), lambda seen: _LIBRARIES.match(seen.request.agent) is not None),
    Rule("image proxy", ("click",), lambda seen: _PROXIES.search(seen.request.agent) is not None),
    Rule(
        "proxy at once",
        ("open",),
        lambda seen: seen.since_us < PROXY_SOON_US and _PROXIES.search(seen.request.agent) is not None,
    ),
    Rule("opened at once", ("open",), lambda seen: seen.since_us < OPEN_SOON_US),
    Rule("clicked at once", ("click",), lambda seen: seen.since_us < CLICK_SOON_US),
)
"""The first that holds gives its name."""
BURST, TRAP = "many links at once", "the trap"
"""Rules over several requests."""


def alone(seen: Seen) -> str:
    """The rule by which a request is a machine's, looked at by itself; "" for a person's."""
    return next((rule.name for rule in RULES if seen.what in rule.of and rule.holds(seen)), "")


def in_bursts(clicks: Sequence[tuple[int, str]]) -> frozenset[int]:
    """Of the clicks (instant, link) of one mail, in order of time, the places of those that came in a burst: no person
    follows so many different links in so short a time."""
    found: set[int] = set()
    first = 0
    for last, (at, _) in enumerate(clicks):
        while clicks[first][0] <= at - BURST_US:
            first += 1
        if len({link for _, link in clicks[first : last + 1]}) >= BURST_LINKS:
            found.update(range(first, last + 1))
    return frozenset(found)


def is_prefetch(headers: Callable[[str], str]) -> bool:
    """Whether a browser fetches ahead of its user, and says so: then nothing happened yet. `headers` gives the value
    of a header, "" where there is none."""
    said = (headers("sec-purpose"), headers("purpose"), headers("x-purpose"), headers("x-moz"))
    return any("prefetch" in one.lower() or "preview" in one.lower() for one in said)
