"""DKIM: a signature by the sender's domain over a mail's bytes (RFC 6376; Ed25519: RFC 8463).

Relaxed canonicalization of both header and body, which servers on the way may reflow without breaking it. Signed are
From, which must be, whatever else readers are shown, and the two List-Unsubscribe headers, without which mailboxes show
no button (RFC 8058 4); From, To and Subject are signed once more than they are there, so that nobody can add another.
The time in it is the claim's, hence the same claim gives the same bytes. Written by hand, since the libraries take the
time from the clock and work RSA out in Python, at a tenth of the speed.
"""

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tactful.values import SECOND_US

LEAST_BITS = 1024
"""RFC 8301 3.2: receivers take no shorter RSA keys; 2048 are better."""
SIGNED = (
    "from", "reply-to", "to", "cc", "subject", "date", "message-id", "mime-version", "content-type",
    "content-transfer-encoding", "list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id",
)  # fmt: skip
"""RFC 6376 5.4.1, with what RFC 8058 demands."""
ONCE_MORE = frozenset({"from", "to", "subject"})
"""Oversigned: a second one breaks the signature (RFC 6376 8.15)."""

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:((?:[^\r]|\r\n[ \t])*)\r\n")
_BLANKS = re.compile(b"  +")
_LINE_CHARS = 70

Sign = Callable[[bytes, int], bytes]
"""The bytes of a mail, and the instant of its claim -> the same with the signature in front."""


class DkimError(Exception):
    """A private key that nobody can sign with; the text says why."""


class _Key:
    """One private key as DKIM uses it."""

    def __init__(self, pem: bytes) -> None:
        try:
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError) as error:
            raise DkimError(f"no private key in PEM without a password: {error}") from None
        if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
            raise DkimError(f"DKIM knows RSA and Ed25519, not {type(key).__name__}")
        if isinstance(key, RSAPrivateKey) and key.key_size < LEAST_BITS:
            raise DkimError(f"an RSA key of {key.key_size} bits is too short: 2048 are good")
        self._key: RSAPrivateKey | Ed25519PrivateKey = key
        self.algorithm = "rsa-sha256" if isinstance(key, RSAPrivateKey) else "ed25519-sha256"

    def sign(self, data: bytes) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(data, PKCS1v15(), hashes.SHA256())
        # RFC 8463 3: what is signed is the digest.
        return self._key.sign(sha256(data).digest())

    def public(self) -> str:
        """As it stands behind p= in the DNS."""
        public = self._key.public_key()
        if isinstance(self._key, RSAPrivateKey):
            return b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode("ascii")
        return b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode("ascii")


def signer(domain: str, selector: str, pem: bytes) -> Sign:
    """Raises DkimError where the key is none."""
    key = _Key(pem)

    def sign(mail: bytes, at_us: int) -> bytes:
        head, _, body = mail.partition(b"\r\n\r\n")
        fields = _FIELD.findall(head + b"\r\n")
        named, canonical = _chosen(fields)
        tags = [
            "v=1", f"a={key.algorithm}", "c=relaxed/relaxed", f"d={domain}", f"s={selector}",
            f"t={at_us // SECOND_US}", f"h={':'.join(named)}", f"bh={_b64(sha256(_relaxed_body(body)).digest())}", "b=",
        ]  # fmt: skip
        field = _folded(tags)
        signature = key.sign(canonical + _relaxed("dkim-signature", field.encode("ascii"))[:-2])
        return f"DKIM-Signature:{field}{_wrapped(_b64(signature))}\r\n".encode("ascii") + mail

    return sign


def record(pem: bytes) -> str:
    """What must stand in the DNS at SELECTOR._domainkey.DOMAIN, as TXT. Raises DkimError."""
    key = _Key(pem)
    return f"v=DKIM1; k={key.algorithm.partition('-')[0]}; p={key.public()}"


def is_record_of(text: str, pem: bytes) -> bool:
    """Whether a record of the DNS holds this key's public half (tags may stand in any order, with blanks)."""
    tags = dict(tag.strip().partition("=")[::2] for tag in text.split(";") if "=" in tag)
    published = "".join(next((value for name, value in tags.items() if name.strip() == "p"), "").split())
    return published == _Key(pem).public()


def _chosen(fields: list[tuple[bytes, bytes]]) -> tuple[list[str], bytes]:
    """The names of h=, and what they stand for; of several of a name the last is taken first (RFC 6376 5.4.2)."""
    named: list[str] = []
    canonical = b""
    for name in SIGNED:
        values = [value for field, value in fields if field.lower() == name.encode("ascii")]
        for value in reversed(values):
            named.append(name)
            canonical += _relaxed(name, value)
        if name in ONCE_MORE:
            named.append(name)
    return named, canonical


def _relaxed(name: str, value: bytes) -> bytes:
    """RFC 6376 3.4.2."""
    return name.encode("ascii") + b":" + _one_blank(value.replace(b"\r\n", b"")).strip(b" ") + b"\r\n"


def _relaxed_body(body: bytes) -> bytes:
    """RFC 6376 3.4.4: blanks are one, none at the ends of lines, no empty lines at the end."""
    body = _one_blank(body).replace(b" \r\n", b"\r\n").rstrip(b" ")
    body = body.rstrip(b"\r\n")
    return body + b"\r\n" if body else b""


def _one_blank(text: bytes) -> bytes:
    """Each run of blanks and tabs as one blank; a pattern that begins with what it looks for is the fastest way."""
    return _BLANKS.sub(b" ", text.replace(b"\t", b" "))


def _folded(tags: list[str]) -> str:
    """One tag after the other, on as many lines as it takes."""
    lines: list[str] = []
    line = ""
    for tag in tags:
        piece = f" {tag}" if tag == "b=" else f" {tag};"
        room = _LINE_CHARS if lines else _LINE_CHARS - len("DKIM-Signature:")
        if line and len(line) + len(piece) > room:
            lines.append(line)
            line = ""
        while len(piece) > _LINE_CHARS:
            # Only h= is longer, and may be folded at its colons.
            at = piece.rfind(":", 0, _LINE_CHARS) + 1 or _LINE_CHARS
            lines.append(piece[:at])
            piece = f" {piece[at:]}"
        line += piece
    return "\r\n".join([*lines, line])


def _wrapped(text: str) -> str:
    return "".join(f"\r\n {text[at : at + _LINE_CHARS]}" for at in range(0, len(text), _LINE_CHARS))


def _b64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
