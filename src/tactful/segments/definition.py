"""A segment's file, segments/NAME.yaml: who is in it, as one condition over a person.

description: Bought lately        # optional
when: any("Order Completed", last="30d")
purpose: profiling                # optional; only those who permit it
"""

from msgspec import Struct

from tactful.language.check import Checked, check
from tactful.language.document import Document, Fields
from tactful.language.mistakes import Mistake
from tactful.language.vocabulary import Vocabulary


class Segment(Struct, frozen=True):
    name: str
    description: str
    when: Checked
    version: str
    """Digest of the source."""
    purpose: str = ""
    """What people in it have to permit; `when` asks it too."""


def read(name: str, document: Document, vocabulary: Vocabulary) -> Segment | None:
    """The segment; None where the document now has problems."""
    fields = document.fields(known=("description", "when", "purpose"), required=("when",))
    if fields is None:
        return None
    description, when = fields.text("description"), fields.expression("when", vocabulary, allows_clock=False)
    purpose = fields.purpose("purpose")
    if when is not None and purpose and not document.problems:
        when = _permitted(fields, when, purpose, vocabulary)
    return None if when is None or document.problems else Segment(name, description, when, document.version, purpose)


def _permitted(fields: Fields, when: Checked, purpose: str, vocabulary: Vocabulary) -> Checked | None:
    """The condition for those alone who permit the purpose: live answers, SQL and wake-ups need to know no more."""
    try:
        return check(f'({when.text.strip()}) and consents("{purpose}")', vocabulary=vocabulary, allows_clock=False)
    except Mistake as mistake:
        fields.refuse("when", mistake.remark.message, mistake.remark.hint)
        return None
