"""A whole project, read from the texts of its files: every definition, or every mistake.

A project with one mistake is refused whole. Events and collections are read first, since they are the words of the
rest; a segment or metric is read when the first one names it, so that their files have no order. Pure: the same texts
give the same definitions in every process, which is why a published plan travels as text.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec
from msgspec import Struct

from tactful.errors import DefinitionError, Place, Problem
from tactful.events.records import SESSION_GAP, Publish
from tactful.journeys import reading as journeys
from tactful.journeys.definition import Journey
from tactful.language.declarations import read_collection, read_event
from tactful.language.document import Document
from tactful.language.known import unknown_purpose
from tactful.language.mistakes import Mistake, did_you_mean
from tactful.language.tree import Node
from tactful.language.vocabulary import DEFAULT_GAP_US, Collection, EventType, Vocabulary
from tactful.messages import definition as messages
from tactful.messages.blocks import Block, TemplateCheck, read_block
from tactful.segments import definition as segments
from tactful.segments.features import FeatureSet
from tactful.segments.features import read as read_features
from tactful.segments.metrics import Metric
from tactful.segments.metrics import read as read_metric
from tactful.values import parse_duration

FOLDERS = ("blocks", "collections", "events", "features", "journeys", "messages", "metrics", "segments")
FOLDERS_TO_COME = ("catalogue", "experiments", "models", "slots")
_encode = msgspec.msgpack.Encoder().encode
_NAME = re.compile(r"[a-z0-9_-]{1,64}")


class Definitions(Struct, frozen=True):
    """All definitions by name, in the order of their names."""

    segments: Mapping[str, segments.Segment]
    journeys: Mapping[str, Journey]
    messages: Mapping[str, messages.Message]
    warnings: tuple[Problem, ...] = ()
    metrics: Mapping[str, Metric] = {}
    events: Mapping[str, EventType] = {}
    """What events/ declares, by the event's name."""
    collections: Mapping[str, Collection] = {}
    blocks: Mapping[str, Block] = {}
    features: Mapping[str, FeatureSet] = {}


def read_project(
    files: Mapping[str, str],
    check_template: TemplateCheck | None = None,
    *,
    gap_us: int = DEFAULT_GAP_US,
    seen: Mapping[str, int] | None = None,
    is_strict: bool = True,
    purposes: Iterable[str] = (),
) -> Definitions:
    """Files by path relative to the project ("segments/buyers.yaml"). Raises DefinitionError with all mistakes.

    `gap_us` is what lies between sessions, `seen` how often events came lately, by name. Without `is_strict` names that
    nobody declared are only warned of. `purposes` of consent are declared in the settings; () where none is.
    """
    reading = _Reading(files, gap_us=gap_us, seen=seen, is_strict=is_strict, purposes=purposes)
    for folder in ("segments", "metrics"):
        for name in reading.names(folder):
            reading.read(f"{folder}/{name}.yaml")
    found_journeys, found_messages, found_features = {}, {}, {}
    for name in reading.names("features"):
        features = read_features(name, reading.document("features", name), reading.vocabulary)
        if features is not None:
            found_features[name] = features
    for name in reading.names("journeys"):
        journey = journeys.read(name, reading.document("journeys", name), reading.vocabulary)
        if journey is not None:
            found_journeys[name] = journey
    blocks = {}
    for name in reading.names("blocks"):
        block = read_block(name, reading.document("blocks", name), check_template)
        if block is not None:
            blocks[name] = block
    for name in reading.names("messages"):
        document = reading.document("messages", name)
        message = messages.read(name, document, check_template, reading.vocabulary, blocks)
        if message is not None:
            found_messages[name] = message
    reading.check_journeys(found_journeys, found_messages)
    warnings = reading.finish()
    return Definitions(
        segments=reading.segments,
        journeys=found_journeys,
        messages=found_messages,
        warnings=warnings,
        metrics=reading.metrics,
        events={name: reading.events[name] for name in sorted(reading.events)},
        collections=reading.collections,
        blocks=blocks,
        features=found_features,
    )


def vocabulary_of(
    definitions: Definitions,
    *,
    gap_us: int = DEFAULT_GAP_US,
    seen: Mapping[str, int] | None = None,
    is_strict: bool = True,
    purposes: Iterable[str] = (),
) -> Vocabulary:
    """What an expression beside the project's own may name (`eval`, `preview`, editors)."""
    identify = definitions.events.get("$identify")
    return Vocabulary(
        events=definitions.events or None,
        traits=identify.trait_types if identify is not None and identify.properties else None,
        collections=definitions.collections,
        segment=lambda name: definitions.segments[name].when.tree,
        segments=tuple(definitions.segments),
        metric=lambda name: definitions.metrics[name].value.tree,
        metrics=tuple(definitions.metrics),
        gap_us=gap_us,
        is_strict=is_strict,
        seen=seen,
        purposes=purposes,
    )


def read_published(publish: Publish) -> Definitions:
    """Of a plan. Names were looked at when it was published; what is not declared is as good as it was then."""
    return _read_published(_encode(publish.files), _gap_us(publish))


