"""What becomes of input that cannot be taken as it is: a value with its reason, never an exception (STYLE.md).

A refused call goes to the quarantine with its Refusal; a client that can see an answer gets the same three fields.
"""

from msgspec import Struct


class Refusal(Struct, frozen=True):
    """Why a call was not taken. `code` is a word that stays the same, `field` the path of the value at fault ("" for
    the call as a whole), `message` a sentence for the person who has to mend it."""

    code: str
    message: str
    field: str = ""
