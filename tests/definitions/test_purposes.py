"""Purposes of consent in definitions: where they may stand, and that they are those that the settings declare."""

from pathlib import Path
from typing import Any

import pytest

from tactful.errors import DefinitionError
from tactful.kernel.definitions import read_project
from tactful.language.compile import compile_condition
from tactful.language.tree import Consents, everything
from tactful.operations.definitions.checking import examine
from tactful.runtime.settings import read_settings

MESSAGE = "subject: x\nhtml: y\ntext: z\n"
DECLARED = ("marketing.email", "profiling")


def problems(files: dict[str, str], **more: Any) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        read_project(files, **more)
    return [
        f"{one.place.file}:{one.place.line}:{one.place.column}: {one.message} / {one.hint}"
        for one in caught.value.problems
    ]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param(
            {"messages/m.yaml": MESSAGE + "purpose: marketing.emial\n"},
            'messages/m.yaml:4:10: no purpose "marketing.emial" is declared / did you mean "marketing.email"?',
            id="of a message",
        ),
        pytest.param(
            {"messages/m.yaml": MESSAGE},
            'messages/m.yaml:1:1: no purpose "email_marketing" is declared / did you mean "marketing.email"?',
            id="that of every message which says nothing",
        ),
        pytest.param(
            {"messages/m.yaml": MESSAGE + "purpose: transactional\n"},
            "messages/m.yaml:4:10: what needs nobody's consent has to be declared / "
            'add [consent.purposes.transactional] with basis = "contract" to tactful.toml',
            id="one that needs no consent",
        ),
        pytest.param(
            {"journeys/j.yaml": "start: {event: A}\nsend: {webhook: https://a.example}\npurpose: crm_sync\n"},
            'journeys/j.yaml:3:10: no purpose "crm_sync" is declared / add [consent.purposes."crm_sync"] to tactful.toml',
            id="of a journey",
        ),
        pytest.param(
            {"segments/s.yaml": 'when: any("A")\npurpose: prifiling\n'},
            'segments/s.yaml:2:10: no purpose "prifiling" is declared / did you mean "profiling"?',
            id="of a segment",
        ),
        pytest.param(
            {"segments/s.yaml": 'when: any("A") and consents("profiled")\n'},
            'segments/s.yaml:1:29: no purpose "profiled" is declared / did you mean "profiling"?',
            id="of an expression",
        ),
    ],
)
def test_a_purpose_that_nobody_declared(files: dict[str, str], said: str) -> None:
    assert said in problems(files, purposes=DECLARED)
    if "transactional" not in said:
        read_project(files)  # Where no purpose is declared, every one may be.
    read_project(files, purposes=DECLARED, is_strict=False)
    read_project(files, is_strict=False)


def test_one_that_needs_no_consent_may_be_used_where_it_is_declared() -> None:
    files = {"messages/m.yaml": MESSAGE + "purpose: transactional\n"}
    assert read_project(files, purposes=("transactional",)).messages["m"].purpose == "transactional"


@pytest.mark.parametrize("purpose", ["Marketing", "marketing.", ".email", "a..b", "1", "a b", "gpc!", "x" * 64])
def test_what_is_no_name(purpose: str) -> None:
    (one,) = problems({"segments/s.yaml": f'when: any("A")\npurpose: "{purpose}"\n'})
    assert "is no name of a purpose" in one


def test_the_purpose_of_a_segment_is_part_of_its_condition() -> None:
    files = {
        "segments/lookers.yaml": 'when: any("A") or country == "DE"\npurpose: profiling\n',
        "segments/others.yaml": 'when: not segment("lookers")\n',
        "segments/block.yaml": 'when: |\n  any("A")\n  or any("B")\npurpose: profiling\n',
    }
    segments = read_project(files).segments
    written = {"segments/a.yaml": 'when: (any("A") or country == "DE") and consents("profiling")\n'}
    assert segments["lookers"].when.canonical == read_project(written).segments["a"].when.canonical
    assert segments["lookers"].purpose == "profiling"
    for name, one in segments.items():
        reads = compile_condition(one.when, lambda spec: 1).reads
        assert reads.purposes == {"profiling"}, name
        assert any(isinstance(node, Consents) for node in everything(one.when.tree)), name


def test_a_mistake_in_the_condition_stands_where_it_was_written() -> None:
    assert problems({"segments/s.yaml": "purpose: profiling\nwhen: any('A') and 5\n"}) == problems(
        {"segments/s.yaml": "description: profiling\nwhen: any('A') and 5\n"}
    )


def test_what_a_merge_starts() -> None:
    files = {
        "segments/s.yaml": 'when: any("A")\n',
        "journeys/yes.yaml": "start: {segment: s}\non_merge: start\nsend: {webhook: https://a.example}\n",
        "journeys/no.yaml": "start: {segment: s}\nsend: {webhook: https://a.example}\n",
    }
    journeys = read_project(files).journeys
    assert (journeys["yes"].on_merge, journeys["no"].on_merge) == (True, False)
    files["journeys/odd.yaml"] = "start: {event: A}\non_merge: start\nsend: {webhook: https://a.example}\n"
    (warning,) = read_project(files).warnings
    assert (warning.place.file, warning.place.line) == ("journeys/odd.yaml", 2)
    assert problems(files | {"journeys/odd.yaml": files["journeys/yes.yaml"].replace("start\n", "always\n")})


def test_check_knows_the_sources_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    text = "name: $identify\nproperties:\n  plan: {merge: {sources: [api, website, bakend]}}\n"
    (tmp_path / "events" / "identify.yaml").write_text(text)
    settings = read_settings("[sources.website]\nwrite_key = 'a'\n[sources.backend]\nwrite_key = 'b'\n", {})
    (warning,) = examine(tmp_path, lambda: settings, lambda text, *_, **__: None, {}).warnings
    assert warning.message == 'the trait "plan": there is no source "bakend"'
    assert (warning.place.file, warning.place.line, warning.place.column) == ("events/identify.yaml", 3, 42)
    assert warning.hint == 'did you mean "backend"?'


def test_check_knows_what_the_settings_declare(tmp_path: Path) -> None:
    (tmp_path / "messages").mkdir()
    (tmp_path / "messages" / "m.yaml").write_text(MESSAGE + "purpose: marketing.emial\n")
    settings = read_settings('[consent.purposes."marketing.email"]\n', {})
    (problem,) = examine(tmp_path, lambda: settings, lambda text, *_, **__: None, {}).problems
    assert problem.hint == 'did you mean "marketing.email"?'
