"""A metric's file, metrics/NAME.yaml: a value of each person that has a name.

description: What was spent in 90 days      # optional
value: sum("Order Completed", total, last="90d")
"""

from msgspec import Struct

from tactful.language.check import Checked
from tactful.language.document import Document
from tactful.language.vocabulary import Vocabulary


class Metric(Struct, frozen=True):
    name: str
    description: str
    value: Checked
    version: str
    """Digest of the source."""


def read(name: str, document: Document, vocabulary: Vocabulary) -> Metric | None:
    """The metric; None where the document now has problems."""
    fields = document.fields(known=("description", "value"), required=("value",))
    if fields is None:
        return None
    description, value = fields.text("description"), fields.expression("value", vocabulary, wanted="value")
    return None if value is None or document.problems else Metric(name, description, value, document.version)
