"""In which language a person is written to, and how numbers, amounts and dates look there.

The person's own word is the trait `locale`, else `language`, in any usual spelling (de-AT, de_AT.UTF-8). Of the
translations the nearest is taken: de-AT, else de, else the message as it stands. Numbers look as the language of the
text has it, with the person's region where that is known: nobody reads English words around French numbers.
"""

import re
from collections.abc import Collection, Mapping

DEFAULT = "en"
_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?(?:[.@-].*)?")
TRAITS = ("locale", "language")


def tag(text: object) -> str:
    """A language tag in its one spelling (BCP 47: zh-Hant-TW); "" for what is none."""
    match = _TAG.fullmatch(text.strip()) if isinstance(text, str) and len(text) <= 64 else None
    if match is None:
        return ""
    language, script, region = match.groups()
    return "-".join(part for part in (language.lower(), (script or "").title(), (region or "").upper()) if part)


def wanted(profile: object) -> str:
    """The language that the person's traits name; "" where they name none."""
    traits = profile if isinstance(profile, Mapping) else {}
    return next((found for name in TRAITS if (found := tag(traits.get(name)))), "")


def nearest(language: str) -> list[str]:
    """The language itself, then what is less exact: zh-Hant-TW, zh-Hant, zh."""
    parts = language.split("-") if language else []
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]


def chosen(language: str, translations: Collection[str], own: str) -> tuple[list[str], str]:
    """Which translations lie over the message as it stands (the nearest last), and the locale of what comes out. `own`
    is the language of the message as it stands ("" where nobody said)."""
    mine, base = nearest(language), own or DEFAULT
    found = [one for one in reversed(mine) if one in translations]
    is_same = bool(mine) and mine[-1] == nearest(base)[-1]
    if found or is_same or (language and not own and not translations):
        return found, language
    return [], base
