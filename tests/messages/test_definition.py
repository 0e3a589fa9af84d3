"""A message's file: channels, variants, translations, fetched data, coupons; every mistake with its place."""

import pytest

from tactful.messages.definition import Message
from tactful.messages.fetches import Fetch
from tactful.messages.source import MessageSource, decode, source_of
from tactful.values import MINUTE_US
from tests.messages.scene import message, mistakes


def test_a_mail_needs_a_subject_and_a_body() -> None:
    assert message("subject: x\nhtml: <p>y</p>\n").text == ""
    assert message("subject: x\nmjml: <mjml></mjml>\n").html == ""
    assert message("subject: x\ntext: y\n").channel == "email"
    assert mistakes("subject: x\n") == ["messages/m.yaml:1:1: the message has no body / write html:, mjml: or text:"]
    assert mistakes("html: y\n") == ['messages/m.yaml:1:1: a message needs "subject" / add a line subject: ...']


@pytest.mark.parametrize(
    ("channel", "text", "purpose"),
    [
        ("sms", "text: Hi {{ profile.name }}", "sms_marketing"),
        ("chat", "text: Hi\ntitle: News", "chat_marketing"),
        (
            "push",
            "title: Hi\ntext: There\nurl: https://shop.example/c\nicon: https://shop.example/i.png",
            "push_marketing",
        ),
        ("web_push", "title: Hi\ntext: There", "push_marketing"),
    ],
)
def test_other_channels_have_fields_of_their_own(channel: str, text: str, purpose: str) -> None:
    found = message(f"channel: {channel}\n{text}\n")
    assert (found.channel, found.purpose, found.subject) == (channel, purpose, "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "channel: sms\ntext: x\nsubject: y\n",
            "messages/m.yaml:3:10: what goes out by sms has no subject / of this channel are text",
        ),
        ("channel: push\ntext: x\n", 'messages/m.yaml:1:1: a message needs "title" / add a line title: ...'),
        (
            "channel: sms\ntext: x\nfrom: a@b\n",
            "messages/m.yaml:3:7: what goes out by sms has no from: / remove the line",
        ),
        (
            "channel: smss\nsubject: x\ntext: y\n",
            'messages/m.yaml:1:10: "channel" cannot be "smss" / did you mean "sms"?',
        ),
        (
            "subject: x\nhtml: y\nmjml: <mjml/>\n",
            "messages/m.yaml:3:7: html: and mjml: are two ways to write one body / keep one of them",
        ),
        (
            "subject: x\ntext: y\namp: z\n",
            "messages/m.yaml:3:6: most programs show no AMP / write html: or mjml: as well",
        ),
        (
            "subject: x\ntext: y\nlanguage: German\n",
            'messages/m.yaml:3:11: "German" is no language / write en, de-AT or zh-Hant-TW',
        ),
        (
            "subject: x\ntext: '{{ coupon.code }}'\n",
            "messages/m.yaml:1:1: its templates show a coupon, and no pool is named / add a line coupon: NAME",
        ),
        (
            "subject: x\ntext: y\ncoupon: Spring 25\n",
            'messages/m.yaml:3:9: "Spring 25" cannot be the name of a pool / small letters, digits and _ only',
        ),
        (
            "subject: x\ntext: y\ntracking: no\n",
            'messages/m.yaml:3:11: "tracking" cannot be "no" / write on or off',
        ),
        (
            "subject: x\ntext: y\ntranslations:\n  German: {subject: z}\n",
            'messages/m.yaml:4:3: "German" is no language / write de, de-AT or zh-Hant-TW',
        ),
        (
            "subject: x\ntext: y\ntranslations:\n  de: {subject: '{% if %}'}\n",
            "messages/m.yaml:4:18: the template cannot be used: line 1: missing expression / ",
        ),
    ],
)
def test_mistakes(text: str, said: str) -> None:
    assert mistakes(text) == [said]


BASE = "subject: x\ntext: y\n"


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        ("[]", "variants are a list"),
        ("[{name: a}]", "nobody says who gets this variant"),
        ("[{name: a, share: 20%}]", "the variant says nothing else than the message"),
        ("[{name: a, share: 0%, subject: z}]", '"0%" is no share'),
        ("[{name: a, share: half, subject: z}]", '"half" is no share'),
        ("[{name: A b, share: 5%, subject: z}]", '"A b" cannot be the name of a variant'),
        ("[{name: a, share: 5%, subject: z}, {name: a, share: 5%, subject: z}]", 'two variants are called "a"'),
        (
            "[{name: a, share: 60%, subject: z}, {name: b, share: 60%, subject: z}]",
            "the shares of variants with the same condition add up to 120%",
        ),
        ("[{name: a, if: country = 1, subject: z}]", "= does not compare"),
        ("[{name: a, if: 'segment(\"regular\")', subject: z}]", 'there is no segment "regular"'),
        ("[{name: a, share: 5%, subject: y, title: z}]", 'a variant has no "title"'),
        ("[{name: a, share: 5%, subject: '{{ x | shout }}'}]", "the template cannot be used: line 1: unknown filter"),
    ],
)
def test_mistakes_in_variants(variants: str, said: str) -> None:
    (found,) = mistakes(f"{BASE}variants: {variants}\n")
    assert found.split(": ", 1)[1].startswith(said)
    assert found.startswith("messages/m.yaml:3:")


