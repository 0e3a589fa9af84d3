"""A message and its blocks from the texts of their files, as a project reads them."""

from typing import Any

from tactful.errors import DefinitionError
from tactful.kernel.definitions import Definitions, read_project
from tactful.messages.definition import Message
from tactful.messages.mail import Rendered
from tactful.messages.render import render
from tactful.messages.source import decode, source_of
from tactful.messages.template import check_template
from tactful.values import parse_time

NOW = parse_time("2025-03-01T08:00:00Z") or 0
CART = "add: Product Added\nremove: Product Removed\nclear: Order Completed\nkey: product_id\nfields: [name, price]\n"
FILES = {
    "collections/cart.yaml": CART,
    "segments/regulars.yaml": 'when: count("Order Completed") >= 3\n',
    "metrics/spent.yaml": 'value: sum("Order Completed", total)\n',
}


def project(message: str, **blocks: str) -> Definitions:
    files = {f"blocks/{name}.yaml": text for name, text in blocks.items()}
    return read_project({**FILES, **files, "messages/m.yaml": message}, check_template, is_strict=False)


def message(text: str, **blocks: str) -> Message:
    return project(text, **blocks).messages["m"]


def mistakes(text: str, **blocks: str) -> list[str]:
    """Each as "file:line:column: message / hint"."""
    try:
        project(text, **blocks)
    except DefinitionError as error:
        return [
            f"{one.place.file}:{one.place.line}:{one.place.column}: {one.message} / {one.hint}"
            for one in error.problems
        ]
    return []


def mail(text: str, values: dict[str, Any] | None = None, url: str = "", base: str = "", **blocks: str) -> Rendered:
    """Rendered from the source as it comes back from the outbox."""
    source = decode(source_of(message(text, **blocks)).encode())
    return render(source, values or {}, NOW, url, base)
