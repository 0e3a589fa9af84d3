"""Saving: nobody's text is lost, what is refused changes nothing, and the history knows who said what."""

import shutil
from functools import cache
from pathlib import Path

import pytest

from tactful.adapters.memory.office import MemoryRevisions
from tactful.errors import DefinitionError, UsageError
from tactful.events.records import Plan, Publish, encode
from tactful.kernel.definitions import Definitions, read_project
from tactful.kernel.plan import adopt
from tactful.kernel.state import PlanState
from tactful.operations.definitions import proposing
from tactful.operations.definitions.folder import Conflict, edited, path_of, read, split
from tactful.operations.definitions.project import load
from tactful.operations.definitions.publish import is_on_its_way, on_their_way
from tactful.operations.definitions.revising import OUTSIDE, Revising
from tactful.operations.definitions.saving import save
from tactful.runtime.settings import Settings, read_settings
from tests.operations.engine import Engine

BUYERS = "segments/buyers.yaml"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree("examples/shop", tmp_path / "shop"))


@pytest.fixture
def told(project: Path) -> Settings:
    return read_settings((project / "tactful.toml").read_text(), {})


# ---- the folder ----------------------------------------------------------------------------------------------------


def test_a_save_is_there_and_nothing_beside_it(project: Path) -> None:
    before = read(project, BUYERS)
    changed = save(project, {BUYERS: "when: vip\r\n"}, {BUYERS: before.digest})
    assert changed == {BUYERS: (before.text, "when: vip\n")}
    assert (project / BUYERS).read_bytes() == b"when: vip\n"
    assert [path.name for path in (project / "segments").iterdir() if path.name.startswith(".")] == []


def test_the_second_of_two_who_edit_is_refused(project: Path) -> None:
    shown = {BUYERS: read(project, BUYERS).digest}
    save(project, {BUYERS: "when: first\n"}, shown)
    with pytest.raises(Conflict) as refused:
        save(project, {BUYERS: "when: second\n"}, shown)
    assert [one.text for one in refused.value.now] == ["when: first\n"]
    assert (project / BUYERS).read_text() == "when: first\n"


def test_an_editor_beside_us_is_somebody_too(project: Path) -> None:
    shown = {BUYERS: read(project, BUYERS).digest}
    (project / BUYERS).write_text("when: by_hand\n")
    with pytest.raises(Conflict):
        save(project, {BUYERS: "when: here\n"}, shown)


def test_nobody_makes_a_file_that_is_there_by_now(project: Path) -> None:
    with pytest.raises(Conflict):
        save(project, {BUYERS: "when: vip\n"}, {})
    with pytest.raises(Conflict):
        save(project, {"segments/gone.yaml": "when: vip\n"}, {"segments/gone.yaml": "something"})


def test_of_several_files_all_are_written_or_none(project: Path) -> None:
    shown = {BUYERS: read(project, BUYERS).digest, "segments/lapsed.yaml": "another"}
    with pytest.raises(Conflict):
        save(project, {BUYERS: None, "segments/lapsed.yaml": "when: vip\n"}, shown)
    assert (project / BUYERS).exists()
    save(project, {BUYERS: None, "segments/bought.yaml": "when: vip\n"}, shown)
    assert not (project / BUYERS).exists()
    assert (project / "segments/bought.yaml").exists()


def test_line_ends_and_mode_stay_as_they_are(project: Path) -> None:
    (project / BUYERS).write_bytes(b"description: x\r\nwhen: vip\r\n")
    (project / BUYERS).chmod(0o640)
    shown = read(project, BUYERS)
    assert shown.text == "description: x\nwhen: vip\n"
    save(project, {BUYERS: "description: y\nwhen: vip\n"}, {BUYERS: shown.digest})
    assert (project / BUYERS).read_bytes() == b"description: y\r\nwhen: vip\r\n"
    assert (project / BUYERS).stat().st_mode & 0o777 == 0o640


