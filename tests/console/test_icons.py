"""One set of icons, and of it only those that are used; what is drawn or written with comes with its licence."""

import re
from pathlib import Path

WEB = Path(__file__).parents[2] / "src" / "tactful" / "web"
STATIC = WEB / "static"
NAME = re.compile(r"""["']([a-z][a-z0-9-]*)["']""")


def drawn() -> set[str]:
    return set(re.findall(r'<symbol id="([a-z0-9-]+)"', (STATIC / "icons.svg").read_text(encoding="utf-8")))


def named() -> set[str]:
    """Every word in quotes of templates, rooms and scripts: an icon's name may come from a table."""
    files = [*WEB.rglob("*.html"), *(WEB / "console").rglob("*.py"), *STATIC.glob("*.js")]
    return {name for file in files for name in NAME.findall(file.read_text(encoding="utf-8"))}


def asked() -> set[str]:
    """Those that a template asks for by name."""
    texts = [file.read_text(encoding="utf-8") for file in WEB.rglob("*.html")]
    return {name for text in texts for name in re.findall(r'icon\("([a-z0-9-]+)"\)', text)}


def test_no_icon_is_there_for_nothing() -> None:
    assert drawn() - named() == set()


def test_every_icon_that_is_asked_for_is_there() -> None:
    assert len(asked()) > 10
    assert asked() - drawn() == set()


def test_what_others_made_comes_with_its_licence() -> None:
    assert "ISC License" in (STATIC / "icons.LICENSE").read_text(encoding="utf-8")
    for face in (STATIC / "fonts").glob("*.woff2"):
        assert "SIL Open Font License" in face.with_suffix(".LICENSE").read_text(encoding="utf-8")
