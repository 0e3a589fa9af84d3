"""E-mail at most once, against servers that fail at every phase and every byte."""

import tempfile
from pathlib import Path

import pytest
from aiosmtplib.protocol import PERIOD_REGEX, normalize_message_line_endings
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tactful.adapters.smtp import LOST, Smtp, for_the_wire
from tactful.errors import UsageError
from tactful.messages.source import MessageSource
from tactful.runtime.channels import EmailSettings
from tactful.runtime.smtp_url import parse_url
from tests.deliver.desk import Desk, order, run
from tests.deliver.faulty_smtp import Fault, FaultySmtp
from tests.tries import tries

IMPATIENT = {"command_timeout_s": 0.2, "body_timeout_s": 0.2, "accept_timeout_s": 0.2, "connect_timeout_s": 0.5}


def smtp(port: int, **more: float) -> Smtp:
    settings = EmailSettings(smtp_url=f"smtp://127.0.0.1:{port}?starttls=never")
    return Smtp(structs.replace(settings, **{**IMPATIENT, **more}))


# What the sender may conclude, by what the server did: certain refusals, certain acceptance, or not knowing.
CASES = [
    *[
        (phase, what, "waiting", 0)
        for phase in ("greeting", "ehlo", "mail", "rcpt", "data")
        for what in ("drop", "close", "stall")
    ],
    *[(phase, "421 go away", "waiting", 0) for phase in ("greeting", "mail", "rcpt", "data", "dot")],
    *[(phase, "451 4.7.1 later", "waiting", 0) for phase in ("mail", "rcpt", "data", "dot")],
    *[(phase, "554 5.7.1 never", "rejected", 0) for phase in ("mail", "rcpt", "data", "dot")],
    *[(phase, "garbage", "waiting", 0) for phase in ("greeting", "mail", "rcpt", "data")],
    # A short mail leaves with its dot in one go: what the server read of it nobody knows.
    *[("body", what, "held", 0) for what in ("drop", "close", "stall")],
    ("greeting", "554 no", "waiting", 0),
    ("mail", "250-never ending", "waiting", 0),
    ("data", "250 what?", "waiting", 0),
    ("dot", "drop", "held", 0),
    ("dot", "close", "held", 0),
    ("dot", "stall", "held", 0),
    ("dot", "garbage", "held", 0),
    ("dot", "accept+drop", "held", 1),
    ("dot", "accept+close", "held", 1),
    ("dot", "accept+stall", "held", 1),
    ("dot", "accept+garbage", "held", 1),
    ("dot", "accept+354 go on", "held", 1),
    ("dot", "250 fine", "sent", 1),
    ("quit", "drop", "sent", 1),
]


@pytest.mark.parametrize(("phase", "what", "status", "arrived"), CASES)
def test_each_fault_has_its_one_conclusion(tmp_path: Path, phase: str, what: str, status: str, arrived: int) -> None:
    async def scene() -> None:
        async with FaultySmtp(faults=[Fault(phase, what)]) as server:
            desk = Desk(tmp_path)
            channel = smtp(server.port)
            deliverer = desk.deliverer(desk.lane(channel))
            desk.put(order("i1"))
            desk.claim()
            deliverer.turn()
            await deliverer.drain(10)
            await channel.close()
            assert (desk.status("i1"), len(server.received)) == (status, arrived)
            assert desk.row("i1").reason
            desk.close()

    run(scene())


@pytest.mark.parametrize("what", ["drop", "close", "stall"])
def test_a_long_mail_that_breaks_off_before_its_dot_is_tried_again(tmp_path: Path, what: str) -> None:
    """Until the last line is out of our hands nothing can have been accepted, however much of the mail was read."""

    async def scene() -> None:
        async with FaultySmtp(faults=[Fault("body", what)]) as server:
            desk = Desk(
                tmp_path,
                MessageSource(
                    "long", "Long", text="{% for i in (1..60) %}" + "a long line of text\n" * 700 + "{% endfor %}"
                ),
            )
            channel = smtp(server.port)
            desk.put(order("i1"))
            await desk.deliver(desk.deliverer(desk.lane(channel)))
            assert (desk.status("i1"), desk.row("i1").reason) == ("waiting", LOST)
            server.stall.set()
            await desk.deliver(desk.deliverer(desk.lane(smtp(server.port, body_timeout_s=5.0, accept_timeout_s=5.0))))
            assert (desk.status("i1"), len(server.received)) == ("sent", 1)
            await channel.close()
            desk.close()

    run(scene())


faults = st.one_of(
    st.builds(
        Fault,
        phase=st.sampled_from(["greeting", "ehlo", "mail", "rcpt", "data", "body", "dot"]),
        what=st.sampled_from(
            ["drop", "close", "421 4.3.2 going down", "451 4.7.1 later", "552 5.2.3 no", "garbage", "accept+drop"]
        ),
    ),
    st.builds(Fault, after_bytes=st.integers(0, 1800)),
    st.just(Fault()),
)


@settings(max_examples=tries(60), deadline=None)
@given(st.lists(faults, max_size=12), st.integers(1, 4))
def test_i4_at_most_once_whatever_the_server_does(drawn: list[Fault], slots: int) -> None:
    async def scene(folder: Path) -> None:
        async with FaultySmtp(faults=list(drawn)) as server:
            desk = Desk(folder)
            channel = smtp(server.port, slots=slots, accept_timeout_s=2.0, command_timeout_s=2.0, body_timeout_s=2.0)
            deliverer = desk.deliverer(desk.lane(channel))
            intents = [f"i{number}" for number in range(4)]
            desk.put(*(order(intent) for intent in intents))
            await desk.deliver(deliverer, rounds=40)
            await channel.close()
            arrived = [mail.intent for mail in server.received]
            assert len(arrived) == len(set(arrived)), "a mail arrived twice"
            for intent in intents:
                row = desk.row(intent)
                assert row.status in {"sent", "rejected", "held"}, row
                assert row.reason
                if row.status == "sent":
                    assert intent in arrived
                if row.status == "rejected":
                    assert intent not in arrived
            assert {(one.intent, one.status) for one in desk.outcomes()} == {(i, desk.status(i)) for i in intents}
            desk.close()

    with tempfile.TemporaryDirectory() as folder:
        run(scene(Path(folder)))


