"""SQL's answers about a file of history: the records become the tables of docs/history.md, as files in a folder that
lives as long as the question, and a query asks many expressions at once, as of each instant."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tactful.events import zones
from tactful.history.cells import EventRow, IdentityRow, Row, TraitRow, zone_rows
from tactful.history.queries import Queries
from tactful.history.table import parquet, sorted_out
from tactful.kernel.definitions import read_project, vocabulary_of
from tactful.language.check import check
from tactful.language.mistakes import Mistake, definition_error
from tactful.language.sql.engines import write
from tactful.language.sql.layout import TABLES, Layout, layout
from tactful.language.sql.query import ask
from tactful.language.tree import Node
from tactful.language.vocabulary import Vocabulary
from tactful.operations.evaluation.evaluate_lines import Answer, Answers, Line, Question, naming_of, people, read_lines
from tactful.operations.evaluation.evaluate_ties import history_rows
from tactful.operations.history.terms import defaults
from tactful.operations.history.terms import rules as trait_rules
from tactful.operations.plain import plain
from tactful.values import DAY_US

AT_ONCE = 50
"""Expressions in one query: more share more, and take longer to be planned."""


def answers(
    question: Question, lines: Sequence[Line], instants: Sequence[int], *, queries: Queries, at_once: int = AT_ONCE
) -> Answers:
    """What the expressions are for everybody known at each instant.

    Raises DefinitionError for a mistake in the project or in an expression, UsageError for a line.
    """
    vocabulary = _vocabulary(question)
    trees = [(name, _checked(text, vocabulary)) for name, text in question.expressions.items()]
    own, permitted = _own(vocabulary), defaults(question.consent, question.identity)
    rules = trait_rules(vocabulary.events or {})
    records = read_lines(lines, naming_of(question))
    names = people(records)
    history = [*history_rows(question, records, rules)]
    has_ties = any(isinstance(row, IdentityRow) for row in history)
    found: Answers = {at: {name: {} for name, _ in trees} for at in instants}
    if not history:
        return found
    history += _zones(history, question.time_zone, instants)
    with TemporaryDirectory(prefix="tactful-history-") as folder:
        files = _written(history, own, Path(folder))
        with queries.open(files) as session:
            for begin in range(0, len(trees), at_once):
                part, zone = dict(trees[begin : begin + at_once]), question.time_zone
                asked = ask(part, layout=own, time_zone=zone, has_ties=has_ties, defaults=permitted, rules=rules)
                query = write(asked.query, queries.engine)
                for at, by_name in found.items():
                    for row in session.rows(query.given({"t": at})):
                        for name, value in asked.values(row).items():
                            by_name[name][names[row[0]]] = Answer(plain(value))
    return found


def _vocabulary(question: Question) -> Vocabulary:
    project = read_project(question.files, gap_us=question.gap_us, is_strict=False)
    return vocabulary_of(project, gap_us=question.gap_us, is_strict=False)


def _checked(text: str, vocabulary: Vocabulary) -> Node:
    try:
        return check(text, "value", vocabulary=vocabulary).tree
    except Mistake as mistake:
        raise definition_error(mistake, text) from None


def _own(vocabulary: Vocabulary) -> Layout:
    """Declared properties have columns of their own."""
    events = (vocabulary.events or {}).values()
    return layout((name,) for event in events for name in event.properties)


def _zones(history: Iterable[Row], time_zone: str, instants: Sequence[int]) -> list[Row]:
    """Local time wherever somebody may be, from the first event to the last instant."""
    named, times = {time_zone}, list(instants)
    for row in history:
        if isinstance(row, EventRow):
            times.append(row.timestamp)
            named |= {row.zone} if row.zone else set()
        elif isinstance(row, TraitRow) and row.name == "timezone":
            named |= {text for _, text in row.traits.texts} & zones.names()
    return [*zone_rows(named, min(times) - DAY_US, max(times) + DAY_US)]


def _written(history: Iterable[Row], own: Layout, folder: Path) -> dict[str, list[Path]]:
    by_table = sorted_out(history)
    files = {name: [folder / f"{name}.parquet"] for name in TABLES}
    for name, (path,) in files.items():
        path.write_bytes(parquet(name, by_table[name], own))
    return files
