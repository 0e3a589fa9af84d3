"""The deliver loop: durable before anything opens, lanes apart, every end written and reported."""

import asyncio
import itertools
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tactful.adapters import spool
from tactful.adapters.bells import SocketBells
from tactful.adapters.smtp import Smtp
from tactful.adapters.spool import Spool
from tactful.errors import TransientError
from tactful.messages.source import MessageSource
from tactful.runtime.channels import Answer, EmailSettings, Rejected, Retry, RetryRule, Sent, Unknown
from tactful.runtime.deliver import STALE_US, Deliverer, wait_us
from tactful.runtime.outcomes import report
from tactful.runtime.ports import Claimed
from tactful.values import DAY_US, HOUR_US, SECOND_US
from tests.deliver.desk import Desk, order, run
from tests.deliver.faulty_smtp import Fault, FaultySmtp


class Told:
    """A channel that answers what it is told to, and remembers; waits for `gate` where there is one."""

    def __init__(self, name: str = "email", *answers: Answer | Exception, slots: int = 5) -> None:
        self.name = name
        self.slots = slots
        self.is_repeatable = name == "webhook"
        self.answers = list(answers)
        self.sent: list[str] = []
        self.gate: asyncio.Event | None = None
        self.began = asyncio.Event()
        self.most = 0
        self.inside = 0

    async def send(self, claim: Claimed, body: bytes) -> Answer:
        self.sent.append(claim.intent.intent)
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.began.set()
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.to_thread(str)  # lets the others in
        self.inside -= 1
        answer = self.answers.pop(0) if self.answers else Sent()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        return None


def test_a_slow_provider_delays_nobody_else(tmp_path: Path) -> None:
    async def scene() -> None:
        async with FaultySmtp(faults=[Fault("dot", "stall")] * 3) as server:
            desk = Desk(tmp_path)
            mail = Smtp(EmailSettings(smtp_url=f"smtp://127.0.0.1:{server.port}?starttls=never", slots=3))
            hook = Told("webhook")
            deliverer = desk.deliverer(desk.lane(mail), desk.lane(hook))
            desk.put(*(order(f"m{number}") for number in range(3)))
            desk.put(*(order(f"w{number}", "webhook", "https://x.example") for number in range(3)))
            desk.claim("email")
            desk.claim("webhook")
            deliverer.turn()
            await hook.began.wait()
            while desk.outbox.counts().get("sent", 0) < 3:
                await asyncio.wait_for(deliverer._rung.wait(), 5)
                deliverer._rung.clear()
                deliverer.turn()
            assert desk.outbox.counts() == {"claimed": 3, "sent": 3}
            await deliverer.drain(0.0)
            assert desk.outbox.counts() == {"held": 3, "sent": 3}
            desk.close()

    run(scene())


def test_i4_a_claim_is_begun_durably_before_it_is_written_or_sent(tmp_path: Path) -> None:
    """At the moment of rendering another process already sees that the claim has been begun."""
    from tactful.adapters.sqlite.outbox import SqliteOutbox

    async def scene() -> None:
        desk = Desk(tmp_path)
        other = SqliteOutbox(tmp_path / "outbox.db")
        lane = desk.lane(Told())
        write, free = lane.write, []

        def watched(claim: Claimed) -> bytes:
            free.append(other.claimed("email"))
            return write(claim)

        lane.write = watched
        desk.put(order("i1"))
        await desk.deliver(desk.deliverer(lane))
        assert free == [[]]
        other.close()
        desk.close()

    run(scene())


def test_at_most_as_many_at_once_as_there_are_slots(tmp_path: Path) -> None:
    async def scene() -> None:
        desk = Desk(tmp_path)
        channel = Told(slots=2)
        desk.put(*(order(f"i{number}") for number in range(7)))
        await desk.deliver(desk.deliverer(desk.lane(channel)))
        assert channel.most == 2
        assert desk.outbox.counts() == {"sent": 7}
        assert desk.rings.rung.count("work-0") >= 4
        desk.close()

    run(scene())


