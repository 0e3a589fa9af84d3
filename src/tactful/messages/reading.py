"""Reading the texts of a message, wherever in its file they stand, each mistake with its place.

What was read is collected: the blocks that are used have to be frozen with the message, and the words of all templates
say what of the person.
"""

import re
from collections.abc import Mapping

from tactful.language.document import Document, Fields
from tactful.messages.blocks import Block, TemplateCheck, used
from tactful.messages.texts import LINES, NEEDED, TEXTS

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class TextReader:
    """Of the texts of one message; `allowed` are all names that its templates may use (None: any)."""

    def __init__(
        self,
        document: Document,
        channel: str,
        check_template: TemplateCheck | None,
        blocks: Mapping[str, Block],
        allowed: tuple[str, ...] | None,
        hint: str = "",
    ) -> None:
        self.document = document
        self.channel = channel
        self.names = TEXTS[channel]
        self.found: list[str] = []
        self.blocks: dict[str, Block] = {}
        """Those that are used."""
        self._check_template = check_template
        self._known = blocks
        self._allowed = allowed
        self._hint = hint

    def read(self, fields: Fields) -> dict[str, str]:
        """The texts that are there."""
        found = {}
        for name in self.names:
            if name in fields:
                found[name] = self._read(fields, name)
        if "html" in found and "mjml" in found:
            fields.refuse("mjml", "html: and mjml: are two ways to write one body", "keep one of them")
        return found

    def read_own(self, fields: Fields) -> dict[str, str]:
        """Those of the message itself, which has to have some."""
        for name in fields.nodes:
            if name not in self.names and any(name in names for names in TEXTS.values()):
                hint = f"of this channel are {', '.join(self.names)}"
                fields.refuse(name, f"what goes out by {self.channel} has no {name}", hint)
        found = self.read(fields)
        for name in NEEDED[self.channel]:
            if name not in fields:
                self.document.refuse(0, f'a message needs "{name}"', f"add a line {name}: ...")
        if self.channel == "email" and not any(name in fields for name in ("html", "mjml", "text")):
            self.document.refuse(0, "the message has no body", "write html:, mjml: or text:")
        if "amp" in found and "html" not in found and "mjml" not in found:
            fields.refuse("amp", "most programs show no AMP", "write html: or mjml: as well")
        return found

    def check(self, fields: Fields, name: str) -> None:
        """Of a template that is none of the texts: it has no blocks."""
        if self._check_template is not None and name in fields:
            problem = self._check_template(fields.text(name), self._allowed, part=name)
            if problem:
                fields.refuse(name, f"the template cannot be used: {problem}", self._hint)

    def _read(self, fields: Fields, name: str) -> str:
        text = fields.text(name)
        if name in LINES:
            text = text.strip("\n")
            if _CONTROL.search(text):
                article = "an" if name == "icon" else "a"
                hint = "write it without `|`"
                fields.refuse(name, f"{article} {name} is one line without control characters", hint)
        self.found.append(text)
        mistakes = len(self.document.problems)
        blocks = used(text, name, self._known, lambda at, problem, hint: fields.refuse_in(name, at, problem, hint))
        self.blocks |= blocks
        if self._check_template is not None and len(self.document.problems) == mistakes:
            problem = self._check_template(text, self._allowed, part=name, blocks=tuple(blocks.values()))
            if problem:
                fields.refuse(name, f"the template cannot be used: {problem}", self._hint)
        return text