PATHS = [
    "../segments/x.yaml",
    "segments/../../x.yaml",
    "segments/../x.yaml",
    "segments/.x.yaml",
    "segments/x.yml",
    "segments/x",
    "segments/a/b.yaml",
    "segments/A.yaml",
    "tactful.toml",
    "/etc/passwd",
    "segments/x\0.yaml",
    "segments/.yaml",
    "events/a/b.yaml",
    "events/../tactful.toml",
    "events/..yaml",
    "blocks/%2e%2e.yaml",
    "",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out_of_the_folders(project: Path, path: str) -> None:
    with pytest.raises(UsageError):
        read(project, path)
    with pytest.raises(UsageError):
        save(project, {path: "when: vip\n"}, {})


def test_no_link_leads_out_of_the_project(project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.yaml"
    outside.write_text("secret: 1\n")
    (project / "segments/link.yaml").symlink_to(outside)
    with pytest.raises(UsageError, match="leads out"):
        read(project, "segments/link.yaml")
    with pytest.raises(UsageError, match="leads out"):
        save(project, {"segments/link.yaml": "when: vip\n"}, {})
    assert outside.read_text() == "secret: 1\n"


def test_names() -> None:
    assert path_of("events", "Order Completed") == "events/Order Completed.yaml"
    assert split("segments/big-spenders.yaml") == ("segments", "big-spenders")
    with pytest.raises(UsageError, match="small letters"):
        path_of("segments", "Big Spenders")
    with pytest.raises(UsageError, match="no definitions of the kind"):
        path_of("secrets", "x")


# ---- what a change would do ----------------------------------------------------------------------------------------


def plan_of(files: dict[str, str], author: str = "up", before: PlanState | None = None, at: int = 1_000) -> PlanState:
    version = before.plan.version + 1 if before is not None else 1
    return adopt(before, Plan(version, Publish(at, files, {}, author)), at, is_empty=before is None)[0]


def propose(project: Path, told: Settings, edits: dict[str, str | None], plan: PlanState | None) -> proposing.Proposal:
    return proposing.propose(project, edits, told, plan, {}, [], 2_000)


def test_a_change_is_checked_with_the_whole_project(project: Path, told: Settings) -> None:
    plan = plan_of(load(project))
    fine = propose(project, told, {BUYERS: 'when: any("Order Completed", last="7d")\n'}, plan)
    assert fine.report.problems == ()
    assert fine.published == (f"~ {BUYERS}",)
    assert fine.others == ()
    assert [line for line in fine.diff if line[:1] in "+-"] == [
        f"--- {BUYERS}",
        f"+++ {BUYERS}",
        "-description: Ordered in the last 30 days",
        '-when: any("Order Completed", last="30d")',
        '+when: any("Order Completed", last="7d")',
    ]
    wrong = propose(project, told, {BUYERS: 'when: any("Order Compleated")\n'}, plan)
    (problem,) = wrong.report.problems
    assert (problem.place.file, problem.place.line, problem.place.column) == (BUYERS, 1, 11)
    assert problem.hint == 'did you mean "Order Completed"?'


def test_a_change_that_breaks_another_file_says_which(project: Path, told: Settings) -> None:
    found = propose(project, told, {"segments/lapsed.yaml": None}, None)
    assert [problem.place.file for problem in found.report.problems] == ["journeys/win_back.yaml"]
    places = proposing.dependents(load(project), "segments/lapsed.yaml")
    assert [(place.file, place.line) for place in places] == [("journeys/win_back.yaml", 2)]


def test_what_else_waits_in_the_folder_is_said(project: Path, told: Settings) -> None:
    plan = plan_of(load(project))
    (project / "segments/lapsed.yaml").write_text('when: any("Order Completed")\n')
    found = propose(project, told, {BUYERS: "when: country == 'DE'\n"}, plan)
    assert found.others == ("~ segments/lapsed.yaml",)


SHOP = load(Path("examples/shop"))


@cache
def read_shop() -> Definitions:
    return read_project(SHOP)


@pytest.mark.parametrize("path", sorted(SHOP))
def test_everything_in_the_shop_can_be_renamed(path: str) -> None:
    files = dict(SHOP)
    kind, _ = split(path)
    edits = proposing.rename(files, path, f"{kind}/another_name.yaml")
    after, before = read_project(edited(files, edits)), read_shop()
    for one in ("segments", "journeys", "messages", "events", "collections", "metrics", "blocks"):
        assert len(getattr(after, one)) == len(getattr(before, one))
    assert all(text is None or files.get(name) != text for name, text in edits.items()), "nothing is touched in vain"


def test_a_name_is_changed_only_where_it_is_meant() -> None:
    files = {
        "segments/big.yaml": "description: big ones\nwhen: big == 'big'\n",
        "segments/other.yaml": "description: not the big ones\nwhen: segment(\"big\") and not segment('big') and big == 'big'\n",
    }
    edits = proposing.rename(files, "segments/big.yaml", "segments/huge.yaml")
    assert edits == {
        "segments/big.yaml": None,
        "segments/huge.yaml": files["segments/big.yaml"],
        "segments/other.yaml": "description: not the big ones\nwhen: segment(\"huge\") and not segment('huge') and big == 'big'\n",
    }


# ---- the history ---------------------------------------------------------------------------------------------------


@pytest.fixture
def revisions() -> MemoryRevisions:
    return MemoryRevisions()


A = 'when: any("A")\n'
B = 'when: any("B")\n'


def test_what_was_there_at_first_came_from_outside(revisions: MemoryRevisions) -> None:
    Revising(revisions).follow(plan_of({BUYERS: A}))
    (first,) = revisions.of()
    assert (first.path, first.author, first.before, first.after, first.version) == (BUYERS, OUTSIDE, None, A, 1)


def test_a_change_here_is_noted_once(revisions: MemoryRevisions) -> None:
    history = Revising(revisions)
    before = plan_of({BUYERS: A})
    history.follow(before)
    history.note(2_000, "ann", {BUYERS: (A, B)}, before.plan.version + 1)
    history.follow(before)  # A page that still sees the plan of before.
    history.follow(plan_of({BUYERS: B}, "ann", before))
    assert [(one.author, one.after) for one in revisions.of()] == [("ann", B), (OUTSIDE, A)]


def test_what_git_did_is_noted_as_such(revisions: MemoryRevisions) -> None:
    first = plan_of({BUYERS: A, "segments/x.yaml": A})
    Revising(revisions).follow(first)
    second = plan_of({BUYERS: B, "segments/y.yaml": A}, "dev", first, at=5_000)
    Revising(revisions).follow(second)  # Another process, later.
    told = {one.path: (one.author, one.before, one.after, one.at) for one in revisions.of(limit=3)}
    assert told == {
        BUYERS: (OUTSIDE, A, B, 5_000),
        "segments/x.yaml": (OUTSIDE, A, None, 5_000),
        "segments/y.yaml": (OUTSIDE, None, A, 5_000),
    }


def test_two_who_follow_note_it_once(revisions: MemoryRevisions) -> None:
    one, other = Revising(revisions), Revising(revisions)
    first = plan_of({BUYERS: A})
    one.follow(first)
    other.follow(first)
    one.note(2_000, "ann", {BUYERS: (A, B)}, first.plan.version + 1)
    other.follow(plan_of({BUYERS: B}, "ann", first))
    assert [(row.author, row.after) for row in revisions.of()] == [("ann", B), (OUTSIDE, A)]


def test_a_publication_by_somebody_else_keeps_their_name(revisions: MemoryRevisions) -> None:
    first = plan_of({BUYERS: A})
    history = Revising(revisions)
    history.follow(first)
    history.follow(plan_of({BUYERS: B}, "bob", first))
    assert revisions.of(limit=1)[0].author == "bob"


def test_what_is_refused_is_not_published(project: Path) -> None:
    from tactful.operations.definitions.publish import publication

    with pytest.raises(DefinitionError):
        publication({BUYERS: "when: nonsense(\n"}, {}, 1, "ann")


def test_a_page_that_sees_the_new_plan_first_changes_nothing(revisions: MemoryRevisions) -> None:
    """The worker was quicker than whoever published."""
    history, first = Revising(revisions), plan_of({BUYERS: A})
    history.follow(first)
    history.follow(plan_of({BUYERS: B}, "ann", first))
    history.note(2_000, "ann", {BUYERS: (A, B)}, first.plan.version + 1)
    assert [(one.author, one.after) for one in revisions.of()] == [("ann", B), (OUTSIDE, A)]


def test_what_was_published_along_is_noted_with_its_plan(revisions: MemoryRevisions) -> None:
    """Somebody had changed another file with an editor."""
    history, first = Revising(revisions), plan_of({BUYERS: A, "segments/x.yaml": A})
    history.follow(first)
    second = plan_of({BUYERS: B, "segments/x.yaml": B}, "ann", first)
    history.note(2_000, "ann", {BUYERS: (A, B)}, first.plan.version + 1)
    history.follow(first)
    history.follow(second)
    history.follow(plan_of({BUYERS: B, "segments/x.yaml": B}, "up", second))
    told = [(one.path, one.author, one.after, one.version) for one in revisions.of(limit=2)]
    assert told == [("segments/x.yaml", "ann", B, 2), (BUYERS, "ann", B, 2)]


def test_whoever_died_before_it_was_noted_is_named_all_the_same(revisions: MemoryRevisions) -> None:
    first = plan_of({BUYERS: A})
    Revising(revisions).follow(first)
    Revising(revisions).follow(plan_of({BUYERS: B}, "ann", first))  # After the restart.
    assert [(one.author, one.after, one.version) for one in revisions.of(limit=1)] == [("ann", B, 2)]


def test_the_next_save_before_the_first_is_in_force(revisions: MemoryRevisions) -> None:
    history, first = Revising(revisions), plan_of({BUYERS: A})
    history.follow(first)
    history.note(2_000, "ann", {BUYERS: (A, B)}, 2)
    history.note(3_000, "ben", {BUYERS: (B, A)}, 3)
    second = plan_of({BUYERS: B}, "ann", first)
    history.follow(second)
    history.follow(plan_of({BUYERS: A}, "ben", second))
    assert [(one.author, one.after, one.version) for one in revisions.of(limit=2)] == [("ben", A, 3), ("ann", B, 2)]


def test_what_waits_in_the_log_is_on_its_way() -> None:
    engine = Engine()
    engine.publish({BUYERS: A})
    settings = {"time_zone": "UTC"}
    engine.log.append({0: [encode(Publish(engine.at, {BUYERS: B}, settings, "ann"))]})
    assert [one.author for one in on_their_way(engine.log, engine.stores[0])] == ["ann"]
    assert is_on_its_way({BUYERS: B}, settings, engine.log, engine.stores[0])
    assert not is_on_its_way({BUYERS: A}, settings, engine.log, engine.stores[0])
    assert not is_on_its_way({BUYERS: B}, {"time_zone": "Europe/Berlin"}, engine.log, engine.stores[0])
    engine.run()
    assert not is_on_its_way({BUYERS: B}, settings, engine.log, engine.stores[0]), "it is in force"
