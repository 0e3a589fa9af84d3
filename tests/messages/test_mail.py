"""A rendered message as mail: the same bytes each time, standard headers, and no way to smuggle one in."""

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.messages import links
from tactful.messages.links import Unsubscribe
from tactful.messages.mail import AddressError, Rendered, address, compose
from tactful.messages.plain import plain_text
from tactful.messages.render import render
from tactful.messages.source import MessageSource, decode
from tactful.messages.template import TemplateError
from tactful.values import parse_time
from tests.tries import tries

NOW = parse_time("2025-03-01T08:00:00Z") or 0
URL = "https://t.shop.example/v1/unsubscribe/AbC-_123"
SENDER = "Shop <hello@shop.example>"


def mail(body: bytes) -> EmailMessage:
    parsed = message_from_bytes(body, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


def made(rendered: Rendered, to: str = "ada@people.example") -> bytes:
    return compose(rendered, SENDER, to, "0123456789abcdef", NOW)


def test_golden() -> None:
    """RFC 8058, RFC 5322, RFC 2046: what a mailbox provider looks at, byte for byte."""
    source = MessageSource(
        "m", "Your {{ event.properties.name }}", "<p>Hi {{ profile.name }}</p>", "Hi {{ profile.name }}", purpose="p"
    )
    values = {"profile": {"name": "Zoë"}, "event": {"name": "x", "timestamp": NOW, "properties": {"name": "lamp"}}}
    body = made(render(source, values, NOW, URL))
    assert body == (
        b"Message-ID: <0123456789abcdef@shop.example>\r\n"
        b"Date: Sat, 01 Mar 2025 08:00:00 +0000\r\n"
        b"From: Shop <hello@shop.example>\r\n"
        b"To: ada@people.example\r\n"
        b"Subject: Your lamp\r\n"
        b"List-Unsubscribe: <https://t.shop.example/v1/unsubscribe/AbC-_123>\r\n"
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        b"MIME-Version: 1.0\r\n"
        b'Content-Type: multipart/alternative; boundary="=_BOUNDARY"\r\n'
        b"\r\n"
        b"--=_BOUNDARY\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n"
        b"\r\n"
        b"Hi Zo=C3=AB\r\n"
        b"--=_BOUNDARY\r\n"
        b"Content-Type: text/html; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n"
        b"\r\n"
        b"<p>Hi Zo=C3=AB</p>\r\n"
        b"--=_BOUNDARY--\r\n"
    ).replace(b"BOUNDARY", body.partition(b'boundary="=_')[2][:32])
    assert body == made(render(source, values, NOW, URL))


def test_a_long_unsubscribe_link_is_not_broken() -> None:
    url = "https://t.shop.example/v1/unsubscribe/" + "A1b-_" * 60
    parsed = mail(made(Rendered("s", "", "t", (("List-Unsubscribe", f"<{url}>"),))))
    assert str(parsed["List-Unsubscribe"]) == f"<{url}>"
    raw = made(Rendered("s", "", "t", (("List-Unsubscribe", f"<{url}>"),)))
    assert f"<{url}>".encode() in raw, "encoded words or folds inside an address break one-click"


@pytest.mark.parametrize("subject", ["é" * 998, "𝄞" * 998, "word " * 150 + "end", "=?utf-8?q?no?=", "a  b", "é  é"])
def test_a_subject_of_any_length_arrives_whole_on_short_lines(subject: str) -> None:
    body = made(Rendered(subject, "", "t"))
    assert str(mail(body)["Subject"]) == subject
    assert max(map(len, body.split(b"\r\n"))) <= 86


nasty = st.text(st.characters(codec="utf-8") | st.sampled_from("\r\n\0\t:<>\u2028\u2029\x85"), max_size=60)


@settings(max_examples=tries(200), deadline=None)
@given(nasty, nasty, nasty)
def test_whatever_a_value_holds_no_header_is_added(name: str, title: str, more: str) -> None:
    source = MessageSource(
        "m", "Hi {{ profile.name }}, {{ title }}", text="body {{ profile.more }}", preheader="{{ title }}"
    )
    try:
        rendered = render(source, {"profile": {"name": name, "more": more}, "title": title}, NOW, URL)
    except TemplateError:
        pytest.fail("a value is never a mistake of the template")
    body = made(rendered)
    head = body.partition(b"\r\n\r\n")[0]
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert names == [
        b"Message-ID", b"Date", b"From", b"To", b"Subject", b"List-Unsubscribe", b"List-Unsubscribe-Post",
        b"MIME-Version", b"Content-Type", b"Content-Transfer-Encoding",
    ]  # fmt: skip
    assert str(mail(body)["Subject"]) == rendered.subject
    assert not set(rendered.subject) & set("\r\n\0\t\x85\u2028\u2029")
    assert max(map(len, body.split(b"\r\n"))) <= 998


@settings(max_examples=tries(100), deadline=None)
@given(st.text("aé😀 ", min_size=1, max_size=90), st.text("aé😀 ", max_size=60), st.integers(1, 60))
def test_lines_with_encoded_words_are_as_short_as_they_have_to_be(subject: str, name: str, length: int) -> None:
    """RFC 2047 2: 76 characters; but for an address that has more than a line by itself."""
    sender = f"{name}é <{'x' * length}@shop.example>"
    body = compose(Rendered(f"{subject}.", "", "t"), sender, "ada@people.example", "i", NOW)
    lines = body.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert max(len(line) for line in lines if b"=?" in line) <= 76
    assert mail(body)["From"].addresses[0].username == "x" * length
    # The newer parser puts a blank between two encoded words of a name, which RFC 2047 6.2 does not.
    written = message_from_bytes(body, policy=policy.compat32)["From"]
    assert str(make_header(decode_header(written))).strip() == f"{name}é <{'x' * length}@shop.example>".strip()


@settings(max_examples=tries(200), deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=300))
def test_text_and_html_arrive_as_they_were(text: str) -> None:
    if not text.strip():
        return
    parsed = mail(made(Rendered("s", f"<p>{text}</p>", text)))
    parts = [part.get_content().replace("\r\n", "\n").rstrip("\n") for part in parsed.iter_parts()]
    assert parts == [text, f"<p>{text}</p>"]


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("a@b.example", "a@b.example"),
        ("Shop <a@b.example>", "a@b.example"),
        ('"Shop, Inc." <a@b.example>', "a@b.example"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("jörg@b.example", "jörg@b.example"),
    ],
)
def test_addresses(text: str, spec: str) -> None:
    assert address(text).spec == spec


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@",
        "@b",
        "a b@c.example",
        "a@b\r\nBcc: x@y.example",
        "a@b.example, c@d.example",
        "<a@b.example",
        "a@b@c",
        "a\0@b.example",
        "x <a@b.example> y",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(AddressError):
        address(text)


