"""Asked: an expression that somebody types, checked with the names of the plan in force."""

from tactful.consent import policy
from tactful.events.records import CONSENT, SESSION_GAP, Publish
from tactful.kernel.definitions import read_published, vocabulary_of
from tactful.language.check import Checked, check
from tactful.language.mistakes import Mistake, definition_error
from tactful.language.vocabulary import DEFAULT_GAP_US, Vocabulary
from tactful.values import parse_duration


def checked_by(publish: Publish | None, text: str) -> Checked:
    """A condition or a value over a person; without a plan nothing but people and events has a name. Raises
    DefinitionError with the place of a mistake."""
    try:
        return check(text, "value", vocabulary=vocabulary_by(publish))
    except Mistake as mistake:
        raise definition_error(mistake, text) from None


def vocabulary_by(publish: Publish | None) -> Vocabulary:
    """What an expression beside a plan may name; names that are not declared are let through."""
    if publish is None:
        return Vocabulary(is_strict=False)
    gap_us = parse_duration(publish.settings.get(SESSION_GAP, "")) or DEFAULT_GAP_US
    purposes = policy.read(publish.settings.get(CONSENT, "")).purposes
    return vocabulary_of(read_published(publish), gap_us=gap_us, is_strict=False, purposes=purposes)
