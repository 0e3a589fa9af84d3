"""Who has said an address: what servers have said is kept in mind, whoever says what, in whichever order they arrive."""

from itertools import permutations

import pytest

from tactful.language.vocabulary import TraitRule
from tactful.people.traits import NEWEST, TraitWrite, surest, write


def folded(*writes: tuple[object, int, bool]) -> TraitWrite:
    traits: dict[str, TraitWrite] = {}
    for value, at, is_browser in writes:
        write(traits, {"email": value}, at, at, at, is_browser=is_browser)
    return traits["email"]


@pytest.mark.parametrize(
    ("writes", "value", "sure"),
    [
        ((("ada@x", 1, True),), "ada@x", None),
        ((("ada@x", 1, False), ("ada@x", 2, True)), "ada@x", ("ada@x", 1)),
        ((("ada@x", 1, True), ("ada@x", 2, False)), "ada@x", ("ada@x", 2)),
        ((("ada@x", 1, False), ("eve@x", 2, True)), "eve@x", ("ada@x", 1)),
        ((("ada@x", 1, False), ("bob@x", 2, False), ("ada@x", 3, True)), "ada@x", ("bob@x", 2)),
        ((("eve@x", 1, True), ("ada@x", 2, False)), "ada@x", ("ada@x", 2)),
        ((("ada@x", 1, True), ("ada@x", 2, True), ("ada@x", 3, False)), "ada@x", ("ada@x", 3)),
        ((("ada@x", 1, False), (None, 2, True)), None, ("ada@x", 1)),
    ],
)
def test_what_a_server_has_said_is_no_browsers(
    writes: tuple[tuple[object, int, bool], ...], value: object, sure: tuple[str, int] | None
) -> None:
    for order in permutations(writes):
        counts = folded(*order)
        assert (counts.value, counts.timestamp) == (value, max(at for _, at, _ in writes))
        told = surest(NEWEST, [counts])
        assert (told and (told.value, told.timestamp)) == sure


EVE, ADA, BOB = ("eve@x", 9, True), ("ada@x", 1, False), ("bob@x", 3, False)


@pytest.mark.parametrize(
    ("writes", "rule", "sure"),
    [
        ((EVE,), "newest", None),
        ((EVE, ADA), "newest", "ada@x"),
        ((EVE, ADA, BOB), "newest", "bob@x"),
        ((EVE, ADA, (None, 3, False)), "newest", None),
        ((("eve@x", 0, True), ADA, BOB), "first", "ada@x"),
        ((("eve@x", 0, True), ("eve@y", 9, True), BOB), "first", "bob@x"),
    ],
)
def test_what_servers_said_of_an_address_is_kept_in_mind(
    writes: tuple[tuple[object, int, bool], ...], rule: str, sure: str | None
) -> None:
    """A server may come late, with something older than what a browser says, and mail goes there nevertheless."""
    for order in permutations(writes):
        traits: dict[str, TraitWrite] = {}
        rules = {"email": TraitRule(rule)}  # type: ignore[arg-type]  # the names of rules, from a table
        for value, at, is_browser in order:
            write(traits, {"email": value}, at, at, at, is_browser=is_browser, rules=rules)
        counts = traits["email"]
        assert counts.is_browser
        assert (counts.sure and counts.sure.value) == sure
        assert counts.sure is None or counts.sure.sure is None
