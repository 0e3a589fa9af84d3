"""What the tests of journeys play: scenes, settings of `[sending]`, and how a failure is told."""

import json
from collections.abc import Callable
from functools import cache

from tests.simulation.journeys.driving import GatedPlay, Play, smaller
from tests.simulation.journeys.gating import Sending
from tests.simulation.journeys.histories import PEOPLE, History, Scene, draw

PLAIN = Scene()
TIED = Scene(records=50, ties=True, people=PEOPLE)
TIGHT = Sending(
    {"": ["2 per day", "4 per 3d"], "email": ["1 per 3h"], "webhook": ["3 per day"]},
    {"": "21:00-08:00", "webhook": "00:00-02:30"},
)
LOOSE = Sending({"": ["3 per 7d"]}, {"email": "12:00-12:30"})


def section(sending: Sending) -> str:
    """As the plan carries it."""
    channels: dict[str, dict[str, object]] = {name: {} for name in (*sending.caps, *sending.quiet) if name}
    for name, caps in sending.caps.items():
        if name:
            channels[name]["cap"] = caps
    for name, hours in sending.quiet.items():
        if name:
            channels[name]["quiet"] = hours
    return json.dumps({"cap": sending.caps.get("", []), "quiet": sending.quiet.get("", ""), "channels": channels})


@cache
def history(seed: int, scene: Scene) -> History:
    return draw(seed, scene)


def walked(seed: int, scene: Scene) -> Play:
    """By the seed the engine is away between records, or not."""
    return play_of(history(seed, scene), is_away=seed % 3 == 2)


def play_of(drawn: History, *, is_away: bool) -> Play:
    return Play(drawn, away=is_away).run()


def gated(seed: int, sending: Sending) -> GatedPlay:
    return gated_play_of(history(seed, Scene(records=50, sending=section(sending))), sending)


def gated_play_of(drawn: History, sending: Sending) -> GatedPlay:
    play = GatedPlay(drawn, sending=sending)
    play.run()
    return play


def demand(seed: int, play: Play, again: Callable[[History], Play]) -> None:
    """Nothing differs; else the seed, and the least story in which something does."""
    differences = play.differences()
    if not differences:
        return

    def fails(fewer: History) -> bool:
        try:
            return bool(again(fewer).differences())
        except Exception:
            return False

    story = smaller(play.history, fails)
    records = "\n".join(f"{number} {record}" for number, record in enumerate(story.records[1:], 2))
    texts = "\n".join(f"--- {name}\n{text}" for name, text in story.texts.items())
    left = "\n".join(again(story).differences()[:8])
    raise AssertionError(f"seed {seed}\n{left}\n\n{texts}\n{records}")
