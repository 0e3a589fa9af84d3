"""The gate and addresses: what a browser has said of one is hearsay, one address gets so much, a confirmation asks."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.consent.permits import ConsentWrite
from tactful.events.derived import SendMessage
from tactful.events.records import Plan, Publish, pack
from tactful.journeys.runs import Run
from tactful.kernel.gate import CONFIRMATIONS, Claim, Refusal, decide
from tactful.kernel.plan import CompiledPlan, adopt
from tactful.kernel.state import Fragment, Profile
from tactful.messages.mail import mailbox
from tactful.people.traits import TraitWrite
from tactful.runtime.claims import Claims
from tactful.runtime.ports import Verdict
from tactful.values import DAY_US, HOUR_US, MINUTE_US

NOW = 1_740_816_000_000_000
SIGNED_UP = "start: {event: Newsletter Subscribed}\n"
MAIL = "subject: x\nhtml: <p>x</p>\ntext: x\n"
CONFIRMATION = "confirms: marketing.email\nsubject: x\nhtml: '{{ confirm_url }}'\ntext: '{{ confirm_url }}'\n"
FILES = {
    "journeys/remind.yaml": "start: {event: Product Added}\nsend: {email: reminder}\n",
    "journeys/remind_again.yaml": "start: {event: Product Added}\nlimit: 100 per 1h\nsend: {email: reminder}\n",
    "journeys/news.yaml": "start: {event: Product Added}\nsend: {email: news}\n",
    "journeys/ask.yaml": f"{SIGNED_UP}send: {{email: confirm}}\n",
    "journeys/ask_again.yaml": f"{SIGNED_UP}send: {{email: confirm}}\n",
    "journeys/ask_nicely.yaml": f"{SIGNED_UP}send: {{email: confirm_nicely}}\n",
    "journeys/hook.yaml": "start: {event: Product Added}\nsend: {webhook: 'https://crm.example/'}\n",
    "messages/reminder.yaml": f"purpose: marketing.email\n{MAIL}",
    "messages/news.yaml": f"purpose: marketing.email\n{MAIL}",
    "messages/confirm.yaml": CONFIRMATION,
    "messages/confirm_nicely.yaml": CONFIRMATION,
}
ASKS = ("ask", "ask_again", "ask_nicely")
PLAN: CompiledPlan = adopt(None, Plan(1, Publish(NOW, FILES, {})), NOW, is_empty=True)[1]


def email(value: object, *, is_browser: bool, at: int = NOW - HOUR_US) -> dict[str, TraitWrite]:
    return {"email": TraitWrite(value, at, at, 1, is_browser=is_browser)}


def said(granted: bool, at: int = NOW - HOUR_US, purpose: str = "marketing.email") -> dict[str, ConsentWrite]:
    return {purpose: ConsentWrite(granted, at, at, 1)}


YES = said(True)
BROWSERS = email("ada@x.example", is_browser=True)
SERVERS = email("ada@x.example", is_browser=False)


def fragment(
    traits: dict[str, TraitWrite] | None = None,
    consents: dict[str, ConsentWrite] | None = None,
    confirmed: tuple[str, ...] = (),
) -> Fragment:
    return Fragment([], {}, traits or {}, consents or {}, confirmed=list(confirmed))


def person(*fragments: Fragment, key: str = "u:ada") -> Profile:
    return Profile(key, 0, 0, b"", {f"{key}#{n}": one for n, one in enumerate(fragments, 1)}, {}, [], {})


def run(journey: str, intent: str = "i1", started_at: int = NOW - MINUTE_US) -> Run:
    return Run(journey, "", started_at, 0, 5, "m", NOW - started_at, "Product Added", pack({}), "v", intent)


SENDS = {
    "remind": "reminder",
    "remind_again": "reminder",
    "news": "news",
    "ask": "confirm",
    "ask_again": "confirm",
    "ask_nicely": "confirm_nicely",
}


def order(journey: str, intent: str = "i1", key: str = "u:ada") -> SendMessage:
    channel, message = ("email", SENDS[journey]) if journey in SENDS else ("webhook", "https://crm.example/")
    purpose = PLAN.messages[message].purpose if channel == "email" else ""
    return SendMessage(
        at=NOW, intent=intent, key=key, journey=journey, entry_key="", channel=channel, message=message,
        purpose=purpose, due=NOW, valid_until=NOW + 60 * DAY_US, plan=1, started_at=NOW, started_ref=5,
        event="Product Added", properties=Raw(pack({"name": "Buy at http://evil.example"})),
    )  # fmt: skip


class Desk:
    """An outbox, and one person after another before the gate, as a worker does it."""

    def __init__(self, mails_per_address: int = 10) -> None:
        self.outbox = MemoryOutbox()
        self.people: dict[str, Profile] = {}
        self.now = NOW
        self.claims = Claims(0, self.outbox, {"email": 1000, "webhook": 1000}, mails_per_address)

    def wants(self, journey: str, profile: Profile, intent: str = "") -> str:
        """What becomes of one intent, in words."""
        intent = intent or f"{journey}-{len(self.outbox.rows(limit=10_000))}"
        self.put(journey, profile, intent)
        self.turn()
        return self.fate(intent)

    def put(self, journey: str, profile: Profile, intent: str) -> None:
        self.people[profile.key] = profile
        profile.runs.append(run(journey, intent, self.now - MINUTE_US))
        self.outbox.put(0, [replace(order(journey, intent, profile.key), due=self.now)])

    def turn(self) -> tuple[int, int]:
        decided = self.claims.decide(PLAN, self.people.get, self.now, position=1, is_behind=False)
        return decided.claimed, decided.closed

    def fate(self, intent: str) -> str:
        row = self.outbox.row(intent)
        assert row is not None
        return row.status if row.status in ("claimed", "waiting") else f"{row.status}: {row.reason}"


def verdict(journey: str, profile: Profile) -> str:
    return Desk().wants(journey, profile)


# ---- whose address it is ---------------------------------------------------------------------------------------------

NOT_CONFIRMED = "refused: the address is not confirmed"


@pytest.mark.parametrize(
    ("fragments", "fate"),
    [
        ([fragment(SERVERS, YES)], "claimed"),
        ([fragment(BROWSERS, YES)], NOT_CONFIRMED),
        ([fragment(BROWSERS, YES, confirmed=("ada@x.example",))], "claimed"),
        ([fragment(BROWSERS, YES), fragment(confirmed=("ada@x.example",))], "claimed"),
        ([fragment(BROWSERS, YES, confirmed=("eve@x.example",))], NOT_CONFIRMED),
        ([fragment(BROWSERS, YES), fragment(email("ada@x.example", is_browser=False, at=NOW - DAY_US))], "claimed"),
        ([fragment(BROWSERS, YES), fragment(email(" Ada@X.example", is_browser=False, at=NOW - DAY_US))], "claimed"),
        ([fragment(BROWSERS, YES), fragment(email("eve@x.example", is_browser=False, at=NOW - DAY_US))], "claimed"),
        ([fragment(SERVERS, YES), fragment(email("eve@x.example", is_browser=True, at=NOW))], "claimed"),
        ([fragment(BROWSERS, YES), fragment(email(None, is_browser=False))], "refused: no e-mail address"),
        ([fragment(email("Bücher@bücher.example", is_browser=True), YES, ("bücher@xn--bcher-kva.example",))], "claimed"),
        ([fragment(SERVERS)], "refused: no consent: marketing.email"),
        ([fragment(SERVERS, said(False))], "refused: no consent: marketing.email"),
        ([fragment(None, YES)], "refused: no e-mail address"),
    ],
)  # fmt: skip
def test_an_address_that_only_a_browser_has_named_waits_for_its_reader(fragments: list[Fragment], fate: str) -> None:
    assert verdict("remind", person(*fragments)) == fate


@pytest.mark.parametrize("confirmed", [(), ("eve@x.example",)])
def test_a_servers_word_counts_more_than_what_a_browser_says_later(confirmed: tuple[str, ...]) -> None:
    """Whoever types an address of theirs and then somebody's user id must not have that person's mail."""
    desk = Desk()
    eves = fragment(email("eve@x.example", is_browser=True, at=NOW), YES, confirmed)
    assert desk.wants("remind", person(fragment(SERVERS, YES), eves)) == "claimed"
    newer = email("ada@new.example", is_browser=False, at=NOW - 1)
    assert desk.wants("news", person(fragment(SERVERS, YES), eves, fragment(newer))) == "claimed"
    assert [one.address for one in desk.outbox.claimed("email")] == ["ada@x.example", "ada@new.example"]


def vouched(one: Fragment) -> Fragment:
    one.is_vouched = True
    return one


def confirms(address: str, covers: Fragment | None = None) -> Fragment:
    """Of a visitor who named an address and confirmed it, perhaps when they were taken for the person already."""
    write = ConsentWrite(True, NOW - MINUTE_US, NOW - MINUTE_US, 3, "", "confirm", address=mailbox(address) or "")
    if covers is not None:
        covers.covered = {"marketing.email": {"u:ada#2": write}}
    return fragment(email(address, is_browser=True), {"marketing.email": write}, (address,))


@pytest.mark.parametrize("is_covering", [False, True])
def test_who_confirms_another_address_agrees_for_nobody_who_gets_mail_elsewhere(is_covering: bool) -> None:
    for first in (vouched(fragment(SERVERS)), vouched(fragment(BROWSERS))):
        covers = first if is_covering else None
        fate = verdict("remind", person(first, confirms("eve@x.example", covers)))
        assert fate in ("refused: no consent: marketing.email", NOT_CONFIRMED)
        assert verdict("remind", person(first, confirms("Ada@x.example", covers))) == "claimed"


def test_where_no_server_named_an_address_the_first_browser_is_asked() -> None:
    """Whoever confirms an address of their own and then types somebody's user id must not have that person's mail."""
    own, eves = confirms("ada@x.example"), confirms("eve@x.example")
    eves.traits = email("eve@x.example", is_browser=True, at=NOW)
    desk = Desk()
    assert desk.wants("remind", person(own, eves)) == "claimed"
    assert [one.address for one in desk.outbox.claimed("email")] == ["ada@x.example"]
    assert verdict("remind", person(fragment(BROWSERS, YES), eves)) == NOT_CONFIRMED


def test_a_webhook_needs_no_address() -> None:
    assert verdict("hook", person(fragment())) == "claimed"


def test_every_part_of_a_person_is_asked() -> None:
    denies = fragment(None, said(False, NOW - DAY_US))
    assert verdict("remind", person(fragment(SERVERS, YES), denies)).startswith("refused: no consent")
    covering = fragment(SERVERS)
    covering.covered = {"marketing.email": {"u:ada#2": YES["marketing.email"]}}
    assert verdict("remind", person(covering, fragment())) == "claimed"
    covering.covered = {"marketing.email": {"u:gone#1": YES["marketing.email"]}}
    assert verdict("remind", person(covering, fragment())).startswith("refused: no consent"), "a grant that went away"


def test_what_was_stopped_does_not_leave() -> None:
    desk, profile = Desk(), person(fragment(SERVERS, YES))
    desk.put("remind", profile, "i")
    profile.runs[0].stopped = "consent withdrawn: marketing.email"
    desk.turn()
    assert desk.fate("i") == "refused: consent withdrawn: marketing.email"


# ---- confirmations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fragments", "fate"),
    [
        ([fragment(BROWSERS)], "claimed"),
        ([fragment(BROWSERS, YES)], "claimed"),
        ([fragment(SERVERS)], "claimed"),
        ([fragment(BROWSERS, said(False))], "claimed"),
        ([fragment(BROWSERS, said(False, NOW))], "refused: no consent: marketing.email"),
        ([fragment(BROWSERS, said(False, NOW, "marketing"))], "refused: no consent: marketing.email"),
        ([fragment(BROWSERS), fragment(None, said(False, NOW))], "refused: no consent: marketing.email"),
        ([fragment(BROWSERS, said(False, NOW, "profiling"))], "claimed"),
        ([fragment(BROWSERS, confirmed=("ada@x.example",))], "refused: the address is confirmed already"),
        ([fragment(BROWSERS, confirmed=("eve@x.example",))], "claimed"),
        ([fragment()], "refused: no e-mail address"),
    ],
)
def test_a_confirmation_asks_whom_nobody_has_asked(fragments: list[Fragment], fate: str) -> None:
    assert verdict("ask", person(*fragments)) == fate


def test_a_confirmation_does_not_go_to_a_suppressed_address() -> None:
    desk = Desk()
    desk.outbox.suppress("ada@x.example", "hard bounce", NOW)
    assert desk.wants("ask", person(fragment(BROWSERS))) == "refused: the address is suppressed"


def test_nothing_of_the_person_is_kept_for_a_confirmation() -> None:
    desk = Desk()
    traits = BROWSERS | {"first_name": TraitWrite("Buy at http://evil.example", NOW, NOW, 1, is_browser=True)}
    assert desk.wants("ask", person(fragment(traits))) == "claimed"
    (claimed,) = desk.outbox.claimed("email")
    assert msgspec.msgpack.decode(claimed.frozen) == {}
    assert "evil" not in claimed.permit


# ---- so much for one address -----------------------------------------------------------------------------------------


def stranger(number: int, address: str = "victim@x.example") -> Profile:
    """Another visitor who types the same address."""
    return person(fragment(email(address, is_browser=True)), key=f"a:{number}")


def customer(number: int, address: str = "victim@x.example") -> Profile:
    return person(fragment(email(address, is_browser=False), YES), key=f"u:{number}")


def test_one_address_gets_so_many_mails_a_day_whatever_definitions_say() -> None:
    desk = Desk(mails_per_address=5)
    fates = [desk.wants(("remind", "remind_again", "news")[n % 3], customer(n)) for n in range(9)]
    assert fates == ["claimed"] * 5 + ["refused: limit: 5 mails to one address per 24h"] * 4
    assert desk.wants("ask", stranger(1)) == "refused: limit: 5 mails to one address per 24h"
    assert desk.wants("news", customer(99, "other@x.example")) == "claimed"
    desk.now += DAY_US - 1
    assert desk.wants("news", customer(100)).startswith("refused")
    desk.now += 1
    assert desk.wants("news", customer(101)) == "claimed"


def test_those_that_wait_together_are_counted_together() -> None:
    """In one transaction, so that two workers cannot both find room."""
    desk = Desk(mails_per_address=5)
    for number in range(20):
        desk.put("news", customer(number), f"i{number}")
    assert desk.turn() == (5, 15)


@pytest.mark.parametrize(
    "spelling",
    [
        "Victim@X.example", " victim@x.example ", "victim+2@x.example", "victim+a+b@x.example", "victim@x.example.", "ｖictim@x.example", "victim@X.EXAMPLE",
    ],
)  # fmt: skip
def test_another_spelling_is_no_other_address(spelling: str) -> None:
    desk = Desk(mails_per_address=1)
    assert desk.wants("ask", stranger(1)) == "claimed"
    assert desk.wants("news", customer(2, spelling)).startswith("refused: limit")


@pytest.mark.parametrize(
    "address",
    [
        "Buy<victim@x.example>", "<victim@x.example>", "Cheap-pills-at-evil.example<victim@x.example>",
        "victim@x.example,other@x.example", "victim@x.example;other@x.example", '"victim"@x.example',
        "victim@x.example\r\nBcc: all@x.example", "victim(comment)@x.example", "victim@[127.0.0.1]", "@x.example", "victim@",
        "victim@.", "x" * 65 + "@x.example", ["victim@x.example"], {"a": 1}, 7, None, True,
    ],
)  # fmt: skip
def test_what_is_no_plain_address_gets_nothing(address: object) -> None:
    assert mailbox(address) is None
    profile = person(fragment(email(address, is_browser=False), YES, ("victim@x.example",)))
    assert verdict("remind", profile) == "refused: no e-mail address"
    assert verdict("ask", profile) == "refused: no e-mail address"


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_mailbox_has_one_spelling(local: str, domain: str) -> None:
    found = mailbox(f"{local}@{domain}")
    if found is not None:
        assert mailbox(found) == found
        assert not set(found) & set(' \r\n<>,;"')
        assert found.rpartition("@")[2].isascii()


def test_confirmations_to_one_address_are_few_whoever_asks() -> None:
    (a_day, _, _), (a_month, _, _) = CONFIRMATIONS
    desk, sent = Desk(), []
    for day in range(31):
        for attempt in range(4):
            fate = desk.wants(ASKS[(day + attempt) % 3], stranger(100 * day + attempt))
            if fate == "claimed":
                sent.append(day)
            else:
                assert fate.startswith("refused: limit:")
        desk.now += DAY_US
    assert sent == [0, 1, 2, 30]
    assert (a_day, a_month) == (1, 3)


def test_a_failed_confirmation_may_be_tried_again() -> None:
    """A retry is the same intent: it does not stand in its own way."""
    desk, profile = Desk(), stranger(1)
    desk.wants("ask", profile, "i")
    desk.outbox.finish([Verdict("i", "waiting", "no answer", not_before=desk.now + 1)], desk.now)
    assert desk.fate("i") == "waiting"
    desk.now += 1
    desk.turn()
    assert desk.fate("i") == "claimed"


def test_a_person_is_counted_under_all_identifiers() -> None:
    files = {**FILES, "journeys/remind.yaml": FILES["journeys/remind.yaml"] + "limit: 1 per 24h\n"}
    plan = adopt(None, Plan(1, Publish(NOW, files, {})), NOW, is_empty=True)[1]
    desk = Desk()
    before = person(fragment(email("old@x.example", is_browser=False), YES), key="a:1")
    assert desk.wants("remind", before, "i0") == "claimed"
    now_one = person(fragment(SERVERS, YES))
    with desk.outbox.claiming(0, desk.outbox.own(0)) as claiming:
        assert isinstance(decide(order("remind"), now_one, run("remind"), plan, claiming, NOW), Claim)
        now_one.fragments["a:1#1"] = fragment()
        again = decide(order("remind"), now_one, run("remind"), plan, claiming, NOW)
        assert isinstance(again, Refusal) and again.reason == "limit: 1 per 1d"