def test_every_byte_of_one_session(tmp_path: Path) -> None:
    """The connection is reset after each number of bytes that the server has read, one after the other."""

    async def scene() -> None:
        async with FaultySmtp() as server:
            desk = Desk(tmp_path)
            desk.put(order("whole"))
            channel = smtp(server.port, accept_timeout_s=5.0)
            deliverer = desk.deliverer(desk.lane(channel))
            await desk.deliver(deliverer)
            await channel.close()
            total = len(server.received[0].body) + 200
            for count in range(0, total, 7):
                server.faults = [Fault(after_bytes=count)]
                intent = f"b{count}"
                desk.put(order(intent))
                await desk.deliver(deliverer, rounds=3)
                await channel.close()
                arrived = [mail.intent for mail in server.received].count(intent)
                assert (desk.status(intent), arrived) in {("sent", 1), ("held", 0), ("held", 1)}, count
            desk.close()

    run(scene())


def test_connections_are_reused_and_a_closed_one_costs_nothing(tmp_path: Path) -> None:
    async def scene() -> None:
        async with FaultySmtp() as server:
            desk = Desk(tmp_path)
            channel = smtp(server.port, slots=1)
            deliverer = desk.deliverer(desk.lane(channel))
            for number in range(5):
                desk.put(order(f"i{number}"))
                await desk.deliver(deliverer)
            assert server.connections == 1
            server.hang_up()
            desk.put(order("later"))
            await desk.deliver(deliverer)
            assert server.connections == 2
            assert desk.status("later") == "sent"
            assert desk.row("later").attempt == 1
            await channel.close()
            desk.close()

    run(scene())


def test_a_connection_is_given_up_after_so_many_mails(tmp_path: Path) -> None:
    async def scene() -> None:
        async with FaultySmtp() as server:
            desk = Desk(tmp_path)
            channel = smtp(server.port, mails_per_connection=2)
            deliverer = desk.deliverer(desk.lane(channel))
            for number in range(4):
                desk.put(order(f"i{number}"))
                await desk.deliver(deliverer)
            await channel.close()
            assert server.connections == 2
            desk.close()

    run(scene())


@pytest.mark.parametrize(
    ("answer", "is_suppressed"),
    [
        ("550 5.1.1 no such user", True),
        ("550 no such user", True),
        ("553 5.1.3 bad address", True),
        ("550 5.7.1 relaying denied", False),
        ("552 5.2.2 mailbox full", False),
        ("530 5.7.0 authentication required", False),
        ("450 4.1.1 unknown for now", False),
    ],
)
def test_only_a_bad_mailbox_closes_an_address(tmp_path: Path, answer: str, is_suppressed: bool) -> None:
    async def scene() -> None:
        async with FaultySmtp(faults=[Fault("rcpt", answer)]) as server:
            desk = Desk(tmp_path)
            channel = smtp(server.port)
            desk.put(order("i1"))
            await desk.deliver(desk.deliverer(desk.lane(channel)))
            await channel.close()
            assert [address for address, _, _ in desk.outbox.suppressions()] == ["i1@people.example"] * is_suppressed
            desk.close()

    run(scene())


def test_nobody_listens(tmp_path: Path) -> None:
    async def scene() -> None:
        desk = Desk(tmp_path)
        channel = smtp(1)
        desk.put(order("i1"))
        await desk.deliver(desk.deliverer(desk.lane(channel)))
        assert desk.status("i1") == "waiting"
        assert "cannot be used" in desk.row("i1").reason
        desk.close()

    run(scene())


def test_dots_and_line_ends_arrive_as_they_were_meant(tmp_path: Path) -> None:
    async def scene() -> None:
        async with FaultySmtp() as server:
            desk = Desk(tmp_path)
            channel = smtp(server.port)
            desk.put(order("i1"))
            await desk.deliver(desk.deliverer(desk.lane(channel)))
            await channel.close()
            text = server.received[0].text
            assert text.startswith("Hello Ada\r\n.\r\n..dots\r\n")
            desk.close()

    run(scene())


@given(st.lists(st.sampled_from([b".", b"..", b"a", b" ", b"\r\n", b"\n", b"\r"]), max_size=20).map(b"".join))
def test_the_wire_is_as_the_library_would_have_it(body: bytes) -> None:
    assert for_the_wire(body) == PERIOD_REGEX.sub(b"..", normalize_message_line_endings(body))


def test_urls() -> None:
    at = parse_url("smtp://user%40x:p%2Fw@mail.example:2525?starttls=required")
    assert (at.host, at.port, at.username, at.password, at.starttls) == (
        "mail.example",
        2525,
        "user@x",
        "p/w",
        "required",
    )
    assert parse_url("smtps://mail.example").port == 465
    assert parse_url("smtp://mail.example").starttls == "required"
    assert parse_url("smtp://localhost").starttls == "opportunistic"
    for bad in ("http://x", "smtp://", "smtp://h?starttls=maybe", "smtp://h?x=1"):
        with pytest.raises(UsageError):
            parse_url(bad)
