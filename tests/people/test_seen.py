"""Repeats: what counts as the same message said again."""

from collections.abc import Callable
from typing import Literal

import pytest

from tactful.events.records import Consent, Event
from tactful.people.seen import is_repeat, mark, name_of, remember

NOW = 1_740_816_000_000_000
Make = Callable[..., Event | Consent]


def event(trust: Literal["browser", "server"], key: str, *, is_verified: bool = False) -> Event:
    return Event(1, "s", trust, "track", "Seen", key, (key,), "order-7", NOW, NOW, is_verified=is_verified)


def consent(trust: Literal["browser", "server"], key: str, *, is_verified: bool = False) -> Consent:
    return Consent(1, "s", trust, key, "order-7", "news", False, NOW, NOW, is_verified=is_verified)


@pytest.mark.parametrize("first", [event, consent])
@pytest.mark.parametrize("second", [event, consent])
def test_what_anybody_may_have_said_of_a_user_takes_no_servers_place(first: Make, second: Make) -> None:
    """The same messageId is a repeat among what is believed alike, and of visitors always."""
    known, _ = remember(b"", mark(name_of(first("browser", "u:1"))), NOW // 1_000_000)
    assert is_repeat(known, mark(name_of(second("browser", "u:1"))))
    assert not is_repeat(known, mark(name_of(second("server", "u:1"))))
    assert not is_repeat(known, mark(name_of(second("browser", "u:1", is_verified=True))))
    known, _ = remember(b"", mark(name_of(first("server", "u:1"))), NOW // 1_000_000)
    assert is_repeat(known, mark(name_of(second("browser", "u:1", is_verified=True))))
    assert not is_repeat(known, mark(name_of(second("browser", "u:1"))))
    known, _ = remember(b"", mark(name_of(first("server", "a:1"))), NOW // 1_000_000)
    assert is_repeat(known, mark(name_of(second("browser", "a:1"))))
