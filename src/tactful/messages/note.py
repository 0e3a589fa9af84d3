"""What channels other than e-mail send: a few words, perhaps with a title, a link and a picture.

As bytes it is JSON, the same each time for the same note, so that what was sent can be proved by its digest; it is also
what a browser's service worker gets to show.
"""

import msgspec
from msgspec import Struct

TEXT_CHARS = 4000
TITLE_CHARS = 250
URL_CHARS = 2000


class Note(Struct, frozen=True, omit_defaults=True):
    """`title`, `url` and `icon` are "" where there is none."""

    text: str
    title: str = ""
    url: str = ""
    icon: str = ""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Note)


def compose(note: Note) -> bytes:
    return _encoder.encode(note)


def decode(body: bytes) -> Note:
    """Raises msgspec.DecodeError for what is no note."""
    return _decoder.decode(body)
