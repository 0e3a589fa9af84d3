"""Mail that comes back, as servers write it: which message it is about, and whether the address is bad for ever.

The files of `mails/` are after what these servers send; {VERP} and {INTENT} stand for ours.
"""

from pathlib import Path

import pytest

from tactful.messages.links import return_path, returned
from tactful.messages.reports import Report
from tactful.messages.reports.hardness import is_hard
from tactful.messages.reports.returned import READ_BYTES, read
from tactful.values import digest, parse_time

MAILS = Path(__file__).parent / "mails"
KEYS = {1: bytes(range(64))}
INTENT = digest("an intent")
VERP = return_path("bounces@shop.example", KEYS, INTENT)


def mail(name: str, verp: str = VERP) -> bytes:
    return (MAILS / f"{name}.eml").read_text().replace("{VERP}", verp).replace("{INTENT}", INTENT).encode()


def told(body: bytes, recipient: str = "") -> Report | None:
    return read(body, lambda address: returned(KEYS, address), recipient)


@pytest.mark.parametrize(
    ("name", "event", "kind", "suppression", "reason"),
    [
        ("postfix_unknown_user", "Email Bounced", "hard", "hard bounce", "Recipient address rejected: User unknown"),
        ("postfix_expired", "Email Bounced", "soft", "", "Connection timed out"),
        ("exim_unrouteable", "Email Bounced", "hard", "hard bounce", "Unrouteable address"),
        ("exim_dsn_quota", "Email Bounced", "soft", "", "552 5.2.2 Quota exceeded"),
        ("exchange_not_found", "Email Bounced", "hard", "hard bounce", "RESOLVER.ADR.RecipientNotFound"),
        ("gmail_no_such_user", "Email Bounced", "hard", "hard bounce", "does not exist"),
        ("gmail_over_quota", "Email Bounced", "soft", "", "out of storage space"),
        ("policy_block", "Email Bounced", "soft", "", "block list"),
        ("qmail", "Email Bounced", "hard", "hard bounce", "No such user here"),
        ("arf_complaint", "Email Marked as Spam", "", "complaint", "abuse"),
        ("delivered", "Email Delivered", "", "", ""),
    ],
)
def test_what_servers_write(name: str, event: str, kind: str, suppression: str, reason: str) -> None:
    report = told(mail(name))
    assert report is not None
    assert (report.response.name, report.response.kind, report.suppression) == (event, kind, suppression)
    assert reason in report.response.reason
    assert "\n" not in report.response.reason
    if name != "exim_dsn_quota":  # That one came to an address without a mark.
        assert report.intent == INTENT
    else:
        assert report.message_id == f"<{INTENT}@shop.example>"


@pytest.mark.parametrize("name", ["postfix_delayed", "arf_not_spam", "out_of_office", "vacation_of_postmaster"])
def test_what_is_no_bounce(name: str) -> None:
    assert told(mail(name)) is None


@pytest.mark.parametrize(
    "name",
    ["postfix_unknown_user", "exim_unrouteable", "exchange_not_found", "gmail_no_such_user", "qmail", "arf_complaint"],
)
def test_without_an_address_of_ours_the_quoted_mail_says_which(name: str) -> None:
    report = told(mail(name, "bounces@shop.example"))
    assert report is not None
    assert (report.intent, report.message_id) == ("", f"<{INTENT}@shop.example>")


def test_the_mail_server_may_say_where_it_came_to() -> None:
    report = told(mail("policy_block", "bounces@shop.example"), VERP.upper())
    assert report is not None
    assert report.intent == INTENT


def test_when_it_was() -> None:
    report = told(mail("postfix_unknown_user"))
    assert report is not None
    assert report.response.at == parse_time("2025-03-11T08:15:12Z")


def test_lines_that_end_otherwise() -> None:
    for name in ("postfix_unknown_user", "exim_unrouteable"):
        report = told(mail(name).replace(b"\n", b"\r\n"))
        assert report is not None
        assert (report.response.kind, report.intent) == ("hard", INTENT)


def test_a_forged_mark_is_none() -> None:
    other = VERP.replace("+", "+a", 1)[:-1]
    report = told(mail("policy_block", other))
    assert report is not None
    assert report.intent == ""


@pytest.mark.parametrize(
    ("status", "words", "hard"),
    [
        ("5.1.1", "550 5.1.1 user unknown", True),
        ("5.1.1", "550 5.1.1 message rejected as spam", False),
        ("5.0.0", "550 mailbox not found", True),
        ("5.0.0", "550 rejected", False),
        ("5.0.0", "550 5.1.1 <a@b.example>... User unknown", True),
        ("5.1.1", "550 5.7.1 rejected by policy", False),
        ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled", True),
        ("5.2.2", "552 5.2.2 mailbox full, user not found either", False),
        ("5.4.4", "Host or domain name not found. Name service error", True),
        ("5.1.8", "553 5.1.8 sender address rejected: domain not found", False),
        ("5.7.26", "550-5.7.26 unauthenticated, DMARC", False),
        ("4.2.2", "452 4.2.2 over quota", False),
        ("4.1.1", "450 4.1.1 user unknown", False),
        ("", "550 No such user", True),
        ("", "450 No such user, try again", False),
        ("", "", False),
        ("5.1.10", "null MX", True),
        ("5.5.0", "550 Requested action not taken: mailbox unavailable", True),
    ],
)
def test_hard_or_soft(status: str, words: str, *, hard: bool) -> None:
    assert is_hard(status, words) is hard


def _nested(depth: int) -> bytes:
    parts = [b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (number, number) for number in range(depth)]
    return b"From: mailer-daemon@a.example\nSubject: failure notice\n" + b"".join(parts) + b"\nx"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00" * 1000,
        b"\xff\xfe" * 1000,
        b"From: mailer-daemon@a.example\n\n" + b"user " * 500_000,
        b"Subject: failure notice\nFrom: mailer-daemon@a.example\nTo: " + b"a@b.example, " * 100_000 + b"\n\nx",
        b"A: b\n" * 100_000,
        b"Content-Type: multipart/report; boundary=x\n\n" + b"--x\n\n" * 100_000,
        b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\n"
        + b"a: b\n\n" * 50_000,
        b"Content-Type: text/plain; charset=unheard-of\nFrom: mailer-daemon@a.example\n\nfailure notice \xff",
        b"Content-Transfer-Encoding: base64\nFrom: mailer-daemon@a.example\n\n!!!",
        b"Content-Type: message/feedback-report\n\n\xff\xff",
        _nested(400),
        _nested(5_000),
    ],
    ids=range(13),
)
def test_hostile_mail_is_no_trouble(body: bytes) -> None:
    report = told(body)
    assert report is None or report.suppression == ""


def test_of_a_large_mail_the_beginning_counts() -> None:
    report = told(mail("postfix_unknown_user") + b"x" * READ_BYTES * 4)
    assert report is not None
    assert report.intent == INTENT