def test_shares_of_other_conditions_are_other_shares() -> None:
    found = message(
        BASE + "variants:\n"
        "  - {name: a, if: country == 'DE', share: 80%, subject: z}\n"
        "  - {name: b, if: country != 'DE', share: 80%, subject: z}\n"
    )
    assert [one.share for one in found.variants] == [0.8, 0.8]


@pytest.mark.parametrize(
    ("fetch", "said"),
    [
        ("{a: {url: 'ftp://x/y'}}", '"ftp://x/y" is no address to fetch from'),
        ("{a: {url: 'https://{{ profile.host }}/x'}}", "is no address to fetch from"),
        ("{a: {url: 'https://shop.example{{ profile.x }}'}}", "is no address to fetch from"),
        ("{a: {url: 'https://u:p@shop.example/x'}}", "is no address to fetch from"),
        ("{profile: {url: 'https://shop.example/x'}}", '"profile" cannot be the name of fetched data'),
        ("{cart: {url: 'https://shop.example/x'}}", '"cart" cannot be the name of fetched data'),
        ("{a: {url: 'https://shop.example/x', timeout: 1m}}", '"1m" is no time to wait'),
        ("{a: {url: 'https://shop.example/x', timeout: 6s}}", '"6s" is no time to wait'),
        ("{a: {timeout: 1s}}", 'fetch a needs "url"'),
        ("{a: {url: 'https://x.example/{{ key | shout }}'}}", "line 1: unknown filter 'shout'"),
        ("{a: {url: 'https://x.example/{{ key'}}", "the template cannot be used: line 1"),
        ("{a: {url: 'https://x.example/{% block \"b\" %}'}}", 'there is no block "b"'),
        ("{a: {url: 'https://x.example/{{ (1..99999999) | join }}'}}", "a range has more than 10000 items"),
    ],
)
def test_mistakes_in_what_is_fetched(fetch: str, said: str) -> None:
    assert any(said in one for one in mistakes(f"{BASE}fetch: {fetch}\n"))


def test_what_is_fetched() -> None:
    found = message(
        BASE + "fetch:\n  stock:\n    url: https://shop.example/s?sku={{ event.properties.sku | url_encode }}\n"
        "    timeout: 300ms\n    cache: 5m\n    default: {left: 0, on: true, at: 'x', none: null, list: [1, 2.5, a]}\n"
    )
    assert found.fetches == (
        Fetch(
            "stock",
            "https://shop.example/s?sku={{ event.properties.sku | url_encode }}",
            300_000,
            5 * MINUTE_US,
            b'{"left":0,"on":true,"at":"x","none":null,"list":[1,2.5,"a"]}',
        ),
    )


def test_a_confirmation_is_the_same_for_everybody() -> None:
    text = "confirms: p\nsubject: x\ntext: '{{ confirm_url }}'\nvariants: [{name: a, share: 5%, subject: z}]\n"
    assert "a confirmation is the same for everybody" in mistakes(text)[0]
    translated = message("confirms: p\nsubject: x\ntext: '{{ confirm_url }}'\ntranslations: {de: {subject: Ja?}}\n")
    assert translated.translations == {"de": {"subject": "Ja?"}}
    (said,) = mistakes(
        "confirms: p\nsubject: x\ntext: '{{ confirm_url }}'\ntranslations: {de: {subject: '{{ key }}'}}\n"
    )
    assert "key is not to be had here" in said


def test_it_knows_what_it_looks_at() -> None:
    found = message(
        "subject: '{{ metric.spent }} {{ segments | join }}'\n"
        "html: |\n  {% for item in cart.items %}{{ item.name }}{% endfor %} {{ profile.cart }} value\n"
    )
    assert [one.path for one in found.sees] == [("cart", "items"), ("metric", "spent")]
    assert "segments" in found.names
    hidden = message("subject: x\nhtml: '{% assign c = cart %}{{ c[profile.part] }}'\n")
    assert [one.path[1] for one in hidden.sees] == ["items", "lines", "quantity", "value", "changed_at"]
    assert message("subject: cart\ntext: our cart.items\n").sees == ()
    assert message(BASE + "variants: [{name: a, share: 5%, text: '{{ cart.value }}'}]\n").sees != ()


def everything() -> Message:
    return message(
        "subject: x\npreheader: p\nmjml: <mjml></mjml>\namp: a\nlanguage: en\ntracking: off\nfrom: a@b.c\n"
        "variants: [{name: a, share: 5%, subject: z, translations: {de: {subject: d}}}]\n"
        "translations: {de: {subject: d}}\nfetch: {f: {url: 'https://x.example/'}}\n"
    )


def test_a_source_comes_back_the_same() -> None:
    source = source_of(everything())
    assert decode(source.encode()) == source
    assert decode(source.encode()).encode() == source.encode()
    assert source.digest() == source_of(everything()).digest()


def test_a_source_of_an_earlier_version_is_read() -> None:
    """The outbox keeps what was frozen before the fields were added."""
    assert decode(b"\x98\xa1m\xa1s\xa0\xa1t\xa0\xa0\xa0\xa0") == MessageSource("m", "s", text="t")
