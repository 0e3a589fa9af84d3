"""In which language a person is written to, and how numbers, amounts and dates look there.

The person's own word is the trait `locale`, else `language`, in any usual spelling (de-AT, de_AT.UTF-8); else what
their newest call said (people/locales.py), which the gate freezes as `locale`. Of the translations the nearest is
taken: de-AT, else de, else the message as it stands. Numbers look as the language of the text has it, with the person's
region where that is known: nobody reads English words around French numbers.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tactful.people.locales import LocaleSeen, newest, tag

DEFAULT = "en"
TRAITS = ("locale", "language")


def wanted(profile: object) -> str:
    """The language that the person's traits name; "" where they name none."""
    traits = profile if isinstance(profile, Mapping) else {}
    return next((found for name in TRAITS if (found := tag(traits.get(name)))), "")


def heard(profile: object, seen: Iterable[LocaleSeen | None]) -> dict[str, str]:
    """What the gate freezes beside the traits: {locale}, where they name no language and a call did; `seen` of every
    fragment."""
    found = "" if wanted(profile) else newest(seen)
    return {"locale": found} if found else {}


def told(values: Mapping[str, Any]) -> str:
    """The language of what was frozen for a message: `locale` stands there where the traits name none, and where a
    preview asks for one."""
    return tag(values.get("locale")) or wanted(values.get("profile"))


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
