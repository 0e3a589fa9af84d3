"""The words of a project: events, collections and metrics, and segments that name each other."""

import pytest

from tactful.errors import DefinitionError
from tactful.events.tracking import EventRule, PropertyRule, personal
from tactful.kernel.definitions import Definitions, read_project, vocabulary_of
from tactful.language.check import check
from tactful.language.declarations import tracking_rule
from tactful.language.mistakes import Mistake
from tactful.language.tree import InSegment, Part, Sessions, walk
from tactful.language.vocabulary import Collection, TraitRule
from tactful.values import DAY_US, MINUTE_US

EVENTS = {
    "events/Order Completed.yaml": (
        "name: Order Completed\ndescription: Somebody paid\nproperties:\n  order_id: text\n"
        "  total: {type: number, required: true, description: With tax, enum: [1, 2.5]}\n"
        "  currency: {type: text, enum: [EUR, USD]}\n  note:\n"
    ),
    "events/added.yaml": "name: Product Added\nproperties: {sku: text, quantity: number, price: number, name: text}\n",
    "events/login.yaml": "name: Login\nretention: 400d\n",
    "events/traits.yaml": "name: $identify\nproperties: {country: text, age: number}\n",
}
CART = {
    "collections/cart.yaml": (
        "description: The cart\nadd: Product Added\nclear: [Order Completed]\nkey: sku\nfields: [name, price]\nlimit: 50\n"
    )
}


def problems(files: dict[str, str], *, is_strict: bool = True) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        read_project(files, is_strict=is_strict)
    return [
        f"{one.place.file}:{one.place.line}:{one.place.column}: {one.message} / {one.hint}"
        for one in caught.value.problems
    ]


def project(**files: str) -> Definitions:
    return read_project(
        {**EVENTS, **CART, **{f"segments/{name}.yaml": f"when: {text}" for name, text in files.items()}}
    )


def test_what_is_declared() -> None:
    found = project()
    assert list(found.events) == ["$identify", "Login", "Order Completed", "Product Added"]
    order = found.events["Order Completed"]
    assert order.properties == {"order_id": "text", "total": "number", "currency": "text", "note": "anything"}
    assert (order.description, order.required, order.retention_us) == ("Somebody paid", frozenset({"total"}), None)
    assert (order.choices, order.descriptions) == (
        {"total": (1.0, 2.5), "currency": ("EUR", "USD")},
        {"total": "With tax"},
    )
    assert found.events["Login"].retention_us == 400 * DAY_US
    assert found.collections == {
        "cart": Collection(
            "cart",
            add=("Product Added",),
            remove=(),
            clear=("Order Completed",),
            key=("sku",),
            fields=("name", "price"),
            limit=50,
            description="The cart",
        )
    }


def test_what_the_tracking_plan_asks() -> None:
    said = (
        "server_only: true\nproperties:\n  id: {type: text, required: true, enum: [a, b]}\n  note: {personal: true}\n"
        "  email:\n  phone: {personal: false}\n  name: text\n  total: number\n"
    )
    paid, identify = (
        read_project({"events/x.yaml": f"name: {name}\n{said}"}).events[name] for name in ("Paid", "$identify")
    )
    rule = tracking_rule(paid)
    assert (rule.name, rule.is_server_only) == ("Paid", True)
    assert rule.properties["id"] == PropertyRule("text", required=True, choices=("a", "b"))
    assert rule.properties["total"] == PropertyRule("number")
    assert personal(rule) == paid.personal == {"note", "email"}
    assert identify.personal == {"note", "email", "name"}
    assert tracking_rule(project().events["Login"]) == EventRule("Login")


