"""Deliver: claims of a realistic mail (letter.py: MJML, links that are followed, DKIM) through the process that sends.

An outbox is filled with claims, and `tactful deliver` empties it, one process to a core, into a mail server that takes
everything (sink.py, on the cores that are left). Then the same in this process, with a stop-watch around every part.
Last, from calls to mails, with workers that claim. Run `python -m benchmarks deliver`.
"""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from msgspec import Raw

from benchmarks import letter, load, shop
from benchmarks.parts import Timed
from benchmarks.parts import Watch as WallWatch
from benchmarks.place import Place, alone, table
from benchmarks.server import WallClock, pin
from benchmarks.sink import Sink
from tactful.adapters.installation import Installation
from tactful.app import lanes as lanes_module
from tactful.events.derived import SendMessage
from tactful.events.records import pack
from tactful.messages import dkim, mail, source
from tactful.runtime import outcomes, writing
from tactful.runtime.deliver import Deliverer
from tactful.runtime.ports import Claimed
from tactful.runtime.settings import read_settings
from tactful.values import DAY_US

PARTITIONS = 4
SLOTS = 64
_TICKS = os.sysconf("SC_CLK_TCK")
_SETTINGS = """
[workspace]
name = "Bench"
public_url = "https://shop.example"
[tracking]
clicks = true
opens = true
[engine]
partitions = {partitions}
deliverers = {processes}
[channels.email]
smtp_url = "smtp://127.0.0.1:{port}?starttls=never"
from = "Shop <shop@shop.example>"
slots = {slots}
[channels.email.dkim]
selector = "bench"
"""