def test_html_alone_gets_a_text_part() -> None:
    html = (
        "<html><head><title>no</title><style>p{}</style></head><body><div style='display:none'>hidden</div>"
        "<h1>Your  cart</h1><p>One &amp; two<br>three</p><ul><li>Lamp</li></ul><script>no()</script>"
        "<p>Go to <a href='https://shop.example/c'>the cart</a> <img src=x alt='A lamp'></p></body></html>"
    )
    assert (
        plain_text(html)
        == "Your cart\n\nOne & two\nthree\n\n- Lamp\n\nGo to the cart (https://shop.example/c) A lamp\n"
    )
    rendered = render(MessageSource("m", "s", html="<p>Hi</p>"), {}, NOW)
    assert rendered.text == "Hi\n"
    assert rendered.headers == ()


def test_a_preheader_stands_hidden_at_the_beginning_of_the_body() -> None:
    source = MessageSource("m", "s", "<html><body class=x><p>Hi</p></body></html>", "t", preheader="{{ p }}")
    html = render(source, {"p": "<5 left"}, NOW).html
    assert html.startswith('<html><body class=x><div style="display:none')
    assert "&lt;5 left" in html
    assert plain_text(html) == "Hi\n"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (MessageSource("m", "{{ nothing }}", text="t"), "the subject is empty"),
        (MessageSource("m", "s"), "the message is empty"),
        (MessageSource("m", "s", text="{{ nothing }}"), "the message is empty"),
        (MessageSource("m", "s", text="one\n{{ x | shout }}"), "text: line 2: unknown filter 'shout'"),
    ],
)
def test_what_cannot_be_rendered_says_why(source: MessageSource, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(source, {}, NOW)
    assert str(caught.value) == message


def test_a_source_keeps_its_digest() -> None:
    source = MessageSource("m", "s", text="t", sender=SENDER)
    assert decode(source.encode()) == source
    assert source.digest() == decode(source.encode()).digest()
    assert source.digest() != MessageSource("m", "s", text="u", sender=SENDER).digest()


# ---- unsubscribe links -----------------------------------------------------------------------------------------

OLD, NEW = bytes(range(64)), bytes(range(64, 128))
WANTED = Unsubscribe("u:42", "email_marketing", "0123456789abcdef")


def test_a_link_is_opaque_the_same_each_time_and_survives_a_new_key() -> None:
    token = links.seal({1: OLD}, WANTED)
    assert token == links.seal({1: OLD}, WANTED)
    assert links.unseal({1: OLD, 2: NEW}, token) == WANTED
    assert links.unseal({2: NEW}, token) is None
    assert links.unseal({1: NEW}, token) is None
    assert links.seal({1: OLD, 2: NEW}, WANTED) == links.seal({2: NEW}, WANTED)
    assert b"u:42" not in token.encode()
    assert links.link("https://x.example/", {1: OLD}, WANTED) == f"https://x.example/v1/unsubscribe/{token}"


@settings(max_examples=tries(300))
@given(st.data())
def test_no_changed_link_works(data: st.DataObject) -> None:
    token = links.seal({1: OLD}, WANTED)
    at = data.draw(st.integers(0, len(token) - 1))
    sign = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    changed = token[:at] + sign + token[at + 1 :]
    assert links.unseal({1: OLD}, changed) == (WANTED if changed == token else None)


@given(st.text(max_size=200))
def test_what_nobody_sealed_does_not_open(text: str) -> None:
    assert links.unseal({1: OLD}, text) is None
