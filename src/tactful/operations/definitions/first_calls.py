"""The first call that somebody types: an event that this installation keeps, of a person whom nobody has asked yet.

Where events are kept of who permits a purpose, an example that says nothing of consent is answered with success, is
counted, and leaves nobody to look at. So the yes is part of the example: in the event itself, as clients pass on what a
banner was told, or in a call before it where no category of a banner stands for the purpose. Pure.
"""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from tactful.consent.policy import Policy

WHO = "ada"


def first_calls(address: str, key: str, event: str, properties: Mapping[str, Any], policy: Policy) -> list[str]:
    """Commands for a shell, in their order; each may have several lines."""
    parts: list[Mapping[str, Any]] = [{"userId": WHO, "event": event}, {"properties": properties}]
    purpose, categories = _wanted(policy)
    if categories:
        parts.append({"context": {"consent": {"categoryPreferences": dict.fromkeys(categories, True)}}})
    calls = [_curl(f"{address}/v1/track", key, *parts)]
    if purpose and not categories:
        said = {"userId": WHO, "purpose": purpose, "granted": True}
        calls.insert(0, _curl(f"{address}/v1/consent", key, said))
    return calls


def about_consent(policy: Policy) -> str:
    """Why they say so; "" where they say nothing of consent."""
    purpose, categories = _wanted(policy)
    if not purpose:
        return ""
    how = (
        f"it says yes to {' and '.join(categories)}, as a banner would" if categories else "Ada says yes to that first"
    )
    return f"Events are kept only of who permits {purpose} ([consent] collect), so {how}."


def _wanted(policy: Policy) -> tuple[str, tuple[str, ...]]:
    """The purpose that somebody new has to permit, and the banner's names of it."""
    purpose = policy.awaited()
    declared = policy.purposes.get(purpose)
    return purpose, declared.categories if declared is not None else ()


def _curl(url: str, key: str, *parts: Mapping[str, Any]) -> str:
    """The members of the body stand on a line for each part."""
    lines = (json.dumps(part, ensure_ascii=False)[1:-1] for part in parts)
    body = shlex.quote("{" + ",\n       ".join(lines) + "}")
    return (
        f"curl -u {shlex.quote(f'{key}:')} {shlex.quote(url)} \\\n  -H 'Content-Type: application/json' \\\n  -d {body}"
    )