def test_segments_speak_of_it() -> None:
    found = project(a="cart.lines > 2 and segment('b')", b='any("Order Completed", where=total > 5) and age > 3')
    tree = found.segments["a"].when.tree
    parts = list(walk(tree))
    assert any(isinstance(node, Part) for node in parts)
    (inner,) = [node for node in parts if isinstance(node, InSegment)]
    assert inner.tree == found.segments["b"].when.tree
    vocabulary = vocabulary_of(found)
    assert check("segment('a') and cart.items.sku is None", vocabulary=vocabulary).canonical


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("events/x.yaml", "properties: {a: text}", ['1:1: a definition needs "name" / add a line name: ...']),
        ("events/x.yaml", "name: $page2", ['1:7: there is no event $page2 / did you mean "$page"?']),
        ("events/x.yaml", 'name: "*"', ['1:8: "*" is no event of its own / write the event\'s name']),
        ("events/x.yaml", "name: X\nretention: 1y", ['2:12: "1y" is no duration / months and years have no fixed length: write "365d"']),
        ("events/x.yaml", "name: Login", ['1:1: "Login" is declared twice / it stands in events/login.yaml; keep one of them']),
        ("events/x.yaml", "name: X\nproperties: {a: string}", ['2:17: "string" is no type / write text']),
        ("events/x.yaml", "name: X\nproperties: {a: numbr}", ['2:17: "numbr" is no type / did you mean "number"?']),
        ("events/x.yaml", "name: X\nproperties: {a: {type: what}}", ['2:24: "what" is no type / types are number, text, boolean, time, list, object, anything']),
        ("events/x.yaml", "name: X\nproperties: {a: {typ: text}}", ['2:18: the property "a" has no "typ" / did you mean "type"?']),
        ("events/x.yaml", "name: X\nproperties: {a: [text]}", ["2:17: a property is declared by its type / write a: text"]),
        ("events/x.yaml", "name: X\nproperties: [a, b]", ['2:13: "properties" is written as names with values / write properties: {total: number}']),
        ("events/x.yaml", "name: X\nproperties: {a: text, a: number}", ['2:23: "a" is given twice / keep one of them']),
        ("events/x.yaml", "name: X\nproperties: {a: {type: number, enum: [a]}}", ["2:38: the values of a number are numbers / write numbers, or type: text"]),
        ("events/x.yaml", "name: X\nproperties: {a: {required: yes}}", ['2:28: "required" cannot be "yes" / write true or false']),
        ("events/x.yaml", "name: X\nserver_only: yes", ['2:14: "server_only" cannot be "yes" / write true or false']),
        ("events/x.yaml", "name: X\nproperties: {a: {personal: 1}}", ['2:28: "personal" cannot be "1" / write true or false']),
        ("collections/x.yaml", "add: Product Added", ['1:1: a definition needs "key" / add a line key: ...']),
        ("collections/x.yaml", "add: Product Add\nkey: sku", ['1:6: no event "Product Add" is declared / did you mean "Product Added"?']),
        ("collections/x.yaml", 'add: "*"\nkey: sku', ['1:7: a collection is changed by events with names / write them one by one, not "*"']),
        ("collections/x.yaml", "add: Product Added\nremove: Product Added\nkey: sku", ["2:9: an event can only do one thing to a collection / name it once"]),
        ("collections/x.yaml", "add: Product Added\nclear: Login\nkey: sku", ['2:8: "Login" is forgotten after 400d, so a collection cannot rest on it / leave its retention out']),
        ("collections/x.yaml", "add: Product Added\nkey: skw", ['2:6: "Product Added" has no property "skw" / did you mean "sku"?']),
        ("collections/x.yaml", "add: Product Added\nkey: sku + 1", ["2:6: a text cannot be calculated with / calculate with numbers, times and durations"]),
        ("collections/x.yaml", "add: Product Added\nkey: context.ip", ['2:6: "key" is the name of a property / write product_id, or product.sku']),
        ("collections/x.yaml", "add: Product Added\nkey: sku\nlimit: 0", ['3:8: "limit" is a whole number from 1 to 4,096 / write limit: 200']),
        ("collections/x.yaml", "add: Product Added\nkey: sku\nfields: [{a: b}]", ['3:10: "fields" is a list of texts / write fields: [one, two]']),
        ("collections/not.yaml", "add: Product Added\nkey: sku", ['1:1: "not" cannot be the name of a collection / call the file cart.yaml, for cart.lines']),
        ("metrics/x.yaml", "value: count(", ["1:13: this ( is never closed / add )"]),
        ("metrics/x.yaml", "when: x", ['1:1: a definition has no "when" / known are description, value', '1:1: a definition needs "value" / add a line value: ...']),
        ("segments/x.yaml", "when: segment('y')", ['1:15: there is no segment "y" / add segments/y.yaml']),
        ("segments/x.yaml", "when: local_hour() > 5", ["1:7: local_hour() changes for everybody at once, so it cannot be in a segment / ask it in a journey's if:"]),
        ("journeys/x.yaml", "start: {event: Purchase}\nsend: {webhook: https://a.example}", ['1:16: no event "Purchase" is declared / declare it: a file in events/']),
        ("journeys/x.yaml", "start: {event: Login}\nunless: Logn\nsend: {webhook: https://a.example}", ['2:9: no event "Logn" is declared / did you mean "Login"?']),
        ("journeys/x.yaml", "start: {event: Product Added, where: pricee > 5}\nsend: {webhook: https://a.example}", ['1:38: "Product Added" has no property "pricee" / did you mean "price"?']),
    ],
)  # fmt: skip
def test_mistakes(file: str, text: str, said: list[str]) -> None:
    assert problems({**EVENTS, **CART, file: text}) == [f"{file}:{one}" for one in said]


