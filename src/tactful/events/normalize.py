"""Normalization: countries and currencies as one code each, whatever a client calls them (ISO 3166 alpha-2, ISO 4217).

So that `country == "DE"` and `currency == "EUR"` find whoever they mean: "Germany", "deutschland", "DEU" and "de" are
one country, "eur" and "€" one currency. What is unknown or could mean several ("$", "kr") stays as it is; nothing is
guessed. Done once, as a call enters, so that the log, the history and every answer see the same. The names of countries
in 56 languages stand in countries.txt, which tests/collect/country_names.py makes of Unicode's CLDR: read at the first
name, in milliseconds, where Babel's own files would take a quarter of a second and 60 MB.
"""

import unicodedata
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pkgutil import get_data
from typing import Any

_COUNTRIES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ"
    " CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO"
    " FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE"
    " JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO"
    " MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW"
    " PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM"
    " TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
)
COUNTRIES = frozenset(_COUNTRIES.split())
"""ISO 3166 alpha-2, and XK, which everybody uses for Kosovo."""
_EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
_PARTS_OF_IT = "AX GF GP MF MQ RE YT"
"""With codes of their own: Åland, the outermost regions of France."""
_AS_THERE = "IS LI NO GB CH"
EEA = frozenset(f"{_EU} {_PARTS_OF_IT} {_AS_THERE}".split())
"""Where the GDPR or its twin holds: EU, Iceland, Liechtenstein and Norway, also the United Kingdom and Switzerland."""

_CURRENCIES = (
    "ADP AED AFA AFN ALK ALL AMD ANG AOA AOK AON AOR ARA ARL ARM ARP ARS ATS AUD AWG AZM AZN BAD BAM BAN BBD BDT"
    " BEC BEF BEL BGL BGM BGN BGO BHD BIF BMD BND BOB BOL BOP BOV BRB BRC BRE BRL BRN BRR BRZ BSD BTN BUK BWP BYB"
    " BYN BYR BZD CAD CDF CHE CHF CHW CLE CLF CLP CNH CNX CNY COP COU CRC CSD CSK CUC CUP CVE CYP CZK DDM DEM DJF"
    " DKK DOP DZD ECS ECV EEK EGP ERN ESA ESB ESP ETB EUR FIM FJD FKP FRF GBP GEK GEL GHC GHS GIP GMD GNF GNS GQE"
    " GRD GTQ GWE GWP GYD HKD HNL HRD HRK HTG HUF IDR IEP ILP ILR ILS INR IQD IRR ISJ ISK ITL JMD JOD JPY KES KGS"
    " KHR KMF KPW KRH KRO KRW KWD KYD KZT LAK LBP LKR LRD LSL LTL LTT LUC LUF LUL LVL LVR LYD MAD MAF MCF MDC MDL"
    " MGA MGF MKD MKN MLF MMK MNT MOP MRO MRU MTL MTP MUR MVP MVR MWK MXN MXP MXV MYR MZE MZM MZN NAD NGN NIC NIO"
    " NLG NOK NPR NZD OMR PAB PEI PEN PES PGK PHP PKR PLN PLZ PTE PYG QAR RHD ROL RON RSD RUB RUR RWF SAR SBD SCR"
    " SDD SDG SDP SEK SGD SHP SIT SKK SLE SLL SOS SRD SRG SSP STD STN SUR SVC SYP SZL THB TJR TJS TMM TMT TND TOP"
    " TPE TRL TRY TTD TWD TZS UAH UAK UGS UGX USD USN USS UYI UYP UYU UYW UZS VEB VED VEF VES VND VNN VUV WST XAF"
    " XAG XAU XBA XBB XBC XBD XCD XCG XDR XEU XFO XFU XOF XPD XPF XPT XRE XSU XTS XUA XXX YDD YER YUD YUM YUN YUR"
    " ZAL ZAR ZMK ZMW ZRN ZRZ ZWD ZWG ZWL ZWR"
)
CURRENCIES = frozenset(_CURRENCIES.split())
"""ISO 4217, those of the past too: an import may bring orders in marks."""

LONGEST = 80
"""Characters of a name or code that are looked at."""

_SIGNS: Mapping[str, str] = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₽": "RUB", "₺": "TRY", "₴": "UAH", "₫": "VND", "₪": "ILS", "₩": "KRW",
    "₦": "NGN", "₱": "PHP", "฿": "THB", "₸": "KZT", "₾": "GEL", "₼": "AZN", "₡": "CRC", "₲": "PYG", "₵": "GHS",
    "US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD", "NZ$": "NZD", "HK$": "HKD", "NT$": "TWD",
    "R$": "BRL", "MX$": "MXN", "S$": "SGD", "ZŁ": "PLN", "KČ": "CZK", "FT": "HUF", "EURO": "EUR", "EUROS": "EUR",
}  # fmt: skip
"""Signs and words that mean one currency alone, in capital letters."""


def normalize(properties: dict[str, Any], context: dict[str, Any]) -> None:
    """Put codes where an event's properties (or traits) and context name a country or a currency; both are changed."""
    if "currency" in properties:
        _put(properties, "currency", currency)
    if "country" in properties:
        _put(properties, "country", country)
    if "products" in properties and type(products := properties["products"]) is list:
        for product in products:
            if type(product) is dict and "currency" in product:
                _put(product, "currency", currency)
    if "address" in properties and type(address := properties["address"]) is dict:
        _put(address, "country", country)
    if "location" in context and type(location := context["location"]) is dict:
        _put(location, "country", country)


@lru_cache(4096)
def country(said: str) -> str:
    """The ISO 3166 alpha-2 code of what a text says; the text itself where no country is known by it."""
    code = said.strip().upper()
    if code in COUNTRIES and said.isascii():  # "ß" is "SS" in capital letters.
        return code
    return _names().get(folded(said), said)


@lru_cache(4096)
def currency(said: str) -> str:
    """The ISO 4217 code of what a text says; the text itself where no currency is known by it, or several are."""
    code = said.strip().upper()
    return _SIGNS.get(code) or (code if code in CURRENCIES and said.isascii() else said)


def _put(values: dict[str, Any], key: str, code: Callable[[str], str]) -> None:
    said = values.get(key)
    if type(said) is str and len(said) <= LONGEST:
        values[key] = code(said)


@cache
def _names() -> Mapping[str, str]:
    """Codes by folded name and by ISO 3166 alpha-3."""
    body = get_data(__name__, "countries.txt")
    assert body is not None
    lines = [line.split() for line in body.decode().splitlines() if not line.startswith("#")]
    return {name: code for code, *names in lines for name in names}


def folded(name: str) -> str:
    """What is left for comparison: without case, accents, spaces, signs and `the`; "&" is "and"."""
    plain = unicodedata.normalize("NFKD", name.replace("&", " and ")).casefold()
    return "".join([letter for letter in plain.strip().removeprefix("the ") if letter.isalnum()])
