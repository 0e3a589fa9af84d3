"""The lanes as settings make them, and several processes that send side by side."""

import asyncio
import os
import signal
import subprocess
import sys
from email import message_from_bytes
from pathlib import Path

import dkim as verifier
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tactful.adapters.installation import Installation
from tactful.adapters.missing import Missing
from tactful.app.clocks import SystemClock
from tactful.app.lanes import Share, lanes
from tactful.events.derived import SendMessage
from tactful.messages import dkim, links
from tactful.messages.source import digest
from tactful.runtime.deliver import LONGEST_WAIT_S, Deliverer
from tactful.runtime.settings import read_settings
from tactful.values import SECOND_US
from tests.acceptance.waiting import until
from tests.deliver.desk import SOURCE, Desk, Rings, StillClock, claimed, order, run
from tests.deliver.faulty_smtp import Fault, FaultySmtp
from tests.deliver.test_loop import Told

SETTINGS = """
[workspace]
name = "Shop"
public_url = "https://t.shop.example"
[channels.email]
from = "Shop <hello@shop.example>"
smtp_url = "smtp://127.0.0.1:{port}?starttls=never"
bounce_address = "bounces@shop.example"
slots = 7
[channels.email.dkim]
selector = "tactful"
[engine]
partitions = 1
deliverers = 2
"""


def house(folder: Path, port: int) -> Installation:
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "dkim.pem").write_bytes(key)
    text = SETTINGS.format(port=port)
    (folder / "tactful.toml").write_text(text)
    return Installation(folder / "data", read_settings(text, {}), StillClock(), read_only=False)


def claim(house: Installation, *intents: SendMessage) -> None:
    house.outbox.put(0, intents)
    with house.outbox.claiming(0, house.outbox.own(0)) as claiming:
        for intent in intents:
            claiming.claim(claimed(intent, 1, house.clock.now_us(), SOURCE), SOURCE.encode())


def test_mail_leaves_signed_and_comes_back_to_a_mark_of_its_own(tmp_path: Path) -> None:
    async def scene() -> None:
        async with FaultySmtp() as server:
            made = house(tmp_path, server.port)
            ways = {lane.channel.name: lane for lane in lanes(made, tmp_path, tmp_path / "data", "", Share(0, 2))}
            assert set(ways) == {"email", "webhook", "sms", "chat", "push", "web_push"}
            assert ways["email"].channel.slots == 4, "7 among two"
            assert isinstance(ways["sms"].channel, Missing) and not isinstance(ways["web_push"].channel, Missing)
            intent = "0123456789abcdef" * 2
            claim(made, order(intent))
            deliverer = Deliverer("one", made.outbox, made.log, Rings(), made.clock, list(ways.values()))
            deliverer.turn()
            await deliverer.drain(30.0)
            (mail,) = server.received
            back = mail.sender.partition("<")[2].partition(">")[0]
            assert back.startswith("bounces+") and back.endswith("@shop.example")
            assert links.returned(made.link_keys(), back) == intent
            assert links.returned(made.link_keys(), back.upper()) == intent, "some hosts change the case"
            record = dkim.record((tmp_path / "dkim.pem").read_bytes()).encode()
            assert verifier.verify(mail.body, dnsfunc=lambda name, timeout=5: record)
            assert message_from_bytes(mail.body)["From"] == "Shop <hello@shop.example>"
            row = made.outbox.row(intent)
            assert row is not None and row.digest == digest(mail.body), "of the bytes that left"
            for lane in ways.values():
                await lane.channel.close()
            made.close()

    run(scene())


def test_what_a_living_process_has_begun_is_left_to_it(tmp_path: Path) -> None:
    """And what a dead one had begun is held, or sent again, once it is known."""

    async def scene() -> None:
        desk, dead = Desk(tmp_path), set[str]()
        deliverers = {
            name: Deliverer(
                name, desk.outbox, desk.log, desk.rings, desk.clock, [desk.lane(Told()), desk.lane(Told("webhook"))],
                gone=lambda names: [name for name in names if name in dead],
            )
            for name in ("one", "other")
        }  # fmt: skip
        desk.put(order("m"), order("w", "webhook", "https://x.example"))
        desk.claim("email")
        desk.claim("webhook")
        desk.outbox.hand_off(["m", "w"], "one")
        deliverers["other"].take_over()
        assert (desk.status("m"), desk.status("w")) == ("claimed", "claimed")
        dead.add("one")
        deliverers["other"].turn()
        assert desk.status("m") == "claimed", "nobody has looked yet"
        desk.clock.now += int(LONGEST_WAIT_S * SECOND_US)
        deliverers["other"].turn()
        assert (desk.status("m"), desk.status("w")) == ("held", "waiting")
        await deliverers["other"].drain(1.0)
        desk.close()

    run(scene())


def start(folder: Path, number: int) -> subprocess.Popen[bytes]:
    where = ["--project", str(folder), "--data", str(folder / "data"), "--number", str(number)]
    return subprocess.Popen([sys.executable, "-m", "tactful", "deliver", *where], stderr=subprocess.DEVNULL)


@pytest.mark.timeout(120)
def test_two_processes_share_the_work_and_one_is_killed(tmp_path: Path) -> None:
    """Each mail is taken by one; what the killed one had begun is held when it is started again, the rest arrives."""

    async def scene() -> None:
        async with FaultySmtp(faults=[Fault("dot", "stall")] * 4) as server:
            (tmp_path / "data").mkdir()
            text = SETTINGS.format(port=server.port)
            house(tmp_path, server.port).close()
            made = Installation(tmp_path / "data", read_settings(text, {}), SystemClock(), read_only=False)
            made.web_push_key()
            names = [f"{number:032x}" for number in range(12)]
            claim(made, *(order(name) for name in names))
            processes = [start(tmp_path, 0)]
            try:
                # It begins four, its share of the slots, and hangs.
                await asyncio.to_thread(until, lambda: len(made.outbox.claimed("email")) == 8, "a share")
                processes.append(start(tmp_path, 1))
                await asyncio.to_thread(until, lambda: made.outbox.counts().get("sent") == 8, made.outbox.counts)
                assert made.outbox.counts() == {"claimed": 4, "sent": 8}
                os.kill(processes[0].pid, signal.SIGKILL)
                processes[0].wait()
                processes.append(start(tmp_path, 0))
                await asyncio.to_thread(
                    until, lambda: made.outbox.counts() == {"held": 4, "sent": 8}, made.outbox.counts
                )
            finally:
                for process in processes:
                    process.terminate()
                    await asyncio.to_thread(process.wait, 30)
            arrived = [mail.intent for mail in server.received]
            assert len(arrived) == len(set(arrived)) == 8
            made.close()

    run(scene())
