"""`tactful simulate`: what it reads of a project, and what it says of what cannot be."""

from pathlib import Path

from tactful.app.application import Application
from tactful.cli.simulating import door_of, products_of
from tactful.shoppers.catalogue import Product
from tests.cli.conftest import Run

SHOP = Path("examples/shop")


def test_the_shop_is_spoken_to_as_it_asks_for() -> None:
    door = door_of(Application().settings(SHOP), SHOP)
    assert door.browser_key != door.server_key
    assert door.token_secret
    assert door.categories[door.required] == "analytics"
    assert door.mail_purposes == ("email_marketing",)
    assert {"Product Viewed", "Product Added", "Order Completed"} <= door.planned


def test_a_new_project_is_spoken_to_as_well(project: Path) -> None:
    door = door_of(Application().settings(project), project)
    assert door.browser_key
    assert door.server_key
    assert door.mail_purposes == ("email_marketing",)
    assert len(products_of(project, 7)) == 120
    assert products_of(project, 7) == products_of(project, 7) != products_of(project, 8)


def test_catalogues_are_read_from_files_of_several_kinds(tmp_path: Path) -> None:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "a.csv").write_text("sku,title,category,price\na,A,Chairs,12.5\nb,B,Chairs,free\n")
    (folder / "b.jsonl").write_text('{"product_id": "c", "name": "C", "category": "Lights", "price": 3}\n')
    (folder / "c.yaml").write_text("products:\n  - {id: d, name: D, category: Lights, price: 4}\n")
    (folder / "d.json").write_text('[{"id": "e", "name": "E", "category": "Lights", "price": 5}]')
    (folder / "notes.txt").write_text("nothing")
    assert products_of(tmp_path, 7) == (
        Product("a", "A", "Chairs", 12.5),
        Product("c", "C", "Lights", 3),
        Product("d", "D", "Lights", 4),
        Product("e", "E", "Lights", 5),
    )


def test_what_cannot_be_is_said(run: Run, project: Path) -> None:
    said = run("simulate", "--project", project, "--fast", "--truth")
    assert said.exit_code == 1
    assert "leave one of the two out" in said.output
    said = run("simulate", "--project", project, "--for", "soon")
    assert said.exit_code == 1
    assert "no duration" in said.output
