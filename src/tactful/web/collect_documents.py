"""The documents that browser clients ask for before they send anything (collect.md 1.5).

analytics-next wants the settings of its project, rudder-js its source's configuration. Both say: send everything here,
load nothing from elsewhere, and send no statistics about yourself.
"""

import re
from typing import Any

from tactful.events.sources import Source

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:[0-9]{1,5})?|\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?")
_UPDATED_AT = "2025-01-01T00:00:00.000Z"


def segment_settings(source: Source, scheme: str, host: str) -> dict[str, Any]:
    """`GET /v1/projects/<key>/settings`; apiHost has no scheme and ends in /v1."""
    segment = {"apiKey": source.write_key, "apiHost": f"{host}/v1", "protocol": scheme}
    return {
        "integrations": {"Segment.io": segment},
        "metrics": {"sampleRate": 0},
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
        "remotePlugins": [],
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "edgeFunction": {},
    }


def rudder_source_config(source: Source) -> dict[str, Any]:
    """`GET /sourceConfig/`."""
    nothing = {"errors": {"enabled": False}, "metrics": {"enabled": False}}
    return {
        "source": {
            "id": source.name,
            "name": source.name,
            "writeKey": source.write_key,
            "enabled": True,
            "workspaceId": "tactful",
            "config": {"statsCollection": nothing},
            "dataplanes": {},
            "connections": [],
            "destinations": [],
            "updatedAt": _UPDATED_AT,
        },
        "updatedAt": _UPDATED_AT,
        "consentManagementMetadata": {"providers": []},
    }


def own_address(public_url: str, scheme: str, host: str) -> tuple[str, str]:
    """(scheme, host) under which clients reach us: the public URL where one is set, else as this request came."""
    if public_url:
        scheme, _, rest = public_url.partition("://")
        return scheme, rest.rstrip("/")
    return scheme, host if _HOST.fullmatch(host) else "localhost"
