"""Proofs: a message sent to a tester, to be looked at where it arrives.

A proof goes out by the same writer and channel as any message and by no other road than this one; it needs no consent,
since it goes only to addresses that the settings name as testers'. It is marked, counts nowhere, is tracked nowhere,
and its links decide nothing for the person whose data it shows.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from tactful.errors import UsageError
from tactful.events.derived import SendMessage
from tactful.events.records import pack
from tactful.messages.definition import Message
from tactful.messages.mail import mailbox
from tactful.messages.source import MessageSource, digest, source_of
from tactful.runtime.ports import Claimed
from tactful.values import MINUTE_US


class Said(Struct, frozen=True):
    """What became of a test; `problem` is "" where it was sent."""

    detail: str = ""
    problem: str = ""


MARK = "[Test] "
KEY = "u:$test"
"""Nobody's: no identifier that a call may name begins so."""


def refuse_stranger(message: Message, to: str, testers: tuple[str, ...]) -> str:
    """The address as it is written to. Raises UsageError where the settings do not name it."""
    wanted = mailbox(to) if message.channel == "email" else to.strip()
    if not wanted:
        raise UsageError(f"{to!r} is no mail address")
    known = {(mailbox(one) or one) if message.channel == "email" else one.strip() for one in testers}
    if wanted not in known:
        said = ", ".join(testers) or "nobody"
        raise UsageError(
            f"{to} is no tester: tests go to {said}. Add the address to [workspace] testers in tactful.toml"
        )
    return wanted


def marked(message: Message) -> MessageSource:
    """What the test is made from: marked, and without tracking."""
    source = source_of(message)

    def mark(texts: Mapping[str, str]) -> dict[str, str]:
        shown = "subject" if message.channel == "email" else "title" if source.title else "text"
        return {name: MARK + text if name == shown else text for name, text in texts.items()}

    return replace(
        source,
        **mark({"subject": source.subject, "title": source.title, "text": source.text}),
        tracking=False,
        purpose="",
        variants=tuple(
            replace(
                one, texts=mark(one.texts), translations={tag: mark(texts) for tag, texts in one.translations.items()}
            )
            for one in source.variants
        ),
        translations={tag: mark(texts) for tag, texts in source.translations.items()},
    )


def proof(source: MessageSource, values: Mapping[str, Any], to: str, id_: str, now_us: int) -> Claimed:
    """`values` are those of a preview; `id_` is never used again."""
    nothing = Raw(pack({}))
    intent = SendMessage(
        at=now_us, intent=id_, key=KEY, journey="", entry_key="", channel=source.channel, message=source.name,
        purpose="", due=now_us, valid_until=now_us + MINUTE_US, plan=0, started_at=now_us, started_ref=0, event="",
        properties=nothing,
    )  # fmt: skip
    frozen = {name: value for name, value in values.items() if name not in ("workspace", "fetched")}
    return Claimed(
        intent=intent,
        partition=0,
        attempt=1,
        claimed_at=now_us,
        position=0,
        address=to,
        permit="a test, to a tester",
        template=digest(source.encode()),
        frozen=msgspec.msgpack.encode(frozen),
        variant=str(values.get("variant", "")),
    )
