"""Lists that come in: whatever bytes they hold, each line counts or is told; what goes out comes in again."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.ledger import MemoryLedger
from tactful.adapters.memory.log import MemoryLog
from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.consent.ledger import Entry, Opening, link
from tactful.errors import UsageError
from tactful.events.records import Consent, decode
from tactful.operations.lists import Told, read, written
from tactful.operations.messages import suppressions
from tactful.operations.people import consent_lists
from tactful.runtime.ports import Clock
from tactful.values import DAY_US, parse_time

NOW = parse_time("2025-03-01T12:00:00Z") or 0


class StillClock(Clock):
    def now_us(self) -> int:
        return NOW


def lines(text: str | bytes, columns: tuple[str, ...] = ("address", "reason")) -> list[dict[str, str] | str]:
    body = text.encode() if isinstance(text, str) else text
    return [line.message or line.values for line in read(io.BytesIO(body), columns)]


ADA = {"address": "a@x.example", "reason": "bounce"}


@pytest.mark.parametrize(
    "text",
    [
        "a@x.example,bounce",
        "\ufeffaddress,reason\na@x.example,bounce\n",
        "Reason;ADDRESS\r\nbounce;a@x.example\r\n",
        "address\treason\na@x.example\tbounce",
        "address,other,reason\n a@x.example , x , bounce\n",
        '"a@x.example","bounce"',
        '{"address": "a@x.example", "reason": "bounce", "more": [1]}',
        '\n\n{"Address": "a@x.example", "reason": " bounce "}\n\n',
        "address,reason\n'a@x.example,bounce".replace("'a", "a"),
    ],
)
def test_how_a_list_may_be_written(text: str) -> None:
    assert lines(text) == [ADA]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a@x.example,\xff\n", "the line is not UTF-8"),
        (b"a,b,c\n", "there are 3 columns, and 2 at most: address, reason"),
        (b'"a@x.example\n', "the line is no CSV: unexpected end of data"),
        (b'{"address": }\n', "the line begins like a JSON object and is none"),
        (b'{"address": ["a"]}\n', "a value is a list or an object"),
        (b"x" * 70_000 + b"\n", "the line is longer than 65,536 bytes"),
        (b"{" * 60_000 + b"\n", "the line begins like a JSON object and is none"),
        (b'{"a":' * 10_000 + b"\n", "the line begins like a JSON object and is none"),
    ],
)
def test_a_bad_line_is_told_and_the_others_count(text: bytes, message: str) -> None:
    found = lines(b"a@x.example,bounce\n" + text + b"a@x.example,bounce")
    assert found == [ADA, message, ADA]


@given(st.binary(max_size=300))
def test_no_bytes_break_it(body: bytes) -> None:
    for line in read(io.BytesIO(body), ("address", "reason")):
        assert line.number > 0


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=5))
def test_what_goes_out_is_no_formula_and_comes_in_again(rows: list[tuple[str, str]]) -> None:
    safe = [tuple(" ".join(cell.encode("utf-8", "ignore").decode().split()) for cell in row) for row in rows]
    safe = [
        row
        for row in safe
        if all(cell.isprintable() and cell[:1] != "'" for cell in row) and row[0][:1] not in ("", "{")
    ]
    text = "".join(written(("address", "reason"), safe))
    for line in text.splitlines()[1:]:
        assert not line.startswith(("=", "+", "-", "@"))
    assert lines(text) == [{"address": address, "reason": reason} for address, reason in safe]


# ---- suppressions ----------------------------------------------------------------------------------------------------


def test_suppressions_come_in() -> None:
    outbox = MemoryOutbox()
    outbox.suppress("old@x.example", "hard bounce", 1)
    body = (
        "address,reason\nAda@X.example,complaint\nOLD@x.example,other\n+49 30 123456,\nhttps://push.example/1,gone\n"
        "ada@x.example,again\nnot an address,x\n,\n'+4940123456,with a mark\n"
    )
    dry = suppressions.load(outbox, io.BytesIO(body.encode()), NOW, is_dry=True)
    assert (dry.lines, dry.new, dry.known, dry.bad) == (8, 4, 2, 2)
    assert len(outbox.suppressions()) == 1
    told = suppressions.load(outbox, io.BytesIO(body.encode()), NOW)
    assert (told.lines, told.new, told.known, told.bad) == (8, 4, 2, 2)
    assert [line.number for line in told.shown] == [7, 8]
    assert "'not an address' is no e-mail address" in told.shown[0].message
    assert {one.address: one.reason for one in suppressions.listed(outbox)} == {
        "old@x.example": "hard bounce",
        "ada@x.example": "complaint",
        "+4930123456": "imported",
        "https://push.example/1": "gone",
        "+4940123456": "with a mark",
    }
    again = MemoryOutbox()
    text = "".join(written(suppressions.EXPORTED, suppressions.exported(outbox)))
    assert suppressions.load(again, io.BytesIO(text.encode()), NOW).bad == 0
    assert {one.address for one in suppressions.listed(again)} == {one.address for one in suppressions.listed(outbox)}
    assert suppressions.remove(outbox, " ADA@x.example ") == "ada@x.example"
    with pytest.raises(UsageError, match="is not suppressed"):
        suppressions.remove(outbox, "ada@x.example")


# ---- consent ---------------------------------------------------------------------------------------------------------


def load(body: str, **more: object) -> tuple[Told, list[Consent]]:
    log = MemoryLog(2, StillClock())
    told = consent_lists.load(log, MemoryBells(), io.BytesIO(body.encode()), NOW, **more)  # type: ignore[arg-type]  # as named
    read_back = [decode(record) for partition in (0, 1) for _, record in log.read(partition, 0, 10_000)]
    return told, [one for one in read_back if isinstance(one, Consent)]


def test_decisions_come_in() -> None:
    told, records = load(
        "email,purpose,granted,timestamp,text_version\n"
        "Ada@X.example,marketing.email,yes,2024-02-29T10:00:00Z,v7\n"
        "bob@x.example,marketing,FALSE,2024-02-29,\n"
    )
    assert (told.lines, told.new, told.bad) == (2, 2, 0)
    ada, bob = sorted(records, key=lambda one: one.key)
    assert (ada.key, ada.purpose, ada.granted, ada.text_version) == ("e:ada@x.example", "marketing.email", True, "v7")
    assert (ada.source, ada.trust, ada.received_at) == ("import", "server", NOW)
    assert ada.timestamp == parse_time("2024-02-29T10:00:00Z")
    assert (bob.key, bob.granted, bob.timestamp) == ("e:bob@x.example", False, parse_time("2024-02-29"))
    assert len(ada.salt) >= 16 and ada.salt != bob.salt


def test_the_same_list_says_the_same() -> None:
    body = '{"userId": 42, "purpose": "a", "granted": true, "timestamp": "2025-01-01"}\n' * 2
    first, again = load(body), load(body)
    assert (first[0].new, first[0].known) == (1, 1)
    assert [one.message_id for one in first[1]] == [one.message_id for one in again[1]]
    assert first[1][0].key == "u:42"
    other = load(body.replace("true", "false"))
    assert other[1][0].message_id != first[1][0].message_id


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (",a,yes,2025-01-01", "nobody is named"),
        ("ada,a,yes,2025-01-01", "nobody is named"),
        ("e:nobody,a,yes,2025-01-01", "nobody is named"),
        ("z:1,a,yes,2025-01-01", "nobody is named"),
        ("u:1,A b,yes,2025-01-01", '"A b" is no name of a purpose'),
        ("u:1,a,perhaps,2025-01-01", 'granted is "perhaps"'),
        ("u:1,a,,2025-01-01", 'granted is ""'),
        ("u:1,a,yes,yesterday", "'yesterday' is no time"),
        ("u:1,a,yes,2025-13-01", "is no time"),
        ("u:1,a,yes,2025-03-02", "is still to come"),
        ("u:1,a,yes", "no timestamp; or name one with --at"),
        ("u:1,b,yes,2025-01-01", 'no purpose "b" is declared in tactful.toml'),
        ("u:1,a,yes,2025-01-01,v\x07", "text_version"),
    ],
)
def test_what_is_no_decision(line: str, message: str) -> None:
    told, records = load(line, purposes=["a"])
    assert (told.bad, records) == (1, []) and message in told.shown[0].message


def test_a_time_for_those_that_have_none_and_a_dry_run() -> None:
    told, records = load("u:1,a,yes\na:7,a,no\np:+49 30 123456,a,no\nd:x,a,1", at_us=NOW - DAY_US)
    assert (told.new, {one.key for one in records}) == (4, {"u:1", "a:7", "p:+4930123456", "d:x"})
    assert {one.timestamp for one in records} == {NOW - DAY_US}
    told, records = load("u:1,a,yes,2025-01-01", is_dry=True)
    assert (told.new, records) == (1, [])


def test_decisions_go_out_and_come_in_again() -> None:
    ledger = MemoryLedger()
    opening = Opening(b"s" * 16, "e:ada@x.example", "a", True, NOW - DAY_US, NOW, "v1", "api", "shop")
    ledger.append(1, [Entry(1, b"1", link(b"", 1, b"1"), opening)])
    ledger.append(1, [Entry(2, b"2", link(link(b"", 1, b"1"), 2, b"2"), None)])
    text = "".join(written(consent_lists.EXPORTED, consent_lists.exported(ledger, 2)))
    told, (record,) = load(text)
    assert (told.new, told.bad) == (1, 0)
    assert (record.key, record.granted, record.timestamp, record.text_version) == (
        "e:ada@x.example",
        True,
        NOW - DAY_US,
        "v1",
    )


def test_a_long_list_is_taken_in_slices(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    with path.open("w") as file:
        for number in range(25_000):
            said = {"userId": f"{number}", "purpose": "a", "granted": True, "timestamp": "2025-01-01"}
            file.write(json.dumps(said) + "\n")
    log = MemoryLog(2, StillClock())
    with path.open("rb") as file:
        told = consent_lists.load(log, MemoryBells(), file, NOW)
    assert (told.lines, told.new) == (25_000, 25_000)
    assert log.end(0) + log.end(1) == 25_000
