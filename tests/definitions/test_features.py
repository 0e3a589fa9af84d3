"""features/NAME.yaml: values of a known kind, and what is refused with its place."""

import pytest

from tactful.errors import DefinitionError
from tactful.kernel.definitions import read_project
from tactful.segments.features import FeatureSet

EVENTS = {
    "events/order.yaml": "name: Order Completed\nproperties: {total: number, coupon: text}\n",
    "events/identify.yaml": "name: $identify\nproperties: {plan: text, age: number, since: time, tags: list}\n",
}


def of(text: str) -> FeatureSet:
    return read_project({**EVENTS, "features/shop.yaml": text}).features["shop"]


def refused(*lines: str) -> tuple[str, int, str]:
    with pytest.raises(DefinitionError) as caught:
        of("\n".join(["features:", *(f"  {line}" for line in lines)]))
    (problem,) = caught.value.problems
    return problem.message, problem.place.line, problem.hint


def test_kinds_are_known_by_the_expression_or_by_what_events_declare() -> None:
    found = of(
        "description: All kinds\n"
        "features:\n"
        '  orders: count("Order Completed")\n'
        "  plan: plan\n"
        "  age: age\n"
        '  coupon: latest("Order Completed", coupon)\n'
        '  first: first("Order Completed")\n'
        '  since: {value: time_since("Order Completed")}\n'
        '  has: any("Order Completed")\n'
        "  signup: {value: since, type: time}\n"
        "  tag: {value: 'tags[0]', type: text}\n"
    )
    assert {one.name: one.kind for one in found.features} == {
        "orders": "a number",
        "plan": "a text",
        "age": "a number",
        "coupon": "a text",
        "first": "a time",
        "since": "a duration",
        "has": "true or false",
        "signup": "a time",
        "tag": "a text",
    }
    assert found.description == "All kinds" and len(found.version) == 8


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("Big: age", '"Big" cannot be the name of a feature', "begin with a small letter"),
        ("person: age", 'every table of features has a column "person"', "take another name"),
        ("tag: tags[0]", "of which type this is, nothing says", "write {value: ..., type: number}"),
        ("tags: tags", "a list is no value of a column", "ask something of it: len(...)"),
        ("a: {value: age, type: text}", "this is a number", "leave the type out"),
        ("a: {value: age, type: money}", '"type" cannot be "money"', "write number or text"),
        ("a: {type: text}", 'a feature needs "value"', "add a line value: ..."),
        ("a: cuont('Order Completed')", "there is no function cuont()", 'did you mean "count"?'),
    ],
)
def test_mistakes_have_their_place(line: str, message: str, hint: str) -> None:
    said, at, proposed = refused("fine: age", line)
    assert (said, at) == (message, 3)
    assert proposed.startswith(hint)


def test_an_empty_set_says_nothing() -> None:
    with pytest.raises(DefinitionError, match="the list of features is empty"):
        of("features: {}\n")
