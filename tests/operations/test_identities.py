"""What the doctor says about who is who, and that the order of identifiers cannot be changed under people."""

import json
from pathlib import Path

import pytest

from tactful.adapters.memory.trail import MemoryTrail
from tactful.errors import UsageError
from tactful.events.derived import DeviceMoved, EventKept, Group, Row, TieRefused, encode_groups
from tactful.events.records import Plan, Publish
from tactful.kernel.state import PlanState
from tactful.operations.definitions.publish import refuse_other_priority
from tactful.operations.people import identities
from tactful.runtime.settings import IdentitySettings, Settings, SourceSettings, plan_settings

PAGE, SERVER = SourceSettings("WK"), SourceSettings("SK", "server")


@pytest.mark.parametrize(
    ("identity", "level", "words"),
    [
        (IdentitySettings(), "note", "any userId"),
        (IdentitySettings("signed"), "bad", "TACTFUL_IDENTITY_SECRET"),
        (IdentitySettings("signed", secrets=["s" * 32]), "good", "needs a token"),
    ],
)
def test_the_doctor_says_what_a_public_write_key_may_do(identity: IdentitySettings, level: str, words: str) -> None:
    pages, said = identities.check(identity, {"web": PAGE, "app": PAGE, "shop": SERVER})
    assert pages.text.endswith("app, web")
    assert said.level == level
    assert words in said.text
    assert "s" * 32 not in said.text
    assert identities.check(identity, {"shop": SERVER}) == []


def test_the_doctor_counts_what_does_not_hold(tmp_path: Path) -> None:
    def group(position: int, key: str, *rows: Row) -> Group:
        return Group(position, key, 0, rows)

    trail = MemoryTrail()
    assert identities.look(tmp_path, trail, 2) == []
    first = [group(1, "e:a@x.example", TieRefused(1, "e:a@x.example", "u:2", "it belongs to u:1"))]
    first.append(group(2, "a:kiosk", DeviceMoved(2, 30, ""), TieRefused(2, "a:kiosk", "u:2", "it is shared")))
    second = [
        group(1, "a:kiosk", DeviceMoved(2, 31, "")),
        group(2, "a:1", DeviceMoved(2, 3, "u:1"), EventKept(1, "A", 1)),
    ]
    second.append(group(3, "e:b@x.example", TieRefused(1, "e:b@x.example", "u:2", "it belongs to u:1")))
    trail.append(0, 1, 2, encode_groups(first))
    trail.append(1, 1, 3, encode_groups(second))
    (tmp_path / identities.TOKENS).write_text(json.dumps({"good": 7, "expired": 2, "forged": 1}))
    said = {finding.about: finding.text for finding in identities.look(tmp_path, trail, 2)}
    assert said["ties refused"] == "3 lately (it belongs to u:1: 2; it is shared: 1)"
    assert said["shared devices"].startswith("1 ") and said["shared devices"].endswith("a:kiosk")
    assert "2 expired, 1 forged; good: 7" in said["tokens"]


@pytest.mark.parametrize("spoilt", ["", "[1]", "{", '{"good": "many"}', '{"good": null}'])
def test_a_spoilt_count_is_none(tmp_path: Path, spoilt: str) -> None:
    path = tmp_path / identities.TOKENS
    path.write_text(spoilt)
    assert identities.read_counts(path).total() == 0


def test_the_order_of_identifiers_is_fixed_with_the_first_plan() -> None:
    def plan(identity: IdentitySettings) -> dict[str, str]:
        return plan_settings(Settings(identity=identity))

    def in_force(identity: IdentitySettings) -> PlanState:
        return PlanState(Plan(1, Publish(1, {}, plan(identity))), {}, {}, {}, 1)

    plain = IdentitySettings()
    other = IdentitySettings(priority=("email", "user", "external", "phone", "anonymous", "device"))
    refuse_other_priority(None, plan(other))
    for identity in (plain, other):
        refuse_other_priority(in_force(identity), plan(identity))
    refuse_other_priority(in_force(plain), plan(IdentitySettings(browser="signed", emails=9)))
    for before, after in ((plain, other), (other, plain)):
        with pytest.raises(UsageError, match=r"priority cannot be changed: .*\"user\""):
            refuse_other_priority(in_force(before), plan(after))
