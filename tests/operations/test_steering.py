"""Steering and entering: what becomes a record, and what is refused with what could be said instead."""

from collections import Counter

import pytest
from msgspec.structs import replace

from tactful.errors import UsageError
from tactful.events.naming import DEFAULT
from tactful.events.records import EMPTY_MAP, Enter, Steer, decode, unpack
from tactful.events.verdicts import Refusal
from tactful.journeys.runs import Run
from tactful.kernel.plan import CompiledPlan, compiled
from tactful.kernel.state import PartitionState, Steering, decode_partition, new_profile
from tactful.kernel.state import encode as encode_state
from tactful.operations.journeys import entering, steering
from tactful.operations.journeys.steering import order
from tactful.runtime import recounting
from tactful.runtime.ports import Commit, StateWrite
from tests.operations.engine import START, Engine

HOOK = "description: x\nstart: {event: Product Added}\nsend: {webhook: 'https://x.example/hook'}\n"


def engine() -> Engine:
    engine = Engine()
    engine.publish({"journeys/cart.yaml": HOOK, "journeys/late.yaml": HOOK})
    return engine


def plan_of(engine: Engine) -> CompiledPlan:
    worker = engine.worker(0)
    assert worker.plan_state is not None
    return compiled(worker.plan_state)


@pytest.mark.parametrize("wanted", steering.ORDERS)
def test_an_order_is_a_record_of_the_first_partition(wanted: str) -> None:
    running = engine()
    said = order("cart", wanted, plan_of(running), PartitionState(0, 2), "ann", "sold out")
    steering.tell(said, running.log, running.bells, running.clock)
    found = [decode(body) for _, body in running.log.read(0, 0, 1000)]
    assert found[-1] == Steer(running.clock.now_us(), "cart", wanted, "ann", "sold out")  # type: ignore[arg-type]  # of ORDERS
    assert not any(isinstance(decode(body), Steer) for _, body in running.log.read(1, 0, 1000))


@pytest.mark.parametrize(
    ("journey", "wanted", "said"),
    [
        ("carts", "pause", "there is no journey 'carts'; published are: cart, late"),
        ("cart", "halt", "there is no order 'halt' for a journey; there are: pause, resume, drain, stop"),
        ("", "drain", "all sending is switched off and on"),
    ],
)
def test_what_cannot_be_ordered_is_refused_with_what_could_be(journey: str, wanted: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        order(journey, wanted, plan_of(engine()), PartitionState(0, 2), "ann", "")


def test_a_journey_that_was_stopped_can_be_resumed_although_it_is_gone() -> None:
    known = PartitionState(0, 2, steering={"gone": Steering("stop", START, 3)})
    assert order("gone", "resume", plan_of(engine()), known, "ann", "").order == "resume"


def run_at(step: str, journey: str = "cart", intent: str = "") -> Run:
    return Run(journey, "", START, 0, 0, "m", 0, "Product Added", EMPTY_MAP, "v1", intent=intent, step=step)


def put(engine: Engine, partition: int, people: dict[str, list[Run]], state: PartitionState | None = None) -> None:
    """What a worker would have left behind."""
    store = engine.stores[partition]
    writes = []
    for key, runs in people.items():
        profile = new_profile(key, 1)
        profile.runs = runs
        writes.append(StateWrite(key, encode_state(profile), None))
    point = store.checkpoint()
    state = replace(state or decode_partition(point.partition_state), is_counted=False)
    body = encode_state(state)
    store.commit(Commit(point.version, point.position, body, writes, b"", point.position + 1, [], 0, {}))


def test_who_is_inside_is_counted_by_step_in_all_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recounting, "PAGE", 2)
    running = engine()
    put(running, 0, {f"u:{n}": [run_at("2")] for n in range(5)})
    put(running, 1, {"u:x": [run_at("3.then.1"), run_at("2", "late")], "u:y": [run_at("2", intent="i1")], "u:z": []})
    inside = steering.inside_of(running.stores)
    assert inside == {"cart": Counter({"2": 5, "3.then.1": 1}), "late": Counter({"2": 1})}


def test_how_journeys_stand() -> None:
    running = engine()
    state = PartitionState(
        0, 2, steering={"cart": Steering("pause", START, 2, "ann", "sold out"), "": Steering("pause", START, 3)}
    )
    put(running, 0, {"u:1": [run_at("2")]}, state)
    found = steering.journeys(plan_of(running), running.stores, running.outbox)
    assert not found.is_sending
    cart, late = found.journeys
    assert (cart.journey, cart.state, cart.author, cart.reason, cart.inside) == (
        "cart",
        "paused",
        "ann",
        "sold out",
        {"2": 1},
    )
    assert (late.journey, late.state, late.since, late.inside, late.kind) == ("late", "running", None, {}, "event")
    (only,) = steering.journeys(plan_of(running), running.stores, running.outbox, counts=False, name="late").journeys
    assert only.inside is None


