"""How runs walk: what each instruction does, moments, catching up, and what is handed over on the way."""

from tactful.events.derived import RunStarted, StepTaken
from tests.kernel.journeying import ADA, DAY, HOOK, HOUR, MINUTE, SERIES, Shop, after, shop_with

# ---- messages --------------------------------------------------------------------------------------------------------


def test_a_series_goes_on_without_waiting_for_outcomes() -> None:
    shop = shop_with(SERIES)
    shop.event("Added")
    shop.pass_time(after(200))
    assert shop.sent() == [(0, ADA, "first"), (60, ADA, "second"), (120, ADA, "third")]
    assert [run.step for run in shop.person().runs] == ["first", "second", "third"]
    assert len({one.intent for one in shop.intents}) == 3
    for intent in shop.intents:
        shop.outcome(intent, "sent")
    assert shop.person().runs == []


def test_an_event_stops_the_run_and_what_waits_to_leave() -> None:
    shop = shop_with(SERIES)
    shop.event("Added")
    shop.pass_time(after(61))
    shop.event("Bought", total=0)
    assert [run.exited_by for run in shop.person().runs] == [0, 0, 0]
    shop.event("Bought", total=5)
    assert [(run.step, run.exited_by > 0) for run in shop.person().runs] == [("first", True), ("second", True)]
    assert shop.story()[-1] == (61, "ended: Bought came first")


def test_an_event_of_before_the_start_ends_nothing_whenever_it_comes() -> None:
    shop = shop_with(SERIES)
    shop.pass_time(after(10))
    shop.event("Added")
    shop.event("Bought", total=5, timestamp=after(9))
    assert len(shop.walking()) == 1
    shop.event("Bought", total=5, timestamp=after(10))
    assert shop.walking() == [], "of the same instant it is the later one"


def test_an_intent_has_one_id_however_often_the_log_is_read() -> None:
    ids = []
    for _ in range(2):
        shop = shop_with(SERIES)
        shop.event("Added")
        shop.pass_time(after(200))
        ids.append([one.intent for one in shop.intents])
    assert ids[0] == ids[1]


def test_validity_counts_from_the_moment_at_which_a_message_should_have_left() -> None:
    shop = shop_with(f'start: {{event: Added}}\nvalidity: 2h\nwait: 30m\nsend: {{webhook: "{HOOK}/x"}}\n')
    shop.at = after(90)
    shop.event("Added", timestamp=after(10))
    (intent,) = shop.intents
    assert (intent.at, intent.due, intent.valid_until) == (after(90), after(90), after(40) + 2 * HOUR)


def test_who_catches_up_goes_step_by_step_at_once() -> None:
    shop = shop_with(SERIES)
    shop.at = after(90)
    shop.event("Added", timestamp=after(0))
    assert shop.sent() == [(90, ADA, "first"), (90, ADA, "second")]
    assert [one.valid_until - DAY for one in shop.intents] == [after(0), after(60)]
    assert shop.walking()[0].due == after(120)


def test_after_an_outage_everything_is_at_its_own_instant() -> None:
    awake, away = shop_with(SERIES), shop_with(SERIES)
    for shop in (awake, away):
        shop.event("Added")
    awake.pass_time(after(3000))
    away.be_away(after(3000))
    assert away.rows() == awake.rows()


def test_a_limit_withholds_and_the_run_goes_on() -> None:
    shop = shop_with(SERIES + "limit: 1 per 90m\n")
    shop.event("Added")
    shop.pass_time(after(200))
    assert shop.story() == [
        (0, "started"),
        (0, "first sends first"),
        (0, "2 wait"),
        (60, "second withheld limit: 1 per 90m"),
        (60, "4 wait"),
        (120, "third sends third"),
    ]


def test_a_last_message_that_is_withheld_is_what_the_run_ends_with() -> None:
    shop = shop_with(SERIES + "limit: 1 per 24h\n")
    shop.event("Added")
    shop.pass_time(after(200))
    assert shop.story()[-1] == (120, "ended: limit: 1 per 1d")
    assert shop.rows()[-1].step == "third"  # type: ignore[union-attr]  # a RunEnded


