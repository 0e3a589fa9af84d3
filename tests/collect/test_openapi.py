"""The description names the routes that there are, and each answer that it promises has been seen."""

from tactful.web import collect
from tactful.web.collect_openapi import COMPONENTS, PATHS
from tactful.web.openapi import document


def test_every_route_is_described() -> None:
    described = {path for path in PATHS if "{" not in path}
    long_forms = {path for path in collect._POSTED if len(path) > len("/v1/x")} - {"/v1/import"}
    assert described == long_forms | {"/sourceConfig/"}


def test_every_reference_leads_somewhere() -> None:
    for path in PATHS.values():
        for content in [path["post"]["requestBody"]["content"]] if "post" in path else []:
            name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
            assert name in COMPONENTS["schemas"]


def test_the_whole_description_is_served_with_the_read_api() -> None:
    whole = document()
    assert whole["openapi"].startswith("3.1")
    assert {"/v1/track", "/v1/consent", "/v1/explain/{id}", "/healthz"} <= set(whole["paths"])
    used = {
        name
        for path in whole["paths"].values()
        for one in path.values()
        if isinstance(one, dict)
        for each in one.get("security", [])
        for name in each
    }
    assert used <= set(whole["components"]["securitySchemes"])
