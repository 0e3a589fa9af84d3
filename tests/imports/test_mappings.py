"""Mapping files: what they mean, each mistake with its place, and guesses that need no more than a look."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tactful.adapters.tables.opening import FileTables
from tactful.errors import DefinitionError
from tactful.operations.imports.calls import Calls
from tactful.operations.imports.guess import guess
from tactful.operations.imports.preparing import prepare
from tactful.operations.imports.tables import FileFormat

TABLES = FileTables()
ORDERS = """order,user,mail,when,sku,qty,price,paid
A1,7,ada@x.org,01.03.2024 10:00,k-1,2,"1.234,50",yes
A1,7,ada@x.org,01.03.2024 10:00,l-2,1,"3,00",yes
B2,,bob@x.org,02.03.2024 11:00,k-1,1,"10,00",no
C3,8,,02.03.2024 12:00,k-1,-1,"10,00",no
"""
HEAD = (
    'zone: Europe/Berlin\ntypes: {when: {time: "%d.%m.%Y %H:%M"}, qty: number, price: {number: comma}, paid: boolean}\n'
)


def made(tmp_path: Path, mapping: str, content: str = ORDERS) -> tuple[list[dict[str, Any]], Calls]:
    path = tmp_path / "orders.csv"
    path.write_text(content)
    prepared = prepare(TABLES, path, mapping, tmp_path / "orders.yaml")
    calls = prepared.calls()
    found = [one for some in prepared.rows(calls) for one in some.made]
    return [msgspec.json.decode(one.body) for one in found], calls


def without_id(call: dict[str, Any]) -> dict[str, Any]:
    assert call.pop("messageId").startswith("import ")
    return call


def test_rows_become_one_order_with_products(tmp_path: Path) -> None:
    mapping = (
        HEAD
        + """
events:
  - event: Order Completed
    if: qty > 0
    rows: order
    user_id: user
    email: mail
    timestamp: when
    properties:
      order_id: order
      total: {sum: qty * price}
      lines: {count: true}
      shop.name: {constant: Berlin}
      paid: {column: paid, values: {"True": 1}}
      price_class: "price / 2"
    products: {product_id: sku, quantity: qty, price: price}
"""
    )
    calls, _ = made(tmp_path, mapping)
    assert [without_id(call) for call in calls] == [
        {
            "type": "track", "event": "Order Completed", "userId": "7", "timestamp": "2024-03-01T09:00:00.000Z",
            "traits": {"email": "ada@x.org"},
            "properties": {
                "order_id": "A1", "total": 2472, "lines": 2, "shop": {"name": "Berlin"}, "paid": 1,
                "price_class": 617.25,
                "products": [
                    {"product_id": "k-1", "quantity": 2, "price": 1234.5},
                    {"product_id": "l-2", "quantity": 1, "price": 3},
                ],
            },
        },
        {
            "type": "track", "event": "Order Completed", "timestamp": "2024-03-02T10:00:00.000Z",
            "traits": {"email": "bob@x.org"},
            "properties": {
                "order_id": "B2", "total": 10, "lines": 1, "shop": {"name": "Berlin"}, "paid": False, "price_class": 5,
                "products": [{"product_id": "k-1", "quantity": 1, "price": 10}],
            },
        },
    ]  # fmt: skip


def test_rows_become_people_decisions_and_returns(tmp_path: Path) -> None:
    mapping = (
        HEAD
        + """
events:
  - type: identify
    user_id: user
    timestamp: when
    traits: {email: mail, paying: paid}
  - consent: email_marketing
    granted: paid
    user_id: user
    email: mail
    timestamp: when
  - event: {column: paid, values: {"True": Order Completed, "False": Order Refunded}}
    if: qty < 0
    user_id: user
    timestamp: when
    id: [order, sku]
    properties: {total: -qty * price}