def test_a_mistake_in_one_file_is_no_second_one_in_another() -> None:
    said = problems(
        {
            **EVENTS,
            "events/added.yaml": "name: Product Added\nproperties: {sku: txt}",
            "collections/cart.yaml": "add: Product Added\nkey: sku = 1",
            "segments/a.yaml": 'when: segment("b") and cart.lines > 1 and percentile("m") >= 80\n',
            "segments/b.yaml": "when: x = 1",
            "metrics/m.yaml": "value: 1 = 1",
        }
    )
    assert [one.partition(":")[0] for one in said] == [
        "collections/cart.yaml",
        "events/added.yaml",
        "metrics/m.yaml",
        "segments/b.yaml",
    ]
    nameless = {**EVENTS, "events/x.yaml": "nam: Purchase", "segments/a.yaml": 'when: any("Purchase")'}
    assert all(one.startswith("events/x.yaml") for one in problems(nameless))


def test_without_strictness_undeclared_names_are_warned_of() -> None:
    files = {**EVENTS, "segments/a.yaml": 'when: any("Purchase") and plan == "x"'}
    found = read_project(files, is_strict=False)
    assert [one.message for one in found.warnings] == ['no event "Purchase" is declared', 'no trait "plan" is declared']


@pytest.mark.parametrize(
    ("files", "place", "chain"),
    [
        ({"segments/a.yaml": "when: x and segment('a')"}, "segments/a.yaml:1:21", "segments/a → segments/a"),
        (
            {
                "segments/a.yaml": "when: segment('b')",
                "segments/b.yaml": "when: segment('a')",
                "segments/c.yaml": "when: segment('a')",
            },
            "segments/b.yaml:1:15",
            "segments/a → segments/b → segments/a",
        ),
        (
            {
                "metrics/m.yaml": "value: segment('b')",
                "segments/a.yaml": "when: segment('b')",
                "segments/b.yaml": "when: x and segment('c')",
                "segments/c.yaml": "when: percentile('m') >= 80",
            },
            "metrics/m.yaml:1:16",
            "segments/b → segments/c → metrics/m → segments/b",
        ),
        (
            {"metrics/m.yaml": "value: percentile('n') < 5", "metrics/n.yaml": "value: percentile('m') < 5"},
            "metrics/n.yaml:1:19",
            "metrics/m → metrics/n → metrics/m",
        ),
    ],
)
def test_circles_are_refused_with_their_chain(files: dict[str, str], place: str, chain: str) -> None:
    assert problems(files) == [f"{place}: this goes round in a circle: {chain} / write one of them without the other"]


