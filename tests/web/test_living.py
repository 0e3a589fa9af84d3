"""Stories over what the engine itself decides, with ties between partitions."""

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

import pytest

from tactful.adapters.memory.bells import MemoryBells
from tactful.errors import UsageError
from tactful.events.derived import ref
from tactful.operations.people.unmerging import unmerge
from tactful.operations.stories import Story
from tests.web.living import Living

KEYS = ("u:1", "u:2", "u:3", "e:1@x.example", "e:2@x.example", "a:1", "a:2", "d:1", "d:2")


def told(living: Living, text: str, steps: int = 10_000) -> Story:
    story = living.reader.story(text, steps)
    assert story is not None
    return story


def texts(story: Story) -> list[tuple[str, str]]:
    return [(line.text, line.through) for line in story.lines]


Live = Callable[..., Living]


@pytest.fixture
def live() -> Iterator[Live]:
    made: list[Living] = []

    def make(seed: int = 1) -> Living:
        made.append(Living(seed))
        return made[-1]

    yield make
    for living in made:
        living.world.close()


@pytest.fixture
def met(live: Live) -> Living:
    """Somebody looks around, signs up, and looks again without a user id."""
    living = live()
    for name, ids in (
        ("Product Viewed", ("a:1",)),
        ("Product Added", ("a:1",)),
        ("Cart Viewed", ("u:1",)),
        ("$identify", ("u:1", "a:1")),
        ("Order Completed", ("a:1",)),
    ):
        living.did(name, *ids)
        living.rest()
    return living


def test_one_story_for_all_identifiers(met: Living) -> None:
    living = met
    assert texts(told(living, "1")) == [
        ("Product Viewed", "a:1"),
        ("Product Added", "a:1"),
        ("Cart Viewed", ""),
        ("$identify", ""),
        ("became one person with a:1", ""),
        ("Order Completed", "a:1"),
    ]
    assert told(living, "a:1").lines == told(living, "u:1").lines
    own, other = told(living, "a:1").identifiers
    assert (own.key, other.key, other.event and other.event.name) == ("u:1", "a:1", "$identify")


def test_the_user_id_that_is_shown_is_the_newest(met: Living) -> None:
    living = met
    living.did("$alias", "u:2", "u:1")
    living.rest()
    assert (told(living, "a:1").key, told(living, "a:1", 0).user) == ("u:1", "u:2")
    living.did("Cart Viewed", "u:1")
    living.rest()
    assert told(living, "2").user == told(living, "2", 0).user == "u:1"


def test_an_unmerge_says_what_it_will_do_and_does_it(met: Living) -> None:
    living = met
    world = living.world
    undone = unmerge("a:1", world.stores, world.log, MemoryBells(), world.clock, "me")
    assert (undone.key, undone.owner, undone.returning) == ("a:1", "u:1", ("a:1",))
    living.rest()
    assert [text for text, _ in texts(told(living, "a:1"))] == [
        "Product Viewed",
        "Product Added",
        "became part of u:1",
        "got back what is its own from u:1",
    ]
    assert [text for text, _ in texts(told(living, "u:1"))] == [
        "Cart Viewed",
        "$identify",
        "became one person with a:1",
        "Order Completed",
        "gave a:1 back what came from there",
    ]
    living.did("$identify", "u:1", "a:1")
    living.rest()
    assert told(living, "a:1").key == "a:1"
    assert "an alias ties them again" in told(living, "a:1").lines[-1].because


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("u:1", "u:1 belongs to nobody else; of this person could be un-merged: a:1"),
        ("u:3", "u:3 belongs to nobody else, and nothing is tied to it"),
        ("u:9", "nobody is known as 'u:9' here"),
    ],
)
def test_what_cannot_be_unmerged_is_refused_with_what_could_be(met: Living, text: str, said: str) -> None:
    living = met
    living.did("Cart Viewed", "u:3")
    living.rest()
    world = living.world
    end = [world.log.end(partition) for partition in range(world.log.partitions)]
    with pytest.raises(UsageError) as error:
        unmerge(text, world.stores, world.log, MemoryBells(), world.clock)
    assert str(error.value) == said
    assert [world.log.end(partition) for partition in range(world.log.partitions)] == end


def test_why_an_address_stays_with_its_first_owner_is_told_to_who_asks_for_it(live: Live) -> None:
    living = live()
    living.did("$identify", "u:1", "e:1@x.example")
    living.rest()
    living.did("$identify", "u:2", "e:1@x.example")
    living.rest()
    last = told(living, "e:1@x.example").lines[-1]
    assert (last.text, last.because) == ("e:1@x.example and u:2 were not tied", "it belongs to u:1")
    assert told(living, "u:1").lines[-1].text != last.text


@pytest.mark.parametrize("seed", [*range(16), 33, 38, 131, 276])
def test_every_event_is_told_once_and_every_identifier_leads_to_its_person(live: Live, seed: int) -> None:
    rng = Random(seed)
    living = live(seed)
    for _ in range(40):
        drawn = rng.random()
        if drawn < 0.12:
            living.unmerge(rng.choice(KEYS))
        elif drawn < 0.22:
            living.did("$alias", *rng.sample(KEYS[:3], 2))
        elif drawn < 0.5:
            living.did("$identify", *rng.sample(KEYS, rng.choice((2, 2, 3))))
        else:
            living.did("Cart Viewed", *rng.sample(KEYS, rng.choice((1, 1, 2))))
        if rng.random() < 0.7:
            living.rest()
    living.rest()
    people = living.people()
    stories = [told(living, key) for key in people]
    events = [line.event for story in stories for line in story.lines if line.kind == "event"]
    counted = Counter(ref(event.partition, event.position) for event in events if event is not None)
    assert sorted(counted.elements()) == living.kept()
    for story in stories:
        assert story.is_whole
        present = {each.key for each in story.identifiers if not each.is_past}
        assert present <= set(people[story.key])
        assert all(each.key[0] in "ad" for each in story.identifiers if each.is_past)
        for identifier in people[story.key]:
            assert told(living, identifier, 0).key == story.key
            assert living.is_marked(identifier) == (identifier != story.key)
