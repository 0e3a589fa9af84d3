"""DKIM: what is signed here, another implementation verifies; and what is changed on the way, it does not."""

import base64
import re
from collections.abc import Callable
from email import message_from_bytes, policy

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.messages.dkim import DkimError, is_record_of, record, signer
from tactful.messages.mail import Rendered, compose
from tactful.values import parse_time
from tests.tries import tries

AT = parse_time("2025-03-01T08:00:00Z") or 0
RENDERED = Rendered(
    "Ihr Körbchen: 20 % auf alles, was Sie sich angesehen haben, und noch ein bisschen mehr",
    "<p>Hello   Ada</p>\n<p>.</p>\n\n",
    "Hello Ada \t\n.\n..dots\n\n\n",
    (
        ("List-Unsubscribe", "<https://t.shop.example/u/" + "x" * 200 + ">"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ),
)


def pem(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


RSA = pem(generate_private_key(65537, 2048))
ED25519 = pem(Ed25519PrivateKey.generate())
each_key = pytest.mark.parametrize("key", [RSA, ED25519], ids=["rsa", "ed25519"])


def dns(key: bytes) -> Callable[..., bytes]:
    """A name server that knows our record."""

    def ask(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"tactful._domainkey.shop.example."
        return record(key).encode()

    return ask


def written(rendered: Rendered = RENDERED) -> bytes:
    return compose(rendered, "Käthe's Shop <hello@shop.example>", "ada@people.example", "i1", AT)


def verified(mail: bytes, key: bytes) -> bool:
    return bool(dkim.verify(mail, dnsfunc=dns(key)))


@each_key
def test_another_implementation_verifies_it(key: bytes) -> None:
    signed = signer("shop.example", "tactful", key)(written(), AT)
    assert signed.endswith(written())
    assert verified(signed, key)
    assert signer("shop.example", "tactful", key)(written(), AT) == signed, "the same claim gives the same bytes"
    header = signed.removesuffix(written())
    assert all(len(line) <= 78 for line in header.split(b"\r\n"))


@each_key
def test_reflowed_on_the_way_it_still_holds(key: bytes) -> None:
    signed = signer("shop.example", "tactful", key)(written(), AT)
    head, _, body = signed.partition(b"\r\n\r\n")
    reflowed = head.replace(b"Subject: ", b"Subject:\r\n\t ") + b"\r\n\r\n" + body.replace(b" ", b"  ", 1) + b"\r\n\r\n"
    assert verified(reflowed, key)


@each_key
@pytest.mark.parametrize(
    ("what", "to"),
    [
        (b"Hello", b"Hallo"),
        (b"From: ", b"From: Somebody else <a@b.example>\r\nFrom: "),
        (b"Subject: ", b"Subject: You have won\r\nSubject: "),
        (b"To: ", b"To: eve@people.example\r\nTo: "),
        (b"ada@people.example", b"eve@people.example"),
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=Two-Clicks"),
        (b"<https://t.shop.example", b"<https://evil.example"),
        (b"Message-ID: <i1@", b"Message-ID: <i2@"),
        (b"multipart/alternative", b"multipart/mixed"),
    ],
)
def test_what_was_changed_on_the_way_does_not_hold(key: bytes, what: bytes, to: bytes) -> None:
    signed = signer("shop.example", "tactful", key)(written(), AT)
    head, _, rest = signed.partition(b"Message-ID")
    changed = head + (b"Message-ID" + rest).replace(what, to, 1)
    assert changed != signed
    assert not verified(changed, key)


def test_what_mailboxes_demand_is_covered() -> None:
    signed = signer("shop.example", "tactful", RSA)(written(), AT)
    tags = dict(re.findall(r"(\w+)=([^;]*)", re.sub(r"\s", "", str(message_from_bytes(signed)["DKIM-Signature"]))))
    covered = tags["h"].split(":")
    assert {"from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post"} <= set(covered)
    assert covered.count("from") == 2, "oversigned"
    assert (tags["a"], tags["c"], tags["d"], tags["s"], tags["t"]) == (
        "rsa-sha256",
        "relaxed/relaxed",
        "shop.example",
        "tactful",
        "1740816000",
    )
    assert message_from_bytes(signed, policy=policy.SMTP)["Subject"] == RENDERED.subject


@settings(max_examples=tries(40), deadline=None)
@given(subject=st.text(min_size=1, max_size=200), text=st.text(min_size=1, max_size=400), html=st.text(max_size=400))
def test_whatever_is_written_verifies(subject: str, text: str, html: str) -> None:
    subject = (
        " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", subject.encode("utf-8", "replace").decode()).split())
        or "x"
    )
    mail = written(Rendered(subject, html.replace("\r", ""), text.replace("\r", "")))
    assert verified(signer("shop.example", "tactful", ED25519)(mail, AT), ED25519)


@each_key
def test_a_record_is_known_again(key: bytes) -> None:
    said = record(key)
    assert said.startswith("v=DKIM1; k=")
    assert is_record_of(said, key)
    assert is_record_of(said.replace("; ", " ;  ").replace("v=DKIM1 ;", "") + ";", key)
    assert not is_record_of(said, RSA if key == ED25519 else ED25519)
    assert not is_record_of("v=DKIM1; p=", key), "a key that was withdrawn"
    assert not is_record_of("v=spf1 -all", key)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (b"no key", "PEM"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "RSA and Ed25519"),
        (base64.b64decode(b"LS0tLS0="), "PEM"),
    ],
)
def test_a_key_that_cannot_sign(key: bytes, words: str) -> None:
    with pytest.raises(DkimError, match=words):
        signer("shop.example", "tactful", key)
