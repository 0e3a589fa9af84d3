"""Text of strangers in every question to SQLite: it is a value, never a part of the question, and never a wildcard.

What no column can hold (half of a surrogate pair) and no id can be (more than 64 bits) is found nowhere.
"""

import pytest

from tactful.runtime.ports import Quarantined
from tests.contracts.conftest import OfficeMaker, OutboxMaker, QuarantineMaker, TrailMaker

TEXTS = [
    "'",
    '"',
    "' OR '1'='1",
    "'; DROP TABLE act; DROP TABLE item; --",
    "/* x */ -- y",
    "%",
    "_",
    "*",
    "[a-z]*",
    "?",
    ":who",
    "$1",
    "\\",
    "a\0b",
    "\u202e\uffff",
    "x" * 100_000,
    "NULL",
    "0x41",
]
HUGE = [2**63, -(2**63) - 1, 10**30]


@pytest.mark.parametrize("text", TEXTS)
def test_acts_are_found_by_their_very_words(open_office: OfficeMaker, text: str) -> None:
    audit = open_office().audit
    audit.note(1, "ada", "publish", "journeys/x", "")
    audit.note(2, text, text, text, text)
    for view in (audit, open_office().audit):
        assert len(view.acts()) == 2
        for found in (view.acts(who=text), view.acts(act=text), view.acts(about=text)):
            assert [(one.who, one.act, one.about, one.detail) for one in found] == [(text, text, text, text)]


@pytest.mark.parametrize("text", TEXTS)
def test_revisions_and_tokens_and_names_keep_their_very_words(open_office: OfficeMaker, text: str) -> None:
    office = open_office()
    office.revisions.note(1, text, {text: (text, None), "other": (None, text)})
    (one,) = office.revisions.of(text)
    assert (one.author, one.path, one.before, one.after) == (text, text, text, None)
    assert len(open_office().revisions.of()) == 2
    assert office.accounts.account(text) is None and not office.tokens.remove(text)
    assert office.accounts.of_subject(text) is None and office.accounts.sign_ins(text) == []


@pytest.mark.parametrize("text", TEXTS)
def test_what_was_refused_is_found_by_its_very_code(open_quarantine: QuarantineMaker, text: str) -> None:
    quarantine = open_quarantine()
    body = text.encode()
    quarantine.put([Quarantined(0, 1, "s", "other", "f", "m", b"x", 1)])
    quarantine.put([Quarantined(0, 1, text, text, text, text, body, len(body))])
    assert [one.code for one in quarantine.rows(None, 10, text)] == [text]
    assert len(quarantine.rows(None, 10, "")) == 2
    assert text in quarantine.counts()


@pytest.mark.parametrize("text", TEXTS)
def test_messages_are_found_by_their_very_person(open_outbox: OutboxMaker, text: str) -> None:
    outbox = open_outbox()
    assert outbox.rows(None, text, None, 10) == [] and outbox.row(text) is None
    outbox.suppress("other@x.example", "bounced", 1)
    outbox.suppress(text, text, 1)
    assert (text, text, 1) in outbox.suppressions()
    assert outbox.release_address(text)
    assert [one[0] for one in outbox.suppressions()] == ["other@x.example"]


@pytest.mark.parametrize("text", TEXTS)
def test_tallies_are_found_by_their_very_definition(open_trail: TrailMaker, text: str) -> None:
    assert list(open_trail().tallies(0, 0, 1 << 30, text)) == []


@pytest.mark.parametrize("number", HUGE)
def test_a_number_that_is_none_is_found_nowhere(
    open_office: OfficeMaker, open_quarantine: QuarantineMaker, number: int
) -> None:
    assert open_office().revisions.revision(number) is None
    assert open_quarantine().row(number) is None
