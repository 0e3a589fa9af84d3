"""Projects as people write them: what is read, and every mistake with its place."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.errors import DefinitionError
from tactful.journeys.definition import Ending, EventsWanted, SendStep, WaitStep
from tactful.kernel.definitions import read_project
from tactful.language.document import Document
from tactful.language.yaml_nodes import Text, YamlMistake, compose, offset_in_file
from tactful.messages.template import check_template
from tactful.values import DAY_US, MINUTE_US
from tests.tries import tries

GOOD = {
    "segments/buyers.yaml": 'description: Bought lately\nwhen: any("Order Completed", last="30d")\n',
    "journeys/cart.yaml": (
        "description: Cart\n"
        "start:\n  event: [Product Added, Cart Viewed]\n  where: price > 20\n"
        'if: |\n  country == "DE"\n'
        "wait: 30m\nunless: Order Completed\nrepeat: restart\nlimit: 2 per 7d\nvalidity: 1h\nsend: {email: cart}\n"
    ),
    "journeys/hook.yaml": "start: {segment: buyers}\nsend: {webhook: https://crm.example/in?x=1}\npurpose: profiling\n",
    "messages/cart.yaml": "subject: Hi {{ profile.name }}\nfrom: Shop <a@shop.example>\nhtml: |\n  <p>\n  x\ntext: x\n",
}


def problems(files: dict[str, str], **more: Any) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        read_project(files, **more)
    return [
        f"{one.place.file}:{one.place.line}:{one.place.column}: {one.message} / {one.hint}"
        for one in caught.value.problems
    ]


def segment_problem(text: str) -> str:
    (one,) = problems({"segments/a.yaml": text})
    return one.removeprefix("segments/a.yaml:")


def test_a_good_project() -> None:
    project = read_project(GOOD)
    assert project.warnings == ()
    assert project.segments["buyers"].when.canonical == "any('Order Completed', last='30d')"
    cart = project.journeys["cart"]
    assert cart.start.events == ("Cart Viewed", "Product Added")
    assert cart.start.where is not None
    assert cart.condition is not None
    assert (cart.validity_us, cart.repeat) == (60 * MINUTE_US, "restart")
    assert cart.limit and (cart.limit.times, cart.limit.per_us) == (2, 7 * DAY_US)
    assert cart.unless == (Ending(EventsWanted(("Order Completed",))),)
    assert cart.steps == (WaitStep("1", 30 * MINUTE_US), SendStep("2", "email", "cart", at=cart.steps[1].at))  # type: ignore[union-attr]  # a send
    hook = project.journeys["hook"]
    assert (hook.start.segment, hook.validity_us, hook.repeat, hook.limit) == ("buyers", DAY_US, "ignore", None)
    (send,) = hook.sends()
    assert (send.name, send.channel, send.message) == ("1", "webhook", "https://crm.example/in?x=1")
    assert send.purpose == "profiling"
    message = project.messages["cart"]
    assert (message.purpose, message.html, message.sender) == ("email_marketing", "<p>\nx\n", "Shop <a@shop.example>")


def test_the_version_is_the_source() -> None:
    changed = {**GOOD, "journeys/cart.yaml": GOOD["journeys/cart.yaml"].replace("30m", "31m")}
    one, other = read_project(GOOD).journeys, read_project(changed).journeys
    assert one["cart"].version != other["cart"].version
    assert one["hook"].version == other["hook"].version


def test_all_mistakes_at_once_by_place() -> None:
    files = {
        "segments/b.yaml": "wehn: x\n",
        "segments/a.yaml": "when: x = 1\n",
        "journeys/x.yaml": "start: {segment: c, event: E}\nwait: 3\nsend: {email: crat}\nlimit: 2\nif: 5\nunless: []\nvalidity: 900d\n",
        "messages/cart.yaml": "subject: |\n  a\n  b\nhtml: x\npurpose: transactional\nfrom: a@b, c@d\n",
    }
    assert [one.rpartition(" / ")[0] for one in problems(files)] == [
        "journeys/x.yaml:1:8: a journey starts in one way",
        'journeys/x.yaml:1:18: there is no segment "c"',
        'journeys/x.yaml:2:7: "3" is no duration',
        'journeys/x.yaml:3:15: there is no message "crat"',
        'journeys/x.yaml:4:8: "2" is no limit',
        "journeys/x.yaml:5:5: a number is no condition",
        "journeys/x.yaml:6:9: the list of events is empty",
        'journeys/x.yaml:7:11: "900d" is longer than 366 days',
        "messages/cart.yaml:2:3: a subject is one line without control characters",
        "messages/cart.yaml:5:10: what needs nobody's consent has to be declared",
        "messages/cart.yaml:6:7: 'a@b, c@d' is no address",
        "segments/a.yaml:1:9: = does not compare",
        'segments/b.yaml:1:1: a definition has no "wehn"',
        'segments/b.yaml:1:1: a definition needs "when"',
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("when: x = 1", "1:9: = does not compare"),
        ("when:    x = 1   # why", "1:12: = does not compare"),
        ("when: x and\n   y and\n\n   z = 1", "4:6: = does not compare"),
        ("when: 'a == ''ä'' and x = 1'", "1:25: = does not compare"),
        ('when: "a == \\"ä\\" and x = 1"', "1:25: = does not compare"),
        ('when: "a == \\x41 and \\\n   x = 1"', "2:6: = does not compare"),
        ('when: "\\u0041ND x"', "1:8: AND is not a word of the language"),
        ('when: "a\\n and x = 1"', "1:18: = does not compare"),
        ('when: "a and\n\n   x = 1"', "3:6: = does not compare"),
        ("when: |\n  a and\n    x = 1\n", "3:7: = does not compare"),
        ("when: |2\n    a and\n\n\n  x = 1\n", "5:5: = does not compare"),
        ("when: >-\n  a and\n  x = 1\n", "3:5: = does not compare"),
        ("when: >\n\n  a and\n\n  x = 1\n", "5:5: = does not compare"),
        ("a: 1\nwhen: |\n\n  x ==\n", '1:1: a definition has no "a"'),
        ("description: ä\nwhen: größe = 1", "2:13: = does not compare"),
        ("\ufeffwhen: x = 1", "1:9: = does not compare"),
        ("when: a and\r\n  x = 1\r\n", "2:5: = does not compare"),
        ("when: (a", "1:7: this ( is never closed"),
        ("when: true", "1:7: true is not a word of the language"),
        ("when: [a, b]", '1:7: "when" is an expression'),
        ("when:", '1:6: "when" is empty'),
        ("when: x\ndescription: {a: 1}", '2:14: "description" is a text'),
        ("when: x\nwhen: y", '2:1: "when" is given twice'),
        ("", "1:1: the file is empty"),
        ("# only a comment\n", "1:1: the file is empty"),
        ("just a text", "1:1: a definition is written as names with values"),
        ("- a\n- b", "1:1: a definition is written as names with values"),
        ("a: &x 1\nb: *x", "1:4: anchors (&name) are not allowed"),
        ("when: *x", "1:7: aliases (*name) are not allowed"),
        ("when: !!python/object:os.system x", "1:7: tags (tag:yaml.org,2002:python/object:os.system) are not allowed"),
        ("when: x\n---\nwhen: y", "2:1: a second document (---) in one file"),
        ("? [a]\n: b", "1:3: a key must be a text"),
        ("[" * 100_000, "1:21: nested deeper than 20 levels"),
        ("when: " + "x" * 600_000, "1:1: the file is larger than 512 KiB"),
    ],
)
def test_places_in_yaml(text: str, said: str) -> None:
    first = problems({"segments/a.yaml": text})[0]
    assert first.removeprefix("segments/a.yaml:").rpartition(" / ")[0] == said


@pytest.mark.parametrize(
    "text",
    [
        'when: x == "a: b"',
        "when: 'a",
        "when: [",
        "\twhen: x",
        "when: x\x00",
        "when: \ud800",
        "%a",
        "when: x\n - b\n- c",
        "@",
    ],
)
def test_what_is_no_yaml_is_refused_with_a_place(text: str) -> None:
    assert "YAML" in problems({"segments/a.yaml": text})[0]


def test_a_colon_in_a_plain_text_is_explained() -> None:
    assert segment_problem('when: x == "a: b"').endswith("indented below `|`")


def test_a_scalar_is_the_text_that_was_written() -> None:
    files = {**GOOD, "journeys/hook.yaml": "start: {event: [on, 1.10, no]}\nsend: {webhook: https://a.example}\n"}
    assert read_project(files).journeys["hook"].start.events == ("1.10", "no", "on")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"start": "{event: '$nope'}"}, "there is no event $nope"),
        ({"start": "{event: E, where: count('x') > 1}"}, "count() cannot stand inside where="),
        ({"start": "{segment: buyers, where: x}"}, "where: is a condition on the event"),
        ({"start": "{}"}, "a journey starts in one way"),
        ({"start": "E"}, '"start" is written as names with values'),
        ({"start": "{event: {a: b}}"}, "an event is a text"),
        ({"start": "{event: E, wheer: x}"}, '"start" has no "wheer"'),
        ({"wait": "1mo"}, '"1mo" is no duration'),
        ({"wait": "-5m"}, '"-5m" is no duration'),
        ({"wait": "367d"}, '"367d" is longer than 366 days'),
        ({"repeat": "restrat"}, '"repeat" cannot be "restrat"'),
        ({"limit": "0 per 24h"}, '"0 per 24h" is no limit'),
        ({"limit": "1 per 400d"}, '"400d" is longer than 366 days'),
        ({"send": "{}"}, "a step sends one message"),
        ({"send": "{webhook: ftp://a.example}"}, '"ftp://a.example" is no address to send to'),
        ({"send": "{webhook: 'https://user:pw@a.example'}"}, '"https://user:pw@a.example" is no address to send to'),
        ({"send": '{webhook: "https://a.example/\\r\\nX: y"}'}, "is no address to send to"),
        ({"send": "{webhook: 'https://a.example:99999'}"}, "is no address to send to"),
        ({"purpose": "x"}, "the purpose of a message stands in its own file"),
        ({"send": "{webhook: https://a.example}", "purpose": "Big One"}, '"Big One" is no name of a purpose'),
        ({"if": "country"}, None),
        ({"if": "local_hour() >= 9"}, None),
        ({"start": "{event: E, where: x and profile.y == 1}"}, "1:32: a start looks at the event alone"),
        ({"if": 'any("A", between=("2d", "9d"))'}, "between= stands the wrong way round"),
    ],
)
def test_journeys(change: dict[str, str], said: str | None) -> None:
    fields = {"start": "{event: E}", "send": "{email: cart}"} | change
    files = {**GOOD, "journeys/j.yaml": "".join(f"{name}: {value}\n" for name, value in fields.items())}
    if said is None:
        assert "j" in read_project(files).journeys
        return
    assert any(said in one for one in problems(files)), problems(files)


def test_a_subject_cannot_hold_a_header() -> None:
    for subject in ('"a\\r\\nBcc: x@y.example"', '"a\\0"', "'a\n\n  b'"):
        said = problems({"messages/m.yaml": f"subject: {subject}\nhtml: x\ntext: y\n"})
        assert said[0].startswith("messages/m.yaml:1:11: a subject is one line"), said
    family = "\U0001f468\u200d\U0001f469\u00a0!"
    assert read_project({"messages/m.yaml": f"subject: {family}\nhtml: x\ntext: y\n"}).messages["m"].subject == family


def test_names_of_files() -> None:
    said = problems(
        {
            "segments/A.yaml": "when: x",
            "segments/b.yml": "when: x",
            "segments/c/d.yaml": "when: x",
            "journeys/ü.yaml": "",
        }
    )
    assert [one.partition(" / ")[0] for one in said] == [
        "journeys/ü.yaml:1:1: the file's name cannot be the name of a definition",
        "segments/A.yaml:1:1: the file's name cannot be the name of a definition",
        "segments/b.yml:1:1: a definition's file ends in .yaml",
        "segments/c/d.yaml:1:1: definitions stand in no folders within folders",
    ]


def test_what_is_not_read_is_said() -> None:
    files = {
        **GOOD,
        "tactful.toml": "x",
        "README.md": "",
        "segment/a.yaml": "",
        "slots/m.yaml": "",
        "segments/notes.txt": "",
        ".git/x.yaml": "",
    }
    assert [(one.place.file, one.hint) for one in read_project(files).warnings] == [
        ("segment/a.yaml", 'did you mean "segments"?'),
        ("segments/notes.txt", ""),
        ("slots/m.yaml", ""),
    ]


def test_warnings_have_places_in_the_file() -> None:
    files = {**GOOD, "segments/abroad.yaml": 'when: |\n  any("A") and\n  country != "DE"\n'}
    (warning,) = read_project(files).warnings
    assert (warning.place.line, warning.place.column) == (3, 3)
    assert warning.message == "this includes people without country"


def test_templates_are_checked_by_whoever_knows_them() -> None:
    said = problems(GOOD, check_template=lambda text, *_, **__: "line 2: no such tag" if "<p>" in text else None)
    assert said == ["messages/cart.yaml:4:3: the template cannot be used: line 2: no such tag / "]


CONFIRM = "confirms: marketing.email\nsubject: Yes?\nhtml: '{{ confirm_url }}'\ntext: '{{ confirm_url }}'\n"


def test_a_confirmation_asks_for_a_purpose_and_needs_none() -> None:
    message = read_project({"messages/m.yaml": CONFIRM}, check_template).messages["m"]
    assert (message.confirms, message.purpose) == ("marketing.email", "")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            "subject: Hi {{ profile.name }}",
            "messages/m.yaml:2:10: the template cannot be used: line 1: profile.name is not to be had here / a confirmation goes to whatever address was typed; it says workspace.name and confirm_url alone",
        ),
        (
            "html: '{{ confirm_url }} {{ event.properties.name }}'",
            "messages/m.yaml:3:8: the template cannot be used: line 1: event.properties.name is not to be had here / a confirmation goes to whatever address was typed; it says workspace.name and confirm_url alone",
        ),
        (
            "text: Just say yes",
            "messages/m.yaml:4:7: a confirmation without its link confirms nothing / put {{ confirm_url }} in",
        ),
        ("confirms: Marketing!", 'messages/m.yaml:1:11: "Marketing!" is no name of a purpose / '),
        ("purpose: x", "messages/m.yaml:5:10: a confirmation needs no consent, it asks for it / keep confirms: alone"),
    ],
)
def test_what_a_confirmation_may_not_be(changed: str, said: str) -> None:
    key = changed.partition(":")[0]
    lines = [changed if line.startswith(f"{key}:") else line for line in CONFIRM.splitlines()]
    text = "\n".join(lines if changed in lines else [*lines, changed])
    (problem,) = problems({"messages/m.yaml": text}, check_template=check_template)
    assert problem.startswith(said)


def test_a_reference_to_a_file_with_mistakes_is_no_second_mistake() -> None:
    assert len(problems({**GOOD, "messages/cart.yaml": "subject: x\n"})) == 1


pieces = st.lists(
    st.sampled_from(
        [
            "when",
            ":",
            " ",
            "\n",
            "- ",
            "? ",
            "[",
            "]",
            "{",
            "}",
            ",",
            "'",
            '"',
            "\\",
            "|",
            ">",
            "#",
            "&a",
            "*a",
            "!t",
            "\t",
            "x",
            "=",
            "---\n",
            "%",
            "\ud800",
            "\x85",
            "\u2028",
        ]
    ),
    max_size=30,
).map("".join)


keyed = st.dictionaries(st.sampled_from(["name", "properties", "add", "key", "value", "fields", "limit"]), pieces).map(
    lambda found: "".join(f"{name}: {text}\n" for name, text in found.items())
)


@settings(max_examples=tries(600), deadline=None)
@given(
    text=st.one_of(pieces, st.text(max_size=40), pieces.map(lambda text: "when: " + text), keyed),
    folder=st.sampled_from(["segments", "journeys", "messages", "events", "collections", "metrics"]),
)
def test_random_files_are_read_or_refused(text: str, folder: str) -> None:
    try:
        read_project({f"{folder}/a.yaml": text})
    except DefinitionError as error:
        for problem in error.problems:
            assert 1 <= problem.place.line <= text.count("\n") + text.count("\r") + 1
            str(problem)


words = st.lists(st.sampled_from(["a", "bb", "ccc", "ä", "==", "'q'"]), min_size=1, max_size=6)


@settings(max_examples=tries(300), deadline=None)
@given(
    lines=st.lists(words, min_size=1, max_size=4),
    style=st.sampled_from(["|", ">", "plain", '"', "'"]),
    indent=st.integers(1, 4),
)
def test_every_word_of_a_value_is_found_in_the_file(lines: list[list[str]], style: str, indent: int) -> None:
    raw = [" ".join(line) for line in lines]
    space = "\n" + " " * indent
    if style in ("|", ">"):
        source = f"when: {style}" + space + space.join(raw) + "\n"
    elif style == "plain":
        source = "when: " + space.join(raw)
    else:
        source = f"when: {style}" + space.join(raw).replace("'", "''" if style == "'" else "'") + style
    try:
        root = compose(source)
    except YamlMistake:
        assert style == "plain"
        return
    node = root.pairs[0][1]  # type: ignore[union-attr]  # what was just written
    assert isinstance(node, Text)
    for index, char in enumerate(node.value):
        if not char.isspace():
            assert source[offset_in_file(node, source, index)] == char


def test_a_document_knows_its_places() -> None:
    document = Document("a.yaml", "x: 1\n\ty: 2")
    assert document.place(7).text == " y: 2"
    assert document.place(10**9).line == 2
    assert Document("a.yaml", "x" * 500).place(0).text == ""
