"""Who has said a trait: what a server has said stays so, whoever says it again, in whichever order they arrive."""

from itertools import permutations

import pytest

from tactful.people.traits import TraitWrite, write


def folded(*writes: tuple[object, int, bool]) -> TraitWrite:
    traits: dict[str, TraitWrite] = {}
    for value, at, is_browser in writes:
        write(traits, {"email": value}, at, at, at, is_browser=is_browser)
    return traits["email"]


@pytest.mark.parametrize(
    ("writes", "value", "is_browser"),
    [
        ((("ada@x", 1, True),), "ada@x", True),
        ((("ada@x", 1, False), ("ada@x", 2, True)), "ada@x", False),
        ((("ada@x", 1, True), ("ada@x", 2, False)), "ada@x", False),
        ((("ada@x", 1, False), ("eve@x", 2, True)), "eve@x", True),
        ((("eve@x", 1, True), ("ada@x", 2, False)), "ada@x", False),
        ((("ada@x", 1, True), ("ada@x", 2, True), ("ada@x", 3, False)), "ada@x", False),
        ((("ada@x", 1, False), (None, 2, True)), None, True),
    ],
)
def test_what_a_server_has_said_is_no_browsers(
    writes: tuple[tuple[object, int, bool], ...], value: object, is_browser: bool
) -> None:
    for order in permutations(writes):
        counts = folded(*order)
        assert (counts.value, counts.timestamp, counts.is_browser) == (
            value,
            max(at for _, at, _ in writes),
            is_browser,
        )
