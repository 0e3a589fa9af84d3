"""Ties written down by hand: what the log, its trail and the states hold after identifiers became one person."""

from tactful.events.derived import EventKept, FragmentsCame, FragmentsWent
from tactful.events.identifiers import partition_of
from tactful.kernel.state import Identity
from tactful.values import MINUTE_US, SECOND_US
from tests.web.scene import NOON, PARTITIONS, Scene

VISITOR, ADA = "a:7f3", "u:ada"


def give(scene: Scene, giver: str, owner: str, at: int, cause: str = "merge") -> None:
    """All that the giver holds goes over, as the kernel would do it."""
    gone, taking = scene.person(giver), scene.person(owner)
    names = tuple(gone.fragments)
    scene.rows(giver, scene.tick(giver, at), FragmentsWent(at, cause, owner, names))
    came = FragmentsCame(at, cause, giver, partition_of(giver, PARTITIONS), gone.tail, names)
    scene.rows(owner, scene.tick(owner, at), came)
    for fragment in gone.fragments.values():
        fragment.path = [*fragment.path, (giver, gone.epoch)]
    taking.fragments |= gone.fragments
    gone.fragments = {}
    gone.identity = Identity({gone.epoch: owner})


def give_back(scene: Scene, owner: str, to: str, at: int) -> None:
    held, back = scene.person(owner), scene.person(to)
    names = tuple(name for name, each in held.fragments.items() if any(edge[0] == to for edge in each.path))
    scene.rows(owner, scene.tick(owner, at), FragmentsWent(at, "unmerge", to, names))
    came = FragmentsCame(at, "unmerge", owner, partition_of(owner, PARTITIONS), held.tail, names)
    scene.rows(to, scene.tick(to, at), came)
    back.fragments = {name: held.fragments.pop(name) for name in names}
    back.epoch += 1


def met() -> Scene:
    """Somebody looks around, signs up, and looks again without a user id."""
    scene = Scene()
    scene.did(VISITOR, NOON, "Product Viewed")
    scene.did(VISITOR, NOON + MINUTE_US, "Product Added")
    at = NOON + 2 * MINUTE_US
    scene.did(ADA, NOON + 30 * SECOND_US, "Cart Viewed")
    scene.did(ADA, at, "$identify", also=(VISITOR,), name="Ada Byron")
    give(scene, VISITOR, ADA, at + SECOND_US)
    seen = scene.event(VISITOR, at + MINUTE_US, "Order Completed")
    scene.rows(ADA, scene.tick(ADA, at + MINUTE_US), EventKept(at + MINUTE_US, "Order Completed", seen, f"{VISITOR}#1"))
    return scene
