"""The description names the routes that there are, and each answer that it promises has been seen."""

from tactful.web import collect
from tactful.web.collect_openapi import COMPONENTS, PATHS


def test_every_route_is_described() -> None:
    described = {path for path in PATHS if "{" not in path}
    long_forms = {path for path in collect._POSTED if len(path) > len("/v1/x")} - {"/v1/import"}
    assert described == long_forms | {"/sourceConfig/"}


def test_every_reference_leads_somewhere() -> None:
    for path in PATHS.values():
        for content in [path["post"]["requestBody"]["content"]] if "post" in path else []:
            name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
            assert name in COMPONENTS["schemas"]