class Watch(WallWatch):
    """Seconds of the processor by part: neighbours and the disk do not count."""

    def around(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        spent = self.spent
        spent.setdefault(part, 0.0)

        def timed(*arguments: Any, **options: Any) -> Any:
            begun = time.thread_time()
            try:
                return function(*arguments, **options)
            finally:
                spent[part] += time.thread_time() - begun

        return timed


def project(folder: Path, port: int, processes: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    key = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "dkim.pem").write_bytes(key)
    text = _SETTINGS.format(partitions=PARTITIONS, processes=processes, port=port, slots=SLOTS * processes)
    (folder / "tactful.toml").write_text(text)
    return folder


def fill(data: Path, settings: str, number: int) -> None:
    """An outbox with so many claims, made just now: older ones would go back to the gate."""
    house = Installation(data, read_settings(settings, {}), WallClock(), read_only=False)
    now_us, encoded = house.clock.now_us(), letter.SOURCE.encode()
    digest = source.digest(encoded)
    intents = [
        SendMessage(
            at=now_us, intent=f"{index:032x}", key=f"u:{index}", journey="cart", entry_key="", channel="email",
            message="reminder", purpose="email_marketing", due=now_us, valid_until=now_us + DAY_US, plan=1,
            started_at=now_us, started_ref=1, event="Product Added", properties=Raw(b"\x80"),
        )
        for index in range(number)
    ]  # fmt: skip
    house.outbox.put(0, intents)
    with house.outbox.claiming(0, house.outbox.own(0)) as claiming:
        for index, intent in enumerate(intents):
            claiming.claim(
                Claimed(
                    intent, 0, 1, now_us, 1, f"ada{index}@people.example", "granted", digest,
                    bytes(pack(letter.values(index))),
                ),
                encoded,
            )  # fmt: skip
    house.web_push_key()
    house.link_keys()
    house.log  # noqa: B018 - makes its files
    house.close()


@contextmanager
def delivering(folder: Path, data: Path, cores: Sequence[int]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The process that sends, once for each core."""
    processes = [
        subprocess.Popen(
            [
                "taskset", "-c", str(core), sys.executable, "-m", "tactful", "deliver",
                "--project", str(folder), "--data", str(data), "--number", str(number),
            ],
            stderr=(data.parent / f"deliver-{number}.log").open("ab"),
        )
        for number, core in enumerate(cores)
    ]  # fmt: skip
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


def _busy_s(process: "subprocess.Popen[bytes]") -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def rate(place: Place, processes: int, number: int) -> tuple[float, float]:
    """(mails a second, mails for each second of processor time), once the first tenth was taken."""
    sink = Sink()
    await sink.start()
    scratch = place.folder / f"deliver-{processes}"
    data = scratch / "data"
    folder = project(scratch / "project", sink.port, processes)
    fill(data, (folder / "tactful.toml").read_text(), number)
    cores = sorted({place.core, *place.others}, reverse=True)[:processes]
    pin(set(place.others) - set(cores) or set(place.others))
    warm = number // 10
    with delivering(folder, data, cores) as running:
        async with asyncio.timeout(120):
            await sink.count(warm)
            begun, busy = time.perf_counter(), sum(map(_busy_s, running))
            taken = sink.taken
            await sink.count(number)
        seconds, busy = time.perf_counter() - begun, sum(map(_busy_s, running)) - busy
    sink.stop()
    return (number - taken) / seconds, (number - taken) / max(busy, 1 / _TICKS)


async def floor(place: Place, number: int) -> float:
    """Mails of the same size a second that a bare client hands to the same mail server, rendered by nobody."""
    sink = Sink()
    await sink.start()
    pin(place.others)
    seconds = await asyncio.to_thread(alone, place.core, _bare, sink.port, number)
    assert sink.taken == number
    sink.stop()
    return number / seconds


def _bare(port: int, number: int) -> float:
    """Seconds."""
    body = (b"Subject: bare\r\n\r\n" + b"x" * 74 + b"\r\n") + (b"y" * 74 + b"\r\n") * 340
    return asyncio.run(_handed(port, number, body))


async def _handed(port: int, number: int, body: bytes) -> float:
    async def one(mails: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        for _ in range(mails):
            for said in (b"MAIL FROM:<a@b.example>\r\n", b"RCPT TO:<c@d.example>\r\n", b"DATA\r\n", body + b".\r\n"):
                writer.write(said)
                await writer.drain()
                await reader.readline()
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(one(len(range(first, number, SLOTS))) for first in range(SLOTS)))
    return time.perf_counter() - begun


# ---- where the time goes -----------------------------------------------------------------------------------------


def parts(folder: Path, data: Path, port: int) -> tuple[dict[str, float], float, int]:
    """({part: seconds}, all processor seconds, mails) of emptying an outbox in one process."""
    watch = Watch()
    settings = read_settings((folder / "tactful.toml").read_text(), {})
    house = Installation(data, settings, WallClock(), read_only=False)
    number = house.outbox.counts()["claimed"]
    names = {"claimed": "outbox: read", "hand_off": "outbox: begin", "finish": "outbox: end"}
    outbox: Any = Timed(house.outbox, {**names, "reported": "outbox: told"}, "outbox: else", watch)
    log: Any = Timed(house.log, {"append": "log: append"}, "log: else", watch)
    patched = [
        (writing, "render", "render"), (writing, "tracked", "links"), (mail, "compose", "compose"),
        (outcomes, "outcome", "outcome"), (outcomes, "response", "outcome"),
    ]  # fmt: skip
    originals = [(module, name, getattr(module, name)) for module, name, _ in patched]
    signer = dkim.signer

    def timed_signer(*arguments: Any) -> Any:
        return watch.around("DKIM", signer(*arguments))

    for module, name, part in patched:
        setattr(module, name, watch.around(part, getattr(module, name)))
    setattr(dkim, "signer", timed_signer)  # noqa: B010 - a stop-watch, which has another type
    try:
        ways = lanes_module.lanes(house, folder, data, "", lanes_module.Share())
        deliverer = Deliverer("bench", outbox, log, house.bells, house.clock, ways)
        begun = time.process_time()
        asyncio.run(_empty(deliverer, outbox))
        busy = time.process_time() - begun
    finally:
        dkim.signer = signer
        for module, name, original in originals:
            setattr(module, name, original)
    house.close()
    return watch.spent, busy, number


async def _empty(deliverer: Deliverer, outbox: Any) -> None:
    while outbox.counts().get("claimed"):
        deliverer.turn()
        await asyncio.sleep(0.001)
    await deliverer.drain(10.0)


async def where(place: Place, number: int) -> tuple[dict[str, float], float, int]:
    sink = Sink()
    await sink.start()
    scratch = place.folder / "deliver-parts"
    folder = project(scratch / "project", sink.port, 1)
    fill(scratch / "data", (folder / "tactful.toml").read_text(), number)
    found = await asyncio.to_thread(alone, place.core, parts, folder, scratch / "data", sink.port)
    sink.stop()
    return found


# ---- from calls to mails -----------------------------------------------------------------------------------------


async def whole(place: Place, number: int, cores: Sequence[int]) -> float:
    """Mails a second from events that each ask for one, through the whole engine on these cores."""
    sink = Sink()
    await sink.start()
    files = {**shop.project(), "messages/reminder.yaml": message()}
    data = place.folder / f"deliver-whole-{len(cores)}" / "data"
    data.parent.mkdir(parents=True, exist_ok=True)
    server = place.server(data, files, cores, workers=max(1, len(cores) - 1), smtp_port=sink.port)
    settings = data.parent / "project" / "tactful.toml"
    settings.write_text(
        f'{settings.read_text()}slots = {SLOTS}\n[consent.purposes.email_marketing]\nbasis = "contract"\n'
    )
    draw = random.Random(7)
    with server:
        at = load.now()
        events = [load.call(draw, f"user-{index}", at, shop.AT_ONCE) for index in range(number)]
        for index, event in enumerate(events):
            event["properties"]["products"] = letter.values(index)["event"]["properties"]["products"]
        people = [_person(index, at) for index in range(number)]
        await load.send_all(server.port, load.batches(people), 4)
        await load.send_all(server.port, load.batches(events), 4)
        warm = number // 10
        async with asyncio.timeout(120):
            await sink.count(warm)
            begun, taken = time.perf_counter(), sink.taken
            await sink.count(number)
        seconds = time.perf_counter() - begun
    sink.stop()
    return (number - taken) / seconds


def _person(index: int, at: datetime) -> load.Call:
    traits = {"email": f"ada{index}@people.example", "firstName": "Ada"}
    return {
        "type": "identify",
        "messageId": f"person-{index}",
        "userId": f"user-{index}",
        "timestamp": at.isoformat(),
        "traits": traits,
    }


def message() -> str:
    """The letter as a file of a project."""
    told = letter.SOURCE
    lines = [
        f"purpose: {told.purpose}",
        f"subject: {told.subject!r}".replace("\\'", "''"),
        f"preheader: {told.preheader!r}",
    ]
    for name, text in (("mjml", told.mjml), ("text", told.text)):
        lines += [f"{name}: |", *(f"  {line}" for line in text.splitlines())]
    return "\n".join(lines) + "\n"


# ---- what is printed ---------------------------------------------------------------------------------------------


def run(place: Place) -> None:
    number = place.scaled(1_500, 120)
    bare = asyncio.run(floor(place, 2 * number))
    rates = []
    for processes in (1, 2, 3):
        if processes <= max(1, len(place.others)):
            rate_s, busy = asyncio.run(rate(place, processes, number * processes))
            name = f"{processes} process{'es' if processes > 1 else ''}, each on a core: mails/s (per s of processor)"
            rates.append((name, f"{rate_s:,.0f} ({busy:,.0f})"))
    rates.append(("floor: what the mail server takes from one bare client, mails/s", f"{bare:,.0f}"))
    table(
        "deliver: rendered, signed and sent", rates, "MJML of three products, a text, links followed, DKIM by RSA 2048"
    )
    spent, busy_s, mails = asyncio.run(where(place, number))
    rows = sorted(spent.items(), key=lambda row: -row[1])
    rest = busy_s - sum(spent.values())
    table(
        "deliver: where the time goes, ms of a mail",
        [(name, f"{seconds / mails * 1e3:.3f}") for name, seconds in [*rows, ("SMTP and the loop", rest)]]
        + [("all, processor time", f"{busy_s / mails * 1e3:.3f}")],
    )
    one = asyncio.run(whole(place, place.scaled(3_000, 60), [place.core]))
    several = asyncio.run(whole(place, place.scaled(3_000, 60), sorted({place.core, *place.others})[-3:]))
    table(
        "deliver: from calls to mails, workers that claim included",
        [("everything on one core, mails/s", f"{one:,.0f}"), ("everything on three cores, mails/s", f"{several:,.0f}")],
    )
