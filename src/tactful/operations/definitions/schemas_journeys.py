"""The JSON Schema of a journey. Its steps stand within steps, so they are a definition of their own."""

from tactful.journeys.notation import WEEKDAYS
from tactful.journeys.reading_steps import MOST_STEPS
from tactful.operations.definitions.schema_parts import (
    DESCRIPTION,
    DURATION,
    EVENTS,
    NAME,
    PURPOSE,
    SCALAR,
    TEXT,
    Schema,
    condition,
    object_of,
    of,
    one_of,
)

STEPS: Schema = {"$ref": "#/definitions/steps"}
_TIME = {"type": "string", "pattern": "^([01]?[0-9]|2[0-3]):[0-5][0-9]$", "examples": ["09:00"]}
_DAY = {"enum": [*WEEKDAYS, *(f"{day}s" for day in WEEKDAYS), "weekdays", "weekends"]}
_WHERE = condition("Only if the event is such", "price > 20")
_SAME = of(TEXT, "A value of the event that must be the key of the run, or a list with it.", examples=["cart_id"])
_STEP_NAME = of(
    {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,63}$"},
    "How the step is called, so that runs are found again when the journey is edited.",
)

START = object_of(
    "What begins a run.",
    {
        "event": of(EVENTS, "Name of an event, or a list of names."),
        "where": _WHERE,
        "segment": of(NAME, "Name of a segment: a run begins when somebody enters it; or whom a schedule is for."),
        "left": of(NAME, "Name of a segment: a run begins when somebody leaves it."),
        "schedule": of(
            TEXT,
            "When runs begin, by the workspace's clock.",
            examples=["daily at 09:00", "mondays 09:00", "weekdays at 08:30", "monthly on the 1 at 09:00"],
        ),
        "campaign": of(NAME, "Name of a segment: a run begins for everybody in it, once, when somebody launches it."),
        "call": {"const": True, "description": "A call of the API, or a list, names the people."},
    },
    oneOf=[
        {"required": ["event"]},
        {"required": ["segment"], "not": {"required": ["schedule"]}},
        {"required": ["left"]},
        {"required": ["schedule"]},
        {"required": ["campaign"]},
        {"required": ["call"]},
    ],
)

ENDING = object_of(
    "An event, or a condition on the person, that ends the run.",
    {
        "event": of(EVENTS, "Name of an event, or a list of names."),
        "where": _WHERE,
        "same": _SAME,
        "when": condition("As soon as this holds", 'plan == "paid"'),
    },
    **one_of("event", "when"),
)
_UNLESS: Schema = {
    "description": "What ends the run: events by name, or more exactly.",
    "anyOf": [SCALAR, ENDING, {"type": "array", "items": {"anyOf": [SCALAR, ENDING]}, "minItems": 1}],
}

GOAL = object_of(
    "What is counted as success.",
    {
        "event": of(EVENTS, "Name of an event, or a list of names."),
        "where": _WHERE,
        "same": _SAME,
        "within": of(DURATION, "How long after the start it counts."),
        "value": of(TEXT, "A number of the event that is added up.", examples=["revenue", "total"]),
    },
    ["event", "within"],
)

WAIT = object_of(
    "Until a time of the person's clock, an event, or a condition.",
    {
        "until": of(_TIME, "A time of the person's clock."),
        "on": {
            "description": "On these days only.",
            "anyOf": [_DAY, {"type": "array", "items": _DAY, "minItems": 1}],
        },
        "for": of(EVENTS, "An event, or a list of names."),
        "where": _WHERE,
        "same": _SAME,
        "when": condition("As soon as this holds", 'plan == "paid"'),
        "at_most": of(DURATION, "How long at most; then the run goes on with else:."),
    },
    **one_of("until", "for", "when"),
)
_WAITS: Schema = {"anyOf": [of(DURATION, "So long."), WAIT]}

SEND = object_of(
    "What is sent: the name of a message of that channel, or an address that is called.",
    {
        "email": of(NAME, "Name of a message."),
        "sms": of(NAME, "Name of a message whose channel is sms."),
        "push": of(NAME, "Name of a message whose channel is push."),
        "web_push": of(NAME, "Name of a message whose channel is web_push."),
        "chat": of(NAME, "Name of a message whose channel is chat."),
        "webhook": of(TEXT, "Address that is called.", pattern="^https?://"),
    },
    **one_of("email", "sms", "push", "web_push", "chat", "webhook"),
)
_PURPOSE = of(PURPOSE, "Of a webhook: what the person must have agreed to.")

