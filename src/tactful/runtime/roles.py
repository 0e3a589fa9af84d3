"""Roles: what each kind of user may do. An endpoint names a permission, never a role."""

from collections.abc import Mapping
from typing import Literal

Permission = Literal["look", "people", "edit", "steer", "send", "export", "privacy", "admin"]
"""`look`: numbers and definitions; `people`: persons and messages to them; `edit`: save and publish; `steer`: pause,
launch, switch off; `send`: test sends, what was held; `export`: CSV; `privacy`: consent, un-merge, erasure; `admin`:
users and tokens."""
Role = Literal["viewer", "analyst", "marketer", "privacy officer", "admin"]
ROLES: Mapping[Role, frozenset[Permission]] = {
    "viewer": frozenset(("look",)),
    "analyst": frozenset(("look", "people", "export")),
    "marketer": frozenset(("look", "people", "edit", "steer", "send", "export")),
    "privacy officer": frozenset(("look", "people", "export", "privacy", "steer")),
    "admin": frozenset(("look", "people", "edit", "steer", "send", "export", "privacy", "admin")),
}
