"""Templates end, quickly and by counting, and put no person's data where it could do harm."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.messages import engine, filters
from tactful.messages.render import render as render_message
from tactful.messages.source import MessageSource
from tactful.messages.template import TemplateError, check_template, parse
from tactful.values import parse_time
from tests.tries import tries

NOW = parse_time("2025-03-01T08:00:00.123456Z") or 0


def render(text: str, *, html: bool = False, **values: object) -> str:
    return parse(text, html=html).render(values, NOW)


def test_values_are_escaped_in_html_and_left_in_text() -> None:
    assert render("{{ name }}", html=True, name="<b>&") == "&lt;b&gt;&amp;"
    assert render("{{ name }}", name="<b>&") == "<b>&"


@pytest.mark.parametrize(
    "text",
    [
        "{{ v }}", "{{ v | upcase }}", "{{ v | append: v }}", "{{ v | prepend: '<i>' }}", "{{ v | default: 'x' }}",
        "{{ '<i>' | replace: 'i', v }}", "{{ v | split: ',' | join: v }}", "{% capture x %}{{ v }}{% endcapture %}{{ x }}",
        "{% assign x = v %}{{ x | strip_html }}", "{{ v | escape_once }}", "{{ v | newline_to_br }}", "{{ v | truncate: 90 }}",
        "{{ v | escape | url_decode }}", "{{ w | base64_decode }}", "{{ v | strip_newlines }}", "{% echo v %}", "{{ list }}",
        "{% for x in list %}{{ x }}{% endfor %}", "{% cycle v, v %}", "{{ v | slice: 0, 99 }}", "{{ v | squish }}", "{{ dict }}",
        "{{ list | first }}{{ list | join }}{{ list | sort | uniq | compact | reverse }}", "{% ifchanged %}{{ v }}{% endifchanged %}",
    ],
)  # fmt: skip
def test_no_way_around_the_escaping(text: str) -> None:
    evil = "<script>alert(1)</script>"
    made = render(text, html=True, v=evil, list=[evil, evil], dict={"a": evil}, w="PHNjcmlwdD5hPC9zY3JpcHQ+")
    assert "<script" not in made


def test_what_is_missing_is_empty() -> None:
    assert render("[{{ profile.a.b }}{{ x | upcase }}{{ y | map: 'z' | join }}{{ z[0].a }}]") == "[]"
    assert render("Hello {{ profile.first_name | default: 'friend' }}", profile={}) == "Hello friend"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one\ntwo {{ x", "line 2: expected '}}', found end of file"),
        ("one\n\n{{ x | shout }}", "line 3: unknown filter 'shout'"),
        ("{% if false %}\n{{ x | shout }}{% endif %}", "line 2: unknown filter 'shout'"),
        ("{% if x %}", "expected tag endif, found end of expression"),
        ("{% include 'other' %}", "line 1: unexpected tag 'include'"),
        ("{% render 'other' %}", "line 1: unexpected tag 'render'"),
        ("{{ x | safe }}", "line 1: unknown filter 'safe'"),
        ("{{" + " " * 100_000, "line 1: more than 200 blanks in a row inside a tag"),
        ("x" * 300_000, "the template has 300000 characters; at most 262144 are allowed"),
        ("{% if x %}" * 40 + "{% endif %}" * 40, "line 1: block nesting limit reached"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, message: str) -> None:
    assert check_template(text) == message


@pytest.mark.parametrize(
    "bomb",
    [
        "{{ (1..100000000) | join }}",
        "{{ (1..100000000) | sort | size }}",
        "{% assign n = 100000000 %}{{ (1..n) | join }}",
        "{% for i in (1..100000000) reversed %}{% endfor %}",
        "{% for i in (1..100000000) limit: 1 %}{% endfor %}",
        "{% if (1..100000000) contains 'x' %}{% endif %}",
        "{% if true and (1..100000000) contains 'x' %}{% endif %}",
        "{% case 1 %}{% when (1..100000000) %}{% endcase %}",
        "{% tablerow i in (1..100000000) %}{% endtablerow %}",
        "{{ 'x' | append: 'y' | default: 'x', allow_false: (1..100000000) }}",
        "{% cycle (1..100000000) %}",
        "{% liquid\nfor i in (1..100000000)\necho i\nendfor %}",
        "{% for i in (1..9000) %}{% for j in (1..9000) %}{% endfor %}{% endfor %}",
        "{% for i in (1..9000) %}{% endfor %}" * 2,
        "{% assign s = 'aaaaaaaaaa' %}" + "{% assign s = s | replace: 'a', s %}" * 10,
        "{% assign s = 'aaaaaaaaaa' %}" + "{% assign s = s | append: s %}" * 40,
        "{% assign s = 'aaaaaaaaaa' %}" + "{% assign s = s | replace: '', s %}" * 10,
        "{% capture s %}aaaaaaaaaa{% endcapture %}" + "{% capture s %}{{ s }}{{ s }}{% endcapture %}" * 40,
        "{% assign n = 99 %}" + "{% assign n = n | times: n %}" * 40,
        "{% assign a = 'a,b' | split: ',' %}" + "{% assign a = a | concat: a %}" * 40,
        "{% assign a = 'a,b' | split: ',' %}" + "{% assign a = a | join: a %}{% assign a = a | split: '' %}" * 40,
        "{% assign s = 'a' %}{% for i in (1..9000) %}{% assign s = s | append: 'aaaaaaaaaaaaaaaaaaaaaaaa' %}{% endfor %}",
        "{% for i in (1..9000) %}" + "x" * 1000 + "{% endfor %}",
        "{% for i in (1..10000) %}{{ i }}" + "{% if true and true %}{% endif %}" * 5000 + "{% endfor %}",
    ],
)
def test_a_bomb_ends_by_counting(bomb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[int] = []
    charge = engine.Context.charge

    def counted(self: engine.Context, work: int) -> None:
        spent.append(work)
        charge(self, work)

    monkeypatch.setattr(engine.Context, "charge", counted)
    problem = check_template(bomb)
    assert problem is not None
    assert "Traceback" not in problem
    # What was really done: everything charged but the last, which was refused before it was done.
    assert sum(spent[:-1]) <= engine.WORK


def test_a_large_honest_template_has_room() -> None:
    rows = [{"name": f"Lamp {number}", "price": 19.5} for number in range(100)]
    text = "<p>" + "x" * 60_000 + "</p>{% for item in items %}<tr><td>{{ item.name | escape }}</td></tr>{% endfor %}"
    assert render(text, html=True, items=rows).count("<tr>") == 100


def test_time_is_the_instant_passed_in() -> None:
    assert render("{{ 'now' | date: '%Y-%m-%d %H:%M' }}") == "2025-03-01 08:00"
    assert render("{{ now }} {{ today | date: '%d' }}") == "2025-03-01T08:00:00.123456Z 01"
    assert render("{{ t | date: '%d.%m.' }}", t="2025-03-02T23:59:00+02:00") == "02.03."
    assert render("{{ t | date: '%Y' }}", t=0) == "1970"
    assert render("{{ t | date: '%H' }}", t="10:00") == "10:00"
    assert render("{{ t | date: '%H' }}{{ nothing | date: '%H' }}", t="no time") == "no time"
    with pytest.raises(TemplateError, match="too long"):
        render("{{ 'now' | date: f }}", f="%Y" * 200)


def test_the_same_values_give_the_same_text() -> None:
    text = "{% for i in items %}{% cycle 'a', 'b' %}{% increment n %}{{ forloop.index }}{% endfor %}"
    assert render(text, items=[1, 2, 3]) == render(text, items=[1, 2, 3]) == "a01b12a23"


ALLOWED = ("workspace", "confirm_url")


@pytest.mark.parametrize(
    "text",
    [
        "{{ workspace.name }}: {{ confirm_url }}", "{% assign x = workspace.name %}{{ x | upcase }}", "no value at all",
        "{% for i in (1..3) %}{{ i }}{{ forloop.index }}{% endfor %}", "{% capture y %}{{ confirm_url }}{% endcapture %}{{ y }}",
        "{{ 'now' | date: '%Y' }}", "{% comment %}{{ profile.name }}{% endcomment %}{% raw %}{{ profile.name }}{% endraw %}",
    ],
)  # fmt: skip
def test_a_template_that_names_what_it_may_is_right(text: str) -> None:
    assert check_template(text, ALLOWED) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\n{{ profile.first_name }}", "line 2: profile.first_name is not to be had here"),
        ("{{ first_name }}", "line 1: first_name is not to be had here"),
        ("{{ traits.email | upcase }}", "line 1: traits.email is not to be had here"),
        ("{% if event.properties.x %}y{% endif %}", "line 1: event.properties.x is not to be had here"),
        ("{% for x in profile.list %}{{ x }}{% endfor %}", "line 1: profile.list is not to be had here"),
        ("{% assign x = event.name %}{{ x }}", "line 1: event.name is not to be had here"),
        ("{{ workspace[profile.key] }}", "line 1: profile.key is not to be had here"),
        ("{{ 'x' | append: profile.name }}", "line 1: profile.name is not to be had here"),
        ("{{ confirm_url | default: event.key }}", "line 1: event.key is not to be had here"),
        ("{% capture z %}{{ key }}{% endcapture %}", "line 1: key is not to be had here"),
        ("{% case journey %}{% when 1 %}{% endcase %}", "line 1: journey is not to be had here"),
        ("{% liquid\necho profile.name %}", "line 2: profile.name is not to be had here"),
        ("{{ ['profile'].name }}", "line 1: profile.name is not to be had here"),
        ("{{ unsubscribe_url }}", "line 1: unsubscribe_url is not to be had here"),
    ],
)  # fmt: skip
def test_a_template_that_names_anything_else_is_wrong(text: str, said: str) -> None:
    assert check_template(text) is None
    assert check_template(text, ALLOWED) == said


@pytest.mark.parametrize(
    "text",
    [
        "{{ profile.name }}{{ traits.name }}{{ event.name }}{{ event.properties.name }}{{ key }}{{ journey }}",
        "{% if false %}{% assign profile = 1 %}{% endif %}{{ profile.name }}",
        "{{ workspace.profile.name }}{{ name }}{{ [workspace.name].name }}",
    ],
)
def test_a_confirmation_is_filled_with_nothing_else_however_it_was_written(text: str) -> None:
    """The check is for authors; what holds is that nothing else is there when it is filled."""
    evil = {"name": "evil", "properties": {"name": "evil"}, "timestamp": 0}
    values = {
        "workspace": {"name": "Shop"},
        "profile": evil,
        "event": evil,
        "key": "evil",
        "journey": "evil",
        "Shop": evil,
    }
    source = MessageSource("m", f"x{text}", f"<p>{text}</p>", f"x{text}", f"x{text}", confirms="p")
    made = render_message(source, values, NOW, "https://x.example/v1/confirm/t")
    assert "evil" not in f"{made.subject}{made.html}{made.text}"
    assert made.headers == ()


def test_a_check_does_not_mind_what_only_missing_values_make_wrong() -> None:
    assert check_template("{{ event.properties.total | divided_by: event.properties.count }}") is None
    assert check_template("{{ profile.code | base64_decode }}") is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
FILTERS = sorted(engine.environment(html=True).filters)


@settings(max_examples=tries(300), deadline=None)
@given(
    json_values, json_values, st.lists(st.sampled_from(FILTERS), min_size=1, max_size=3), st.booleans(), st.booleans()
)
def test_any_value_through_any_filter_gives_text_or_a_template_error(
    value: object, other: object, names: list[str], with_argument: bool, html: bool
) -> None:
    chain = " | ".join(f"{name}: other" if with_argument else name for name in names)
    try:
        made = render(f"{{{{ value | {chain} }}}}", html=html, value=value, other=other)
    except TemplateError as error:
        made = str(error)
    assert isinstance(made, str)


def test_a_cost_is_never_less_than_what_is_made() -> None:
    for name, value, *more in (
        ("replace", "aaaa", "a", "bbbb"), ("join", ["a", "b"], "----"), ("url_encode", "ÿ𝄞"), ("escape", "&&&"),
        ("base64_encode", "aaaa"), ("newline_to_br", "\n\n"), ("append", "a", "bbb"), ("escapejs", "<>&"), ("times", 99, 99),
    ):  # fmt: skip
        call = engine.environment(html=False).filters[name]
        extra = {"environment": engine.environment(html=False)} if getattr(call, "with_environment", False) else {}
        assert filters.size(call(value, *more, **extra)) <= filters.cost(name, value, *more), name