def test_held_out_people_walk_the_same_way() -> None:
    held, free = shop_with(SERIES + "holdout: 100%\n"), shop_with(SERIES)
    for shop in (held, free):
        shop.event("Added")
        shop.pass_time(after(200))
    assert held.intents == []
    assert [at for at, _ in held.story()] == [at for at, _ in free.story()]
    assert held.story()[-1] == (120, "ended: holdout: holdout")
    assert held.person().sent == {}


def test_a_share_is_held_out_always_the_same_and_each_journey_by_itself() -> None:
    share = 'start: {{event: Added}}\nholdout: 30%\nsend: {{webhook: "https://shop.example/{}"}}\n'
    shop = Shop()
    shop.publish({"a": share.format("a"), "b": share.format("b")}, sending='{"holdout": "10%"}')
    keys = [f"u:{number}" for number in range(400)]
    for key in keys:
        shop.event("Added", key)
    arms = {key: [row.arm for row in shop.rows(key) if isinstance(row, RunStarted)] for key in keys}
    in_a = [key for key, (a, _) in arms.items() if a == "holdout"]
    both = [key for key in in_a if arms[key][1] == "holdout"]
    everywhere = [key for key, (a, _) in arms.items() if a == "global"]
    assert 80 < len(in_a) < 140
    assert 15 < len(both) < 60, "being held out of one says nothing of the other"
    assert 20 < len(everywhere) < 65
    assert all(arms[key] == ["global", "global"] for key in everywhere)


def test_the_journeys_if_is_asked_before_every_message() -> None:
    shop = shop_with(SERIES + "if: profile.country == 'DE'\n")
    shop.identify(country="DE")
    shop.event("Added")
    shop.identify(country="AT")
    shop.pass_time(after(200))
    assert [text for _, text in shop.story()] == [
        "started",
        "first sends first",
        "2 wait",
        "ended: no longer true: profile.country == 'DE'",
    ]


def test_consent_withdrawn_ends_a_run_once_nothing_of_it_may_be_sent() -> None:
    journey = "start: {event: Added}\nsteps:\n  - wait: 1h\n  - send: {email: first}\n  - wait: 1h\n"
    mixed, plain = shop_with(journey + "  - send: {email: third}\n"), shop_with(journey + "  - send: {email: second}\n")
    for shop in (mixed, plain):
        shop.consent("news", True)
        shop.consent("offers", True)
        shop.event("Added")
        shop.consent("news", False)
    assert len(mixed.walking()) == 1, "what is offered may be sent still"
    assert plain.story()[-1] == (0, "ended: consent withdrawn: news")
    mixed.consent("offers", False)
    assert mixed.story()[-1] == (0, "ended: consent withdrawn: news or offers")


# ---- waiting ---------------------------------------------------------------------------------------------------------

WAITS = f"""
start: {{event: Added}}
key: cart
steps:
  - wait: {{for: [Bought, Paid], where: total > 10, same: carts, at_most: 2h}}
    then:
      - exit: bought
    else:
      - send: {{webhook: "{HOOK}/late"}}
"""


def test_waiting_for_an_event_of_the_same_key() -> None:
    shop = shop_with(WAITS)
    for cart in ("a", "b", 3.0):
        shop.event("Added", cart=cart)
    shop.pass_time(after(30))
    shop.event("Bought", total=5, carts=["a"])
    shop.event("Paid", total=11, carts=["a", "3"])
    shop.pass_time(after(200))
    assert shop.story()[6:] == [
        (30, "1 came Paid"),
        (30, "ended: bought"),
        (30, "1 came Paid"),
        (30, "ended: bought"),
        (120, "1 over"),
        (120, "1.else.1 sends late"),
    ]


def test_what_was_received_before_the_wait_or_happened_before_the_moment_is_not_waited_for() -> None:
    shop = shop_with(
        f"start: {{event: Added}}\nsteps:\n  - wait: 1h\n{WAITS.split('steps:')[1]}".replace("same: carts, ", "")
    )
    shop.event("Added")
    shop.pass_time(after(59))
    shop.event("Bought", total=11)
    shop.pass_time(after(61))
    shop.event("Bought", total=11, timestamp=after(60) - 1)
    assert len(shop.walking()) == 1
    shop.event("Bought", total=11, timestamp=after(60))
    assert shop.walking() == []


