"""Is an address bad for ever, or did a server only not want this mail now? By the codes of RFC 3463, and in words.

A hard bounce ends mail to an address, so only what is about the address itself is hard: it does not exist, or it is
closed. A full mailbox, a filter, a policy, a reputation, a server that cannot be reached are soft, whatever class their
code has. Codes alone do not do: 5.0.0 and 550 stand for anything, and filters answer 5.1.1 as well. Pure.
"""

import re

_CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?:^|\D)([45])\d\d[ -]")
_THING = r"(?:user|recipient|mailbox|address|account|host|domain)"
_NEVER = re.compile(
    r"user unknown|unknown user|unknown (?:recipient|mailbox|address|local)"
    r"|no such (?:user|recipient|mailbox|address|person|account)"
    rf"|{_THING}(?: \S+){{0,4}}? (?:not found|doesn't exist|does not exist|unknown|disabled|deactivated|inactive)"
    r"|unrouteable address|unroutable|invalid (?:recipient|mailbox|user|address)|nxdomain|address rejected"
    r"|recipient rejected|no mailbox here|not our customer|bad destination|mailbox unavailable",
    re.IGNORECASE,
)
_NOT_NOW = re.compile(
    r"quota|mailbox (?:is )?full|over ?limit|storage|too (?:large|big)|exceeds|size limit|spam|blocked|black ?list"
    r"|block ?list|reputation|policy|rate ?limit|throttl|try again|temporar|timed? ?out|retry time|greylist|virus"
    r"|content reject|dmarc|\bspf\b|dkim|authenticat|access denied|deferred|connection (?:refused|lost)|suspicious",
    re.IGNORECASE,
)
_ANYTHING = frozenset({(0, 0), (2, 0), (3, 0), (4, 0), (4, 1), (4, 3), (5, 0)})
"""Subject and detail that say nothing more than that it failed."""
_CLOSED = frozenset({(2, 1), (4, 4), (1, 10)})
"""The mailbox is disabled; there is no such host; it takes no mail (RFC 7505)."""
_OF_SENDER = frozenset({7, 8})
"""Details of subject 1 that are about the sender's address."""
LINE_CHARS = 1_000


def is_hard(status: str, words: str) -> bool:
    """`status` is the field of a report, "" where there is none. The remote server's own code stands in its words, and
    is the better one."""
    code = _CODE.search(words) or _CODE.search(status)
    never, not_now = _NEVER.search(words) is not None, _NOT_NOW.search(words) is not None
    if code is None:
        reply = _REPLY.search(words)
        return never and not not_now and (reply is None or reply[1] == "5")
    if code[1] != "5":
        return False
    subject, detail = int(code[2]), int(code[3])
    if (subject, detail) in _ANYTHING:
        return never and not not_now
    if (subject, detail) in _CLOSED or (subject == 1 and detail not in _OF_SENDER):
        return never or not not_now
    return False


def telling_line(text: str) -> str:
    """The line that says most about why, for people; "" where none does."""
    lines = [line[:LINE_CHARS] for line in text.splitlines()]
    for pattern in (_CODE, _NEVER, _NOT_NOW, _REPLY):
        found = next((line for line in lines if pattern.search(line)), "")
        if found:
            return found
    return ""
