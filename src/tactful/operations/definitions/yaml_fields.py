"""One field of a definition's file, changed in place: everything else, comments and order too, stays as it was written.

What comes out is read again: either it says what was meant and nothing else, or nothing is changed.
"""

import json

from tactful.language.yaml_nodes import Mapping, Text, YamlMistake, compose


def value(text: str, name: str) -> str | None:
    """The text of a top-level field; None where there is none, or no text."""
    found = _pair(text, name)
    return found[1].value if found is not None and not found[1].is_null else None


def with_value(text: str, name: str, new: str) -> str | None:
    """The file with another text in a top-level field, which is added where it is not there, and taken away where the
    new one is empty; None where that cannot be done."""
    before = _texts(text)
    if before is None:
        return None
    wanted = {**before, name: new} if new else {key: one for key, one in before.items() if key != name}
    return next((one for one in _candidates(text, name, new) if _texts(one) == wanted), None)


def _candidates(text: str, name: str, new: str) -> list[str]:
    """Plain, in quotes, in a block: the first that means it is taken."""
    found = _pair(text, name)
    body = text if text.endswith("\n") or not text else text + "\n"
    block = "|-\n" + "\n".join(f"  {line}".rstrip() for line in new.split("\n"))
    styles = [new, block] if "\n" in new else [new, "'" + new.replace("'", "''") + "'", block]
    styles.append(json.dumps(new, ensure_ascii=False))
    if found is None:
        return [f"{body}{name}: {style}\n" for style in styles] if new else [text]
    key, node = found
    end = len(text[: node.end].rstrip()) if node.style in ("|", ">", "") else node.end
    end = max(end, node.start)
    if not new:
        line = text.rfind("\n", 0, key.start) + 1
        after = text.find("\n", end)
        return [text[:line] + (text[after + 1 :] if after >= 0 else "")]
    gap = "" if text[: node.start].endswith((" ", "\n")) else " "
    return [text[: node.start] + gap + style + text[end:] for style in styles]


def _pair(text: str, name: str) -> tuple[Text, Text] | None:
    try:
        root = compose(text)
    except YamlMistake:
        return None
    pairs = root.pairs if isinstance(root, Mapping) else []
    return next(((key, node) for key, node in pairs if key.value == name and isinstance(node, Text)), None)


def _texts(text: str) -> dict[str, object] | None:
    """What a file says, without its places."""
    try:
        root = compose(text)
    except YamlMistake:
        return None
    if root is None:
        return {}
    found = _plain(root)
    return found if isinstance(found, dict) else None


def _plain(node: object) -> object:
    if isinstance(node, Mapping):
        return {key.value: _plain(one) for key, one in node.pairs}
    if isinstance(node, Text):
        return None if node.is_null else node.value.strip()  # "~" and "null" are words only in quotes.
    return [_plain(one) for one in getattr(node, "items", [])]
