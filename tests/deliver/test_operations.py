"""`tactful outbox` and `tactful doctor`: values out, for the command line to show."""

from pathlib import Path

import pytest

from tactful.adapters.smtp import Smtp
from tactful.errors import UsageError
from tactful.operations import doctor, outbox
from tactful.runtime.channels import EmailSettings, WebhookSettings
from tactful.runtime.ports import OutboxRow
from tests.deliver.desk import Desk, order, run
from tests.deliver.faulty_smtp import FaultySmtp


def test_what_is_held_can_be_seen_released_and_dropped(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.put(order("i1"), order("i2"), order("i3"))
    desk.claim(limit=2)
    desk.outbox.hand_off(["i1", "i2"], "gone")
    desk.outbox.hold_orphans(["gone"], ["email"], desk.clock.now)

    def messages(status: str | None, text: str, before: int | None, limit: int) -> list[OutboxRow]:
        return desk.outbox.rows(status, text or None, before, limit)

    held = outbox.lines(messages, status="held")
    assert {(line.intent, line.person, line.reason) for line in held} == {
        ("i1", "u:i1", "outcome unknown"),
        ("i2", "u:i2", "outcome unknown"),
    }
    assert outbox.show(desk.outbox, "i1").due == "2025-03-01T08:00:00.000Z"
    assert outbox.release(desk.outbox, desk.rings, desk.clock, ["i1", "i3", "no"]) == outbox.Done(("i1",), ("i3", "no"))
    assert outbox.drop(desk.outbox, desk.rings, desk.clock, ["i2", "i3"], "looked").changed == ("i2", "i3")
    assert desk.outbox.counts() == {"waiting": 1, "dropped": 2}
    assert "work-0" in desk.rings.rung
    with pytest.raises(UsageError, match="no intent"):
        outbox.show(desk.outbox, "no")
    with pytest.raises(UsageError, match="no status"):
        outbox.lines(messages, status="lost")
    desk.close()


@pytest.mark.parametrize(
    ("url", "public", "sender", "words"),
    [
        ("", "", "", []),
        ("smtp://m.example", "https://t.example", "a@b.example", []),
        ("smtp://m.example", "http://t.example", "a@b.example", ["https"]),
        ("smtp://m.example", "", "Shop", ["https", "from must be"]),
        ("smtp://u:p@m.example?starttls=never", "https://t.example", "a@b.example", ["password"]),
        ("smtp://u:p@localhost", "https://t.example", "a@b.example", []),
        ("mail.example", "https://t.example", "a@b.example", ["smtp_url"]),
    ],
)
def test_what_check_refuses(url: str, public: str, sender: str, words: list[str]) -> None:
    problems = doctor.check_channels(EmailSettings(sender=sender, smtp_url=url), public)
    assert len(problems) == len(words)
    assert all(word in problem for word, problem in zip(words, problems, strict=True))


def test_the_doctor_says_who_signs_and_what_answers() -> None:
    async def scene() -> None:
        async def no_page() -> str:
            raise OSError("connection refused")

        async with FaultySmtp() as server:
            email = EmailSettings("Shop <a@shop.example>", f"smtp://127.0.0.1:{server.port}?starttls=never")
            findings = await doctor.examine(
                email, WebhookSettings(allow_private=True), "https://t.shop.example", Smtp(email).probe, no_page
            )
        said = {finding.about: finding for finding in findings}
        assert "shop.example" in said["DKIM"].text and "List-Unsubscribe-Post" in said["DKIM"].text
        assert said["mail server"] == doctor.Finding("good", "mail server", "not encrypted, no login")
        assert said["public_url"].level == "bad"
        assert "connection refused" in said["public_url"].text
        quiet = await doctor.examine(EmailSettings(), WebhookSettings(("s",)), "", None, None)
        assert [finding.about for finding in quiet] == ["mail"]

    run(scene())


def test_a_server_that_is_not_there_is_a_finding() -> None:
    async def scene() -> None:
        email = EmailSettings("a@shop.example", "smtp://127.0.0.1:1?starttls=never")
        with pytest.raises(OSError, match="Connect"):
            await Smtp(email).probe()

    run(scene())