def test_the_event_that_starts_a_run_is_not_what_it_waits_for() -> None:
    shop = shop_with("start: {event: Added}\nsteps:\n  - wait: {for: Added, at_most: 1h}\n  - exit: done\n")
    shop.event("Added")
    assert shop.story() == [(0, "started"), (0, "1 wait Added")]
    shop.event("Added")
    assert shop.story()[2:] == [(0, "1 came Added"), (0, "ended: done")]


def test_one_event_ends_one_wait() -> None:
    wait = "  - wait: {for: Seen, at_most: 1h}\n"
    shop = shop_with("start: {event: Added}\nsteps:\n" + wait * 2 + "  - exit: done\n")
    shop.event("Added")
    shop.event("Seen")
    assert [run.step for run in shop.walking()] == ["2"]


def test_waiting_for_a_condition_wakes_by_itself_at_its_instant() -> None:
    shop = shop_with(
        'start: {event: Added}\nsteps:\n  - wait: {when: \'count("Seen", last="10m") == 0\', at_most: 1h}\n'
        "  - wait: 5m\n  - exit: quiet\n"
    )
    shop.event("Seen")
    shop.at += MINUTE
    shop.event("Added")
    shop.pass_time(after(100))
    assert shop.story() == [
        (1, "started"),
        (1, "1 wait count('Seen', last='10m') == 0"),
        (10, "1 came"),
        (10, "2 wait"),
        (15, "ended: quiet"),
    ]


def test_at_the_instant_when_the_time_is_over_it_is_over() -> None:
    shop = shop_with(
        'start: {event: Added}\nsteps:\n  - wait: {when: \'count("Seen", last="10m") == 0\', at_most: 10m}\n'
        "    then: [{exit: quiet}]\n    else: [{exit: loud}]\n"
    )
    shop.event("Seen")
    shop.event("Added")
    shop.pass_time(after(100))
    assert shop.story()[-1] == (10, "ended: loud")


def test_branches_say_why() -> None:
    shop = shop_with(
        "start: {event: Added}\nsteps:\n  - if: profile.vip == True\n    then:\n      - exit: rich\n  - exit: poor\n"
    )
    shop.event("Added")
    shop.identify(vip=True)
    shop.event("Added")
    assert [text for _, text in shop.story()] == [
        "started",
        "1 branch else",
        "ended: poor",
        "started",
        "1 branch then",
        "ended: rich",
    ]
    told = [row for row in shop.rows() if isinstance(row, StepTaken)]
    assert [row.because[0].value for row in told] == [False, True]


def test_a_split_is_by_chance_in_these_proportions_and_the_same_for_the_same_person() -> None:
    shop = shop_with(
        "start: {event: Added}\nsteps:\n  - split: {calm: 1, bold: 3}\n    calm: [{exit: calm}]\n    bold: [{exit: bold}]\n"
    )
    ways = {}
    for number in range(300):
        key = f"u:{number}"
        shop.event("Added", key)
        shop.event("Added", key)
        first, second = [text for _, text in shop.story(key) if text.startswith("ended")]
        assert first == second
        ways[key] = first
    assert 50 < sum(way == "ended: calm" for way in ways.values()) < 105


def test_editing_takes_a_run_to_the_step_of_the_same_name() -> None:
    shop = shop_with(
        f'start: {{event: Added}}\nsteps:\n  - {{name: pause, wait: 1h}}\n  - send: {{webhook: "{HOOK}/old"}}\n'
    )
    shop.event("Added")
    shop.pass_time(after(10))
    shop.publish(
        {
            "j": f'start: {{event: Added}}\nsteps:\n  - send: {{webhook: "{HOOK}/more"}}\n  - {{name: pause, wait: 3h}}\n  - send: {{webhook: "{HOOK}/new"}}\n'
        }
    )
    shop.pass_time(after(100))
    assert shop.sent() == [(60, ADA, "new")]


def test_an_edited_journey_without_the_step_ends_the_run_when_it_is_published() -> None:
    shop = shop_with(
        f'start: {{event: Added}}\nsteps:\n  - {{name: pause, wait: 1h}}\n  - send: {{webhook: "{HOOK}/old"}}\n'
    )
    shop.event("Added")
    shop.pass_time(after(10))
    shop.publish({"j": f'start: {{event: Added}}\nsteps:\n  - wait: 3h\n  - send: {{webhook: "{HOOK}/new"}}\n'})
    shop.pass_time(after(100))
    assert shop.story()[-1] == (10, "ended: edited: there is no step pause any more")
