"""What journeys keep of events: what their messages read of the start, and what ends runs that begin late."""

from typing import Any

import pytest

from tactful.journeys.unwelcome import came_after
from tactful.values import DAY_US, MINUTE_US
from tests.definitions.journeys_published import FILES, NOW, publish, rule

# ---- what messages read of the start ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("nothing", set()),
        ("{{ profile.event }} {{ the_event }} {{ event_name }}", set()),
        ("{{ event.name }} {{ event.timestamp }} {{ event.key }}", set()),
        ("{{ event.properties.name }}{% for x in event.properties.products %}{{ x.sku }}{% endfor %}", {"name", "products"}),
        ("{{ event.properties.a-b }}", {"a-b", "a", "b"}),
        ("{{ event.properties['order id'] }}", None),
        ("{{ event.properties[name] }}", None),
        ("{{ event.properties }}", None),
        ("{% assign e = event %}{{ e.properties.x }}", None),
        ("{{ event['properties'].x }}", None),
        ("{{ event . properties . x }}", None),
    ],
)  # fmt: skip
def test_what_is_kept_of_the_event_that_began_a_run(html: str, kept: set[str] | None) -> None:
    files = {
        "journeys/j.yaml": "start: {event: A}\nsend: {email: mail}\n",
        "messages/mail.yaml": f"subject: x\ntext: y\nhtml: |\n  {html}\n",
    }
    found = rule(files).kept
    assert found == (None if kept is None else frozenset(kept))


def test_what_is_kept_is_of_all_messages_and_all_that_is_in_them() -> None:
    files = {
        "journeys/j.yaml": "start: {event: A}\nsteps: [{send: {email: mail}}, {send: {sms: text}}]\n",
        "messages/mail.yaml": (
            "subject: x\ntext: y\nhtml: z\nlanguage: en\n"
            "translations: {de: {subject: '{{ event.properties.b }}'}}\n"
            "variants:\n- {name: v, if: x, subject: '{{ event.properties.c }}'}\n"
        ),
        "messages/text.yaml": "channel: sms\ntext: '{{ event.properties.a }}'\n",
    }
    assert rule(files).kept == frozenset("abc")
    hooked = {**files, "journeys/j.yaml": "start: {event: A}\nsend: {webhook: 'https://a.example'}\n"}
    assert rule(hooked).kept is None


# ---- what came before a start that arrives late -----------------------------------------------------------------------


class Heard:
    """A person whose events are folded as a worker folds them."""

    def __init__(self, unless: str, validity: str = "2h") -> None:
        text = f"start: {{event: A}}\nkey: k\nunless: {unless}\nwait: 1h\nvalidity: {validity}\nsend: {{email: mail}}\n"
        self.plan = publish({**FILES, "journeys/j.yaml": text})[1]
        self.rule = self.plan.journeys["j"]
        self.states: dict[int, Any] = {}

    def event(self, name: str, minutes: int, **properties: Any) -> None:
        reader = self.plan.reader("track", name)
        assert reader.read is not None
        at = NOW + minutes * MINUTE_US
        reader.read.read(self.states, at, 0, minutes, at, properties, {})

    def after(self, minutes: int, key: str = "") -> int | None:
        """The ref of the newest such event after a start then."""
        found = [came_after(one, self.states, key, (NOW + minutes * MINUTE_US, 0)) for one in self.rule.exits]
        return max((one[1] for one in found if one is not None), default=None)


def test_the_newest_event_of_unless_is_known() -> None:
    heard = Heard("[B, C]")
    assert heard.after(0) is None
    heard.event("B", 10)
    heard.event("C", 5)
    assert (heard.after(0), heard.after(9), heard.after(10)) == (10, 10, 10)
    assert heard.after(11) is None
    assert came_after(heard.rule.exits[0], heard.states, "", (NOW + 10 * MINUTE_US, 10)) is None  # The start itself.


def test_the_newest_event_of_unless_with_a_condition() -> None:
    heard = Heard("{event: B, where: total > 5}")
    heard.event("B", 5, total=6)
    heard.event("B", 10, total=5)
    assert (heard.after(0), heard.after(6)) == (5, None)


def test_the_newest_event_of_unless_by_key() -> None:
    heard = Heard("{event: B, same: cart}")
    heard.event("B", 5, cart="a")
    heard.event("B", 10, cart=["b", 7, True])
    heard.event("B", 15)
    assert [heard.after(0, key) for key in ("a", "b", "7", "true", "c", "")] == [5, 10, 10, 10, None, None]
    assert heard.after(6, "a") is None


def test_by_key_as_much_is_kept_as_a_start_may_be_late_and_a_month_at_least() -> None:
    """So nothing is forgotten where a validity or a first wait is edited."""
    for validity, days in (("2h", 31), ("30d", 31), ("40d", 40)):
        heard = Heard("{event: B, same: cart}", validity)
        (spec,) = (fold.spec for folds in heard.plan.folds.values() for fold in folds if fold.spec.kind == "grouped")
        assert spec.older_us is not None
        assert spec.older_us // DAY_US == days
