"""Lists by command line, over a real data folder: coupons, suppressions, decisions on consent."""

import json
from pathlib import Path

import pytest

from tactful.adapters.sqlite.log import SqliteLog
from tactful.adapters.sqlite.outbox import SqliteOutbox
from tactful.events.records import Consent, decode
from tactful.runtime.ports import Clock
from tests.cli.conftest import Run


class StillClock(Clock):
    def now_us(self) -> int:
        return 1


@pytest.fixture
def data(tmp_path: Path, project: Path, run: Run) -> Path:
    path, folder = tmp_path / "calls.jsonl", tmp_path / "data"
    path.write_text('{"type":"track","event":"A","userId":"ann","receivedAt":"2025-03-01T10:00:00Z"}\n')
    assert run("import", "--replay", path, "--project", project, "--data", folder).exit_code == 0
    return folder


def test_coupons(data: Path, run: Run) -> None:
    assert "there are no codes" in run("coupons", "list", "--data", data).output
    told = run("coupons", "load", "spring", "-", "--data", data, text="A\nB\nA\n")
    assert (told.exit_code, told.output) == (0, "2 codes added, 1 there already, 0 bad\n")
    told = run("coupons", "load", "spring", "-", "--data", data, "--json", text="A\nC\nb\x00d\n")
    assert told.exit_code == 1
    assert json.loads(told.output) == {
        "lines": 3,
        "new": 1,
        "known": 1,
        "bad": 1,
        "shown": [{"line": 3, "message": "a code has 1 to 128 signs, none of them a control character"}],
    }
    outbox = SqliteOutbox(data / "outbox.db")
    with outbox.claiming(0, outbox.own(0)) as claiming:
        claiming.give("spring", "A", "u:ann#1", "i1", 0)
    outbox.close()
    assert run("coupons", "list", "--data", data, "--json").output == (
        '{"pool": "spring", "codes": 3, "left": 2, "isLow": false}\n'
    )
    assert "spring  3      2" in run("coupons", "list", "--data", data).output
    exported = run("coupons", "export", "spring", "--data", data).output.splitlines()
    assert exported == ["pool,code,person,givenAt,intent", "spring,A,u:ann,1970-01-01T00:00:00.000Z,i1"]
    assert "there is no pool 'x'" in run("coupons", "export", "x", "--data", data).output
    assert "cannot be the name of a pool" in run("coupons", "load", "Not this", "-", "--data", data, text="A\n").output


def test_suppressions(data: Path, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("address,reason\nAda@X.example,complaint\nno address,x\n")
    dry = run("suppressions", "import", path, "--data", data, "--dry-run")
    assert dry.exit_code == 1
    assert "1 address would be suppressed, 0 suppressed already, 1 bad" in dry.output
    assert "line 3: 'no address' is no e-mail address" in dry.output
    assert run("suppressions", "list", "--data", data).output == "no address is suppressed\n"
    run("suppressions", "import", path, "--data", data)
    assert "ada@x.example  complaint" in run("suppressions", "list", "--data", data).output
    exported = run("suppressions", "export", "--data", data).output
    assert exported.startswith("address,reason,since\nada@x.example,complaint,")
    again = run("suppressions", "import", "-", "--data", data, text=exported)
    assert again.output == "0 addresses suppressed, 1 suppressed already, 0 bad\n"
    assert (
        run("suppressions", "remove", "ADA@x.example", "--data", data).output
        == "ada@x.example may be written to again\n"
    )
    assert run("suppressions", "remove", "ada@x.example", "--data", data).exit_code == 1


def test_decisions(data: Path, project: Path, run: Run) -> None:
    body = "email,purpose,granted,timestamp\nada@x.example,marketing.email,yes,2025-01-01\nx,a,yes,2025-01-01\n"
    where = ("--data", data, "--project", project)
    dry = run("consent", "import", "-", "--dry-run", *where, text=body)
    assert dry.exit_code == 1 and "1 decision would be taken in, 0 in the file twice, 1 bad" in dry.output
    assert not decisions(data)
    told = run("consent", "import", "-", *where, text=body)
    assert "1 decision taken in" in told.output and "line 3: nobody is named" in told.output
    (record,) = decisions(data)
    assert (record.key, record.granted, record.source) == ("e:ada@x.example", True, "import")
    untimed = "identifier,purpose,granted\nu:1,marketing.email,no\n"
    assert "no timestamp; or name one with --at" in run("consent", "import", "-", *where, text=untimed).output
    assert "--at soon is no time" in run("consent", "import", "-", "--at", "soon", *where, text=untimed).output
    assert run("consent", "import", "-", "--at", "2025-01-01", *where, text=untimed).exit_code == 0
    assert len(decisions(data)) == 2
    exported = run("consent", "export", "--data", data)
    assert exported.output.startswith("identifier,purpose,granted,timestamp,text_version,source,origin,recorded_at")


def decisions(data: Path) -> list[Consent]:
    partitions = json.loads((data / "installation.json").read_text())["partitions"]
    log = SqliteLog(data / "log", partitions, StillClock(), read_only=True)
    read = [decode(body) for number in range(partitions) for _, body in log.read(number, 0, 1000)]
    log.close()
    return [one for one in read if isinstance(one, Consent)]