def read_editions(publish: Publish, texts: Mapping[str, Mapping[str, str]]) -> Mapping[tuple[str, str], Journey]:
    """Earlier texts of journeys, by name and version, in the project as it is now; those that do not fit it any more
    are left out."""
    return _read_editions(_encode(publish.files), _gap_us(publish), _encode(texts)) if texts else {}


def _gap_us(publish: Publish) -> int:
    return parse_duration(publish.settings.get(SESSION_GAP, "")) or DEFAULT_GAP_US


# A process that has several partitions puts each plan in force in each of them; it is read once.


@lru_cache(maxsize=2)
def _read_published(files: bytes, gap_us: int) -> Definitions:
    return read_project(msgspec.msgpack.decode(files, type=dict[str, str]), gap_us=gap_us, is_strict=False)


@lru_cache(maxsize=2)
def _read_editions(files: bytes, gap_us: int, texts: bytes) -> Mapping[tuple[str, str], Journey]:
    definitions = _read_published(files, gap_us)
    vocabulary = vocabulary_of(definitions, gap_us=gap_us, is_strict=False)
    found = {}
    for name, versions in msgspec.msgpack.decode(texts, type=dict[str, dict[str, str]]).items():
        for version, text in versions.items():
            journey = _read_edition(definitions, vocabulary, name, text)
            if journey is not None:
                found[name, version] = journey
    return found


def _read_edition(definitions: Definitions, vocabulary: Vocabulary, name: str, text: str) -> Journey | None:
    """None where it does not fit the project any more: it names what is gone, or sends what is."""
    document = Document(f"journeys/{name}.yaml", text)
    journey = journeys.read(name, document, vocabulary)
    if journey is None:
        return None
    sent = [(step.channel, definitions.messages.get(step.message)) for step in journey.sends()]
    if any(channel != "webhook" and (message is None or message.channel != channel) for channel, message in sent):
        return None
    return journey