def test_i4_after_a_kill_mail_is_held_and_webhooks_wait_again(tmp_path: Path) -> None:
    async def scene() -> None:
        desk = Desk(tmp_path)
        desk.put(order("m"), order("m2"), order("w", "webhook", "https://x.example"))
        desk.claim("email")
        desk.claim("webhook")
        desk.outbox.hand_off(["m", "w"], "killed")
        mail, hook = Told(), Told("webhook")
        deliverer = desk.deliverer(desk.lane(mail), desk.lane(hook), name="next")
        deliverer.take_over()
        assert desk.outbox.counts() == {"claimed": 1, "held": 1, "waiting": 1}
        await desk.deliver(deliverer)
        assert (mail.sent, hook.sent) == (["m2"], ["w"])
        assert desk.row("w").attempt == 2
        assert desk.outbox.release(["m"], desk.clock.now) == ["m"]
        await desk.deliver(deliverer)
        assert mail.sent == ["m2", "m"]
        desk.close()

    run(scene())


@pytest.mark.parametrize(
    ("answer", "mail", "hook"),
    [
        (Sent("250 ok"), "sent", "sent"),
        (Rejected("no", "550"), "rejected", "rejected"),
        (Retry("later"), "waiting", "waiting"),
        (Unknown("lost"), "held", "waiting"),
        (RuntimeError("a bug"), "held", "waiting"),
    ],
)
def test_what_each_answer_leads_to(tmp_path: Path, answer: Answer | Exception, mail: str, hook: str) -> None:
    async def scene() -> None:
        desk = Desk(tmp_path)
        desk.put(order("m"), order("w", "webhook", "https://x.example"))
        lanes = [desk.lane(Told("email", answer)), desk.lane(Told("webhook", answer))]
        await desk.deliver(desk.deliverer(*lanes))
        assert (desk.status("m"), desk.status("w")) == (mail, hook)
        assert desk.row("m").reason
        ended = {one.intent: one for one in desk.outcomes()}
        assert set(ended) == {name for name, status in (("m", mail), ("w", hook)) if status != "waiting"}
        if mail == "sent":
            assert len(ended["m"].digest) == 32
            assert ended["m"].journey == "cart"
        desk.close()

    run(scene())


def test_a_template_that_fails_is_rejected_with_its_line_and_sends_nothing(tmp_path: Path) -> None:
    async def scene() -> None:
        source = MessageSource("bad", "Hi", text="one\n{{ 1 | divided_by: 0 }}")
        desk = Desk(tmp_path, source)
        channel = Told()
        desk.put(order("i1"))
        await desk.deliver(desk.deliverer(desk.lane(channel)))
        assert channel.sent == []
        assert (desk.row("i1").status, desk.row("i1").reason) == ("rejected", "cannot be rendered")
        assert desk.row("i1").detail == "text: line 2: divided_by: can't divide by 0"
        desk.close()

    run(scene())


def test_i7_a_claim_that_could_not_begin_in_time_goes_back_to_the_gate(tmp_path: Path) -> None:
    async def scene() -> None:
        desk = Desk(tmp_path)
        channel = Told()
        desk.put(order("i1"))
        desk.claim()
        desk.clock.now += STALE_US + 1
        deliverer = desk.deliverer(desk.lane(channel))
        deliverer.turn()
        await deliverer.drain(1)
        assert channel.sent == []
        assert desk.status("i1") == "waiting"
        desk.close()

    run(scene())


def test_retries_wait_longer_each_time_and_end_with_the_validity(tmp_path: Path) -> None:
    async def scene() -> None:
        desk = Desk(tmp_path)
        channel = Told("email", *[Retry("later")] * 100)
        deliverer = desk.deliverer(desk.lane(channel))
        desk.put(order("i1", valid_us=HOUR_US))
        waits = []
        while True:
            await desk.deliver(deliverer)
            row = desk.row("i1")
            assert row.status == "waiting"
            if row.not_before > row.intent.valid_until:
                break
            waits.append(row.not_before)
        gaps = [(later - sooner) / SECOND_US for sooner, later in itertools.pairwise(waits)]
        assert gaps[:6] == sorted(gaps[:6])  # then the longest wait is reached
        assert 6 <= len(channel.sent) <= 12
        assert row.not_before == row.intent.valid_until + 1
        desk.close()

    run(scene())


def test_after_so_many_attempts_it_is_given_up(tmp_path: Path) -> None:
    async def scene() -> None:
        desk = Desk(tmp_path)
        channel = Told("email", *[Retry("later", "451")] * 100)
        desk.put(order("i1", valid_us=300 * DAY_US))
        await desk.deliver(desk.deliverer(desk.lane(channel, RetryRule(attempts=4))), rounds=20)
        assert len(channel.sent) == 4
        assert (desk.status("i1"), desk.row("i1").reason) == ("rejected", "gave up after 4 attempts")
        desk.close()

    run(scene())


