"""What a device does in the very instant at which it becomes somebody else's is theirs: places of different partitions
do not say which was first."""

from tactful.language.check import check
from tactful.operations.evaluation.evaluate_lines import Line
from tactful.values import parse_time
from tests.histories import lived

BEFORE, NOW = "2026-01-02T10:00:00Z", "2026-01-02T11:00:00Z"
DEVICES = [f"d{number}" for number in range(12)]
FILES = {"metrics/many.yaml": "value: 'count(\"A\")'\n"}


def line(at: str, **said: object) -> Line:
    return {"type": "track", "event": "A", "receivedAt": at, "timestamp": at, **said}


def test_a_call_of_a_device_that_has_just_moved() -> None:
    """To u2, who is u1 by now: its call is passed on at once, to a partition with a shorter log."""
    before = [line(BEFORE, type="alias", event=None, previousId="u2", userId="u1")]
    before += [line(BEFORE, userId="u3", anonymousId=device) for device in DEVICES]
    moved = [line(NOW, userId="u2", anonymousId=device) for device in DEVICES]
    then = [line(NOW, anonymousId=device) for device in DEVICES]
    life = lived(FILES, [*before, *moved, *then], partitions=4)
    with life.history().open() as opened:
        at_us = parse_time(NOW)
        assert at_us is not None
        found = {
            person: values["many"] for person, values in opened.ask({"many": check('count("A")', "value").tree}, at_us)
        }
    assert found == {"u:u1": 24, "u:u3": 12}
