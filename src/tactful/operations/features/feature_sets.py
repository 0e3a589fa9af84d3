"""Which features are meant: sets of the plan in force by name, files that are not published yet, or, where there is no
set, what fits the project (feature_proposal.py)."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tactful.errors import DefinitionError, UsageError
from tactful.events.records import Publish
from tactful.kernel.definitions import read_published
from tactful.language.check import check
from tactful.language.document import Document
from tactful.language.mistakes import did_you_mean
from tactful.language.vocabulary import Vocabulary
from tactful.operations.features.feature_proposal import proposed, seen
from tactful.operations.history.asked import vocabulary_by
from tactful.operations.history.opened import Opened
from tactful.segments.features import Feature, FeatureSet, kind_of_feature, read


def sets_of(publish: Publish | None, wanted: Sequence[str]) -> list[FeatureSet]:
    """Of names and of paths that end in .yaml; all of the plan for none. Raises DefinitionError for a mistake in a file
    and UsageError for a set that is not there."""
    known = read_published(publish).features if publish is not None else {}
    if not wanted:
        return list(known.values())
    return [_file(Path(one), publish) if one.endswith(".yaml") else _named(one, known) for one in wanted]


def merged(sets: Iterable[FeatureSet]) -> list[Feature]:
    """Each once. Raises UsageError where two sets mean different things by one name."""
    found: dict[str, tuple[Feature, str]] = {}
    for one in sets:
        for feature in one.features:
            other, name = found.setdefault(feature.name, (feature, one.name))
            if (other.value.canonical, other.kind) != (feature.value.canonical, feature.kind):
                raise UsageError(
                    f'"{feature.name}" means one thing in {name} and another in {one.name}; ask for one set'
                )
    return [feature for feature, _ in found.values()]


def fitting(opened: Opened, publish: Publish | None, by_us: int) -> dict[str, str]:
    """Expressions by name, for a project as its events had been by an instant."""
    return proposed(vocabulary_by(publish), seen(opened, by_us))


def sources(opened: Opened) -> set[str]:
    """Of everything that ever came in."""
    return {name for (name,) in opened.session.rows("SELECT DISTINCT source FROM events WHERE source IS NOT NULL")}


def checked(texts: Mapping[str, str], publish: Publish | None) -> list[Feature]:
    """Of expressions that have a meaning."""
    vocabulary = vocabulary_by(publish)
    return [_checked(name, text, vocabulary) for name, text in texts.items()]


def _checked(name: str, text: str, vocabulary: Vocabulary) -> Feature:
    value = check(text, "value", vocabulary=vocabulary)
    return Feature(name, value, kind_of_feature(value.tree, vocabulary))


def _file(path: Path, publish: Publish | None) -> FeatureSet:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}") from None
    document = Document(str(path), text)
    found = read(path.stem, document, vocabulary_by(publish))
    if found is None:
        raise DefinitionError(*document.problems)
    return found


def _named(name: str, known: Mapping[str, FeatureSet]) -> FeatureSet:
    if name not in known:
        meant = did_you_mean(name, known) or (f"there are {', '.join(known)}" if known else "none is published")
        raise UsageError(f'there is no set of features "{name}"; {meant}, or name a file: features/{name}.yaml')
    return known[name]
