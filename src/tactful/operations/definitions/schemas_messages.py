"""JSON Schemas of messages and their blocks (schemas.py)."""

from tactful.messages.texts import TEXTS
from tactful.operations.definitions.schema_parts import (
    DESCRIPTION,
    DURATION,
    NAME,
    PURPOSE,
    TEXT,
    Schema,
    condition,
    object_of,
    of,
)

_TEXTS: dict[str, Schema] = {
    "subject": of(TEXT, "One line; of an e-mail."),
    "preheader": of(TEXT, "One line that many mail programs show beside the subject."),
    "html": of(TEXT, "The mail as HTML."),
    "mjml": of(TEXT, "The mail as MJML, in the place of html."),
    "text": of(TEXT, "The words; of an e-mail its plain text, which is made from the HTML where it is missing."),
    "amp": of(TEXT, "AMP for Email, for mailboxes that show it."),
    "title": of(TEXT, "One line above the text; of push, web push and chat."),
    "url": of(TEXT, "Where a push message leads."),
    "icon": of(TEXT, "The picture beside a push message."),
}
_LANGUAGE = "^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$"
_TRANSLATIONS: Schema = {
    "type": "object",
    "description": "Other texts by language (de, de-AT).",
    "propertyNames": {"pattern": _LANGUAGE},
    "additionalProperties": object_of("The texts in this language.", _TEXTS),
}
_VARIANT = object_of(
    "Other texts for some people.",
    {
        "name": of(NAME, "How it is called."),
        "if": condition("Who gets it", 'segment("regulars")'),
        "share": {
            "type": "string",
            "pattern": r"^\s*([0-9]{1,2}(\.[0-9]{1,3})?|100)\s?%\s*$",
            "description": "How many of them get it.",
            "examples": ["20%"],
        },
        **_TEXTS,
        "translations": _TRANSLATIONS,
    },
    ["name"],
)
_FETCH = object_of(
    "What is asked of an endpoint in the moment before it is rendered.",
    {
        "url": of(TEXT, "A Liquid template; scheme and host stand in it as they are.", pattern="^\\s*https?://"),
        "timeout": of(TEXT, "How long it may take (500ms).", pattern="^\\s*[1-9][0-9]{0,4}(ms|s)\\s*$"),
        "cache": of(DURATION, "How long an answer serves everybody with the same URL."),
        "default": {"description": "What templates see where there is no answer."},
    },
    ["url"],
)

MESSAGE = object_of(
    "A message, messages/NAME.yaml: what is filled and sent. Texts are Liquid templates.",
    {
        "channel": {"enum": list(TEXTS), "default": "email", "description": "By what it goes out."},
        "purpose": of(PURPOSE, "What the person must have agreed to.", default="email_marketing"),
        "confirms": of(PURPOSE, "Instead of a purpose: what the reader of a new address is asked to agree to."),
        "from": of(TEXT, "Sender, else the one of tactful.toml.", examples=["Shop <hello@shop.example>"]),
        **_TEXTS,
        "language": of(TEXT, "Of the texts that are no translation.", pattern=_LANGUAGE, examples=["en"]),
        "variants": {"type": "array", "minItems": 1, "items": _VARIANT, "description": "The first that fits is sent."},
        "translations": _TRANSLATIONS,
        "fetch": {
            "type": "object",
            "description": "Fresh data by the name that templates have for it.",
            "additionalProperties": _FETCH,
        },
        "coupon": of(TEXT, "The pool of codes from which each person gets one.", pattern="^[a-z0-9_]{1,64}$"),
        "tracking": {"enum": ["on", "off"], "default": "on", "description": "Whether links and opens are counted."},
    },
    anyOf=[{"required": ["subject", body]} for body in ("html", "mjml", "text")]
    + [{"required": ["channel", "text"], "properties": {"channel": {"not": {"const": "email"}}}}],
)

BLOCK = object_of(
    'A block, blocks/NAME.yaml: a piece of several messages, used by {% block "NAME" %}.',
    {
        "description": DESCRIPTION,
        "parameters": {
            "type": "object",
            "description": "Each with what it is without being given; null: it must be given.",
            "propertyNames": {"pattern": "^[a-z_][a-z0-9_]{0,63}$"},
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
        },
        **{name: _TEXTS[name] for name in ("html", "mjml", "text", "amp")},
    },
    anyOf=[{"required": [name]} for name in ("html", "mjml", "text", "amp")],
)