class _Unread(Exception):
    """What is being read names a segment or metric that has to be read before."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class _Reading:
    """What was read so far, and what names mean in it."""

    def __init__(
        self,
        files: Mapping[str, str],
        *,
        gap_us: int,
        seen: Mapping[str, int] | None,
        is_strict: bool,
        purposes: Iterable[str],
    ) -> None:
        self._files = files
        self._problems: list[Problem] = []
        self._warnings: list[Problem] = []
        self._paths = [path for path in sorted(files) if self._is_definition(path)]
        self._documents: dict[str, Document] = {}
        self._open: list[str] = []
        """Segments and metrics that are being read, each named by the one before it."""
        self._segments: dict[str, segments.Segment | None] = {}
        self._metrics: dict[str, Metric | None] = {}
        self.events: dict[str, EventType] = {}
        is_complete = self._read_events()
        identify = self.events.get("$identify")
        self.vocabulary = Vocabulary(
            # Without the name of a declared event nobody can say which others are not declared.
            events=self.events if self.events and is_complete else None,
            traits=identify.trait_types if identify is not None and identify.properties else None,
            segment=self._segment,
            segments=tuple(self.names("segments")),
            metric=self._metric,
            metrics=tuple(self.names("metrics")),
            gap_us=gap_us,
            is_strict=is_strict,
            seen=seen,
            purposes=purposes,
        )
        self.collections = {
            name: read_collection(name, self.document("collections", name), self.vocabulary)
            for name in self.names("collections")
        }
        self.vocabulary.collections = self.collections

    @property
    def segments(self) -> dict[str, segments.Segment]:
        return {name: one for name, one in sorted(self._segments.items()) if one is not None}

    @property
    def metrics(self) -> dict[str, Metric]:
        return {name: one for name, one in sorted(self._metrics.items()) if one is not None}

    def names(self, folder: str) -> list[str]:
        return [path[len(folder) + 1 : -len(".yaml")] for path in self._paths if path.startswith(f"{folder}/")]

    def document(self, folder: str, name: str) -> Document:
        path = f"{folder}/{name}.yaml"
        return self._documents.setdefault(path, Document(path, self._files[path]))

    def _read_events(self) -> bool:
        """Whether the name of every declared event is known."""
        is_complete = True
        first: dict[str, str] = {}
        for file in self.names("events"):
            document = self.document("events", file)
            event = read_event(document)
            if event is None:
                is_complete = False
            elif event.name in self.events:
                hint = f"it stands in {first[event.name]}; keep one of them"
                document.refuse(0, f'"{event.name}" is declared twice', hint)
            else:
                self.events[event.name] = event
                first[event.name] = document.file
        return is_complete

    def read(self, path: str) -> None:
        """Read a segment or a metric, and before it what it names."""
        self._open = [] if path in self._documents else [path]
        while self._open:
            path = self._open[-1]
            folder, _, file = path.partition("/")
            name, document = file.removesuffix(".yaml"), Document(path, self._files[path])
            try:
                if folder == "segments":
                    self._segments[name] = segments.read(name, document, self.vocabulary)
                else:
                    self._metrics[name] = read_metric(name, document, self.vocabulary)
            except _Unread as unread:
                self._open.append(unread.path)
            else:
                self._documents[path] = document
                self._open.pop()

    def _refuse_unread(self, path: str) -> None:
        """Raises Mistake for a circle. What was not read yet is read first, then this again: no names, however they
        lead on to each other, can take more of Python's stack than one expression."""
        if path in self._open:
            names = [one.removesuffix(".yaml") for one in (*self._open[self._open.index(path) :], path)]
            raise Mistake(0, f"this goes round in a circle: {' → '.join(names)}", "write one of them without the other")
        if path not in self._documents:
            raise _Unread(path)

    def _segment(self, name: str) -> Node | None:
        """None where its file has mistakes of its own."""
        self._refuse_unread(f"segments/{name}.yaml")
        segment = self._segments[name]
        return segment.when.tree if segment is not None else None

    def _metric(self, name: str) -> Node | None:
        self._refuse_unread(f"metrics/{name}.yaml")
        metric = self._metrics[name]
        return metric.value.tree if metric is not None else None

    def check_journeys(self, found: Mapping[str, Journey], messages: Mapping[str, messages.Message]) -> None:
        """What one file alone does not say: that a message is one of the channel that it is sent by, and that somebody
        shares the group."""
        groups = Counter(journey.group for journey in found.values())
        for journey in found.values():
            document = self.document("journeys", journey.name)
            for step in journey.sends():
                message = messages.get(step.message) if step.channel != "webhook" else None
                if message is not None and message.channel != step.channel:
                    said = f'"{message.name}" is a message of the channel {message.channel}'
                    document.refuse(step.at, said, f"write send: {{{message.channel}: {message.name}}}")
            if journey.group and groups[journey.group] == 1:
                hint = did_you_mean(journey.group, [name for name in groups if name and name != journey.group])
                hint = hint or "give another journey the same group"
                document.warn(journey.group_at, f'no other journey is in "{journey.group}"', hint)

    # ---- files -------------------------------------------------------------------------------------------------------

    def _is_definition(self, path: str) -> bool:
        """Whether the file holds a definition; one that looks like it and is not read is warned of or refused."""
        folder, _, rest = path.partition("/")
        if not rest or any(part.startswith(".") for part in path.split("/")):
            return False
        start = Place(path, 1, 1)
        if folder not in FOLDERS:
            if folder in FOLDERS_TO_COME:
                self._warnings.append(Problem(f"{folder}/ is not available yet; the file is not read", start))
            elif path.endswith((".yaml", ".yml")):
                hint = did_you_mean(folder, FOLDERS) or f"definitions stand in {', '.join(FOLDERS)}"
                message = f"{folder}/ is no folder of definitions; the file is not read"
                self._warnings.append(Problem(message, start, hint))
            return False
        if path.endswith(".yml"):
            self._problems.append(Problem("a definition's file ends in .yaml", start, f"call it {path[:-4]}.yaml"))
        elif not path.endswith(".yaml"):
            self._warnings.append(Problem("only .yaml files are read here", start))
        elif "/" in rest:
            hint = f"move it to {folder}/"
            self._problems.append(Problem("definitions stand in no folders within folders", start, hint))
        elif folder != "events" and not _NAME.fullmatch(rest.removesuffix(".yaml")):
            hint = "a name has small letters, digits, _ and -, 64 at most"
            self._problems.append(Problem("the file's name cannot be the name of a definition", start, hint))
        else:
            return True
        return False

    def finish(self) -> tuple[Problem, ...]:
        """The warnings. Raises DefinitionError with every mistake."""
        for _, document in sorted(self._documents.items()):
            _check_references(document, self._files)
            _check_purposes(document, self.vocabulary)
            self._problems += document.problems
            self._warnings += document.warnings
        if self._problems:
            raise DefinitionError(*_by_place(self._problems))
        return tuple(_by_place(self._warnings))


def _by_place(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda one: (one.place.file, one.place.line, one.place.column, one.message))


def _check_purposes(document: Document, vocabulary: Vocabulary) -> None:
    for name, at in document.purposes:
        message, hint = unknown_purpose(vocabulary.purposes, name)
        if name == "transactional" and name not in vocabulary.purposes:
            message = "what needs nobody's consent has to be declared"
            hint = 'add [consent.purposes.transactional] with basis = "contract" to tactful.toml'
        if message:
            (document.refuse if vocabulary.is_strict else document.warn)(at, message, hint)


def _check_references(document: Document, files: Mapping[str, str]) -> None:
    """A file that is there is enough: if it has mistakes, they are told where they are."""
    for folder, name, at in document.references:
        if f"{folder}/{name}.yaml" not in files:
            known = [path.removeprefix(f"{folder}/").removesuffix(".yaml") for path in files if path.startswith(folder)]
            hint = did_you_mean(name, known) or f"add {folder}/{name}.yaml"
            document.refuse(at, f'there is no {folder.removesuffix("s")} "{name}"', hint)