def test_long_chains_are_read_or_refused() -> None:
    chain = {f"segments/s{number}.yaml": f'when: segment("s{number + 1}") and x' for number in range(40)}
    assert len(read_project({**chain, "segments/s40.yaml": "when: y"}).segments) == 41
    doubling = {
        f"segments/s{number}.yaml": f'when: segment("s{number + 1}") and segment("s{number + 1}")'
        for number in range(40)
    }
    said = problems({**doubling, "segments/s40.yaml": "when: y"})
    assert "with the segments and metrics that it names, the expression is too large" in said[0]


def test_the_gap_between_sessions_is_part_of_the_meaning() -> None:
    files = {"segments/a.yaml": "when: sessions() > 3"}
    one, other = (read_project(files, gap_us=gap_us).segments["a"].when for gap_us in (30 * MINUTE_US, 5 * MINUTE_US))
    assert one.canonical != other.canonical
    assert [node.gap_us for node in walk(other.tree) if isinstance(node, Sessions)] == [5 * MINUTE_US]


def test_the_order_of_files_does_not_matter() -> None:
    files = {**EVENTS, **CART, "segments/b.yaml": 'when: segment("a")', "segments/a.yaml": "when: cart.lines > 1"}
    assert read_project(files) == read_project(dict(reversed(files.items())))


# ---- traits ----------------------------------------------------------------------------------------------------------


def test_what_a_trait_becomes_of_several_writes() -> None:
    text = (
        "name: $identify\nproperties:\n  seen: {type: time, merge: maximum}\n  age: {type: number, merge: minimum}\n"
        "  tags: {type: text, merge: union}\n  plan: {merge: first}\n  name: {type: text, merge: newest}\n"
        "  city: {type: text, merge: {sources: [crm, website]}}\n"
    )
    definitions = read_project({"events/identify.yaml": text})
    found = definitions.events["$identify"]
    assert found.merges == {
        "seen": TraitRule("maximum", is_time=True),
        "age": TraitRule("minimum"),
        "tags": TraitRule("union"),
        "plan": TraitRule("first"),
        "city": TraitRule("sources", ("crm", "website")),
    }
    assert found.properties["tags"] == "text"
    vocabulary = vocabulary_of(definitions)
    assert check("'a' in tags", vocabulary=vocabulary).canonical
    with pytest.raises(Mistake):
        check('tags == "a"', vocabulary=vocabulary)


@pytest.mark.parametrize(
    ("name", "declared", "told"),
    [
        ("Login", "{type: number, merge: maximum}", "only traits merge: what an event says stays as it is"),
        ("$identify", "{type: text, merge: maximum}", "a maximum is one of numbers or times"),
        ("$identify", "{merge: minimum}", "a minimum is one of numbers or times"),
        ("$identify", "{type: object, merge: union}", "a union is one of texts, numbers or lists"),
        ("$identify", "{merge: latest}", '"merge" cannot be "latest"'),
        ("$identify", "{merge: {sources: []}}", '"sources" names each source once'),
        ("$identify", "{merge: {sources: [crm, crm]}}", '"sources" names each source once'),
        ("$identify", "{merge: {source: crm}}", '"merge" needs "sources"'),
        ("$identify", "{merge: [first]}", '"merge" is a text'),
    ],
)
def test_a_rule_that_cannot_be_is_refused(name: str, declared: str, told: str) -> None:
    found = problems({"events/e.yaml": f"name: {name}\nproperties:\n  x: {declared}\n"})
    assert found[0].startswith("events/e.yaml:3:")
    assert told in found[0]


@pytest.mark.parametrize("trait", ["email", "phone", "country", "address", "timezone"])
def test_what_the_engine_reads_as_one_value_is_no_union(trait: str) -> None:
    (found,) = problems({"events/e.yaml": f"name: $identify\nproperties:\n  {trait}: {{merge: union}}\n"})
    assert "cannot be many" in found
