"""Webhooks of providers: only who proves it is believed, each report is for the person that the outbox names, and
repeats, in whatever order, change nothing. The files of `payloads/` are after the providers' own documentation.
"""

import base64
import json
from typing import Any

import pytest
from starlette.applications import Starlette

from tactful.events.derived import SendMessage
from tactful.messages.reports import CALL_BYTES, ses
from tactful.runtime.settings_responses import HookSettings
from tactful.values import HOUR_US, digest
from tactful.web.hooks import Doors, routes
from tests.reports.callers import (
    ADDRESS,
    CERTIFICATE,
    INTENT,
    NOW,
    PASSWORD,
    SENT,
    SUBSCRIBE,
    TOPIC,
    House,
    certificate,
    notice,
    payload,
)
from tests.web.asking import Answer, ask

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


# ---- what they tell --------------------------------------------------------------------------------------------------

ABOUT = {"intent": INTENT, "journey": "welcome", "message": "hello", "channel": "email", "step": "first"}


@pytest.mark.parametrize(
    ("name", "event", "more", "suppressed"),
    [
        ("ses_bounce", "Email Bounced", {"kind": "hard", "reason": "smtp; 550 5.1.1 user unknown"}, "hard bounce"),
        ("ses_old_notification", "Email Bounced", {"kind": "hard", "reason": "Permanent Suppressed"}, "hard bounce"),
        ("ses_transient", "Email Bounced", {"kind": "soft", "reason": "Transient MailboxFull"}, ""),
        ("ses_complaint", "Email Marked as Spam", {"reason": "abuse"}, "complaint"),
        ("ses_delivery", "Email Delivered", {}, ""),
        ("ses_open", "Email Opened", {"machine": False}, ""),
        (
            "ses_click",
            "Email Link Clicked",
            {"machine": True, "reason": "scanner", "link": "https://shop.example/cart?a=1&b=2"},
            "",
        ),
        ("ses_subscription", "Unsubscribed", {"reason": "SES", "purpose": "email_marketing"}, ""),
        ("mailgun_failed", "Email Bounced", {"kind": "hard", "reason": "550 No Such User Here"}, "hard bounce"),
        ("mailgun_temporary", "Email Bounced", {"kind": "soft"}, ""),
        ("mailgun_opened", "Email Opened", {"machine": True, "reason": "Mailgun: apple"}, ""),
        ("mailgun_clicked", "Email Link Clicked", {"machine": False, "link": "https://shop.example/cart"}, ""),
        ("mailgun_complained", "Email Marked as Spam", {}, "complaint"),
        ("mailgun_unsubscribed", "Unsubscribed", {"purpose": "email_marketing"}, ""),
        ("mailgun_delivered", "Email Delivered", {}, ""),
        ("postmark_bounce", "Email Bounced", {"kind": "hard"}, "hard bounce"),
        ("postmark_soft", "Email Bounced", {"kind": "soft"}, ""),
        ("postmark_spam", "Email Marked as Spam", {}, "complaint"),
        ("postmark_open", "Email Opened", {"machine": False}, ""),
        ("postmark_click", "Email Link Clicked", {"machine": False, "link": "https://shop.example/cart?a=1&b=2"}, ""),
        ("postmark_delivery", "Email Delivered", {}, ""),
        ("postmark_unsubscribed", "Unsubscribed", {"purpose": "email_marketing"}, ""),
    ],
)
async def test_what_they_tell(name: str, event: str, more: dict[str, Any], suppressed: str) -> None:
    house = House()
    call = getattr(house, name.partition("_")[0])
    answer = await call(payload(name))
    assert answer.status == 200, answer.body
    (told,) = house.told()
    assert told["name"] == event
    assert {**ABOUT, **more}.items() <= told.items()
    assert SENT < told["at"] <= NOW
    assert house.events[0].key == "u:42"
    assert [(address, reason.partition(":")[0]) for address, reason, _ in house.outbox.suppressions()] == (
        [(ADDRESS, suppressed)] if suppressed else []
    )
    assert [(one.purpose, one.granted, one.key) for one in house.consents] == (
        [("email_marketing", False, "u:42")] if event == "Unsubscribed" else []
    )
    # The same again is the same.
    await call(payload(name))
    assert len({one.message_id for one in house.events}) == 1
    assert len({one.message_id for one in house.consents}) <= 1
    assert len(house.outbox.suppressions()) <= 1


