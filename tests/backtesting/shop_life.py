"""What simulated shoppers do for some days, once more, by the demo shop's project: the production workers decide at each
instant, so what they sent is what a backtest has to find again."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from msgspec.structs import replace

from tactful.events.records import Consent, Event, Launch, Publish, decode, encode
from tactful.events.responses import EMAIL_SENT
from tactful.operations.backtesting.crew import Alone, Crew
from tactful.operations.backtesting.preparing import Asked, wanted
from tactful.operations.backtesting.running import Backtest, backtest
from tactful.operations.backtesting.tally import Line, Sent
from tactful.operations.definitions.project import load
from tactful.runtime.settings import Settings, plan_settings
from tactful.runtime.settings_sending import SendingSettings
from tactful.shoppers.people import Town
from tactful.values import DAY_US, format_time
from tests.histories import Life
from tests.shoppers.installation import START, Installation
from tests.shoppers.projects import FILES

_FILES = load(Path("examples/shop"))
_CAMPAIGN = "journeys/winter_arrivals.yaml"
SHOP = {**_FILES, _CAMPAIGN: _FILES[_CAMPAIGN].replace("campaign: early_winter", "campaign: buyers")}
"""Nobody looks at winter clothes here, so the campaign is for those who bought."""
SETTINGS = Settings(sending=SendingSettings(cap=["1 per day"], quiet="22:00-07:00"))
DAYS = 8
MIDDLE = START + 4 * DAY_US + 12345


@cache
def said() -> tuple[bytes, ...]:
    """Calls and decisions of some shoppers, in order, each at an instant of its own."""
    installation = Installation(FILES, Town(people=40))
    installation.live(DAYS)
    log = installation.log
    read = [decode(body) for one in range(log.partitions) for _, body in log.read(one, 0, 1 << 40)]
    installation.close()
    calls = [one for one in read if isinstance(one, Event | Consent) and getattr(one, "name", "") != EMAIL_SENT]
    calls.sort(key=lambda one: (one.timestamp, one.message_id))
    return tuple(encode(replace(one, received_at=one.timestamp + nth)) for nth, one in enumerate(calls))


def begun(files: Mapping[str, str], settings: Settings, at_us: int, partitions: int = 2) -> Life:
    """An installation with these definitions, and coupons for everybody."""
    life = Life(settings, partitions, at_us)
    for pool in ("fjord", "win_back"):
        life.house.outbox.coupons.load(pool, [f"{pool} {number}" for number in range(500)], at_us)
    life.take(Publish(at_us, dict(files), plan_settings(settings)))
    return life


@cache
def lived_shop(before: str = "", told_late: str = "") -> Life:
    """All of it, archived but for the last hours; with the journey `before` published only in the middle (MIDDLE), and the
    campaign `told_late` launched there."""
    records = [one for one in map(decode, said()) if isinstance(one, Event | Consent)]
    first = {name: text for name, text in SHOP.items() if name != f"journeys/{before}.yaml"}
    life = begun(first, SETTINGS, records[0].received_at - 1)
    is_past = False
    for nth, one in enumerate(records):
        if not is_past and one.received_at > MIDDLE:
            is_past = True
            life.until(MIDDLE)
            if before:
                life.take(Publish(MIDDLE, SHOP, plan_settings(SETTINGS)))
            if told_late:
                version = life.workers[0].plan.journeys[told_late].version
                life.take(Launch(MIDDLE, told_late, version, "ann"))
        life.until(one.received_at)
        life.take(one)
        if nth == len(records) * 9 // 10:
            life.archive()
    return life


def sent(life: Life, journey: str, from_us: int = 0) -> dict[str, int]:
    """By intent, when it left, of those since an instant."""
    rows = life.house.outbox.rows("sent", None, None, 1 << 40)
    mine = [row for row in rows if row.intent.journey == journey]
    return {row.intent.intent: row.claimed_at for row in mine if row.claimed_at and row.claimed_at >= from_us}


def backtested(
    life: Life, journey: str, *, crew: Crew | None = None, files: Mapping[str, str] = SHOP, **asked: str | bool
) -> tuple[Backtest, list[list[Sent]]]:
    """A backtest of everything, and the messages of each version."""
    found, lines = told(life, journey, crew=crew, files=files, **asked)
    return found, [[one for one in each if isinstance(one, Sent)] for each in lines]


def told(
    life: Life, journey: str, *, crew: Crew | None = None, files: Mapping[str, str] = SHOP, **asked: str | bool
) -> tuple[Backtest, list[list[Line]]]:
    """A backtest of everything, and every line of each version."""
    path = f"journeys/{journey}.yaml"
    house = life.house
    period = {"first": "2025-01-01", "last": format_time(life.clock.now_us())}
    question = replace(Asked(journey, files[path]), **{**period, **asked})
    settings = plan_settings(house.settings)
    lists: list[list[Line]] = [[], []]
    with life.history().open() as opened:
        what = wanted(question, files, settings, house.plan(0), opened, house.outbox, 10)
        found = backtest(opened, what, crew or Alone(), lambda _: None, lambda version, one: lists[version].append(one))
    return found, lists
