"""Where the files of a lake lie: a folder, or a prefix on S3.

Delta's own log is written by `deltalake`, everything else by pyarrow: data files first and durably, so that a log that
names one can be trusted. A file is written once, under a name that nobody had, and never changed.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TypeVar
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.fs as pfs
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError

from tactful.adapters.delta import parquet
from tactful.errors import TransientError
from tactful.history.lake import Source
from tactful.history.table import schema
from tactful.language.sql.layout import SHARED, Layout

CONNECT_S, REQUEST_S, RETRY_S = 5, 30, 20
"""How long S3 may take for a connection and for an answer, and for how long it is asked again before we say so."""
_END = 128 << 10
"""Bytes that are read at once for a footer; nearly all are smaller."""
_AT_ONCE = 16
Item = TypeVar("Item")
Made = TypeVar("Made")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_TODO = (
    (
        ("169.254.169.254",),  # Whom the libraries ask for the role of a machine, where there are no keys.
        "No keys for S3 were found: set TACTFUL_HISTORY_ACCESS_KEY and TACTFUL_HISTORY_SECRET_KEY, or AWS's own",
    ),
    (("NoSuchBucket", "NO_SUCH_BUCKET"), "Make the bucket, or name another in [history] location"),
    (
        ("AccessDenied", "ACCESS_DENIED", "InvalidAccessKeyId", "SignatureDoesNotMatch", "SIGNATURE_DOES_NOT_MATCH"),
        "See whether the keys are right, and may list, read, write and delete there",
    ),
    (
        ("(Connect)", "NETWORK_CONNECTION", "dns error"),
        "Nobody answers there: see whether [history] endpoint and region are right, and the network",
    ),
)
"""What errors of S3 have in them, of both libraries, and what can be done."""
KEPT = "_tactful"
"""A folder beside the tables; a leading underscore is nothing that Delta reads."""


@contextmanager
def world(doing: str) -> Iterator[None]:
    """What fails in it is the world's fault."""
    try:
        yield
    except (OSError, DeltaError, pa.ArrowException) as error:
        raise TransientError(f"{doing}: {said(error)}") from error


def said(error: Exception) -> str:
    """What a library says in several lines, as a tree of causes and in colours, in one; and what can be done about it,
    where that is known."""
    causes = (" ".join(cause.split()) for cause in _COLOUR.sub("", str(error)).split("↳"))
    text = ": ".join(cause for cause in causes if cause)
    todo = next((todo for signs, todo in _TODO if any(sign in text for sign in signs)), "")
    return f"{text}. {todo}" if todo else text


