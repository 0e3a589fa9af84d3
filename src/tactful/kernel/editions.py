"""Editions: earlier texts of journeys on which runs finish that began with them (`editing: finish`).

They are kept as texts and compiled against the project as it is, so that a segment which a condition names means what
it means to everybody. One that does not fit the project any more is left out, and its runs move to the present text.
"""

from tactful.kernel.definitions import Definitions
from tactful.kernel.state import PlanState
from tactful.language.document import Document

MOST = 5
"""Of each journey, beside the present text."""
Texts = dict[str, dict[str, str]]
"""By journey and version, the oldest first."""


def kept(before: PlanState | None, definitions: Definitions) -> Texts:
    """The earlier texts of the plan that is to be in force after `before`."""
    found: Texts = {}
    for journey in definitions.journeys.values() if before is not None else ():
        assert before is not None
        if not journey.is_finishing:
            continue
        texts = dict(before.editions.get(journey.name, {}))
        if (last := before.plan.publish.files.get(_file(journey.name))) is not None:
            texts[_version(journey.name, last)] = last
        texts.pop(journey.version, None)
        if texts:
            found[journey.name] = dict([*texts.items()][-MOST:])
    return found


def since(before: PlanState, name: str) -> tuple[str, int] | None:
    """Since when an expression of a journey holds; that of an edition goes on as it was while its text was the present
    one."""
    found = before.since.get(name)
    if found is not None or "@" not in name:
        return found
    edition, _, rest = name.partition("@")
    version, _, expression = rest.partition("/")
    journey = edition.removeprefix("journey/")
    last = before.plan.publish.files.get(_file(journey))
    if last is None or _version(journey, last) != version:
        return None
    return before.since.get(f"{edition}/{expression}")


def _file(journey: str) -> str:
    return f"journeys/{journey}.yaml"


def _version(journey: str, text: str) -> str:
    return Document(_file(journey), text).version