"""
    )
    calls, _ = made(tmp_path, mapping)
    kinds = [call["type"] for call in calls]
    assert kinds == [
        "identify",
        "consent",
        "identify",
        "consent",
        "identify",
        "consent",
        "identify",
        "consent",
        "track",
    ]
    assert calls[0]["traits"] == {"email": "ada@x.org", "paying": True}
    assert {key: calls[5][key] for key in ("purpose", "granted", "email")} == {
        "purpose": "email_marketing", "granted": False, "email": "bob@x.org",
    }  # fmt: skip
    assert (calls[8]["event"], calls[8]["properties"]) == ("Order Refunded", {"total": 10})


def test_message_ids_are_the_same_for_the_same_rows_and_others_for_others(tmp_path: Path) -> None:
    mapping = HEAD + "events:\n  - {event: X, user_id: user, timestamp: when}\n"
    one = [call["messageId"] for call in made(tmp_path, mapping)[0]]
    longer = [call["messageId"] for call in made(tmp_path, mapping, ORDERS + "D4,9,,03.03.2024 12:00,k-1,1,1,no\n")[0]]
    assert len(set(longer)) == 5
    assert longer[:4] == one, "a file that has grown gives its old rows the ids that they had"
    grouped = HEAD + "events:\n  - {event: X, rows: order, user_id: user, timestamp: when}\n"
    ids = {call["messageId"] for call in made(tmp_path, grouped)[0]}
    lines = ORDERS.splitlines()
    turned = "\n".join([lines[0], *reversed(lines[1:])])
    assert {call["messageId"] for call in made(tmp_path, grouped, turned)[0]} == ids, "an order has its number"


def test_what_stands_for_nothing_and_what_cannot_be_read(tmp_path: Path) -> None:
    content = "user,when,qty,note\n1,2024-03-01,n/a,x\n2,2024-03-01,many,n/a\n3,,2,y\n"
    mapping = "missing: [n/a]\ntypes: {qty: number}\nevents:\n  - {event: X, user_id: user, timestamp: when, properties: {qty: qty, note: note}}\n"
    calls, told = made(tmp_path, mapping, content)
    assert [call["properties"] for call in calls] == [{"note": "x"}, {"qty": "many"}, {"qty": 2, "note": "y"}]
    assert calls[2]["timestamp"] == "missing"
    assert {name: (one.count, one.number, one.text) for name, one in told.unread.items()} == {"qty": (1, 3, "many")}


def test_a_row_without_a_number_of_an_order_is_no_order(tmp_path: Path) -> None:
    mapping = "events:\n  - {event: Order Completed, rows: order, user_id: user, timestamp: when}\n"
    calls, _ = made(tmp_path, mapping, "order,user,when\n,1,2024-03-01\nA,1,2024-03-01\nA,1,2024-03-01\n")
    assert len(calls) == 1


MISTAKES = [
    ("", "the file is empty"),
    ("events: []", "says which events it makes"),
    ("event: X", 'has no "event"'),
    ("events:\n  - {user_id: user, timestamp: when}", "needs the name of its event"),
    ("events:\n  - {event: X, timestamp: when}", "nobody is named"),
    ("events:\n  - {event: X, user_id: user}", 'needs "timestamp"'),
    ("events:\n  - {event: X, user_id: usr, timestamp: when}", 'the file has no column "usr"'),
    ("events:\n  - {event: X, user_id: user, timestamp: when, rows: ordr}", 'the file has no column "ordr"'),
    ("events:\n  - {event: X, user_id: user, timestamp: when, if: qty >}", "this cannot be read"),
    ("events:\n  - {event: X, user_id: user, timestamp: when, if: qtty > 3}", 'the file has no column "qtty"'),
    ("events:\n  - {event: X, user_id: user, timestamp: when, traits: {a: sku}}", "track has properties, no traits"),
    ("events:\n  - {type: identify, user_id: user, timestamp: when, properties: {a: sku}}", "identify has traits"),
    (
        "events:\n  - {event: X, user_id: user, timestamp: when, products: {a: sku}}",
        "products are made of several rows",
    ),
    ("events:\n  - {event: X, user_id: user, timestamp: when, properties: {a: {}}}", "a value comes from one place"),
    ("events:\n  - {event: X, user_id: user, timestamp: when, properties: {a: [b]}}", "a value is a column"),
    ("events:\n  - {consent: news, user_id: user, timestamp: when}", "a yes or a no"),
    ("zone: Mars\nevents:\n  - {event: X, user_id: user, timestamp: when}", "is no time zone"),
    ("types: {qty: integer}\nevents:\n  - {event: X, user_id: user, timestamp: when}", '"integer" is no type'),
    ("types: {qyt: number}\nevents:\n  - {event: X, user_id: user, timestamp: when}", 'no column "qyt"'),
    (
        "types: {when: {time: dd.mm.yyyy}}\nevents:\n  - {event: X, user_id: user, timestamp: when}",
        "is no format of times",
    ),
    ("calls: true\nevents: []", "each line is a call as it stands"),
    ("join: {goods: {file: x.csv}}", 'needs "on"'),
    (
        "events: [{event: X, rows: order, user_id: user, timestamp: when}, {event: Y, rows: sku, user_id: user, timestamp: when}]",
        "by the same columns",
    ),
]


@pytest.mark.parametrize(("mapping", "said"), MISTAKES, ids=range(len(MISTAKES)))
def test_each_mistake_is_told_with_its_place(tmp_path: Path, mapping: str, said: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        made(tmp_path, mapping)
    text = str(refused.value)
    assert said in text
    assert "orders.yaml:" in text


# ---- guesses ---------------------------------------------------------------------------------------------------------


def guessed(tmp_path: Path, content: str, name: str = "orders.csv") -> tuple[str, list[dict[str, Any]]]:
    path = tmp_path / name
    path.write_text(content)
    text = guess(TABLES.open(path, FileFormat()), "server", "Europe/Berlin")
    prepared = prepare(TABLES, path, text, tmp_path / "m.yaml")
    return text, [msgspec.json.decode(one.body) for one in prepared.first(10)]


def test_orders_are_guessed(tmp_path: Path) -> None:
    content = ORDERS.replace("order,user,mail,when", "Order No,Customer ID,E-Mail,Order Date")
    content = content.replace("qty,price", "Qty,Unit Price").replace("01.03", "21.03")
    text, calls = guessed(tmp_path, content)
    assert '{time: "%d.%m.%Y %H:%M"}' in text
    assert '{number: "comma"}' in text
    assert [(call["event"], call["properties"].get("total")) for call in calls] == [
        ("Order Completed", 2472), ("Order Completed", 10), ("Order Refunded", 10),
    ]  # fmt: skip


def test_a_date_that_could_be_two_says_so(tmp_path: Path) -> None:
    text, _ = guessed(tmp_path, "user_id,date,event\n1,03/04/2024,Seen\n1,05/06/2024,Seen\n")
    assert 'or "%m/%d/%Y": no day above 12 stands in the first rows' in text
    text, calls = guessed(tmp_path, "user_id,date,event\n1,03/04/2024,Seen\n1,05/16/2024,Left\n")
    assert "# or" not in text
    assert [(call["event"], call["timestamp"][:10]) for call in calls] == [
        ("Seen", "2024-03-03"),
        ("Left", "2024-05-15"),
    ]


@pytest.mark.parametrize(
    ("at", "said"),
    [("1709296200", "seconds"), ("1709296200123", "milliseconds"), ("2024-03-01T10:00:00Z", ""), ("20240301", "")],
)
def test_times_are_guessed(tmp_path: Path, at: str, said: str) -> None:
    text, calls = guessed(tmp_path, f"visitor_id,ts,action,sku\na,{at},viewed,1\n".replace("ts", "timestamp"))
    assert (f'{{time: "{said}"}}' in text) is bool(said)
    if said:
        assert calls[0]["timestamp"].startswith("2024-03-01T12:30")
    assert calls[0]["anonymousId"] == "a"


def test_a_list_of_people_and_a_file_of_calls_are_guessed(tmp_path: Path) -> None:
    text, calls = guessed(tmp_path, "email,first name,zip,vip\na@x.org,Ada,01234,yes\nb@x.org,Bob,80331,no\n")
    assert calls[0]["type"] == "identify"
    assert calls[0]["traits"] == {"email": "a@x.org", "first_name": "Ada", "zip": "01234", "vip": True}
    text, calls = guessed(tmp_path, '{"type": "track", "event": "Seen", "userId": "1"}\n', "calls.jsonl")
    assert "calls: true" in text
    assert calls[0]["event"] == "Seen"


def test_nobody_is_guessed_where_nobody_stands(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="column"):
        guessed(tmp_path, "city,temperature\nRome,20\n")


def test_names_of_columns_that_want_quotes_are_quoted(tmp_path: Path) -> None:
    text, calls = guessed(
        tmp_path, 'user id,when: date,"a ""b"": c",#no,true\n1,2024-03-01,x,y,z\n1,2024-03-02,x,y,z\n'
    )
    assert set(calls[0]["properties"].values()) == {"x", "y", "z"}, text
