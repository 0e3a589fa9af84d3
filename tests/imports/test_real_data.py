"""Real logs, imported by the mappings that docs/importing.md shows, against plain DuckDB and pandas over the files."""

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from tactful.events.records import unpack
from tests.imports.real_data import Archive, counted, folder, members_at, one

DAY_US = 86_400_000_000


def sql(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(query).fetchall()


def people(query: str) -> set[str]:
    return {str(row[0]) for row in sql(query)}


def part_of(file: Path, tmp_path: Path, where: str) -> Path:
    path = tmp_path / file.name
    sql(f"COPY (SELECT * FROM '{file}' WHERE {where}) TO '{path}' (FORMAT parquet)")
    return path


# ---- Online Retail ---------------------------------------------------------------------------------------------------

RETAIL = {
    "regulars": 'count("Order Completed", last="30d") >= 3',
    "lapsed": 'any("Order Completed") and not any("Order Completed", last="90d")',
    "spenders": 'sum("Order Completed", total, last="90d") >= 1000',
    "returners": 'count("Order Refunded", last="60d") >= 2',
}
_INVOICES = """
WITH invoices AS (
  SELECT CAST(CustomerID AS VARCHAR) AS person, InvoiceNo, min(InvoiceDate AT TIME ZONE 'Europe/London') AS happened,
    starts_with(InvoiceNo, 'C') AS is_refund, round(sum(Quantity * UnitPrice), 6) AS total
  FROM '{file}' WHERE CustomerID IS NOT NULL GROUP BY ALL),
known AS (SELECT * FROM invoices WHERE happened <= TIMESTAMPTZ '{at}')
"""
_RETAIL = {
    "regulars": "SELECT person FROM known WHERE NOT is_refund AND happened > TIMESTAMPTZ '{at}' - INTERVAL 30 DAY "
    "GROUP BY person HAVING count(*) >= 3",
    "lapsed": "SELECT person FROM known WHERE NOT is_refund GROUP BY person "
    "HAVING max(happened) <= TIMESTAMPTZ '{at}' - INTERVAL 90 DAY",
    "spenders": "SELECT person FROM known WHERE NOT is_refund AND happened > TIMESTAMPTZ '{at}' - INTERVAL 90 DAY "
    "GROUP BY person HAVING sum(total) >= 1000",
    "returners": "SELECT person FROM known WHERE is_refund AND happened > TIMESTAMPTZ '{at}' - INTERVAL 60 DAY "
    "GROUP BY person HAVING count(*) >= 2",
}


@pytest.mark.long
def test_a_shop_is_backfilled_whole(tmp_path: Path) -> None:
    """Orders, returns, products and money are what DuckDB counts; so are segments of today."""
    file = folder("online_retail") / "online_retail.parquet"
    archive = Archive(tmp_path, "2011-12-09T13:00:00Z", RETAIL)
    report = archive.backfill(file, "online_retail")
    assert (report.rows, report.unused) == (541_909, 135_080)
    is_known = f"FROM '{file}' WHERE CustomerID IS NOT NULL AND "
    expected = {
        "Order Completed": one(sql(f"SELECT count(DISTINCT InvoiceNo) {is_known} NOT starts_with(InvoiceNo, 'C')")),
        "Order Refunded": one(sql(f"SELECT count(DISTINCT InvoiceNo) {is_known} starts_with(InvoiceNo, 'C')")),
    }
    assert report.by_name == expected
    assert report.refused == {}
    assert counted(archive.events()) == expected
    money, lines, pieces = 0.0, 0, 0
    for event in archive.events():
        said = unpack(event.properties)
        sign = 1 if event.name == "Order Completed" else -1
        money += sign * said["total"]
        lines += len(said["products"])
        pieces += sign * sum(product["quantity"] for product in said["products"])
    said_by_sql = sql(f"SELECT sum(Quantity * UnitPrice), count(*), sum(Quantity) {is_known} true")[0]
    assert (round(money, 2), lines, pieces) == (round(said_by_sql[0], 2), *said_by_sql[1:])
    at = "2011-12-09 13:00:00+00"
    for name, found in archive.members().items():
        assert found == people((_INVOICES + _RETAIL[name]).format(file=file, at=at)), name


def test_a_shop_is_replayed_and_agrees_at_thirty_dates(tmp_path: Path) -> None:
    """In its own time, of a part of its customers: who was in which segment at each date."""
    whole = folder("online_retail") / "online_retail.parquet"
    file = part_of(whole, tmp_path, "CustomerID % 6 = 0 OR CustomerID IS NULL")
    archive = Archive(tmp_path, "2012-01-01T00:00:00Z", RETAIL)
    archive.replay(file, "online_retail")
    flips = archive.flips()
    seen = 0
    for date in pd.date_range("2010-12-20T09:30", "2011-12-09T12:00", periods=30, tz="UTC"):
        at = date.floor("s")
        for name in RETAIL:
            expected = people((_INVOICES + _RETAIL[name]).format(file=file, at=at.isoformat()))
            assert members_at(flips[name], int(at.value // 1000)) == expected, f"{name} at {at}"
            seen += len(expected)
    assert seen > 1000


# ---- Globo -----------------------------------------------------------------------------------------------------------

GLOBO = {
    **{f"sessions_{number}": f'sessions(last="30d") >= {number}' for number in (1, 2, 3, 5, 8)},
    "readers": 'count("$page", last="24h") >= 5',
    "quiet": 'any("$page") and not any("$page", last="48h")',
    "phones": 'any("$page", where=device == "phone")',
}


def clicks(tmp_path: Path, share: int) -> tuple[Path, pd.DataFrame]:
    file = part_of(folder("globo_clicks") / "clicks.parquet", tmp_path, f"user_id % {share} = 7 AND user_id <> 0")
    frame = pd.read_parquet(
        file, columns=["user_id", "session_id", "session_size", "click_timestamp", "click_deviceGroup"]
    )
    return file, frame.assign(person=frame["user_id"].astype(str))


def sessions_of(frame: pd.DataFrame) -> "pd.Series[int]":
    """Of each person: clicks half an hour or less after each other are one."""
    ordered = frame.sort_values(["person", "click_timestamp"])
    gaps = ordered.groupby("person")["click_timestamp"].diff()
    return (gaps.isna() | (gaps > 30 * 60 * 1000)).astype(int).groupby(ordered["person"]).sum()


def test_clicks_of_a_news_portal_have_the_sessions_that_pandas_finds(tmp_path: Path) -> None:
    file, frame = clicks(tmp_path, 40)
    archive = Archive(tmp_path, "2017-10-20T00:00:00Z", GLOBO)
    report = archive.backfill(file, "globo_clicks")
    assert report.kept == report.rows == len(frame)
    found = archive.members()
    sessions = sessions_of(frame)
    for number in (1, 2, 3, 5, 8):
        assert found[f"sessions_{number}"] == set(sessions[sessions >= number].index)
    assert found["phones"] == set(frame[frame["click_deviceGroup"] == 3]["person"])
    by_session: dict[int, int] = {}
    for event in archive.events():
        session = unpack(event.properties)["session_id"]
        by_session[session] = by_session.get(session, 0) + 1
    assert by_session == frame.groupby("session_id").size().to_dict()


def test_clicks_replayed_agree_at_many_instants(tmp_path: Path) -> None:
    file, frame = clicks(tmp_path, 400)
    archive = Archive(tmp_path, "2017-10-20T00:00:00Z", GLOBO)
    archive.replay(file, "globo_clicks")
    flips = archive.flips()
    for at in range(int(frame["click_timestamp"].min()), int(frame["click_timestamp"].max()), 17 * 3_600_000):
        known = frame[frame["click_timestamp"] <= at]
        recent = known[known["click_timestamp"] > at - 86_400_000]["person"].value_counts()
        newest = known.groupby("person")["click_timestamp"].max()
        assert members_at(flips["readers"], at * 1000) == set(recent[recent >= 5].index)
        assert members_at(flips["quiet"], at * 1000) == set(newest[newest <= at - 2 * 86_400_000].index)
        sessions = sessions_of(known) if len(known) else pd.Series(dtype=int)
        assert members_at(flips["sessions_3"], at * 1000) == set(sessions[sessions >= 3].index)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_all_clicks_of_the_news_portal(tmp_path: Path) -> None:
    file = folder("globo_clicks") / "clicks.parquet"
    archive = Archive(tmp_path, "2017-10-20T00:00:00Z", GLOBO)
    report = archive.backfill(file, "globo_clicks")
    # 111111 and 222222 are what people type who have no number (docs/identity.md).
    nobodys = one(sql(f"SELECT count(*) FROM '{file}' WHERE user_id IN (0, 111111, 222222)"))
    assert (report.rows, report.kept, report.refused_count) == (2_072_416, 2_072_416 - nobodys, nobodys)


# ---- Complete Journey ------------------------------------------------------------------------------------------------

JOURNEY = {
    "redeemers": 'count("Coupon Redeemed") >= 3',
    "late_redeemers": 'any("Coupon Redeemed", last="60d")',
    "reached_by_a": 'any("Campaign Received", where=kind == "Type A")',
    "reached_often": 'count("Campaign Received", last="365d") >= 6',
    "families": 'profile.kids == "3+"',
    "owners": "profile.is_owner == True",
    "savers": 'sum("Order Completed", saved) >= 50',
    "buyers_of_late": 'sum("Order Completed", total, last="90d") >= 60',
    "reached_and_redeemed": 'any("Campaign Received") and any("Coupon Redeemed")',
}


def test_households_campaigns_and_redemptions_of_four_files_become_one_story(tmp_path: Path) -> None:
    data = folder("complete_journey")
    archive = Archive(tmp_path, "2018-01-15T00:00:00Z", JOURNEY)
    made = {
        name: archive.backfill(data / f"{file}.parquet", f"complete_journey_{name}")
        for name, file in (
            ("transactions", "transactions_sample"),
            ("campaigns", "campaigns"),
            ("redemptions", "coupon_redemptions"),
            ("demographics", "demographics"),
        )
    }
    baskets = one(sql(f"SELECT count(DISTINCT basket_id) FROM '{data}/transactions_sample.parquet'"))
    assert {name: (report.rows, report.kept, report.refused_count) for name, report in made.items()} == {
        "transactions": (75_000, baskets, 0),
        "campaigns": (6_589, 6_589, 0),
        "redemptions": (2_102, 2_102, 0),
        "demographics": (801, 801, 0),
    }
    households = {event.key for event in archive.events()}
    tables = ("transactions_sample", "campaigns", "coupon_redemptions", "demographics")
    every = " UNION ".join(f"SELECT household_id FROM '{data}/{table}.parquet'" for table in tables)
    assert households == {f"u:{household}" for household in people(every)}
    departments: dict[str, int] = {}
    for event in archive.events():
        for product in unpack(event.properties).get("products", ()):
            name = product.get("department")
            departments[name] = departments.get(name, 0) + 1
    joined = f"'{data}/transactions_sample.parquet' LEFT JOIN '{data}/products.parquet' USING (product_id)"
    assert departments == dict(sql(f"SELECT department, count(*) FROM {joined} GROUP BY department"))

    at, zone = "TIMESTAMPTZ '2018-01-15 00:00:00+00'", "AT TIME ZONE 'America/New_York'"
    redemptions, campaigns = f"'{data}/coupon_redemptions.parquet'", f"'{data}/campaigns.parquet'"
    received = f"{campaigns} JOIN '{data}/campaign_descriptions.parquet' USING (campaign_id)"
    orders = f"'{data}/transactions_sample.parquet'"
    who = f"'{data}/demographics.parquet'"
    by = "GROUP BY household_id HAVING"
    expected = {
        "redeemers": f"SELECT household_id FROM {redemptions} {by} count(*) >= 3",
        "late_redeemers": f"SELECT household_id FROM {redemptions} "
        f"WHERE redemption_date::TIMESTAMP {zone} > {at} - INTERVAL 60 DAY",
        "reached_by_a": f"SELECT household_id FROM {received} WHERE campaign_type = 'Type A'",
        "reached_often": f"SELECT household_id FROM {received} "
        f"WHERE start_date::TIMESTAMP {zone} > {at} - INTERVAL 365 DAY {by} count(*) >= 6",
        "families": f"SELECT household_id FROM {who} WHERE kids_count = '3+'",
        "owners": f"SELECT household_id FROM {who} WHERE home_ownership IN ('Homeowner', 'Probable Homeowner')",
        "savers": f"SELECT household_id FROM {orders} {by} round(sum(retail_disc + coupon_disc + coupon_match_disc), 6) >= 50",
        "buyers_of_late": f"SELECT household_id FROM {orders} "
        f"WHERE transaction_timestamp {zone} > {at} - INTERVAL 90 DAY {by} round(sum(sales_value), 6) >= 60",
        "reached_and_redeemed": f"SELECT household_id FROM {campaigns} INTERSECT SELECT household_id FROM {redemptions}",
    }
    for name, found in archive.members().items():
        assert found, name
        assert found == people(expected[name]), name
