"""What `tactful doctor` says about who is who: what browsers are believed, and where ties do not hold.

Counts come from the newest derived rows of each partition, so that an old and large trail costs no more than a new one.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tactful.events.derived import DeviceMoved, TieRefused, decode_groups
from tactful.operations.doctor import Finding
from tactful.runtime.keeping import Trail
from tactful.runtime.settings import IdentitySettings, SourceSettings

TOKENS = "tokens.json"
"""In the data folder: how many tokens of identity were good, and what was wrong with others."""
ROWS = 20_000
"""Groups of each partition that are looked through, the newest first."""
_SHOWN = 3
_OPEN = (
    'browser = "open": whoever has a page\'s write key may send events under any userId, as with other tools. They '
    "cannot name anybody by e-mail, phone or external id, nor change the address or consent of somebody whom a server "
    'has spoken of. browser = "signed" wants a token of your server for each userId (docs/identity.md)'
)


def check(identity: IdentitySettings, sources: Mapping[str, SourceSettings]) -> list[Finding]:
    """What the settings mean for whoever holds a public write key."""
    browsers = sorted(name for name, source in sources.items() if source.trust == "browser")
    if not browsers:
        return []
    findings = [Finding("note", "browsers", f"public write keys: {', '.join(browsers)}")]
    if identity.browser == "open":
        findings.append(Finding("note", "identity", _OPEN))
    elif not identity.secrets:
        text = (
            'browser = "signed", and there is no secret: no browser can name its user. Set [identity] secrets or '
            "TACTFUL_IDENTITY_SECRET"
        )
        findings.append(Finding("bad", "identity", text))
    else:
        text = f'browser = "signed": a userId of a browser needs a token; secrets that hold: {len(identity.secrets)}'
        findings.append(Finding("good", "identity", text))
    return findings


def look(data: Path, trail: Trail, partitions: int) -> list[Finding]:
    """What happened lately: tokens that were not right, ties that were refused, devices of many."""
    return [*_tokens(data / TOKENS), *_ties(trail, partitions)]


def read_counts(path: Path) -> Counter[str]:
    """How many tokens there were of each kind; none where nothing was counted yet, or the file is spoilt."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Counter({str(kind): int(number) for kind, number in values.items()})
    except (OSError, ValueError, TypeError, AttributeError):
        return Counter()


def _tokens(path: Path) -> Iterator[Finding]:
    counts = read_counts(path)
    wrong = {kind: number for kind, number in sorted(counts.items()) if kind != "good" and number}
    if wrong:
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in wrong.items())
        text = f"not right: {kinds}; good: {counts['good']:,}. Their calls were taken as unproved"
        yield Finding("note", "tokens", text)


def _ties(trail: Trail, partitions: int) -> Iterator[Finding]:
    reasons: Counter[str] = Counter()
    shared: dict[str, None] = {}
    for partition in range(partitions):
        for key, row in _rows(trail, partition):
            if isinstance(row, TieRefused):
                reasons[row.reason] += 1
            elif isinstance(row, DeviceMoved) and not row.to:
                shared[key] = None
    if shared:
        text = f"{len(shared):,} so often in other hands that their records stay their own: {_some(list(shared))}"
        yield Finding("note", "shared devices", text)
    if reasons:
        text = "; ".join(f"{reason}: {number:,}" for reason, number in reasons.most_common(_SHOWN))
        yield Finding("note", "ties refused", f"{reasons.total():,} lately ({text})")


def _rows(trail: Trail, partition: int) -> Iterator[tuple[str, object]]:
    for blob in trail.recent(partition, None, ROWS):
        for group in decode_groups(blob):
            for row in group.rows:
                yield group.key, row


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
