"""AMP's own validator, asked without a network (scripts/amphtml-validator puts it where it is looked for)."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent


def validate(documents: Mapping[str, str]) -> dict[str, list[str]]:
    """What it says of each document, by name."""
    rules = HERE / "node_modules" / "amphtml-validator" / "validator_wasm.js"
    assert rules.is_file(), f"the validator is missing: scripts/amphtml-validator {rules.parent}"
    command = ["node", str(HERE / "amphtml.cjs")]
    ran = subprocess.run(command, input=json.dumps(documents), capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, list[str]] = json.loads(ran.stdout)
    return found
