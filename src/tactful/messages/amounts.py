"""Amounts, numbers and dates as the reader's language writes them (Unicode CLDR, by Babel).

{{ cart.value | money: "EUR" }}             1.234,50 € in German, €1,234.50 in English
{{ 1234.5 | number }}   {{ 0.2 | percent }}
{{ event.timestamp | local_date: "long" }}  in the person's time zone; short, medium, long, full, or a CLDR pattern

The locale is the one in which the message is rendered. What is no number or time is left as it is.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from functools import lru_cache

import babel
from babel import dates, numbers
from liquid import RenderContext
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_context
from liquid.undefined import is_undefined

from tactful.events import zones
from tactful.messages.filters import instant
from tactful.values import MINUTE_US

LARGEST = Decimal(10) ** 18
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTHS = ("short", "medium", "long", "full")
_PATTERN_CHARS = 60


@lru_cache(maxsize=256)
def _locale(tag: object) -> babel.Locale:
    for one in (tag, str(tag).partition("-")[0], "en"):
        try:
            return babel.Locale.parse(str(one), sep="-")
        except (babel.UnknownLocaleError, ValueError):
            continue
    raise AssertionError("English is known")


def _locale_of(context: RenderContext) -> babel.Locale:
    tag = context.resolve("locale", default=None)
    return _locale(tag if isinstance(tag, str) else "en")


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    if isinstance(value, str) and len(value) > 40:
        return None
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < LARGEST else None


def _written(value: object, write: Callable[[Decimal], str]) -> str:
    if value is None or is_undefined(value):
        return ""
    amount = _amount(value)
    return write(amount) if amount is not None else str(value)


@with_context
def money(value: object, currency: object, *, context: RenderContext) -> str:
    """`currency` is an ISO 4217 code."""
    if is_undefined(currency) or not currency:
        return _written(value, lambda amount: numbers.format_decimal(amount, "#,##0.00", locale=_locale_of(context)))
    code = str(currency).upper()
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise FilterArgumentError(f"{str(currency)[:20]!r} is no code of a currency; write EUR", token=None)
    return _written(value, lambda amount: numbers.format_currency(amount, code, locale=_locale_of(context)))


@with_context
def number(value: object, digits: object = None, *, context: RenderContext) -> str:
    """`digits` behind the point; without it up to three."""
    if digits is None:
        return _written(value, lambda amount: numbers.format_decimal(amount, locale=_locale_of(context)))
    if not isinstance(digits, int) or not 0 <= digits <= 10:
        raise FilterArgumentError("from 0 to 10 digits stand behind the point", token=None)
    form = "#,##0." + "0" * digits if digits else "#,##0"
    return _written(value, lambda amount: numbers.format_decimal(amount, form, locale=_locale_of(context)))


@with_context
def percent(value: object, *, context: RenderContext) -> str:
    """Of a share: 0.2 is 20%."""
    return _written(value, lambda amount: numbers.format_percent(amount, locale=_locale_of(context)))


@with_context
def local_date(value: object, form: object = "medium", *, context: RenderContext) -> str:
    """A day, in the person's time zone."""
    if value is None or is_undefined(value):
        return ""
    at_us = instant(value, context)
    pattern = str(form)
    if len(pattern) > _PATTERN_CHARS:
        raise FilterArgumentError("the pattern of a date is too long", token=None)
    if at_us is None:
        return str(value)
    zone = zones.zone(str(context.resolve("zone", default=None) or "UTC"))
    offset_us = zones.offset_us(zone, at_us) if zone is not None else 0
    try:
        at = (_EPOCH + timedelta(microseconds=at_us)).astimezone(timezone(timedelta(minutes=offset_us // MINUTE_US)))
        if pattern in _LENGTHS:
            return dates.format_date(at, pattern, locale=_locale_of(context))
        return dates.format_datetime(at, pattern, locale=_locale_of(context))
    except (OverflowError, ValueError, KeyError, AttributeError) as error:
        raise FilterArgumentError(f"no such pattern of a date: {pattern}", token=None) from error