STEP_KINDS = {
    "wait": object_of(
        "A wait.",
        {
            "name": _STEP_NAME,
            "wait": of(_WAITS, "How long, or until what, the run waits."),
            "then": of(STEPS, "What follows when it came."),
            "else": of(STEPS, "What follows when the time is over."),
        },
        ["wait"],
    ),
    "if": object_of(
        "One branch or the other.",
        {
            "name": _STEP_NAME,
            "if": condition("Which way the run goes", 'country == "DE"'),
            "then": of(STEPS, "What follows where it holds."),
            "else": of(STEPS, "What follows where it does not."),
        },
        ["if"],
        anyOf=[{"required": ["then"]}, {"required": ["else"]}],
    ),
    "split": {
        **object_of(
            "One branch by chance.",
            {
                "name": _STEP_NAME,
                "split": {
                    "type": "object",
                    "description": "The branches, each with its share: {calm: 50, bold: 50}.",
                    "minProperties": 2,
                    "additionalProperties": {"type": ["number", "string"]},
                },
            },
            ["split"],
        ),
        "additionalProperties": STEPS,
    },
    "send": object_of(
        "A message.",
        {
            "name": _STEP_NAME,
            "send": SEND,
            "purpose": _PURPOSE,
            "validity": of(DURATION, "How long after its moment it may still leave, if not as the journey says."),
        },
        ["send"],
    ),
    "set": object_of(
        "Writes traits.",
        {
            "name": _STEP_NAME,
            "set": {
                "type": "object",
                "description": "Traits, each with what it becomes: true, a number, '\"a text\"' or an expression.",
                "minProperties": 1,
                "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
            },
        },
        ["set"],
    ),
    "exit": object_of(
        "Ends the run.", {"name": _STEP_NAME, "exit": of(TEXT, "Why, in a few words.", maxLength=200)}, ["exit"]
    ),
}
_STEPS: Schema = {
    "type": "array",
    "minItems": 1,
    "maxItems": MOST_STEPS,
    # By the key that says what a step does, so that an editor tells of that kind alone what is missing.
    "items": {
        "type": "object",
        "oneOf": [{"required": [kind]} for kind in STEP_KINDS],
        "allOf": [{"if": {"required": [kind]}, "then": shape} for kind, shape in STEP_KINDS.items()],
    },
}

JOURNEY = object_of(
    "A journey, journeys/NAME.yaml: what begins a run, what ends it, and its steps (docs/journeys.md).",
    {
        "description": DESCRIPTION,
        "start": START,
        "key": of(TEXT, "One run per value of the starting event, not one per person.", examples=["cart_id"]),
        "if": condition("Only for such people; asked at the start and again before every message", 'country == "DE"'),
        "unless": _UNLESS,
        "goal": GOAL,
        "limit": {
            "type": "string",
            "pattern": r"^\s*[1-9][0-9]{0,2}\s+per\s+[1-9][0-9]{0,8}[smhdw]\s*$",
            "description": "At most so many messages of this journey per person.",
            "examples": ["1 per 24h"],
        },
        "validity": of(DURATION, "How long after its moment a message may still leave (24h)."),
        "repeat": {
            "enum": ["ignore", "restart"],
            "default": "ignore",
            "description": "What another start does while a run is inside.",
        },
        "again": {
            "anyOf": [{"enum": ["always", "never"]}, DURATION],
            "default": "always",
            "description": "How long after the last start another may begin.",
        },
        "priority": {
            "type": "integer",
            "minimum": 1,
            "maximum": 100,
            "default": 50,
            "description": "The higher goes first.",
        },
        "group": of(NAME, "Of journeys of one group a person is in one at a time."),
        "holdout": {
            "type": "string",
            "pattern": r"^\s*[0-9]{1,3}(\.[0-9]{1,2})?\s*%\s*$",
            "description": "This share of people is sent nothing, so that the effect can be measured.",
            "examples": ["10%"],
        },
        "on_merge": {
            "enum": ["ignore", "start"],
            "default": "ignore",
            "description": "Whether entering the segment starts it where two people turn out to be one.",
        },
        "on_publish": {
            "enum": ["ignore", "start"],
            "default": "ignore",
            "description": "Whether entering the segment starts it for whoever is in since the segment was published.",
        },
        "editing": {
            "enum": ["move", "finish"],
            "default": "move",
            "description": "What runs inside do when it is edited: go on in the new text, or finish in their own.",
        },
        "steps": of(STEPS, "What happens, one after the other."),
        "wait": of(_WAITS, "Without steps: how long after the start the message is due."),
        "send": SEND,
        "purpose": _PURPOSE,
    },
    ["start"],
    oneOf=[{"required": ["steps"]}, {"required": ["send"]}],
    definitions={"steps": _STEPS},
)
