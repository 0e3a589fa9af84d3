"""A mapping guessed from the names of the columns and the first rows, written as a person would write it.

A guess is a beginning: what was taken for what stands in comments, and what could be two things says so. Nothing is
imported by a guess that nobody has looked at.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from tactful.operations.imports.guess_types import Guessed, guess_type
from tactful.operations.imports.reading import names_of
from tactful.operations.imports.tables import Row, Table

_KINDS = {"track", "identify", "page", "screen", "group", "alias", "score", "consent", "message"}
ROLES = {
    "user_id": "user id,customer id,userid,client id,member id,household id,account id,person id,uid,customer,user,"
    "buyer id,kundennummer,kunden nr,customer no,customer number",
    "anonymous_id": "anonymous id,visitor id,visitorid,cookie id,device id,client uuid,fullvisitorid",
    "email": "email,e mail,mail,email address,customer email,user email",
    "phone": "phone,mobile,telephone,phone number,tel,mobile phone",
    "timestamp": "timestamp,event time,event timestamp,occurred at,datetime,created at,created,time,date,"
    "invoice date,"
    "order date,transaction timestamp,transaction date,click timestamp,purchase date,redemption date,visited at,datum",
    "event": "event,event name,event type,action,activity,behavior,behaviour",
    "order_id": "order id,orderid,invoice no,invoice,invoice number,order no,order number,basket id,transaction id,"
    "receipt,receipt id,bestellnummer",
    "product_id": "product id,sku,stock code,item id,article id,click article id,product,asin,"
    "upc,product code,artikelnummer",
    "quantity": "quantity,qty,units,count,menge,anzahl",
    "price": "price,unit price,unitprice,item price,preis,einzelpreis",
    "value": "sales value,line total,total,revenue,amount,order total,value,sales,summe,betrag",
    "message_id": "message id,messageid,event id,uuid",
    "consent": "consent,opt in,optin,newsletter,subscribed,marketing consent,email consent",
}
_PLACED = ("user_id", "anonymous_id", "email", "phone", "timestamp", "event", "message_id")
SPEC = {"product_id": "product_id", "quantity": "quantity", "price": "price"}
_NAMED = [
    [word] for word in ("id", "no", "code", "zip", "postcode", "plz", "upc", "ean", "gtin", "sku", "number", "nr")
]
"""What ends in such a word is no number to count with, whatever its digits."""
_PRODUCT = ("name", "description", "product name", "title", "category", "brand", "department")


class Found(Struct):
    """What the columns seem to be."""

    roles: dict[str, str]
    """Column by role."""
    types: dict[str, Guessed]
    rows: Sequence[Row]
    columns: Sequence[str]
    names: dict[str, str]
    """How a column is called in expressions."""

    def column(self, role: str) -> str | None:
        return self.roles.get(role)

    def expression(self, role: str) -> str:
        return self.names[self.roles[role]]


def guess(table: Table, source: str, zone: str) -> str:
    """YAML. `source` is whose events they are, `zone` that of the workspace."""
    rows = next((batch.rows for batch in table.batches(()) if batch.rows), [])
    found = _look(table, rows)
    lines = [f"# How {table.path.name} becomes events, as guessed from its columns and first rows: look at every line.",
             "# What each line means: docs/importing.md. Try it: tactful import FILE --dry-run", ""]  # fmt: skip
    if _is_calls(table, rows):
        return "\n".join([*lines, *_source(source), "calls: true  # each line is a tracking call as it stands", ""])
    lines += [*_source(source), *_opening(table), *_types(table, found, zone)]
    lines += ["events:", *_events(table.path, found)]
    return "\n".join([*lines, ""])


def _source(source: str) -> list[str]:
    return [f"source: {_quoted(source)}  # of tactful.toml: its `unplanned` says what the tracking plan does", ""]


def _is_calls(table: Table, rows: Sequence[Row]) -> bool:
    names = {column.name for column in table.columns}
    if table.format.format != "jsonl" or "type" not in names or not rows:
        return False
    return all(row.get("type") in _KINDS for row in rows[:100])


def _opening(table: Table) -> list[str]:
    format = table.format
    told = [f"format: {format.format}"]
    if format.format == "csv":
        told += [f"delimiter: {json.dumps(format.delimiter)}"]
    if format.encoding and format.encoding != "utf-8":
        told += [f"encoding: {format.encoding}  # not UTF-8: see whether letters beyond ASCII come out right"]
    if format.sheet:
        told += [f"sheet: {_quoted(format.sheet)}"]
    return [*told, *(f"# note: {note}" for note in table.notes), ""]


def _types(table: Table, found: Found, zone: str) -> list[str]:
    has_local = any(one.type == "time" and one.is_local for one in found.types.values())
    told = [f"zone: {zone}  # of the times that name none"] if has_local else []
    typed = {name: one for name, one in found.types.items() if one.type and not one.is_native}
    if typed:
        told += ["types:"]
        for name, one in typed.items():
            said = f"{{{one.type}: {json.dumps(one.format)}}}" if one.format else one.type
            told.append(f"  {_quoted(name)}: {said}{f'  # {one.remark}' if one.remark else ''}")
    return [*told, ""] if told else []


def _look(table: Table, rows: Sequence[Row]) -> Found:
    columns = [column.name for column in table.columns]
    plain = {column: _plain(column) for column in columns}
    roles: dict[str, str] = {}
    for role, said in ROLES.items():
        wanted = said.split(",")
        ranked = [
            (place, len(name), column)
            for column, name in plain.items()
            for place, one in enumerate(wanted)
            if column not in roles.values() and (name == one or name.replace(" ", "") == one.replace(" ", ""))
        ]
        if ranked:
            roles[role] = min(ranked)[2]
    if "timestamp" not in roles:
        ends = [name for name in columns if plain[name].split()[-1:] in (["date"], ["time"], ["at"], ["timestamp"])]
        native = [column.name for column in table.columns if column.kind == "time"]
        if ends or native:
            roles["timestamp"] = (ends or native)[0]
    names = {column: name for name, column in names_of(columns).items()}
    ids = {roles[role] for role in ("user_id", "anonymous_id", "order_id", "product_id", "phone") if role in roles}
    kinds = {column.name: column.kind for column in table.columns}
    types = {
        name: guess_type([row.get(name) for row in rows], kinds[name], is_time=roles.get("timestamp") == name)
        for name in columns
        if kinds[name] != "text" or not (name in ids or plain[name].split()[-1:] in _NAMED)
    }
    return Found(roles, types, rows, columns, names)


def _plain(name: str) -> str:
    return " ".join(re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])|[^\W\d_]+", name.replace("_", " "))).lower()


# ---- events ----------------------------------------------------------------------------------------------------------


def _events(path: Path, found: Found) -> list[str]:
    if found.column("event") and found.column("timestamp"):
        return _rule(found, f"event: {{column: {_quoted(found.roles['event'])}}}", _others(found), "properties")
    if found.column("order_id") and found.column("timestamp"):
        return _orders(found)
    if found.column("timestamp") is None or not (found.column("product_id") or _repeats(found, _who(found))):
        return _rule(found, "type: identify", _others(found), "traits")
    name = "Product Viewed" if found.column("product_id") else _plain(path.name.partition(".")[0]).title()
    return _rule(found, f"event: {_quoted(name)}  # name it as your tracking plan does", _others(found), "properties")


def _who(found: Found) -> str | None:
    return next(
        (found.roles[role] for role in ("user_id", "anonymous_id", "email", "phone") if role in found.roles), None
    )


def _repeats(found: Found, column: str | None) -> bool:
    said = [row.get(column) for row in found.rows if column and row.get(column) not in (None, "")]
    return len(set(map(str, said))) < len(said)


def _people(found: Found) -> list[str]:
    told = [
        f"    {role}: {_quoted(found.roles[role])}"
        for role in ("user_id", "anonymous_id", "email", "phone")
        if role in found.roles
    ]
    return told or ['    user_id: "?"  # no column looks like a person: name the one that says who it was']


def _if(found: Found, *conditions: str) -> list[str]:
    """Rows of nobody make no event."""
    who = _who(found)
    is_sometimes = who is not None and any(row.get(who) in (None, "") for row in found.rows)
    said = [f"{found.names[who]} is not None"] if who is not None and is_sometimes else []
    said += conditions
    return [f"    if: {_quoted(' and '.join(said))}"] if said else []


def _rule(found: Found, what: str, values: dict[str, str], section: str) -> list[str]:
    at = found.column("timestamp")
    told = [f"  - {what}", *_if(found), *_people(found)]
    told += [
        f"    timestamp: {_quoted(at)}" if at else '    timestamp: {constant: "2000-01-01"}  # no column looks like one'
    ]
    if found.column("message_id"):
        told += [f"    id: {_quoted(found.roles['message_id'])}"]
    return [*told, *([f"    {section}:", *_pairs(values, 6)] if values else [])]


def _others(found: Found) -> dict[str, str]:
    """Everything that has no place of its own, under the names of the Segment spec where it has one."""
    placed = {found.roles[role] for role in _PLACED if role in found.roles}
    named = {found.roles[role]: name for role, name in SPEC.items() if role in found.roles}
    return {named.get(column, _snake(column)): column for column in found.columns if column not in placed}


def _orders(found: Found) -> list[str]:
    """Lines of orders put together; returns, which have a C before their number or less than nothing in it, apart."""
    at, order = found.roles["timestamp"], found.roles["order_id"]
    product = {name: found.roles[role] for role, name in SPEC.items() if role in found.roles}
    lined = {column for column in found.columns if _plain(column) in _PRODUCT or _varies(found, column)}
    product |= {
        _snake(column): column for column in found.columns if column in lined and column not in found.roles.values()
    }
    if "value" in found.roles:
        product["value"] = found.roles["value"]
    total = _total(found)
    rest = {
        _snake(column): column
        for column in found.columns
        if column not in found.roles.values() and column not in product.values()
    }
    values = {"order_id": order, **rest}
    told: list[str] = []
    returned = _returned(found)
    for name, condition, sign in (
        [("Order Completed", f"not {returned}", ""), ("Order Refunded", returned, "-")]
        if returned
        else [("Order Completed", "", "")]
    ):
        told += [f"  - event: {name}", *_if(found, *([condition] if condition else []))]
        told += [f"    rows: {_quoted(order)}  # rows with the same one are one order", *_people(found)]
        told += [f"    timestamp: {_quoted(at)}", "    properties:", *_pairs(values, 6)]
        if total:
            told += [f"      total: {{sum: {_quoted(sign + total, is_flow=True)}}}"]
        if product:
            told += ["    products:", *_pairs(product, 6)]
    return told


def _total(found: Found) -> str:
    if "price" in found.roles and "quantity" in found.roles:
        return f"{found.expression('quantity')} * {found.expression('price')}"
    return found.expression("value") if "value" in found.roles else ""


def _returned(found: Found) -> str:
    order = found.roles["order_id"]
    if any(re.fullmatch(r"C\d+", str(row.get(order))) for row in found.rows):
        return f'starts_with({found.expression("order_id")}, "C")'
    quantity = found.roles.get("quantity")
    if quantity and any(str(row.get(quantity)).startswith("-") for row in found.rows):
        return f"{found.expression('quantity')} < 0"
    return ""


def _varies(found: Found, column: str) -> bool:
    """Whether one order has several values of it."""
    order = found.roles["order_id"]
    seen: dict[str, Any] = {}
    return any(seen.setdefault(str(row.get(order)), row.get(column)) != row.get(column) for row in found.rows)


# ---- YAML ------------------------------------------------------------------------------------------------------------


def _pairs(values: dict[str, str], indent: int) -> list[str]:
    return [f"{' ' * indent}{_quoted(name)}: {_quoted(column)}" for name, column in values.items()]


def _snake(name: str) -> str:
    return "_".join(_plain(name).split()) or name


def _quoted(text: str, *, is_flow: bool = False) -> str:
    plain = re.fullmatch(r"[A-Za-z_][\w .*-]*[\w)]|[A-Za-z_]", text) and text.lower() not in ("null", "true", "false")
    return text if plain and not (is_flow and "," in text) else json.dumps(text, ensure_ascii=False)
