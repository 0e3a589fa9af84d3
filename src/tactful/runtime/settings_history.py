"""`[history]`: where the lake lies and how it is written (docs/lake.md). Pure."""

import re
from urllib.parse import urlsplit

from msgspec import Struct

from tactful.values import DAY_US, SECOND_US, parse_duration

LARGEST_BUCKETS = 1024
_S3 = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s?#]*)?")


class HistorySettings(Struct, frozen=True, forbid_unknown_fields=True):
    location: str = ""
    """A folder, or s3://BUCKET/PREFIX; "": the folder `lake` of the data folder."""
    buckets: int = 16
    """That a lake that is made begins with; their number grows with its rows."""
    every: str = "30s"
    """So old rows may get before they are written to the lake."""
    rows: int = 200_000
    """And so many, of all tables, before they are."""
    endpoint: str = ""
    """Of a service that speaks S3 and is not Amazon's: "https://minio.shop.example"."""
    region: str = ""
    """"": what the machine says of itself, AWS_REGION for instance."""
    access_key: str = ""
    secret_key: str = ""
    """"": what the machine has, AWS_ACCESS_KEY_ID and so on or a role."""


HISTORY_OVERRIDES = {
    "TACTFUL_HISTORY_LOCATION": ("history", "location"),
    "TACTFUL_HISTORY_ENDPOINT": ("history", "endpoint"),
    "TACTFUL_HISTORY_REGION": ("history", "region"),
    "TACTFUL_HISTORY_ACCESS_KEY": ("history", "access_key"),
    "TACTFUL_HISTORY_SECRET_KEY": ("history", "secret_key"),
}


def history_problem(history: HistorySettings) -> tuple[str, str] | None:
    """What the types cannot say."""
    if history.location.startswith("s3:") and not _S3.fullmatch(history.location.rstrip("/")):
        return f"history.location: {history.location!r} is no place on S3", 'for instance "s3://shop-history/tactful"'
    if "://" in history.location and not history.location.startswith("s3:"):
        return (
            f"history.location: {history.location!r} is neither a folder nor on S3",
            '"s3://BUCKET/PREFIX", or a folder',
        )
    if not 1 <= history.buckets <= LARGEST_BUCKETS:
        return f"history.buckets must be from 1 to {LARGEST_BUCKETS}", "16 is a good start"
    every_us = parse_duration(history.every)
    if every_us is None or not SECOND_US <= every_us <= DAY_US:
        return f"history.every: {history.every!r} is no duration from a second to a day", 'for instance "30s"'
    if history.rows < 1:
        return "history.rows must be 1 or more", "200000 is a good start"
    if history.endpoint:
        parts = urlsplit(history.endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            hint = 'for instance "https://minio.shop.example"'
            return f"history.endpoint: {history.endpoint!r} is no address", hint
    if bool(history.access_key) != bool(history.secret_key):
        return "history.access_key and history.secret_key belong together", "give both or neither"
    return None