def test_waits_are_spread_but_the_same_each_time() -> None:
    rule = RetryRule(first_us=8 * SECOND_US, longest_us=HOUR_US)
    waits = [wait_us(rule, f"i{number}", 1) for number in range(50)]
    assert len(set(waits)) > 40
    assert all(4 * SECOND_US <= wait <= 8 * SECOND_US for wait in waits)
    assert waits == [wait_us(rule, f"i{number}", 1) for number in range(50)]
    assert wait_us(rule, "i", 999) <= HOUR_US


def test_a_disk_that_fails_loses_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        desk = Desk(tmp_path)
        channel = Told()
        deliverer = desk.deliverer(desk.lane(channel))
        desk.put(order("i1"))
        desk.claim()
        deliverer.turn()
        with monkeypatch.context() as broken:
            broken.setattr(desk.outbox, "finish", lambda *_: (_ for _ in ()).throw(TransientError("disk full")))
            await channel.began.wait()
            await deliverer._rung.wait()
            deliverer.turn()
            assert desk.status("i1") == "claimed"
        deliverer.turn()
        assert desk.status("i1") == "sent"
        assert channel.sent == ["i1"]
        desk.close()

    run(scene())


def test_an_outcome_reported_twice_is_the_same_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        desk = Desk(tmp_path)
        desk.put(order("i1"))
        deliverer = desk.deliverer(desk.lane(Told()))
        with monkeypatch.context() as crashing:
            crashing.setattr(desk.outbox, "reported", lambda intents: None)
            await desk.deliver(deliverer)
        assert report(desk.outbox, desk.log, desk.clock) == {0}
        assert report(desk.outbox, desk.log, desk.clock) == set()
        first, *others = desk.outcomes()
        assert others and set(others) == {first}
        desk.close()

    run(scene())


def test_the_running_loop_is_woken_by_a_bell_and_stops_gently(tmp_path: Path) -> None:
    async def scene() -> None:
        desk = Desk(tmp_path)
        bells = SocketBells(tmp_path / "run")
        channel = Told()
        channel.gate = asyncio.Event()
        deliverer = Deliverer("one", desk.outbox, desk.log, bells, desk.clock, [desk.lane(channel)])
        running = asyncio.create_task(deliverer.run())
        desk.put(order("i1"))
        desk.claim()
        async with asyncio.timeout(10):
            while not channel.began.is_set():
                bells.ring("deliver")
                await asyncio.wait([asyncio.create_task(channel.began.wait())], timeout=0.05)
        deliverer.stop()
        channel.gate.set()
        async with asyncio.timeout(10):
            await running
        assert desk.status("i1") == "sent"
        assert [one.status for one in desk.outcomes()] == ["sent"]
        bells.close()
        desk.close()

    run(scene())


def test_the_local_outbox_keeps_mail_that_can_be_read(tmp_path: Path) -> None:
    async def scene() -> None:
        desk = Desk(tmp_path)
        desk.put(order("i1"), order("i2"))
        await desk.deliver(desk.deliverer(desk.lane(Spool(tmp_path / "mail"))))
        assert desk.outbox.counts() == {"sent": 2}
        desk.close()

    run(scene())
    kept = [spool.read(tmp_path / "mail", intent) for intent in ("i1", "i2")]
    mails = [message_from_bytes(body, policy=policy.default) for body in kept if body is not None]
    assert [mail["Subject"] for mail in mails] == ["Your cart, Ada"] * 2
    assert mails[0]["To"] == "i1@people.example"
    text, html = mails[0].get_body(("plain",)), mails[0].get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines()[:3] == ["Hello Ada", ".", "..dots"]
    assert "<p>Hello Ada" in html.get_content()
    assert spool.read(tmp_path / "mail", "../outbox") is None
    assert spool.read(tmp_path / "nowhere", "i1") is None


def test_a_spool_that_cannot_be_written_tries_again(tmp_path: Path) -> None:
    async def scene() -> None:
        (tmp_path / "mail").write_text("a file where the folder should be")
        desk = Desk(tmp_path)
        desk.put(order("i1"))
        await desk.deliver(desk.deliverer(desk.lane(Spool(tmp_path / "mail"))))
        assert desk.status("i1") == "waiting"
        desk.close()

    run(scene())
