"""Who is who at an instant (LANGUAGE.md 1.9, IDENTITY.md 2), by following owners: nothing is ever handed over here.

Every identifier has periods; in each it belongs to nobody or to one stronger identifier. A record is of the identifier
where it entered, in the period of that moment; whose it is at T is found by asking who owns whom at T. How many ties one
identifier may have, and how often a device may move, is for other tests: no history here comes near those limits.
"""

from collections.abc import Mapping
from typing import Any

STRENGTH = {"u": 0, "x": 1, "e": 2, "p": 3, "a": 4, "d": 4}
Fragment = tuple[str, int]


def identifiers(line: Mapping[str, Any]) -> list[str]:
    """All that a line names, strongest first; "" and null name nobody."""
    context = line.get("context") or {}
    said = [context.get("traits"), line.get("traits")] if line["type"] == "identify" else [line]
    found = [("u", line.get("userId"))]
    found += [("e", traits["email"]) for traits in reversed(said) if isinstance(traits, dict) and "email" in traits][:1]
    found += [(f"x:{one['type']}", one["id"]) for one in context.get("externalIds", ())]
    found += [("a", line.get("anonymousId")), ("d", context.get("device", {}).get("id"))]
    if line["type"] == "alias":
        previous = line.get("previousId")
        found += [("a", previous)] if previous == line.get("anonymousId") else [("u", previous), ("a", previous)]
    names = [f"{kind}:{_normal(kind, value)}" for kind, value in found if value is not None and _normal(kind, value)]
    first = names[:1] if line.get("userId") is not None else []  # userId goes before previousId.
    return list(dict.fromkeys([*first, *sorted(names, key=lambda name: (STRENGTH[name[0]], name))]))


def _normal(kind: str, value: Any) -> str:
    text = str(value).strip()
    return text.lower() if kind == "e" else text


def order(name: str) -> tuple[int, str]:
    return STRENGTH[name[0]], name


class Ties:
    """Who owns whom, after some lines."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        """By a record, or by a tie."""
        self.entered: set[Fragment] = set()
        self._period: dict[str, int] = {}
        self._owners: dict[Fragment, str] = {}
        self._apart: set[tuple[str, str]] = set()
        self._taken: set[tuple[str, str]] = set()
        """(who, what): only an identify or an alias asks for it again."""

    def now(self, name: str) -> Fragment:
        return name, self._period.get(name, 1)

    def person(self, fragment: Fragment) -> str:
        owner = self._owners.get(fragment)
        if owner is not None:
            return self.person(self.now(owner))
        name, period = fragment
        return name if fragment == self.now(name) else self.person((name, period + 1))

    def people(self) -> set[str]:
        return {self.person(self.now(name)) for name in self.known}

    def fragments(self) -> set[Fragment]:
        """Everybody's: an identifier has its first period from when it is named."""
        return self.entered | {(name, 1) for name in self.known}

    def enter(self, name: str) -> Fragment:
        self.known.add(name)
        self.entered.add(self.now(name))
        return self.now(name)

    # ---- what ties and unties ----------------------------------------------------------------------------------------

    def meet(self, names: list[str], kind: str) -> None:
        """A call that names several: the first is the strongest."""
        first, *others = names
        for other in others:
            is_alias = kind == "alias" and first[0] == other[0] == "u"
            if (first, other) in self._taken and kind not in ("identify", "alias"):
                continue
            if first[0] in "ad" or (not is_alias and first[0] == other[0] and first[0] in "uep"):
                continue
            if order(first) >= order(other) and not is_alias:
                continue
            self._taken.add((first, other))
            if is_alias:
                self._join(first, other)
            else:
                self._take(first, other, kind == "alias")

    def _take(self, by: str, name: str, is_said: bool) -> None:
        self.known.add(name)
        owner = self._owners.get(self.now(name))
        if is_said and owner != by:
            self._apart.discard((name, by))
        if owner == by or (name, by) in self._apart:
            return
        if owner is not None:
            is_leaf, is_as_strong = name[0] in "ad", STRENGTH[by[0]] <= STRENGTH[owner[0]]
            if not (is_leaf and is_as_strong):
                return
            self._taken.discard((owner, name))
            self._period[name] = self.now(name)[1] + 1
        self._owners[self.now(name)] = by

    def _join(self, one: str, other: str) -> None:
        """Two users become one: the smaller stands for both."""
        self.known |= {one, other}
        stronger, weaker = sorted((one, other), key=order)
        while (owner := self._owners.get(self.now(weaker))) is not None and owner != stronger:
            stronger, weaker = sorted((owner, stronger), key=order)
            if stronger == weaker:
                return
        self._apart.discard((weaker, stronger))
        self._owners[self.now(weaker)] = stronger

    def undo(self, name: str) -> None:
        owner = self._owners.pop(self.now(name), None)
        if owner is not None:
            self._apart.add((name, owner))
            self._period[name] = self.now(name)[1] + 1
