"""What is left of a table when people are taken out of it is everything else, in its order."""

import random

import pyarrow as pa
import pytest

from tactful.history.cells import ScoreRow
from tactful.history.keeping import without
from tactful.history.table import of_rows
from tactful.language.sql.layout import SCORES


@pytest.mark.parametrize(
    "who",
    [
        "",
        "a",
        "aaa",
        "b" * 5,
        "abbbc",
        "bbbaaacccaab",
        "ab" * 500,  # More stretches than are put together one by one.
        "".join(random.Random(7).choices("abcd", k=2_000)),
    ],
)
def test_everything_else_is_left(who: str) -> None:
    rows = of_rows(SCORES, [ScoreRow(f"u:{one}", 1, "churn", at / 8, at, at, at) for at, one in enumerate(who)])
    left = without(rows, ["u:a", "u:c", "u:nobody"])
    assert left.to_pylist() == [row for row in rows.to_pylist() if row["identifier"] not in ("u:a", "u:c")]
    assert pa.concat_tables([left, rows]).schema == rows.schema
    assert without(rows, ["u:nobody"]) is rows
