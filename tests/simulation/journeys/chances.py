"""A thousand people in one journey with a holdout and a split, twice."""

from collections import Counter

from tactful.events.derived import RunStarted, StepTaken
from tactful.events.records import Event, Publish, pack
from tests.simulation.journeys import drawing
from tests.simulation.journeys.driving import Play
from tests.simulation.journeys.histories import History, Told

SHARE = 20
PEOPLE = 800
TEXT = f"""start: {{event: A}}
holdout: {SHARE}%
steps:
  - split: {{calm: 10, bold: 90}}
    bold:
      - send: {{webhook: "https://shop.example/bold"}}
  - send: {{webhook: "https://shop.example/all"}}
"""
AT = 1_741_000_000_000_000

Counts = tuple[Counter[str], Counter[str]]


def counted() -> tuple[Counter[str], Counter[str], Counts]:
    arms, splits = _run(AT)
    again = _run(AT + 1)
    return arms, splits, again


def _run(at: int) -> Counts:
    records: list[Told] = [Publish(at, drawing.files({"j": TEXT}), {"time_zone": "UTC"}, "somebody")]
    for number in range(PEOPLE):
        key, name = f"u:{number}", f"m{number}"
        records.append(Event(1, "shop", "server", "track", "A", key, (key,), name, at, at, pack({})))
    play = Play(History(0, {}, records, at), away=True)
    for record in records:
        play.driver.append(record)
    play.driver.read(1000)
    arms, splits = Counter[str](), Counter[str]()
    for group in play.driver.groups:
        for row in group.rows:
            if isinstance(row, RunStarted):
                arms[row.arm] += 1
            elif isinstance(row, StepTaken) and row.what == "split":
                splits[row.detail] += 1
    return arms, splits
