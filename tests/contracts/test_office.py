"""The port Office, over every adapter: what was done and what definitions said stays, who may come in changes."""

import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from tactful.adapters.sqlite.office import SqliteOffice
from tactful.runtime.accounts import Account, ApiToken, Link, SignIn
from tests.contracts.conftest import OfficeMaker

ADA = Account("ada@example.com", "admin", 5, "the link", "$argon2id$…", "https://id.example 17")
BEN = Account("ben", "viewer", 6, "ada@example.com")


def sign_in(digest: bytes = b"d1", account: str = ADA.name, at: int = 10, until: int = 1_000) -> SignIn:
    return SignIn(0, digest, account, "csrf", at, at, until, "password", "Firefox")


def test_acts_are_listed_newest_first_and_by_who_did_what(open_office: OfficeMaker) -> None:
    audit = open_office().audit
    audit.note(1, "ada", "publish", "journeys/welcome", "3 files")
    audit.note(2, "ben", "pause", "journeys/welcome")
    audit.note(2, "ada", "sign_in")
    for view in (audit, open_office().audit):
        assert [(one.id, one.at, one.who, one.act, one.about, one.detail) for one in view.acts()] == [
            (3, 2, "ada", "sign_in", "", ""),
            (2, 2, "ben", "pause", "journeys/welcome", ""),
            (1, 1, "ada", "publish", "journeys/welcome", "3 files"),
        ]
        assert [one.id for one in view.acts(limit=2)] == [3, 2]
        assert [one.id for one in view.acts(3, 1)] == [2]
        assert [one.id for one in view.acts(who="ada")] == [3, 1]
        assert [one.id for one in view.acts(about="journeys/welcome", act="pause")] == [2]
        assert view.acts(who="ada", act="pause") == []


def test_revisions_keep_both_texts(open_office: OfficeMaker) -> None:
    revisions = open_office().revisions
    revisions.note(1, "ada", {"segments/a.yaml": (None, "when: x"), "segments/b.yaml": ("old", None)}, 4)
    revisions.note(2, "ben", {"segments/a.yaml": ("when: x", "when: y")})
    for view in (revisions, open_office().revisions):
        newest, *older = view.of()
        assert (newest.id, newest.at, newest.author, newest.path) == (3, 2, "ben", "segments/a.yaml")
        assert (newest.before, newest.after, newest.version) == ("when: x", "when: y", 0)
        assert [(one.before, one.after, one.version) for one in older] == [("old", None, 4), (None, "when: x", 4)]
        assert [one.id for one in view.of("segments/a.yaml")] == [3, 1]
        assert [one.id for one in view.of("segments/a.yaml", before=3)] == [1]
        assert [one.id for one in view.of(limit=1)] == [3]
        assert view.revision(2) == older[0]
        assert view.revision(9) is None


def test_accounts_are_kept_by_name(open_office: OfficeMaker) -> None:
    accounts = open_office().accounts
    accounts.put(BEN)
    accounts.put(ADA)
    accounts.put(replace(BEN, role="marketer"))
    for view in (accounts, open_office().accounts):
        assert view.all() == [ADA, replace(BEN, role="marketer")]
        assert view.account(ADA.name) == ADA
        assert view.account("nobody") is None
        assert view.of_subject(ADA.subject) == ADA
        assert view.of_subject("") is None, "who has no subject is found by none"
        assert view.of_subject("https://id.example 18") is None
    assert accounts.remove("nobody") is False
    assert accounts.remove("ben") is True
    assert open_office().accounts.all() == [ADA]


def test_a_link_can_be_taken_once(open_office: OfficeMaker) -> None:
    accounts = open_office().accounts
    accounts.leave(Link(b"l1", "", 100))
    assert accounts.link(b"l1", 99) == Link(b"l1", "", 100)
    assert accounts.link(b"l1", 100) is None
    assert open_office().accounts.take(b"l1", 50) == Link(b"l1", "", 100)
    assert accounts.take(b"l1", 50) is None
    assert accounts.link(b"l1", 50) is None


def test_a_link_that_is_over_is_none_and_a_new_one_takes_the_place_of_the_old(open_office: OfficeMaker) -> None:
    accounts = open_office().accounts
    accounts.put(ADA)
    accounts.leave(Link(b"l1", ADA.name, 100))
    accounts.leave(Link(b"l2", ADA.name, 100))
    assert accounts.take(b"l1", 50) is None
    assert accounts.take(b"l2", 100) is None
    assert accounts.take(b"l2", 50) is None, "it was given up when somebody came too late"
    accounts.leave(Link(b"l3", ADA.name, 100))
    accounts.remove(ADA.name)
    assert accounts.take(b"l3", 50) is None


