"""A year of a real shop (UCI Online Retail) through the whole engine in its own time, against plain pandas.

`tactful import --replay` is killed in the middle and given again. Who was in a segment at twenty dates is read from the
trail, by the instants of its rows, and must be what a few lines of pandas say of the same orders.
"""

import json
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from tactful.adapters.installation import Installation
from tactful.app.clocks import SystemClock
from tactful.errors import TransientError, UsageError
from tactful.events.derived import SegmentEntered, SegmentLeft, decode_groups
from tactful.kernel.state import decode_partition
from tactful.runtime.settings import Settings
from tactful.values import format_time
from tests.acceptance.installation import Running, command, run
from tests.acceptance.receivers import Mailbox
from tests.acceptance.waiting import until

SEGMENTS = {
    "regulars": 'count("Order Completed", last="30d") >= 3',
    "lapsed": 'any("Order Completed") and not any("Order Completed", last="90d")',
}
DATES = pd.date_range("2010-12-20T09:30", "2011-12-09T12:00", periods=20)
DAY = pd.Timedelta(days=1)


def orders() -> pd.DataFrame:
    """One row per invoice of a known customer, returns left out: invoice, customer, at, total, products."""
    folder = os.environ.get("TACTFUL_TEST_DATA", "")
    path = Path(folder) / "online_retail" / "online_retail.parquet"
    if not folder or not path.exists():
        reason = f"TACTFUL_TEST_DATA names no folder with online_retail/online_retail.parquet (it is {folder!r})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    lines = pd.read_parquet(path).dropna(subset=["CustomerID"])
    lines = lines[~lines["InvoiceNo"].str.startswith("C")]
    lines["Total"] = lines["Quantity"] * lines["UnitPrice"]
    grouped = lines.groupby("InvoiceNo", sort=False)
    return pd.DataFrame(
        {
            "customer": grouped["CustomerID"].first().astype(str),
            "at": grouped["InvoiceDate"].min(),
            "total": grouped["Total"].sum().round(2),
            "products": grouped["StockCode"].agg(list),
        }
    ).reset_index(names="invoice")


def as_calls(made: pd.DataFrame, path: Path) -> Path:
    """Order Completed calls, one a line."""
    with path.open("w") as file:
        for row in made.itertuples():
            at = f"{row.at.isoformat()}Z"  # type: ignore[union-attr]  # a Timestamp
            products = [{"product_id": product} for product in row.products]  # type: ignore[union-attr]  # a list
            line = {
                "type": "track", "event": "Order Completed", "messageId": row.invoice, "userId": row.customer,
                "timestamp": at, "receivedAt": at, "properties": {"total": row.total, "products": products},
            }  # fmt: skip
            file.write(json.dumps(line) + "\n")
    return path


def by_pandas(made: pd.DataFrame, date: pd.Timestamp) -> dict[str, set[str]]:
    known = made[made["at"] <= date]
    recent = known[known["at"] > date - 30 * DAY]["customer"].value_counts()
    newest = known.groupby("customer")["at"].max()
    return {
        "regulars": set(recent[recent >= 3].index),
        "lapsed": set(newest[newest <= date - 90 * DAY].index),
    }


def by_the_trail(data: Path) -> dict[str, list[tuple[int, str, bool]]]:
    """By segment, in the order of decisions: (instant, customer, is a member from then on)."""
    house = Installation(data, Settings(), SystemClock(), read_only=True)
    flips: dict[str, list[tuple[int, str, bool]]] = {name: [] for name in SEGMENTS}
    for partition in range(house.partitions):
        for blob in house.trail.between(partition, 1, house.trail.end(partition)):
            for group in decode_groups(blob):
                for row in group.rows:
                    if isinstance(row, SegmentEntered | SegmentLeft):
                        flips[row.segment].append((row.at, group.key[2:], isinstance(row, SegmentEntered)))
    house.close()
    return flips


def members(flips: list[tuple[int, str, bool]], at_us: int) -> set[str]:
    state = {customer: is_in for instant, customer, is_in in flips if instant <= at_us}
    return {customer for customer, is_in in state.items() if is_in}


def applied(data: Path) -> int:
    """How many events the states know of, read beside whoever writes them."""
    try:
        house = Installation(data, Settings(), SystemClock(), read_only=True)
        states = [store.checkpoint().partition_state for store in house.stores()]
    except (UsageError, TransientError):
        return 0
    house.close()
    return sum(decode_partition(state).events for state in states if state)


def replay(running: Running, file: Path) -> list[str]:
    return ["import", "--replay", str(file), "--project", str(running.project), "--data", str(running.data), "--json"]


@pytest.fixture
def shop(running: Running) -> Running:
    """The project, with segments over orders and a journey for each."""
    for name, when in SEGMENTS.items():
        (running.project / f"segments/{name}.yaml").write_text(f"when: {when}\n")
        (running.project / f"journeys/{name}.yaml").write_text(f"start: {{segment: {name}}}\nsend: {{email: thanks}}\n")
    (running.project / "segments/buyers.yaml").unlink()
    return running


def test_a_year_of_orders_agrees_with_pandas(shop: Running, mailbox: Mailbox, tmp_path: Path) -> None:
    made = orders()
    file = as_calls(made, tmp_path / "orders.jsonl")
    with (tmp_path / "killed").open("wb") as output:
        killed = subprocess.Popen(command(*replay(shop, file)), stdout=output, stderr=output)
        until(lambda: applied(shop.data) > len(made) // 3, "a third of the file")
        killed.send_signal(signal.SIGKILL)
        assert killed.wait() == -signal.SIGKILL

    done = run(*replay(shop, file))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["lines"] == len(made)
    assert told["refused"] == 0
    assert len(made) // 3 < told["before"] < len(made)
    assert told["before"] + told["kept"] == len(made)
    again = json.loads(run(*replay(shop, file)).stdout)
    assert again == {"lines": len(made), "before": len(made), "kept": 0, "refused": 0}

    seen = shop.overview()
    assert (seen.events, seen.repeats, seen.people) == (len(made), 0, made["customer"].nunique())
    story = run("explain", made["customer"].iloc[0], "--data", str(shop.data))
    assert story.returncode == 0, story.stderr
    flips = by_the_trail(shop.data)
    assert len(DATES) == 20
    for date in DATES:
        expected = by_pandas(made, date)
        at_us = int(date.value // 1000)
        for name in SEGMENTS:
            assert members(flips[name], at_us) == expected[name], f"{name} at {format_time(at_us)}"
    assert by_pandas(made, DATES[-1])["lapsed"]
    assert_nothing_is_sent(shop, mailbox, flips, len(made))


def assert_nothing_is_sent(
    shop: Running, mailbox: Mailbox, flips: dict[str, list[tuple[int, str, bool]]], orders: int
) -> None:
    """Each entry made its intent, and all are closed; also once a server runs on the folder."""
    intents = shop.intents()
    entries = Counter(name for name in SEGMENTS for _, _, is_in in flips[name] if is_in)
    assert Counter(row.intent.journey for row in intents) == entries + Counter(thanks=orders)
    assert {(row.status, row.reason) for row in intents} == {("lapsed", "replay")}
    shop.start()
    shop.await_quiet(len(intents))
    assert shop.stop() == 0
    # What time alone has brought about since the file's end comes too late to be sent.
    later = [row for row in shop.intents() if row.reason != "replay"]
    assert len(shop.intents()) == len(intents) + len(later)
    assert {(row.intent.journey, row.status, row.reason.partition(" 2")[0]) for row in later} == {
        ("lapsed", "lapsed", "valid until")
    }
    assert not mailbox.accepted