# ---- entering --------------------------------------------------------------------------------------------------------


def entered(running: Engine) -> list[Enter]:
    bodies = [body for partition in range(2) for _, body in running.log.read(partition, 0, 1000)]
    return [record for body in bodies if isinstance(record := decode(body), Enter)]


def give(running: Engine, text: str, *, is_csv: bool = True, name: str = "vips.csv") -> entering.Entered:
    return entering.enter_list(name, text, "vip", DEFAULT, START, "ann", running.log, running.bells, is_csv=is_csv)


def test_a_list_enters_each_of_its_lines() -> None:
    running = engine()
    text = "userId, email,key,tier\nada,,c1,gold\n,Bob@X.example,,silver\n"
    done = give(running, text)
    assert (done.entered, done.bad, done.repeated) == (2, [], 0)
    found = {record.key: record for record in entered(running)}
    assert found.keys() == {"u:ada", "e:bob@x.example"}
    assert (found["u:ada"].entry_key, unpack(found["u:ada"].properties)) == ("c1", {"tier": "gold"})
    assert {record.author for record in found.values()} == {"ann"}
    assert all(record.message_id for record in found.values())


def test_the_same_line_has_the_same_id_when_the_list_is_mended_and_given_again() -> None:
    first, second = engine(), engine()
    assert [bad.line for bad in give(first, "userId,tier\nada,gold\n,silver\n").bad] == [3]
    assert give(second, "userId,tier\nzoe,gold\nada,gold\n").bad == []
    ids = [{record.key: record.message_id for record in entered(each)} for each in (first, second)]
    assert ids[0]["u:ada"] == ids[1]["u:ada"] != ids[1]["u:zoe"]
    third = engine()
    give(third, "userId,tier\nada,gold\n", name="march.csv")
    assert entered(third)[0].message_id != ids[0]["u:ada"]


def test_a_line_that_stands_twice_enters_once() -> None:
    running = engine()
    done = give(running, "userId\nada\nada\n")
    assert (done.entered, done.repeated, len(entered(running))) == (1, 1, 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{}", "nobody is named: give one of userId, anonymousId, email, phone"),
        ('{"userId": "null"}', "nobody is named"),
        ('{"email": "no address"}', "nobody is named"),
        ('{"userId": "a", "colour": 1}', "unknown field `colour`"),
        ("nonsense", "the body must be a JSON object"),
        ('{"userId": "a", "properties": {"x": "\\u0000"}}', "contains a NUL"),
        ('{"userId": "a", "key": "' + "k" * 2000 + '"}', "at most 1000 characters"),
    ],
)
def test_a_bad_line_is_told_and_the_others_enter(line: str, said: str) -> None:
    running = engine()
    done = give(running, f'{{"userId": "ada"}}\n{line}\n{{"anonymousId": "7"}}\n', is_csv=False)
    assert done.entered == 2
    (bad,) = done.bad
    assert bad.line == 2
    assert said in bad.message
    assert {record.key for record in entered(running)} == {"u:ada", "a:7"}


def test_a_csv_line_with_other_columns_is_told() -> None:
    done = give(engine(), "userId,tier\nada\nbob,gold\n")
    assert done.entered == 1
    assert [(bad.line, bad.message) for bad in done.bad] == [(2, "has 1 columns, the first line has 2")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,tier\nada,gold\n", "names its columns"),
        ("", "names its columns"),
        ("userId,userId\na,b\n", "stands twice"),
    ],
)
def test_a_list_without_people_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        give(engine(), text)


@pytest.mark.parametrize(
    ("key", "written"), [("c1", "c1"), (7, "7"), (7.0, "7"), (7.5, "7.5"), (True, "true"), (None, "")]
)
def test_a_key_is_written_as_runs_have_it(key: str | float | bool | None, written: str) -> None:
    record = entering.enter_of(entering.Call(user_id="a", key=key), "vip", START, "m", DEFAULT)
    assert not isinstance(record, Refusal)
    assert (record.entry_key, record.message_id) == (written, "m")


def test_only_a_journey_that_is_called_can_be_entered() -> None:
    with pytest.raises(UsageError, match=r"write start: \{call: true\}"):
        entering.require_call("cart", plan_of(engine()))
    with pytest.raises(UsageError, match="there is no journey 'vip'"):
        entering.require_call("vip", plan_of(engine()))