@pytest.mark.parametrize("name", ["postmark_autoresponder", "postmark_reactivated", "mailgun_foreign"])
async def test_what_is_of_no_interest(name: str) -> None:
    house = House()
    assert (await getattr(house, name.partition("_")[0])(payload(name))).status == 200
    assert house.told() == []


async def test_a_batch_of_sendgrid() -> None:
    house = House()
    answer = await house.sendgrid(payload("sendgrid"))
    assert answer.status == 200
    found = [(one["name"], one.get("kind"), one.get("machine")) for one in house.told()]
    assert found == [
        ("Email Delivered", None, None),
        ("Email Opened", None, False),
        ("Email Opened", None, True),
        ("Email Link Clicked", None, False),
        ("Email Bounced", "hard", None),
        ("Email Bounced", "soft", None),
        ("Email Bounced", "hard", None),
        ("Email Marked as Spam", None, None),
        ("Unsubscribed", None, None),
        ("Unsubscribed", None, None),
    ]
    assert house.unknown == 1, "the last one has no intent of ours"
    first = {one.message_id for one in house.events}
    assert len(first) == 8, "the two hard bounces are one, and so are the two that unsubscribe within a minute"
    # In another order, each by itself, it is the same.
    for one in reversed(json.loads(payload("sendgrid"))):
        await house.sendgrid(json.dumps([one]).encode())
    assert {one.message_id for one in house.events} == first


# ---- who is not believed ---------------------------------------------------------------------------------------------


async def _nothing(house: House, answer: Answer, status: int) -> None:
    assert answer.status == status, answer.body
    assert house.events == [] and house.consents == []
    assert house.outbox.suppressions() == []


async def test_forged_sendgrid() -> None:
    house, body = House(), payload("sendgrid")
    await _nothing(house, await house.sendgrid(body, signed=body + b" "), 403)
    await _nothing(house, await house.sendgrid(body, at=NOW - 26 * HOUR_US), 403)
    await _nothing(house, await house.sendgrid(body, at=NOW + 2 * HOUR_US), 403)
    await _nothing(house, await ask(house.app, "POST", "/v1/hooks/sendgrid", {}, body), 403)
    bad = {"X-Twilio-Email-Event-Webhook-Signature": "!", "X-Twilio-Email-Event-Webhook-Timestamp": "1"}
    await _nothing(house, await ask(house.app, "POST", "/v1/hooks/sendgrid", bad, body), 403)


async def test_forged_mailgun() -> None:
    house, event = House(), payload("mailgun_failed")
    await _nothing(house, await house.mailgun(event, key="another"), 403)
    await _nothing(house, await house.mailgun(event, at=NOW - 26 * HOUR_US), 403)
    await _nothing(house, await ask(house.app, "POST", "/v1/hooks/mailgun", {}, b'{"event-data":' + event + b"}"), 400)


async def test_a_token_of_mailgun_is_for_one_event() -> None:
    """The signature says nothing of the event: who has read one call could make up others."""
    house = House()
    assert (await house.mailgun(payload("mailgun_delivered"))).status == 200
    assert (await house.mailgun(payload("mailgun_delivered"))).status == 200, "a repeat is welcome"
    assert (await house.mailgun(payload("mailgun_complained"))).status == 403
    assert {one["name"] for one in house.told()} == {"Email Delivered"}


@pytest.mark.parametrize(
    "given", ["", "Basic", "Basic !", "Bearer x", "Basic " + base64.b64encode(b"tactful:").decode()]
)
async def test_forged_postmark(given: str) -> None:
    house = House()
    headers = {"Authorization": given} if given else {}
    await _nothing(house, await ask(house.app, "POST", "/v1/hooks/postmark", headers, payload("postmark_bounce")), 403)
    await _nothing(house, await house.postmark(payload("postmark_bounce"), PASSWORD[:-1]), 403)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://s3.eu-central-1.amazonaws.com/mine/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-central-1.amazonaws.com/mine/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "file:///etc/passwd",
        "",
    ],
)
async def test_a_certificate_of_somebody_else(url: str) -> None:
    house = House()
    await _nothing(house, await house.ses(payload("ses_bounce"), SigningCertURL=url), 403)
    assert house.asked == []


