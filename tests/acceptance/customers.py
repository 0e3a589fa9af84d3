"""A crowd of customers whose clients do not give up: every call is sent again until it gets its 200.

What each customer does decides what must come of it, so that the crowd is its own oracle: buyers get a thank-you,
leavers a reminder, whoever adds and then buys only the thank-you, the silent (no consent) a refusal, newcomers a call of
the webhook.
"""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection, HTTPException
from queue import Empty, SimpleQueue
from random import Random
from threading import Condition, Thread
from typing import Any

from msgspec import Struct

from tests.acceptance.installation import WRITE_KEY
from tests.acceptance.waiting import moment

KINDS = ("buyer", "leaver", "returner", "silent", "newcomer")
INTENT = {
    "buyer": "thanks",
    "leaver": "reminder",
    "returner": "thanks",
    "silent": "thanks",
    "newcomer": "hook",
}
AUTHORIZATION = "Basic " + b64encode(f"{WRITE_KEY}:".encode()).decode()


class Customer(Struct, frozen=True):
    user: str
    kind: str


class Call(Struct, frozen=True):
    path: str
    body: dict[str, Any]
    messages: tuple[str, ...]
    """Ids of the events in it."""


class Crowd:
    """`customers` people, drawn by a seed, in `clients` threads; begins to send with `start`."""

    def __init__(self, seed: int, port: int, customers: int, clients: int = 4, name: str = "c") -> None:
        draw = Random(seed)
        self.customers = [Customer(f"{name}{seed}-{n}", draw.choice(KINDS)) for n in range(customers)]
        self.acknowledged: Counter[str] = Counter()
        """Event ids by how many of their calls got a 200."""
        self.refused: list[str] = []
        self._port = port
        self._changed = Condition()
        self._queue: SimpleQueue[Customer] = SimpleQueue()
        for customer in self.customers:
            self._queue.put(customer)
        self._threads = [
            Thread(target=self._send_all, args=(Random(f"{seed} {number}"),), name=f"client {number}", daemon=True)
            for number in range(clients)
        ]

    @property
    def sent(self) -> int:
        return len(self.acknowledged)

    def events(self) -> set[str]:
        """Ids of all events of all customers."""
        return {message for one in self.customers for call in calls(one) for message in call.messages}

    def intents(self) -> dict[tuple[str, str], str]:
        """(journey, person) of every intent that must come of it, with the customer's kind."""
        return {(INTENT[one.kind], f"u:{one.user}"): one.kind for one in self.customers}

    def start(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def await_sent(self, events: int) -> None:
        """Return when so many events got their 200, or all have."""
        with self._changed:
            done = self._changed.wait_for(lambda: self.sent >= events or not self.is_busy(), 90)
        assert done, f"{self.sent} of {events} events were acknowledged in time"

    def is_busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(120)
        assert not self.is_busy(), f"the crowd is not done: {self.sent} events acknowledged"
        assert self.refused == []

    def _send_all(self, draw: Random) -> None:
        client = Client(self._port)
        while True:
            try:
                customer = self._queue.get_nowait()
            except Empty:
                break
            for call in calls(customer):
                # One in ten is sent twice, as by a client that did not hear the first answer.
                for _ in range(2 if draw.random() < 0.1 else 1):
                    status = client.send(call)
                    with self._changed:
                        if status == 200:
                            self.acknowledged.update(call.messages)
                        else:
                            self.refused.append(f"{status} for {call}")
                        self._changed.notify_all()
        client.close()
        with self._changed:
            self._changed.notify_all()


def calls(customer: Customer) -> Iterator[Call]:
    user = customer.user
    traits = {"name": user, "email": f"{user}@example.test"}
    yield batch(user, [("identify", {"traits": traits})])
    if customer.kind != "silent":
        consent = {"userId": user, "messageId": f"{user}/consent", "purpose": "email_marketing", "granted": True}
        yield Call("/v1/consent", consent, ())
    if customer.kind == "newcomer":
        yield batch(user, [("Signed Up", {})])
    added = ("Product Added", {"properties": {"name": "Kettle"}})
    ordered = ("Order Completed", {"properties": {"total": 12.5}})
    if customer.kind == "leaver":
        yield batch(user, [added])
    if customer.kind == "returner":
        # In one call: a restart between two calls takes longer than the wait, and the reminder would be right to come.
        yield batch(user, [added, ordered])
    if customer.kind in ("buyer", "silent"):
        yield batch(user, [("Product Viewed", {}), ordered])


def batch(user: str, events: Sequence[tuple[str, dict[str, Any]]]) -> Call:
    lines = []
    for name, more in events:
        head = {"type": "identify"} if name == "identify" else {"type": "track", "event": name}
        lines.append({**head, "userId": user, "messageId": f"{user}/{name}", **more})
    return Call("/v1/batch", {"batch": lines}, tuple(line["messageId"] for line in lines))


class Client:
    """One connection; sends a call until it is answered with 200, or with what must not be sent again."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: HTTPConnection | None = None

    def send(self, call: Call) -> int:
        """The status in the end."""
        body = json.dumps(call.body).encode()
        while True:
            status = self._once(call.path, body)
            if status and status != 429 and status < 500:
                return status
            moment(0.02)

    def _once(self, path: str, body: bytes) -> int:
        headers = {"Authorization": AUTHORIZATION, "Content-Type": "application/json"}
        try:
            if self._connection is None:
                self._connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
            self._connection.request("POST", path, body, headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            self.close()
            return 0
        return answer.status

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
