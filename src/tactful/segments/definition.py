"""A segment's file, segments/NAME.yaml: who is in it, as one condition over a person.

description: Bought lately        # optional
when: any("Order Completed", last="30d")
"""

from msgspec import Struct

from tactful.language.check import Checked
from tactful.language.document import Document
from tactful.language.vocabulary import Vocabulary


class Segment(Struct, frozen=True):
    name: str
    description: str
    when: Checked
    version: str
    """Digest of the source."""


def read(name: str, document: Document, vocabulary: Vocabulary) -> Segment | None:
    """The segment; None where the document now has problems."""
    fields = document.fields(known=("description", "when"), required=("when",))
    if fields is None:
        return None
    description, when = fields.text("description"), fields.expression("when", vocabulary, allows_clock=False)
    return None if when is None or document.problems else Segment(name, description, when, document.version)