async def test_forged_ses() -> None:
    house = House()
    await _nothing(house, await house.ses(payload("ses_bounce"), tamper=True), 403)
    await _nothing(house, await house.ses(payload("ses_bounce"), TopicArn=TOPIC + "-of-somebody-else"), 403)
    await _nothing(house, await house.ses(payload("ses_bounce"), at=NOW - 26 * HOUR_US), 403)
    await _nothing(house, await house.ses(payload("ses_bounce"), SignatureVersion="1"), 403)
    assert len(house.asked) == 1, "the certificate is fetched once"
    for pem in (certificate(days=-1), b"no certificate", b""):
        house = House()
        house.pem = pem
        await _nothing(house, await house.ses(payload("ses_bounce")), 403)


@pytest.mark.parametrize("version", ["1", "2"])
async def test_both_signatures_of_sns(version: str) -> None:
    house = House()
    assert (await house.ses(payload("ses_delivery"), version=version, Subject="Amazon SES\nnotice")).status == 200
    assert len(house.told()) == 1


async def test_a_subscription_is_confirmed_where_sns_is() -> None:
    house = House()
    said = {"Type": "SubscriptionConfirmation", "Token": "y", "SubscribeURL": SUBSCRIBE}
    assert (await house.ses(b"You have chosen to subscribe", **said)).status == 200
    assert house.asked == [CERTIFICATE, SUBSCRIBE]
    house = House()
    await house.ses(b"x", **{**said, "SubscribeURL": "https://evil.example/?Action=ConfirmSubscription&x"})
    assert house.asked == [CERTIFICATE]
    assert (await house.ses(b"Successfully validated SNS topic for Amazon SES event publishing.")).status == 200


# ---- what is no trouble ----------------------------------------------------------------------------------------------

BODIES = [b"", b"{}", b"[]", b"null", b'"x"', b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe", b"[1,2,null,[]]"]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
async def test_nonsense(body: bytes) -> None:
    house = House()
    for answer in (
        await house.sendgrid(body),
        await house.postmark(body),
        await ask(house.app, "POST", "/v1/hooks/mailgun", {}, body),
        await ask(house.app, "POST", "/v1/hooks/ses", {}, body),
    ):
        assert answer.status in (200, 400, 403)
    assert house.events == []


async def test_too_much_is_not_read() -> None:
    house = House()
    body = b"[" + b" " * CALL_BYTES + b"]"
    for provider in ("sendgrid", "postmark", "mailgun", "ses"):
        await _nothing(house, await ask(house.app, "POST", f"/v1/hooks/{provider}", {}, body), 413)


async def test_messages_of_others_are_passed_over() -> None:
    house = House()
    for body in (
        payload("postmark_bounce").replace(INTENT.encode(), b"of another system"),
        b'{"RecordType":"Delivery"}',
    ):
        assert (await house.postmark(body)).status == 200
    assert house.unknown == 2
    assert house.events == [] and house.outbox.suppressions() == []


async def test_what_never_left_has_no_answer() -> None:
    house = House()
    waiting = digest("waits")
    (row,) = house.outbox.rows()
    house.outbox.put(
        0,
        [
            SendMessage(
                **{**{name: getattr(row.intent, name) for name in row.intent.__struct_fields__}, "intent": waiting}
            )
        ],
    )
    await house.postmark(payload("postmark_bounce").replace(INTENT.encode(), waiting.encode()))
    assert house.unknown == 1
    assert house.outbox.suppressions() == []


async def test_who_cannot_store_asks_to_come_again() -> None:
    house = House()
    house.is_away = True
    answer = await house.postmark(payload("postmark_bounce"))
    assert answer.status == 503
    assert answer.headers["retry-after"] == "60"
    house.is_away = False
    assert (await house.postmark(payload("postmark_bounce"))).status == 200
    assert len(house.told()) == 1


async def test_what_is_not_set_up_is_not_there() -> None:
    async def never(_: object) -> Any:
        raise AssertionError

    app = Starlette(routes=routes(Doors(HookSettings(), never, never, House())))
    for provider in ("sendgrid", "postmark", "mailgun", "ses", "other"):
        assert (await ask(app, "POST", f"/v1/hooks/{provider}", {}, b"{}")).status == 404


def test_what_is_signed_is_as_amazon_says() -> None:
    """The example of the documentation of SNS."""
    read = ses.read_notice(notice(b"hi", Subject="My First Message"), (TOPIC,))
    assert isinstance(read, ses.Notice)
    assert ses.signed(read).decode().split("\n")[::2] == [
        "Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "",
    ]  # fmt: skip
