"""Double opt-in from end to end, through the production loops: what a browser says, the mail, the link, the yes."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any

import pytest

from tactful.events.records import Consent, Event, pack
from tactful.messages import links
from tactful.testing.faults import Faults
from tactful.testing.receiver import Accepted
from tactful.testing.world import LETTERHEAD, World
from tactful.values import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from tactful.web.confirm import consent as confirmed
from tactful.web.unsubscribe import consent as withdrawn

START = 1_740_816_000_000_000
EVIL = "Buy at http://evil.example"
FILES = {
    "journeys/ask.yaml": "start: {event: Newsletter Subscribed}\nsend: {email: confirm}\n",
    "journeys/news.yaml": "start: {event: News Came Out}\nsend: {email: news}\n",
    "journeys/thanks.yaml": "start: {event: News Came Out}\nwait: 1h\nsend: {email: thanks}\n",
    "messages/confirm.yaml": "confirms: marketing.email\nsubject: Please confirm, {{ workspace.name }}\n"
    "html: <a href='{{ confirm_url }}'>Yes</a>\ntext: 'Yes: {{ confirm_url }}'\n",
    "messages/news.yaml": "purpose: marketing.email\nsubject: News\nhtml: <p>x</p>\ntext: '{{ unsubscribe_url }}'\n",
    "messages/thanks.yaml": "purpose: marketing.email\nsubject: Thanks\nhtml: <p>x</p>\ntext: '{{ unsubscribe_url }}'\n",
}
KEYS = LETTERHEAD.link_keys


class Scene:
    def __init__(self) -> None:
        self.world = World(1, START, owners=((0, 1),))
        self.publish(FILES)
        self._number = 0

    def publish(self, files: dict[str, str]) -> None:
        self.world.publish(files, "test")
        self.world.run()

    def event(self, name: str, /, *ids: str, trust: Any = "browser", **properties: object) -> None:
        self._number += 1
        number = self._number
        kind = "identify" if name == "$identify" else "track"

        def call(at: int) -> Event:
            return Event(1, "site", trust, kind, name, ids[0], ids, f"m{number}", at, at, pack(properties))  # type: ignore[arg-type]  # one of two

        self.world.call(call)
        self.world.pass_time(SECOND_US)

    def record(self, record: Consent) -> None:
        self.world.call(lambda _: record)
        self.world.pass_time(SECOND_US)

    @property
    def now(self) -> int:
        return self.world.clock.now_us()

    def mails(self) -> list[Accepted]:
        return [one for one in self.world.receiver.accepted if one.channel == "email"]

    def fates(self, journey: str) -> list[str]:
        rows = [row for row in self.world.outbox.rows() if row.intent.journey == journey]
        return [row.reason or row.status for row in reversed(rows)]

    def confirm(self, mail: Accepted) -> links.Confirm:
        """What the link of a mail asks for."""
        (url,) = set(re.findall(r"https://\S+/v1/confirm/([\w-]+)", plain(mail)))
        wanted = links.unseal_confirm(KEYS, url)
        assert wanted is not None
        return wanted

    def sign_up(self, who: str, address: str, /, **more: object) -> None:
        self.event("$identify", who, email=address, **more)
        self.event("Newsletter Subscribed", who, **more)


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.world.close()


def plain(mail: Accepted) -> str:
    body = message_from_bytes(mail.body, policy=policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_nothing_goes_to_a_typed_address_until_its_reader_says_yes(scene: Scene) -> None:
    scene.sign_up("a:ada", "Ada@people.example")
    (mail,) = scene.mails()
    wanted = scene.confirm(mail)
    assert (wanted.key, wanted.address, wanted.purpose) == ("a:ada", "ada@people.example", "marketing.email")
    scene.event("News Came Out", "a:ada")
    assert scene.fates("news") == ["the address is not confirmed"]
    scene.record(confirmed(wanted, scene.now))
    scene.event("News Came Out", "a:ada")
    assert scene.fates("news") == ["the address is not confirmed", "accepted"]
    assert [mail.address for mail in scene.mails()] == ["ada@people.example"] * 2
    scene.event("Newsletter Subscribed", "a:ada")
    assert scene.fates("ask") == ["accepted", "the address is confirmed already"]


def test_the_way_out_of_a_confirmed_mail_holds(scene: Scene) -> None:
    scene.sign_up("a:ada", "ada@people.example")
    scene.record(confirmed(scene.confirm(scene.mails()[0]), scene.now))
    scene.event("News Came Out", "a:ada")
    token = plain(scene.mails()[-1]).strip().rpartition("/")[2]
    wanted = links.unseal(KEYS, token)
    assert wanted is not None and links.unseal_confirm(KEYS, token) is None
    scene.record(withdrawn(wanted, scene.now))
    scene.world.pass_time(2 * HOUR_US)
    scene.event("News Came Out", "a:ada")
    scene.world.pass_time(2 * HOUR_US)
    assert len(scene.mails()) == 2, "what waited has ended, and nothing new leaves"


def test_a_confirmation_shows_nothing_that_a_browser_said(scene: Scene) -> None:
    scene.sign_up(
        "a:eve", "victim@people.example", first_name=EVIL, name=EVIL, workspace={"name": EVIL}, confirm_url=EVIL
    )
    (mail,) = scene.mails()
    parsed = message_from_bytes(mail.body, policy=policy.default)
    assert "evil" not in mail.body.decode() and "evil" not in plain(mail)
    assert (parsed["To"], parsed["Subject"]) == ("victim@people.example", "Please confirm, Shop")
    assert parsed["List-Unsubscribe"] is None


def test_many_visitors_cannot_flood_one_mailbox(scene: Scene) -> None:
    for number in range(20):
        scene.sign_up(f"a:{number}", "victim@people.example" if number % 2 else f"Name{number}<victim@people.example>")
    assert len(scene.mails()) == 1


def test_a_yes_for_one_address_is_none_for_the_next(scene: Scene) -> None:
    scene.sign_up("a:eve", "eve@evil.example")
    first = scene.confirm(scene.mails()[0])
    scene.event("$identify", "a:eve", email="victim@people.example")
    scene.record(confirmed(first, scene.now))
    scene.event("News Came Out", "a:eve")
    assert scene.fates("news") == ["the address is not confirmed"]
    assert [mail.address for mail in scene.mails()] == ["eve@evil.example"]


def test_a_withdrawal_between_the_wish_and_the_mail_counts(scene: Scene) -> None:
    slower = "start: {event: Newsletter Subscribed}\nwait: 10m\nsend: {email: confirm}\n"
    scene.publish({**FILES, "journeys/ask.yaml": slower})
    scene.sign_up("a:ada", "ada@people.example")
    scene.record(Consent(1, "site", "browser", "a:ada", "no", "marketing.email", False, scene.now, scene.now))
    scene.world.pass_time(DAY_US)
    assert scene.mails() == []
    assert scene.fates("ask") == ["no consent: marketing.email"]


def test_the_mail_that_was_claimed_before_a_crash_has_the_same_link(scene: Scene) -> None:
    scene.event("$identify", "a:ada", email="ada@people.example")
    scene.world.crash("deliver")
    scene.event("Newsletter Subscribed", "a:ada")
    scene.world.pass_time(MINUTE_US)
    (mail,) = scene.mails()
    wanted = scene.confirm(mail)
    row = scene.world.outbox.row(mail.intent)
    assert row is not None and row.claimed_at is not None
    assert wanted.intent == mail.intent
    assert wanted.expires_at == row.claimed_at + 14 * DAY_US


# ---- while people are tied -------------------------------------------------------------------------------------------


def test_a_link_confirms_for_whoever_the_visitor_has_become(scene: Scene) -> None:
    """The mail went out to a visitor, who has signed in by the time it is read."""
    scene.sign_up("a:ada", "ada@people.example")
    wanted = scene.confirm(scene.mails()[0])
    scene.event("$identify", "u:ada", "a:ada", plan="free")
    scene.event("News Came Out", "u:ada", "a:ada")
    assert scene.fates("news") == ["the address is not confirmed"]
    scene.record(confirmed(wanted, scene.now))
    scene.event("News Came Out", "u:ada", "a:ada")
    assert scene.fates("news") == ["the address is not confirmed", "accepted"]
    assert [row.intent.key for row in scene.world.outbox.rows() if row.intent.journey == "news"] == ["u:ada"] * 2


def test_a_message_that_waits_goes_with_its_person_and_leaves_once(scene: Scene) -> None:
    """The receiver is away while the visitor signs in."""
    scene.publish(FILES | {"journeys/hook.yaml": "start: {event: Cart}\nsend: {webhook: 'https://crm.example/'}\n"})
    scene.world.faults = Faults(retry=1.0)
    scene.event("Cart", "a:ada")
    assert scene.world.receiver.accepted == []
    scene.event("$identify", "u:ada", "a:ada", plan="free")
    scene.world.heal()
    scene.world.pass_time(DAY_US)
    assert [one.channel for one in scene.world.receiver.accepted] == ["webhook"]
    (row,) = scene.world.outbox.rows()
    assert (row.status, row.intent.key) == ("sent", "u:ada")
    scene.event("Cart", "u:ada", "a:ada")
    assert len(scene.world.receiver.accepted) == 2, "its run has ended, and another may begin"


# ---- attacks ---------------------------------------------------------------------------------------------------------


def known(scene: Scene) -> None:
    """Somebody whom the shop's server knows, and who has agreed."""
    scene.event("$identify", "u:victim", trust="server", email="victim@people.example", first_name="Vic")
    scene.record(Consent(1, "shop", "server", "u:victim", "yes", "marketing.email", True, scene.now, scene.now))


