"""Fresh data for a message: what is asked of an HTTP endpoint in the moment before it is rendered.

fetch:
  stock:
    url: https://shop.example/api/stock?sku={{ event.properties.sku | url_encode }}
    timeout: 500ms              # optional; how long it may take (500ms, at most 5s)
    cache: 5m                   # optional; how long an answer serves everybody with the same URL (none)
    default: {left: 0}          # optional; what templates see where there is no answer (nothing)

Templates see the answer by its name. It is asked for by runtime/fetching.py; never does it keep a message from leaving.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from tactful.language import yaml_nodes
from tactful.language.document import Fields
from tactful.language.yaml_nodes import Node, Text
from tactful.messages.reading import TextReader
from tactful.messages.seen import RESERVED
from tactful.values import DAY_US, SECOND_US

MOST = 5
LONGEST_US = 5 * SECOND_US
DEFAULT_US = SECOND_US // 2
LONGEST_CACHE_US = DAY_US
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,63}")
_TIMEOUT = re.compile(r"([1-9][0-9]{0,4})(ms|s)")
# The host stands in the file, so that nobody's data decides whom this machine calls.
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?].*)?", re.DOTALL)


class Fetch(Struct, frozen=True, array_like=True):
    name: str
    url: str
    """Liquid; scheme and host are fixed."""
    timeout_us: int = DEFAULT_US
    cache_us: int = 0
    default: bytes = b"null"
    """JSON."""


def read_fetches(fields: Fields, taken: Iterable[str], texts: TextReader) -> tuple[Fetch, ...]:
    """Of the field `fetch`; `taken` are names that templates have for something else."""
    found = []
    names = RESERVED.union(taken)
    pairs = fields.pairs("fetch")
    if len(pairs) > MOST:
        fields.refuse("fetch", f"a message asks {MOST} endpoints at most", "put what it needs into one answer")
        return ()
    for key, node in pairs:
        inner = fields.document.fields_of(node, f"fetch {key.value}", ("url", "timeout", "cache", "default"), ("url",))
        if not _NAME.fullmatch(key.value) or key.value in names:
            hint = "templates call something else so" if key.value in names else "small letters, digits and _"
            fields.document.refuse(key.start, f'"{key.value}" cannot be the name of fetched data', hint)
        if inner is None:
            continue
        url = inner.text("url").strip()
        if url and not _URL.fullmatch(url):
            hint = "write https://host/path; values may stand behind the host"
            inner.refuse("url", f'"{url}" is no address to fetch from', hint)
        else:
            texts.check(inner, "url")
        cache_us = inner.duration("cache", 0, longest_days=LONGEST_CACHE_US // DAY_US)
        found.append(Fetch(key.value, url, _timeout(inner), cache_us, _default(inner)))
    return tuple(found)


def _timeout(fields: Fields) -> int:
    text = fields.text("timeout")
    if not text:
        return DEFAULT_US
    match = _TIMEOUT.fullmatch(text.strip())
    timeout_us = int(match[1]) * (1000 if match[2] == "ms" else SECOND_US) if match else 0
    if not 0 < timeout_us <= LONGEST_US:
        fields.refuse("timeout", f'"{text}" is no time to wait', "write 500ms, or up to 5s")
        return DEFAULT_US
    return timeout_us


def _default(fields: Fields) -> bytes:
    return msgspec.json.encode(plain(fields.nodes["default"])) if "default" in fields else b"null"


def plain(node: Node) -> Any:
    """What is written, as JSON knows it: 3 is a number and true a boolean, unless in quotes."""
    if isinstance(node, yaml_nodes.Sequence):
        return [plain(item) for item in node.items]
    if isinstance(node, yaml_nodes.Mapping):
        return {key.value: plain(value) for key, value in node.pairs}
    return _scalar(node)


_WORDS: Mapping[str, object] = {"true": True, "false": False}


def _scalar(text: Text) -> object:
    if text.style:
        return text.value
    if text.is_null:
        return None
    if text.value in _WORDS:
        return _WORDS[text.value]
    try:
        number = msgspec.json.decode(text.value.encode())
    except msgspec.DecodeError:
        return text.value
    return number if isinstance(number, int | float) else text.value
