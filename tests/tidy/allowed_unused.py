"""What vulture takes for dead and is not, each with its reason: a bare name on a line counts as a use.

Fields of structs that travel (records, derived rows, rows of ports) are part of a format; they may be written here and
read elsewhere.
"""
# ruff: noqa: B018, F821 - bare names are how vulture's allow-lists are written
# mypy: ignore-errors

tag  # msgspec: which kind an encoded struct is
