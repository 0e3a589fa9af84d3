"""What browsers say beside servers: live states and the history agree on who permits what (I5), also where keeping needs
a yes, and where a server comes to know somebody after a browser has spoken for them."""

from random import Random

import pytest
from msgspec import Raw
from msgspec.structs import replace

from tactful.events.records import Consent, Event, pack
from tactful.operations.evaluate_lines import Question
from tactful.operations.lines import History as Said
from tests.parity.histories import PURPOSES, history
from tests.parity.lived import Lived, first

POLICIES = (
    "",
    '{"collect": "mail", "otherwise": "drop", "purposes": {"mail": {"categories": ["one"]}, "sms": {"gpc": true}}}',
    (
        '{"region": "opt-out", "collect": "mail", "otherwise": "anonymous", "purposes": {"mail": {"categories": ["one"],'
        ' "gpc": true}, "sms": {"basis": "legitimate_interest", "categories": ["two"]}}}'
    ),
)
IDENTITIES = ("", '{"browser": "signed"}')
ASKED = {
    **{f"{number}": f'consents("{purpose}")' for number, purpose in enumerate((*PURPOSES, "mail.news", "other"))},
    "all": 'count("*", last="2d")',
    "city": "address.city",
}
RETAINED = {"events/a.yaml": "name: A\nretention: 2d\n", "events/b.yaml": "name: B\nretention: 2d\n"}


class Browsing(Lived):
    """Of most people some of what is said comes from a browser, and has a banner's answers with it."""

    def _told(self, record: Said) -> Said:
        random = Random(f"{record.received_at} {getattr(record, 'message_id', '')}")
        if not isinstance(record, Event | Consent) or random.random() < 0.25:
            return record
        is_verified = random.random() < 0.1
        record = replace(record, trust="browser", is_verified=is_verified)
        if isinstance(record, Event) and random.random() < 0.5:
            record = replace(record, context=_banner(random))
        return record


def _banner(random: Random) -> Raw:
    preferences = {name: random.random() < 0.6 for name in ("one", "two") if random.random() < 0.7}
    said: dict[str, object] = {"consent": {"categoryPreferences": preferences}}
    if random.random() < 0.15:
        said["gpc"] = True
    if random.random() < 0.3:
        said["location"] = {"country": random.choice(("DE", "US", "BR"))}
    return pack(said)


def _differs(seed: int, people: int, instants: int) -> object:
    random = Random(seed)
    lines, at = history(random, people, instants)
    question = Question(
        ASKED,
        random.choice(({}, {}, RETAINED)),
        consent=random.choice(POLICIES),
        identity=random.choice((*IDENTITIES[:1] * 3, *IDENTITIES[1:])),
    )
    lived = Browsing(question, lines, at, seed, archives=0.02)
    for one in at:
        if (found := first(lived.then[one], lived.live[one])) is not None:
            return question.consent, one, found
    lived.demand_the_same_afterwards()
    return None


@pytest.mark.parametrize("seed", range(2))
def test_who_permits_what(seed: int) -> None:
    assert _differs(seed, 30, 4) is None


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 160))
def test_many_more(seed: int) -> None:
    assert _differs(seed, 60, 8) is None