class Place:
    """Files by table and path within it; `root` is where `files` has them."""

    def __init__(self, files: pfs.FileSystem, root: str, uri: str, options: Mapping[str, str] | None) -> None:
        self._files, self._root, self._uri = files, root, uri
        self.options = dict(options) if options else None

    def uri(self, table: str) -> str:
        return f"{self._uri}/{table}"

    def write(self, table: str, path: str, rows: pa.Table, row_group: int, *, is_brief: bool = False) -> int:
        """Durably; how many bytes it has. `is_brief`: other files soon take its place."""
        with world(f"a file of the lake could not be written ({self.uri(table)})"):
            where = self._where(table, path)
            with (
                self._files.open_output_stream(where) as sink,
                parquet.writer(sink, rows.schema, is_brief=is_brief) as writer,
            ):
                writer.write_table(rows, row_group_size=row_group)
                writer.add_key_value_metadata(rows.schema.metadata or {})
            size: int = self._files.get_file_info(where).size
            return size

    def read(self, table: str, path: str, columns: Sequence[str] | None = None) -> pa.Table:
        with (
            world(f"a file of the lake could not be read ({self.uri(table)}/{path})"),
            self._files.open_input_file(self._where(table, path)) as source,
        ):
            return pq.ParquetFile(source, page_checksum_verification=True).read(columns=columns)

    def trouble(self, table: str, path: str) -> str:
        """What is wrong with a file, of which everything is read; "" where nothing is. What the world does not let us
        know is raised."""
        whole = f"{self.uri(table)}/{path}"
        with world(f"a file of the lake could not be read ({whole})"):
            try:
                with self._files.open_input_file(self._where(table, path)) as source:
                    body = source.read()
            except FileNotFoundError:
                return "it is missing"
        try:
            pq.ParquetFile(pa.BufferReader(body), page_checksum_verification=True).read()
        except (OSError, pa.ArrowException) as error:
            return said(error)
        return ""

    def footer(self, table: str, path: str) -> pq.FileMetaData:
        with (
            world(f"a file of the lake could not be read ({self.uri(table)}/{path})"),
            self._files.open_input_file(self._where(table, path)) as source,
        ):
            return pq.read_metadata(source)

    def note(self, table: str, path: str, key: bytes) -> bytes:
        """What the footer says beside the columns, in a fraction of the time that reading all of it takes; empty where
        it says nothing."""
        with (
            world(f"a file of the lake could not be read ({self.uri(table)}/{path})"),
            self._files.open_input_file(self._where(table, path)) as source,
        ):
            size = source.size()
            end: bytes = source.read_at(min(size, _END), max(0, size - _END))
            needs = int.from_bytes(end[-8:-4], "little") + 8
            if needs > len(end):
                end = source.read_at(needs, size - needs)
            return parquet.note(end[-needs:-8], key)

    def listed(self, table: str) -> list[str]:
        """Paths of all data files that lie there, whoever names them."""
        return list(self.sizes(table))

    def sizes(self, table: str) -> dict[str, int]:
        """The same, with how many bytes each has."""
        with world(f"the files of the lake could not be listed ({self.uri(table)})"):
            below = self._where(table, "")
            found = self._files.get_file_info(pfs.FileSelector(below, allow_not_found=True, recursive=True))
        paths = {one.path[len(below) :].lstrip("/"): one.size for one in found if one.type == pfs.FileType.File}
        return {path: size for path, size in paths.items() if not path.startswith("_") and path.endswith(".parquet")}

    def delete(self, table: str, path: str) -> None:
        with world(f"a file of the lake could not be removed ({self.uri(table)}/{path})"), suppress(FileNotFoundError):
            self._files.delete_file(self._where(table, path))

    def commit(self, table: str, version: int) -> bytes | None:
        """What a commit of Delta says, an action a line; None where the log has it no more."""
        where = self._where(table, f"_delta_log/{version:020}.json")
        with (
            world(f"the lake could not be read ({self.uri(table)})"),
            suppress(FileNotFoundError),
            self._files.open_input_file(where) as source,
        ):
            body: bytes = source.read()
            return body
        return None

    def each(self, work: Callable[[Item], Made], items: Iterable[Item]) -> Iterable[Made]:
        """One after another; where each is a few questions over a network, at once. In the order of the items."""
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            yield from threads.map(work, items)

    def keep(self, name: str, body: bytes) -> None:
        """A small thing of the lake's own; losing it costs time, no rows."""
        with (
            world(f"{self._uri} could not be written"),
            self._files.open_output_stream(self._where(KEPT, name)) as sink,
        ):
            sink.write(body)

    def kept(self, name: str) -> bytes | None:
        with (
            world(f"{self._uri} could not be read"),
            suppress(FileNotFoundError),
            self._files.open_input_file(self._where(KEPT, name)) as source,
        ):
            body: bytes = source.read()
            return body
        return None

    def source(self, table: str, paths: Sequence[str], layout: Layout) -> Source:
        """What reads these files, of which all have these columns of their own."""
        from pyarrow.dataset import dataset  # Here, since it is slow to load (history/lake.py).

        with world(f"the lake could not be read ({self.uri(table)})"):
            whole = [self._where(table, path) for path in paths]
            return dataset(whole, schema(table, layout), filesystem=self._files, format="parquet")

    def readable(self, layouts: Sequence[Layout]) -> Layout:
        """The columns of their own that can be read of files with these layouts: here, those of files that all have
        the same, since Arrow takes no struct for one that has other fields."""
        return layouts[0] if len(layouts) == 1 else SHARED

    def turn(self) -> AbstractContextManager[None]:
        """For as long as one who writes may not be disturbed; what holds without it too, only with more going over."""
        return nullcontext()

    def settle(self, table: str) -> None:
        """Make durable what was just said in the table's log."""

    def mend(self, table: str) -> bool:
        """Put away what a power cut left half-written of the table's log; whether there was anything."""
        return False

    def _where(self, table: str, path: str) -> str:
        return f"{self._root}/{table}/{path}" if path else f"{self._root}/{table}"


def on_s3(location: str, *, endpoint: str = "", region: str = "", access_key: str = "", secret_key: str = "") -> Place:
    """`location` as s3://BUCKET/PREFIX. What is not given the machine knows: AWS_* variables, ~/.aws, its role. The
    service must know conditional writes (If-None-Match), by which of two writers one is refused."""
    parts = urlsplit(location.rstrip("/"))
    endpoint, region = endpoint or os.environ.get("AWS_ENDPOINT_URL", ""), region or os.environ.get("AWS_REGION", "")
    options = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": region,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_ALLOW_HTTP": "true" if endpoint.startswith("http:") else "",
        "AWS_CONDITIONAL_PUT": "etag",
        "connect_timeout": f"{CONNECT_S}s",
        "timeout": f"{REQUEST_S}s",
        "retry_timeout": f"{RETRY_S}s",
    }
    where = urlsplit(endpoint)
    with world(f"S3 could not be reached ({location})"):
        files = pfs.S3FileSystem(
            access_key=access_key or None,
            secret_key=secret_key or None,
            region=region or None,
            scheme=where.scheme or None,
            endpoint_override=where.netloc + where.path.rstrip("/") or None,
            connect_timeout=CONNECT_S,
            request_timeout=REQUEST_S,
            # A small file is one request instead of three.
            allow_delayed_open=True,
        )
    root = f"{parts.netloc}{parts.path}"
    return Place(files, root, f"s3://{root}", {key: value for key, value in options.items() if value})