@pytest.mark.parametrize("is_confirmed", [False, True])
@pytest.mark.parametrize("ids", [("u:victim", "a:eve"), ("u:victim",)])
def test_nobodys_mail_is_redirected(scene: Scene, is_confirmed: bool, ids: tuple[str, ...]) -> None:
    """Eve names her own address, confirms it, and then says that she is the victim; before and after."""
    known(scene)
    scene.sign_up("a:eve", "eve@evil.example")
    (asked,) = scene.mails()
    if is_confirmed:
        scene.record(confirmed(scene.confirm(asked), scene.now))
    scene.event("$identify", *ids, email="eve@evil.example")
    scene.event("Hello", *ids)
    scene.event("$identify", "a:eve", email="eve@evil.example")
    scene.event("News Came Out", "u:victim", trust="server")
    scene.event("News Came Out", *ids)
    scene.world.pass_time(2 * HOUR_US)
    after = scene.mails()[1:]
    assert {mail.address for mail in after} == {"victim@people.example"}
    assert len(after) >= 2, "nor is it kept from the victim"


def test_a_strangers_link_confirms_no_address_of_the_victim(scene: Scene) -> None:
    scene.sign_up("a:eve", "eve@evil.example")
    wanted = scene.confirm(scene.mails()[0])
    scene.event("$identify", "u:new", "a:eve", email="victim@people.example")
    scene.record(confirmed(wanted, scene.now))
    scene.event("News Came Out", "u:new", "a:eve")
    scene.world.pass_time(2 * HOUR_US)
    assert "victim@people.example" not in {mail.address for mail in scene.mails()}
