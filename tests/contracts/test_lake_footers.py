"""What the lake reads of a footer in little time is what the whole footer says."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tactful.adapters.delta import parquet
from tactful.adapters.delta.folder import Folder

KEY = b"tactful.mentioned"


@pytest.mark.parametrize("size", [0, 1, 127, 128, 20_000, 300_000])
def test_a_note_is_found_whatever_its_length(tmp_path: Path, size: int) -> None:
    folder, said = Folder(tmp_path), b"x" * size
    lying = "\x18" + chr(len(KEY)) + KEY.decode() + "\x18\x05wrong"
    rows = pa.table({"identifier": [lying, lying + "z"]}).replace_schema_metadata({b"tactful.first": b"{}", KEY: said})
    folder.write("events", "one.parquet", rows, 100)
    assert pq.read_metadata(tmp_path / "events" / "one.parquet").metadata[KEY] == said
    assert folder.note("events", "one.parquet", KEY) == said
    assert folder.note("events", "one.parquet", b"tactful.first") == b"{}"
    assert folder.note("events", "one.parquet", b"tactful.other") == b""


def test_what_is_looked_up_has_statistics(tmp_path: Path) -> None:
    inner = pa.array([{"json": "a", "texts": [("k", "v")]}], pa.struct([("json", pa.string()), ("texts", _MAP)]))
    rows = pa.table({"identifier": ["u:1"], "applied": [7], "properties": inner, "own": inner})
    with parquet.writer(tmp_path / "one.parquet", rows.schema) as writer:
        writer.write_table(rows)
    group = pq.read_metadata(tmp_path / "one.parquet").row_group(0)
    columns = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    said = {path: (one.is_stats_set, "RLE_DICTIONARY" in one.encodings) for path, one in columns.items()}
    assert said == {
        "identifier": (True, True),
        "applied": (True, False),
        "properties.json": (False, False),
        "properties.texts.key_value.key": (False, True),
        "properties.texts.key_value.value": (False, True),
        "own.json": (True, False),
        "own.texts.key_value.key": (True, True),
        "own.texts.key_value.value": (True, True),
    }


_MAP = pa.map_(pa.string(), pa.string())
