"""One journey beside what it may name, as tests write it."""

import pytest

from tactful.errors import DefinitionError, Problem
from tactful.journeys.definition import Journey
from tactful.kernel.definitions import Definitions, read_project

BESIDE = {
    "messages/mail.yaml": "subject: x\nhtml: y\ntext: z\n",
    "messages/text.yaml": "channel: sms\ntext: x\n",
    "segments/buyers.yaml": 'when: any("Order Completed", last="30d")\n',
    "segments/viewers.yaml": 'when: count("Product Viewed", same=product_id, last="10m") > 2\n',
}
TYPES = {
    "events/identify.yaml": "name: $identify\nproperties: {vip: boolean, visits: number, tier: text, since: time}\n",
    "events/cart.yaml": "name: Cart Viewed\nproperties: {cart_id: text, lines: list, total: number}\n",
    "events/order.yaml": "name: Order Completed\nproperties: {cart_id: text, total: number}\n",
    "events/viewed.yaml": "name: Product Viewed\nproperties: {product_id: text}\n",
}
SEND = "send: {email: mail}\n"


def project(text: str, **more: str) -> Definitions:
    return read_project(BESIDE | more | {"journeys/j.yaml": text})


def read(text: str, **more: str) -> Journey:
    return project(text, **more).journeys["j"]


def steps(text: str) -> Journey:
    return read(f"start: {{event: Cart Viewed}}\nkey: cart_id\nsteps:\n{text}")


def told(problem: Problem) -> str:
    return f"{problem.place.line}:{problem.place.column}: {problem.message}"


def mistakes(text: str, files: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        read_project(BESIDE | (files or {}) | {"journeys/j.yaml": text})
    assert {one.place.file for one in caught.value.problems} == {"journeys/j.yaml"}
    return [told(one) for one in caught.value.problems]


def hints(text: str, files: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        read_project(BESIDE | (files or {}) | {"journeys/j.yaml": text})
    return [one.hint for one in caught.value.problems]
