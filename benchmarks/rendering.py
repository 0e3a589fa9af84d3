"""Rendering: what one mail costs, by part. The letter of `deliver` (MJML with a loop), and what simpler messages cost.

Seconds of the processor, the best of several rounds over different people. `python -m benchmarks rendering`.
"""

import time
from collections.abc import Callable, Iterator

import mjml

from benchmarks import letter
from benchmarks.place import Place, alone, cores_of_machine, table
from tactful.messages import finishing, markup, mjml_body, plain, shapes, template
from tactful.messages.mail import Rendered, compose
from tactful.messages.render import render, render_note
from tactful.messages.source import MessageSource

AT_US = 1_740_816_000_000_000
URL = "https://t.shop.example/v1/unsubscribe/" + "A1b2" * 40
SITE = "https://shop.example"
BATCHES = 7


def run(place: Place) -> None:
    people = place.scaled(200, 50)
    rows = alone(cores_of_machine()[0], measured, people)
    table("one mail, by part", rows, f"{people} people, best of {BATCHES} rounds, one core")


def measured(people: int) -> list[tuple[str, str]]:
    return list(_rows(people))


def _rows(people: int) -> Iterator[tuple[str, str]]:
    frozen = [letter.values(number) for number in range(people)]
    seen = [{**one, "unsubscribe_url": URL, "workspace": {"name": "Bench"}} for one in frozen]
    parsed = template.parse(letter.MJML, html=True)
    filled = [parsed.render(one, AT_US) for one in seen]
    documents = [mjml_body.compile_mjml(one) for one in filled]
    lead = markup.leading(SITE)
    without_text = _without(letter.SOURCE)

    def whole(source: MessageSource) -> Callable[[int], Rendered]:
        return lambda number: render(source, seen[number], AT_US, URL, SITE)

    def compiled(number: int) -> str:
        mjml_body.compile_mjml.cache_clear()
        return mjml_body.compile_mjml(filled[number])

    rendered = [whole(letter.SOURCE)(number) for number in range(people)]
    yield _row("Liquid, the body", lambda number: parsed.render(seen[number], AT_US), people)
    yield _row("MJML, measured and compiled", compiled, people)
    yield _row("  floor: mjml-python alone", lambda number: mjml.mjml2html(filled[number], fonts={}), people)
    yield _row(
        "styles inlined, links, preheader", lambda number: finishing.finish(documents[number], base=SITE), people
    )
    yield _row("  of which links", lambda number: markup.led(documents[number], lead), people)
    yield _row("text made from the HTML", lambda number: plain.plain_text(documents[number], SITE), people)
    yield _row("the bytes of the mail", lambda number: _composed(rendered[number], number), people)
    for name, source in (("a mail with a text of its own", letter.SOURCE), ("a mail whose text is made", without_text)):
        yield _row(name, whole(source), people)
        yield _row("  of a shape that nobody else's has", _alone(whole(source)), people)
    yield _row("a mail of plain HTML", whole(MessageSource("m", "Hi", letter.TEXT.replace("\n", "<br>"), "x")), people)
    sms = MessageSource("m", "", text=letter.TEXT, channel="sms")
    yield _row("an SMS", lambda number: render_note(sms, seen[number], AT_US, URL), people)
    size = sum(len(one.html.encode()) for one in rendered) / people / 1024
    yield "HTML of the letter", f"{size:.1f} KB"


def _without(source: MessageSource) -> MessageSource:
    return MessageSource(
        source.name, source.subject, mjml=source.mjml, preheader=source.preheader, purpose=source.purpose
    )


def _alone(function: Callable[[int], Rendered]) -> Callable[[int], Rendered]:
    def made(number: int) -> Rendered:
        shapes.forget()
        mjml_body.compile_mjml.cache_clear()
        return function(number)

    return made


def _composed(rendered: Rendered, number: int) -> bytes:
    return compose(rendered, "Shop <shop@shop.example>", "ada@people.example", f"{number:032x}", AT_US)


def _row(name: str, function: Callable[[int], object], people: int) -> tuple[str, str]:
    best = float("inf")
    for _ in range(BATCHES):
        begun = time.process_time()
        for number in range(people):
            function(number)
        best = min(best, time.process_time() - begun)
    return name, f"{best / people * 1e3:.3f} ms"
