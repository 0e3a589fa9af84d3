"""Files of history: what a line may be, in which order, and what evaluation answers of them."""

from typing import Any

import pytest

from tactful.errors import DefinitionError, UsageError
from tactful.events.records import Consent, Event, Score, Threshold, Unmerge
from tactful.operations.evaluation import evaluate_live
from tactful.operations.evaluation.evaluate_lines import Line, Question, people, read_lines
from tactful.operations.plain import plain
from tactful.segments import membership
from tactful.values import Duration, Time, parse_time

NOON = "2025-03-01T12:00:00Z"


def at(text: str) -> int:
    found = parse_time(text)
    assert found is not None
    return found


def track(event: str, second: int, user: str = "1", **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "userId": user, "receivedAt": f"2025-03-01T12:00:{second:02}Z", **more}


def test_lines_are_put_in_the_order_of_receipt_and_ties_stay_as_they_are() -> None:
    lines: list[Line] = [track("C", 2), track("A", 1), track("D", 2), b" "]
    lines.append(b'{"type":"page","userId":1,"receivedAt":"2025-03-01"}')
    found = read_lines(lines)
    assert [(position, record.name) for position, record in found if isinstance(record, Event)] == [
        *((1, "$page"), (2, "A"), (3, "C"), (4, "D"))
    ]


def test_a_repeat_keeps_its_place_and_is_left_out() -> None:
    lines = [track("A", 1, messageId="m"), track("B", 2, messageId="m"), track("C", 3, "2", messageId="m")]
    assert [position for position, _ in read_lines(lines)] == [1, 3]
    assert [position for position, _ in read_lines(lines, with_repeats=True)] == [1, 2, 3]


def test_scores_consents_and_thresholds_stand_beside_calls() -> None:
    lines: list[Line] = [
        {"type": "score", "model": "churn", "userId": 42, "value": 1, "receivedAt": NOON},
        {"type": "consent", "purpose": "ads", "anonymousId": "x", "granted": False, "receivedAt": NOON},
        {"type": "threshold", "metric": "spend", "percent": 80, "value": 2.5, "receivedAt": NOON},
        {"type": "unmerge", "email": "Ada@Shop.example", "receivedAt": NOON},
    ]
    (_, score), (_, consent), (_, threshold), (_, unmerge) = read_lines(lines)
    assert isinstance(score, Score) and (score.key, score.model, score.value) == ("u:42", "churn", 1.0)
    assert isinstance(consent, Consent) and (consent.key, consent.granted, consent.timestamp) == (
        "a:x",
        False,
        at(NOON),
    )
    assert isinstance(threshold, Threshold) and (threshold.percent, threshold.value) == (80.0, 2.5)
    assert isinstance(unmerge, Unmerge) and unmerge.key == "e:ada@shop.example"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"[]", "line 2: this is no JSON object"),
        ({}, 'line 2: "receivedAt"'),
        ({"receivedAt": NOON}, "line 2: the call has no type"),
        ({"receivedAt": NOON, "type": "score"}, "line 2: a score is somebody's"),
        ({"receivedAt": NOON, "type": "score", "userId": "1"}, "line 2: a score needs the name of its model"),
        ({"receivedAt": NOON, "type": "score", "userId": "1", "model": "m"}, "line 2: value must be a number"),
        ({"receivedAt": NOON, "type": "score", "userId": "1", "model": "m", "value": "1"}, "line 2: a score line"),
        ({"receivedAt": NOON, "type": "consent", "userId": "1"}, "line 2: consent is for a purpose"),
        ({"receivedAt": NOON, "type": "consent", "userId": "1", "purpose": "p"}, "line 2: granted must be"),
        ({"receivedAt": NOON, "type": "unmerge"}, "line 2: an identifier is un-merged"),
        ({"receivedAt": NOON, "type": "threshold"}, "line 2: a threshold needs"),
        ({"receivedAt": NOON, "type": "threshold", "metric": "m", "percent": 101}, "line 2: percent must be"),
    ],
)
def test_a_line_that_cannot_be_taken_is_named(line: Any, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_lines([track("A", 1), line])
    assert str(refused.value).startswith(said)


def test_people_are_printed_by_their_identifier_alone_where_that_is_enough() -> None:
    lines: list[Line] = [
        track("A", 1, "x"),
        {"type": "page", "anonymousId": "x", "receivedAt": NOON},
        {"type": "page", "anonymousId": "y", "receivedAt": NOON},
        {"type": "alias", "userId": "x", "previousId": "z", "receivedAt": NOON},
        {"type": "identify", "anonymousId": "y", "traits": {"email": "y@shop.example"}, "receivedAt": NOON},
    ]
    names = {"a:x": "a:x", "a:y": "y", "a:z": "a:z", "e:y@shop.example": "e:y@shop.example", "u:x": "x", "u:z": "z"}
    assert people(read_lines(lines)) == names


def test_values_as_json_has_them() -> None:
    values = [Time(1_500_000), Duration(90_000_000), Duration(1_500_000), 3.0, -0.0, 2.5, float("inf"), True, None]
    assert plain(values) == ["1970-01-01T00:00:01.500Z", 90, 1.5, 3, 0, 2.5, None, True, None]
    assert plain({"a": [1.0]}) == {"a": [1]}


LINES = [track("A", second, f"u{second % 3}", properties={"price": second}) for second in range(1, 40)]
QUESTION = Question(
    {"views": 'count("A", last="20s")', "many": 'count("A", last="20s") >= 5', "hour": "local_hour()"},
    time_zone="Asia/Tokyo",
)
INSTANTS = [at(f"2025-03-01T12:00:{second:02}Z") for second in (0, 1, 13, 25, 39, 52)]


@pytest.mark.parametrize("cut_after", [1, 7, 1000])
def test_everybody_known_is_asked_at_each_instant(cut_after: int) -> None:
    found = evaluate_live.answers(QUESTION, LINES, INSTANTS, cut_after=cut_after)
    views = [{person: answer.value for person, answer in found[at]["views"].items()} for at in INSTANTS]
    assert views == [
        {
            f"u{person}": sum(max(0, now - 20) < second <= now for second in range(person or 3, 40, 3))
            for person in range(3)
            if now >= (person or 3)
        }
        for now in (0, 1, 13, 25, 39, 52)
    ]
    assert {answer.value for at in INSTANTS for answer in found[at]["hour"].values()} == {21}


def test_an_engine_that_contradicts_itself_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wakes too late would else still give the right value when asked."""
    evaluate = membership.evaluate
    monkeypatch.setattr("tactful.kernel.instants.evaluate", lambda *args: (None, evaluate(*args)[1]))
    with pytest.raises(AssertionError, match=r"count.* is False for u:u0 at 2025-03-01T12:00:52"):
        evaluate_live.answers(QUESTION, LINES, INSTANTS)


def test_a_mistake_in_an_expression_is_shown_in_it() -> None:
    with pytest.raises(DefinitionError) as refused:
        evaluate_live.answers(Question({"one": "countt('A') > 1"}), LINES, INSTANTS)
    assert "did you mean" in str(refused.value)
