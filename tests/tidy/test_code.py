"""House rules that no linter knows: sizes, names, the clock, sleeping tests, files that nobody needs."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.tidy.house import ROOT, files, text

MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
BANNED_NAMES = {
    "utils",
    "util",
    "common",
    "helpers",
    "helper",
    "manager",
    "managers",
    "service",
    "services",
    "base",
    "misc",
    "lib",
}
CLOCKS = re.compile(
    r"\btime\.(time|time_ns|monotonic|monotonic_ns|localtime|gmtime)\(|\bdatetime\.(now|utcnow|today)\(|\bdate\.today\("
)
SLEEPS = re.compile(r"\bsleep\((?!0\))")  # sleep(0) gives others a turn and waits for nothing.
NEEDED_BY_NAME = {"__init__", "__main__", "conftest", "app", "allowed_unused"}


def python(*folders: str) -> list[Path]:
    return [path for path in files(".py") if path.parts[0] in folders]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(text(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def test_files_are_short() -> None:
    lengths = {
        str(path): len(text(path).splitlines())
        for path in files(".py", ".html", ".css", ".js")
        if "static/vendor" not in str(path)
    }
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


def test_functions_fit_a_screen() -> None:
    long = [
        f"{name}: {lines} lines"
        for path in python("src")
        for name, lines in functions(path)
        if lines > MOST_LINES_OF_A_FUNCTION
    ]
    assert long == []


def test_names_say_something() -> None:
    named = [path for path in files(".py") if {*path.with_suffix("").parts} & BANNED_NAMES]
    versioned = [
        path
        for path in files(".py")
        if re.search(r"(^|_)(v[0-9]+|old|new[0-9]*|step_?[0-9]+)$", path.stem, re.IGNORECASE)
    ]
    assert named + versioned == []


def test_only_app_reads_the_clock() -> None:
    readers = [
        f"{path}:{number}: {line.strip()}"
        for path in python("src")
        if path != Path("src/tactful/app/clocks.py")
        for number, line in enumerate(text(path).splitlines(), 1)
        if CLOCKS.search(line)
    ]
    assert readers == []


def test_tests_do_not_sleep() -> None:
    sleepers = [
        f"{path}:{number}: {line.strip()}"
        for path in python("tests")
        if path.parts[1] != "tidy"
        for number, line in enumerate(text(path).splitlines(), 1)
        if SLEEPS.search(line)
    ]
    assert sleepers == []


def test_modules_open_with_their_theory() -> None:
    silent = [
        str(path)
        for path in python("src", "benchmarks")
        if text(path).strip() and ast.get_docstring(ast.parse(text(path))) is None
    ]
    assert silent == []


def test_no_file_is_dead() -> None:
    """Every module of the package is imported by another one, or is where something begins."""
    modules = {".".join(path.with_suffix("").parts[1:]) for path in python("src") if path.stem not in NEEDED_BY_NAME}
    imported = {name for path in python("src", "tests", "benchmarks", "examples") for name in imports(path)}
    assert sorted(modules - imported) == []


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(text(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_silenced_rule_says_why() -> None:
    """`noqa` and `type: ignore` name their rule, and a sentence stands behind them or above."""
    bare = []
    for path in python("src", "tests", "benchmarks", "examples"):
        lines = text(path).splitlines()
        for number, line in enumerate(lines, 1):
            silenced = re.search(r"#\s*(noqa|type:\s*ignore)(.*)", line)
            if silenced is None or path.parts[:2] == ("tests", "tidy"):
                continue
            has_reason = re.search(r"(\]|[A-Z]+[0-9]+)\s*[-#–:(]+\s*\w+", silenced[2]) or (
                number > 1 and lines[number - 2].strip().startswith("#")
            )
            if not has_reason:
                bare.append(f"{path}:{number}: {line.strip()}")
    assert bare == []


def test_every_ignored_lint_rule_says_why() -> None:
    rules = text(Path("pyproject.toml")).split("[tool.ruff.lint]")[1].split("[tool.ruff.lint.isort]")[0]
    lines = [line for line in rules.splitlines() if re.match(r'\s+"[A-Z]+[0-9]*",', line)]
    assert len(lines) > 10
    assert [line for line in lines if "#" not in line] == []


def test_lock_files_hold_what_the_project_asks_for() -> None:
    """A dependency that was added without `make lock` would be missing from everybody's environment."""
    project = tomllib.loads(text(Path("pyproject.toml")))["project"]
    wanted = {
        "requirements.lock": project["dependencies"],
        "requirements-dev.lock": [*project["dependencies"], *project["optional-dependencies"]["dev"]],
    }
    for lock, requirements in wanted.items():
        body = (ROOT / lock).read_text()
        assert "://" not in body, f"{lock} names a host"
        locked = set(re.findall(r"^([a-z0-9._-]+)==", body, re.MULTILINE))
        asked = {re.split(r"[<>=!~\[; ]", requirement)[0].lower().replace("_", "-") for requirement in requirements}
        assert asked - locked == set(), f"run `make lock`: {lock} lacks these"
