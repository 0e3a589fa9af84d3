"""Approvals of campaigns until their launch: DATA/approvals.json, for the owner only."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from tactful.adapters.secrets import write_private
from tactful.errors import UsageError
from tactful.operations.journeys.campaigns import Approval

FILE = "approvals.json"


class FileApprovals:
    """The port `Approvals` (operations/journeys/campaigns.py)."""

    def __init__(self, data: Path) -> None:
        self._path = data / FILE

    def read(self) -> dict[str, Approval]:
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        try:
            return msgspec.json.decode(text, type=dict[str, Approval])
        except msgspec.MsgspecError as error:
            raise UsageError(f"{self._path} is damaged ({error}); move it away, and have it approved anew") from None

    def write(self, approvals: Mapping[str, Approval]) -> None:
        write_private(self._path, msgspec.json.encode(dict(approvals)).decode())
