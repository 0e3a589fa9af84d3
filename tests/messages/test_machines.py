"""People and machines, by agents as they come in the wild, by time, and by what else is followed."""

import pytest

from tactful.messages import machines
from tactful.messages.machines import Request, Seen
from tactful.values import HOUR_US, MINUTE_US, SECOND_US

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
OUTLOOK = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; ms-office; MSOffice 16)"
THUNDERBIRD = "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Thunderbird/115.12.0"
CUBOT = "Mozilla/5.0 (Linux; Android 9; CUBOT P30) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
APPLE = "Mozilla/5.0"


@pytest.mark.parametrize("agent", [CHROME, IPHONE, OUTLOOK, THUNDERBIRD, CUBOT])
@pytest.mark.parametrize("what", ["open", "click"])
def test_people(what: str, agent: str) -> None:
    assert machines.alone(Seen(what, Request(agent), HOUR_US)) == ""  # type: ignore[arg-type]  # one of two


@pytest.mark.parametrize(
    ("what", "agent", "since_us", "rule"),
    [
        ("open", APPLE, HOUR_US, "bare agent"),
        ("open", "Mozilla/4.0 (compatible;)", HOUR_US, "bare agent"),
        ("open", "", HOUR_US, "bare agent"),
        ("click", "", HOUR_US, "no agent"),
        ("open", GMAIL, HOUR_US, ""),
        ("open", YAHOO, HOUR_US, ""),
        ("open", GMAIL, 9 * SECOND_US, "proxy at once"),
        ("open", YAHOO, 9 * SECOND_US, "proxy at once"),
        ("click", GMAIL, HOUR_US, "image proxy"),
        ("open", CHROME, 2 * SECOND_US, "opened at once"),
        ("open", CHROME, 3 * SECOND_US, ""),
        ("click", CHROME, SECOND_US, "clicked at once"),
        ("click", CHROME, -SECOND_US, "clicked at once"),
        ("click", CHROME, 2 * SECOND_US, ""),
        ("click", "Barracuda Sentinel (EE)", HOUR_US, "scanner"),
        ("click", "Mozilla/5.0 (compatible; Mimecast-Link-Scanner/1.0)", HOUR_US, "scanner"),
        ("click", "Mozilla/5.0 (Windows NT 10.0) Proofpoint URL Defense", HOUR_US, "scanner"),
        ("click", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", HOUR_US, "bot"),
        ("click", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", HOUR_US, "bot"),
        ("click", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", HOUR_US, "bot"),
        ("click", "WhatsApp/2.23.20.0", HOUR_US, "bot"),
        ("click", CHROME.replace("Chrome/", "HeadlessChrome/"), HOUR_US, "bot"),
        ("click", "curl/8.5.0", HOUR_US, "library"),
        ("click", "python-requests/2.32.3", HOUR_US, "library"),
        ("click", "Go-http-client/1.1", HOUR_US, "library"),
        ("open", "Apache-HttpClient/4.5.14 (Java/17.0.9)", HOUR_US, "library"),
    ],
)
def test_machines(what: str, agent: str, since_us: int, rule: str) -> None:
    assert machines.alone(Seen(what, Request(agent), since_us)) == rule  # type: ignore[arg-type]  # one of two


def test_a_burst_is_of_different_links_within_a_second() -> None:
    second = SECOND_US
    assert machines.in_bursts([(0, "a"), (10, "b"), (20, "c")]) == {0, 1, 2}
    assert machines.in_bursts([(0, "a"), (10, "a"), (20, "a"), (30, "b")]) == frozenset()
    assert machines.in_bursts([(0, "a"), (second // 2, "b"), (second, "c")]) == frozenset()
    assert machines.in_bursts([(0, "x"), (5 * second, "a"), (5 * second, "b"), (5 * second + 1, "c")]) == {1, 2, 3}
    assert machines.in_bursts([]) == frozenset()


@pytest.mark.parametrize(
    ("name", "value", "is_one"),
    [
        ("sec-purpose", "prefetch;prerender", True),
        ("purpose", "prefetch", True),
        ("x-moz", "prefetch", True),
        ("x-purpose", "preview", True),
        ("purpose", "navigate", False),
        ("accept", "prefetch", False),
    ],
)
def test_fetched_ahead(name: str, value: str, *, is_one: bool) -> None:
    assert machines.is_prefetch(lambda asked: value if asked == name else "") is is_one


def test_a_long_agent_costs_little() -> None:
    for piece in ("Mozilla/5.0 ", "(compatible;", " ", "bo", "trend "):
        machines.alone(Seen("open", Request(piece * 100_000), MINUTE_US))
