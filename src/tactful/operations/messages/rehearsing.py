"""Rehearsing: every message rendered for sample people before it is published, and what is wrong with what came out.

What fails for everybody is a mistake; what fails, or looks odd, for some is said, with what they would see.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from msgspec import Struct

from tactful.errors import Place, Problem
from tactful.kernel.definitions import Definitions
from tactful.language.mistakes import place_at
from tactful.language.vocabulary import PropertyType
from tactful.messages import looks, samples
from tactful.messages.blocks import PARTS
from tactful.messages.definition import Message
from tactful.messages.looks import Remark
from tactful.messages.mail import Rendered
from tactful.messages.render import render, render_note, sources_of_links
from tactful.messages.samples import AT_US, EVERYTHING, NOBODY, Declared, Sample
from tactful.messages.source import MessageSource, source_of
from tactful.messages.template import TemplateError

MOST_SAMPLES = 40
"""Of one message."""
SHOWN = 80
_URL = "https://example.com/sample/unsubscribe"
_SITE = "https://site.example"


class Rehearsal(Struct, frozen=True):
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


class Coverage(Struct, frozen=True):
    """Of the people who were looked at (operations/messages/rendering.py)."""

    people: int
    variants: Mapping[str, int]
    """How many get each; "" is the message as it stands. Empty where it is not counted yet what the conditions ask."""
    lacking: Mapping[str, int]
    """How many lack a trait that the templates show."""


def rehearse(
    definitions: Definitions,
    files: Mapping[str, str],
    site_url: str | None,
    workspace: str = "Sample",
    covering: Callable[[Message], Coverage] | None = None,
) -> Rehearsal:
    """`site_url` is what relative links stand for, "" where nothing is; None: unknown here, and nothing is said of
    them. `covering` looks at the people that there are."""
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for message in definitions.messages.values():
        text = files.get(f"messages/{message.name}.yaml", "")
        said: set[tuple[str, str]] = set()
        covered = covering(message) if covering is not None else None
        for remark in _of(message, _declared(definitions, message, workspace), site_url, covered):
            if (remark.part, remark.text) not in said:
                said.add((remark.part, remark.text))
                place = _place(message.name, text, remark.part)
                (problems if remark.is_mistake else warnings).append(Problem(remark.text, place, remark.hint))
    return Rehearsal(tuple(problems), tuple(warnings))


def _place(name: str, text: str, part: str) -> Place:
    """Where the message has this part; its variants and translations are said in words."""
    found = re.search(rf"^{re.escape(part)}\s*:\s*", text, re.MULTILINE) if part else None
    return place_at(f"messages/{name}.yaml", text, found.start() if found is not None else 0)


def full_sample(definitions: Definitions, message: Message, workspace: str) -> Sample:
    """Somebody of whom everything is known."""
    return sample_people(definitions, message, workspace)[0]


def sample_people(definitions: Definitions, message: Message, workspace: str) -> list[Sample]:
    """Those that a message is tried on; somebody of whom everything is known is the first."""
    declared = _declared(definitions, message, workspace)
    return list(islice(samples.people(message, texts_of(message), declared), MOST_SAMPLES))


def _declared(definitions: Definitions, message: Message, workspace: str) -> Declared:
    identify = definitions.events.get("$identify")
    starting = [
        event
        for journey in definitions.journeys.values()
        if any(step.message == message.name and step.channel != "webhook" for step in journey.sends())
        for event in journey.start.events
    ]
    properties: dict[str, PropertyType] = {}
    for event in starting:
        if event in definitions.events:
            properties.update(definitions.events[event].properties)
    return Declared(
        traits=identify.trait_types if identify is not None else {},
        properties=properties,
        event=starting[0] if starting else "Sample Event",
        collections=definitions.collections,
        metrics=tuple(definitions.metrics),
        segments=tuple(definitions.segments),
        workspace=workspace,
    )


def _of(message: Message, declared: Declared, site_url: str | None, covered: Coverage | None) -> Iterator[Remark]:
    source = source_of(message)
    whole = texts_of(message)
    full: Shown | None = None
    for sample, _ in zip(samples.people(message, whole, declared), range(MOST_SAMPLES), strict=False):
        shown = _shown(source, sample)
        if isinstance(shown, str):
            yield from _counted(_failed(sample, shown), sample, covered)
            continue
        if sample.about == EVERYTHING:
            full = shown
        if not sample.lacks and sample.about != NOBODY:
            yield from _looked_at(source, sample, shown, site_url)
        elif full is not None:
            for remark in _odd(sample, shown, full):
                yield from _counted(remark, sample, covered)
    if covered is not None and covered.people:
        for variant in (name for name, people in covered.variants.items() if name and not people):
            yield Remark("variants", f'nobody matches variant "{variant}" (of {covered.people:,} people)')


def _counted(remark: Remark, sample: Sample, covered: Coverage | None) -> Iterator[Remark]:
    """With the number of people whom it is about; nothing where there are none."""
    lacking = covered.lacking.get(sample.lacks) if covered is not None and sample.lacks else None
    if covered is None or lacking is None:
        yield remark
    elif lacking:
        said = remark.text.replace(sample.about, f"{sample.about} ({lacking:,} of {covered.people:,})", 1)
        yield Remark(remark.part, said, remark.hint, remark.is_mistake)


class Shown(Struct, frozen=True):
    """What one sample gets; `words` are what they read first."""

    words: Mapping[str, str]
    mail: Rendered | None = None


def _shown(source: MessageSource, sample: Sample) -> "Shown | str":
    """A text says what failed."""
    url = _URL if source.purpose or source.confirms else ""
    try:
        if source.channel != "email":
            note = render_note(source, sample.values, AT_US, url)
            return Shown({"title": note.title, "text": note.text})
        mail = render(source, sample.values, AT_US, url, _SITE)
    except TemplateError as error:
        return str(error)
    return Shown({"subject": mail.subject, "text": mail.text}, mail)


def _failed(sample: Sample, error: str) -> Remark:
    part = error.partition(":")[0] if ":" in error else ""
    if sample.lacks:
        return Remark(part, f"{sample.about} cannot get it: {error}", "give the value a default")
    if sample.about == NOBODY:
        return Remark(part, f"somebody of whom {NOBODY.removesuffix(' of')} cannot get it: {error}", "give defaults")
    where = "" if sample.about == EVERYTHING else f"{sample.about}: "
    return Remark(part, f"{where}it cannot be rendered: {error}", "", is_mistake=True)


def _looked_at(source: MessageSource, sample: Sample, shown: Shown, site_url: str | None) -> Iterator[Remark]:
    where = "" if sample.about == EVERYTHING else f"{sample.about}: "

    def named(remarks: Iterator[Remark]) -> Iterator[Remark]:
        for one in remarks:
            yield Remark(one.part, where + one.text, one.hint, one.is_mistake)

    if shown.mail is None:
        note = render_note(source, sample.values, AT_US, _URL)
        yield from named(looks.of_note(note, source.channel))
        return
    html, amp = sources_of_links(source, sample.values, AT_US, _URL)
    yield from named(looks.of_source(html, has_site=site_url != ""))
    yield from named(looks.of_amp_size(amp))
    yield from named(looks.of_mail(shown.mail, _URL if source.purpose else ""))


def _odd(sample: Sample, shown: Shown, full: Shown) -> Iterator[Remark]:
    """What looks as if something were missing, and does not where nothing is."""
    for part, text in shown.words.items():
        line = looks.hole(text)
        if line and line != looks.hole(full.words.get(part, "")):
            who = sample.about if sample.lacks else "people of whom nothing is known"
            cut = line if len(line) <= SHOWN else f"{line[: SHOWN - 3]}..."
            yield Remark(part, f'{who} see "{cut}"', 'write {{ ... | default: "..." }}, or put it into an {% if %}')


def texts_of(message: Message) -> str:
    """All its templates and those of its blocks, one behind the other."""
    return "\n".join(_texts(message))


def _texts(message: Message) -> Iterator[str]:
    yield from message.texts.values()
    for one in message.variants:
        yield from one.texts.values()
        for texts in one.translations.values():
            yield from texts.values()
    for texts in message.translations.values():
        yield from texts.values()
    for block in message.blocks:
        yield from (getattr(block, part) for part in PARTS)
    for fetch in message.fetches:
        yield fetch.url