def test_sign_ins_are_found_by_their_digest_with_the_account_as_it_is(open_office: OfficeMaker) -> None:
    accounts = open_office().accounts
    accounts.put(ADA)
    accounts.open(sign_in())
    accounts.put(replace(ADA, role="viewer"))
    for view in (accounts, open_office().accounts):
        assert view.sign_in(b"d1") == (replace(sign_in(), id=1), replace(ADA, role="viewer"))
        assert view.sign_in(b"d2") is None
        assert view.sign_in(b"") is None


def test_sign_ins_are_listed_by_when_they_were_seen_and_ended(open_office: OfficeMaker) -> None:
    accounts = open_office().accounts
    accounts.put(ADA)
    accounts.put(BEN)
    for number, account in enumerate((ADA.name, ADA.name, BEN.name), 1):
        accounts.open(sign_in(b"%d" % number, account, at=number))
    accounts.saw(1, 20)
    accounts.saw(77, 20)
    assert [(one.id, one.seen) for one in open_office().accounts.sign_ins()] == [(1, 20), (3, 3), (2, 2)]
    assert [one.id for one in accounts.sign_ins(ADA.name)] == [1, 2]
    accounts.leave(Link(b"l1", ADA.name, 100))
    assert accounts.end(ADA.name, but=2) == 1
    assert accounts.take(b"l1", 50) is None, "a link that waits would be another way in"
    assert [one.id for one in accounts.sign_ins()] == [3, 2]
    assert accounts.end_one(3) is True
    assert accounts.end_one(3) is False
    assert accounts.remove(ADA.name) is True
    assert accounts.sign_in(b"2") is None
    assert open_office().accounts.sign_ins() == []
    accounts.put(ADA)
    accounts.open(sign_in(b"9"))
    assert accounts.sign_ins()[0].id == 4, "a number is never used again"


def test_what_is_over_is_forgotten(open_office: OfficeMaker) -> None:
    accounts = open_office().accounts
    accounts.put(ADA)
    accounts.put(BEN)
    accounts.open(sign_in(b"1", at=10, until=100))
    accounts.open(sign_in(b"2", at=50, until=1_000))
    accounts.open(sign_in(b"3", at=10, until=1_000))
    accounts.leave(Link(b"l1", ADA.name, 100))
    accounts.leave(Link(b"l2", BEN.name, 101))
    assert accounts.forget(100, 10) == 3
    assert [one.digest for one in accounts.sign_ins()] == [b"2"]
    assert accounts.link(b"l2", 50) is not None
    assert accounts.forget(100, 10) == 0


def test_tokens_are_found_by_their_digest(open_office: OfficeMaker) -> None:
    tokens = open_office().tokens
    nightly = ApiToken("nightly", "analyst", b"t1", 5, "ada", 900)
    assert tokens.add(nightly) is True
    assert tokens.add(ApiToken("build", "marketer", b"t2", 6, "ada")) is True
    assert tokens.add(replace(nightly, digest=b"t3")) is False
    tokens.saw("nightly", 7)
    for view in (tokens, open_office().tokens):
        assert [one.name for one in view.all()] == ["build", "nightly"]
        assert view.token(b"t1") == replace(nightly, seen=7)
        assert view.token(b"t3") is None
        assert view.token(b"") is None
    assert tokens.remove("nightly") is True
    assert tokens.remove("nightly") is False
    assert open_office().tokens.token(b"t1") is None


@pytest.mark.parametrize("table", ["act", "revision"])
def test_the_file_itself_refuses_to_change_what_was_done(tmp_path: Path, table: str) -> None:
    path = tmp_path / "office.db"
    office = SqliteOffice(path)
    office.audit.note(1, "ada", "publish")
    office.revisions.note(1, "ada", {"a": (None, "b")})
    office.close()
    other = sqlite3.connect(path)
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET at = 9"):
        with pytest.raises(sqlite3.IntegrityError, match="stays"):
            other.execute(statement)
    other.close()


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    office = SqliteOffice(tmp_path / "data" / "office.db")
    office.audit.note(1, "ada", "publish")
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"office.db", "office.db-wal", "office.db-shm"}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()} == {0o600}
    office.close()
