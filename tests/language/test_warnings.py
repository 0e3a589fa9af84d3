"""What is right and may not mean what its author thinks."""

import pytest

from tests.language.refused import warned

MISSING = "this includes people without {}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # a condition that is decided
        ('count("A") >= 0', ["this is always true"]),
        ('count("A") < 0 or any("B")', ["this is always false"]),
        ('count("A") == 1.5', ["this is always false"]),
        ('count("A") is None', ["this is always false"]),
        ('any("A", where=1 == 2)', ["this is always false"]),
        ('"a" == 1', ["this is always false"]),
        ("local_hour() >= 24", ["this is always false"]),
        ("0 < local_weekday()", ["this is always true"]),
        ("local_month() == 13", ["this is always false"]),
        ("1 / 0 == x", ["this is always false"]),
        # parts that exclude each other
        ('plan == "a" and plan == "b"', ["this is always false"]),
        ('plan == "a" and x and plan in ("b", "c")', ["this is always false"]),
        ('plan != "a" or plan != "b"', [MISSING.format("plan"), "this is always true"]),
        ("x > 5 and x < 3", ["this is always false"]),
        ("x >= 5 and x < 5", ["this is always false"]),
        ('x > 5 and x < "a"', ["this is always false"]),
        ('count("A") > 5 and count("A") < 3', ["this is always false"]),
        ('3 <= sum("A", x) <= 1', ["this is always false"]),
        ('latest("A") > "2025-02-01" and latest("A") < "2025-01-01"', ["this is always false"]),
        ('any("A", last="7d") and not any("A", last="30d")', ["this is always false"]),
        ('any("A") or count("A", last="7d") < 3', ["this is always true"]),
        ('any("A") and not any("A")', ["this is always false"]),
        ('any("A", where=x == 1 and x == 2)', ["this is always false"]),
        # what is missing
        ('country != "DE"', [MISSING.format("country")]),
        ('country != "DE" and country is not None', []),
        ('country not in ("DE", "AT")', [MISSING.format("country")]),
        ('country != "DE" and country > "A"', []),
        ('x and (country != "DE" or y)', [MISSING.format("country")]),
        ("not age > 30", [MISSING.format("age")]),
        ('lower(city) != "berlin"', [MISSING.format("city")]),
        ('any("A", where=x != 1)', []),
        ('latest("A", x) != 1', ['this includes people for whom latest("A", x) is missing']),
        ('not time_since("A") < "7d"', ['this includes people for whom time_since("A") is missing']),
        ('not score("m") > 0.5', ['this includes people for whom score("m") is missing']),
        ('count("A") != 1', []),
        # dates, names
        ('signed_up > "2025-03-01"', ["this looks like a date and is compared as a text, letter by letter"]),
        ('x in ("2025-03-01", "b")', ["this looks like a date and is compared as a text, letter by letter"]),
        ('time(signed_up) > "2025-03-01"', []),
        ("now > 5", ["now is read as a trait"]),
        ('any("A", where=local_hour == 5)', ["local_hour is read as a property"]),
        ('user.plan == "a"', ["user is read as a trait"]),
        ('any("A", where=event.total > 5)', ["event is read as a property"]),
        ('percentile("m") >= 0.8', ["percentiles go from 0 to 100"]),
        # nothing to say
        ("True", []),
        ('1 <= count("A") <= 3 and x', []),
        ("x >= 5 and x <= 5", []),
        ("x > 5 or x < 3", []),
        ('x == "a" and y == "b"', []),
        ('any("A", last="30d") and not any("A", last="7d")', []),
        ('any("A") and count("A") < 3', []),
    ],
)
def test_warnings(text: str, said: list[str]) -> None:
    assert [message for message, _ in warned(text)] == said


def test_hints() -> None:
    assert warned('plan == "a" and plan == "b"')[0][1] == "one value is meant: write x in (...)"
    assert warned('plan != "a"')[0][1] == "to leave them out, add: and plan is not None"
    assert warned('percentile("m") < 0.25')[0][1] == 'write percentile("m") < 25'
    assert warned("now > 5")[0][1] == "for the function write now()"
    assert warned("user.plan > 5")[0][1] == "the person's traits are written alone: plan"
    assert warned("local_hour() > 23")[0][1] == "local_hour() is 0 to 23"
