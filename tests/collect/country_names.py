"""src/tactful/events/countries.txt: what countries are called, from Unicode's CLDR (by way of Babel) and our own list.

`python -m tests.collect.country_names` writes it anew, after an upgrade of Babel. A name that means different countries
in different languages is left out; what English or our own list says counts before the other languages.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from pkgutil import get_data

from babel import Locale
from babel.core import get_global

from tactful.events.normalize import COUNTRIES, folded

FILE = Path("src/tactful/events/countries.txt")

_LANGUAGES = (
    "ar bg bn bs ca cs da de el es et eu fa fi fr ga gl he hi hr hu hy id is it ja ka kk ko lb lt lv mk ms mt nb nl"
    " pl pt pt_PT ro ru sk sl sq sr sr_Latn sv th tr uk ur vi zh zh_Hant"
)
LANGUAGES = _LANGUAGES.split()
"""Whose names of countries are known, beside English."""

ALSO_CALLED: Mapping[str, str] = {
    "BN": "Brunei Darussalam",
    "BO": "Plurinational State of Bolivia; Bolivia, Plurinational State of",
    "CD": "Democratic Republic of the Congo; Congo, The Democratic Republic of the; DR Congo",
    "CG": "Congo; Republic of the Congo",
    "CI": "Ivory Coast",
    "CV": "Cabo Verde",
    "CZ": "Czech Republic",
    "FK": "Falkland Islands (Malvinas)",
    "FM": "Federated States of Micronesia; Micronesia, Federated States of",
    "GB": "UK; U.K.; Great Britain; Britain; England; Scotland; Wales; Northern Ireland;"
    " United Kingdom of Great Britain and Northern Ireland",
    "GR": "EL; Hellas",
    "HK": "Hong Kong",
    "IR": "Islamic Republic of Iran; Iran, Islamic Republic of",
    "KP": "Democratic People's Republic of Korea; Korea, Democratic People's Republic of",
    "KR": "Republic of Korea; Korea, Republic of",
    "LA": "Lao People's Democratic Republic",
    "MD": "Republic of Moldova; Moldova, Republic of",
    "MK": "Macedonia; Republic of North Macedonia",
    "MM": "Burma; Myanmar",
    "MO": "Macao; Macau",
    "NL": "Holland",
    "PS": "Palestine; State of Palestine; Palestine, State of",
    "RU": "Russian Federation",
    "SY": "Syrian Arab Republic",
    "SZ": "Swaziland",
    "TL": "East Timor",
    "TR": "Turkey",
    "TW": "Taiwan, Province of China",
    "TZ": "United Republic of Tanzania; Tanzania, United Republic of",
    "US": "U.S.; U.S.A.; United States of America",
    "VA": "Holy See; Vatican; Holy See (Vatican City State)",
    "VE": "Bolivarian Republic of Venezuela; Venezuela, Bolivarian Republic of",
    "VG": "Virgin Islands, British",
    "VI": "Virgin Islands, U.S.",
}
"""Names that CLDR does not have: of ISO's own list, which most forms show, and of every day."""


def territories(language: str) -> Iterator[tuple[str, str]]:
    """(folded name, code) of each country."""
    for code, name in Locale.parse(language).territories.items():
        if code in COUNTRIES:
            yield folded(name), code


def first_names() -> dict[str, str]:
    """Codes by what no other language has a say in: ISO 3166 alpha-3, English, our own list."""
    named = dict(territories("en"))
    named |= {folded(one): code for code, names in ALSO_CALLED.items() for one in names.split(";")}
    for name, codes in get_global("territory_aliases").items():
        if len(name) == 3 and name.isalpha() and len(codes) == 1 and codes[0] in COUNTRIES:
            named[folded(name)] = codes[0]
    return named


def names() -> dict[str, str]:
    """Codes by folded name."""
    named: dict[str, set[str]] = {}
    for language in LANGUAGES:
        for name, code in territories(language):
            named.setdefault(name, set()).add(code)
    return {name: codes.pop() for name, codes in named.items() if len(codes) == 1} | first_names()


def text() -> str:
    licence = get_data("babel", "locale-data/LICENSE.unicode")
    assert licence is not None
    version = get_global("cldr")["version"]
    said = [f"Names of countries: Unicode CLDR {version}, changed by tests/collect/country_names.py.", ""]
    said += licence.decode().strip().splitlines()
    by_code: dict[str, list[str]] = {code: [] for code in sorted(COUNTRIES)}
    for name, code in sorted(names().items()):
        by_code[code].append(name)
    return "\n".join(
        [*(f"# {line}".rstrip() for line in said), *(" ".join([code, *called]) for code, called in by_code.items()), ""]
    )


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
