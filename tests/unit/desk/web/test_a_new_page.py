"""CONTRIBUTING describes a new page: a class with `routes`, and a template. This is one."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from holdgate.desk.templates import Templates
from holdgate.desk.web.guard import Guard
from holdgate.desk.web.pages import Pages
from holdgate.desk.web.session import Sessions
from tests.unit.desk.conftest import MakeDesk

SITE = "https://approve.corp.example"
TEMPLATE = """{% extends "pages/base.html" %}
{% block title %}{{ t("Reason") }}{% endblock %}
{% block content %}<h1>{{ greeting }}</h1>{% endblock %}
"""


class HelloPages:
    """One address."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> list[Route]:
        return [Route("/hello", self.show, methods=["GET"])]

    def show(self, http: HttpRequest) -> Response:
        return self._pages.show(http, "hello", greeting="Hello <everyone>")


def test_a_page_is_a_class_with_routes_and_a_template(make_desk: MakeDesk, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/hello.html").write_text(TEMPLATE)
    desk = make_desk()
    pages = Pages(desk, Templates(tmp_path, desk.zone), Sessions(desk))
    client = TestClient(Guard(Starlette(routes=HelloPages(pages).routes()), SITE, []), base_url=SITE)
    answer = client.get("/hello", headers={"Accept-Language": "de"})
    assert answer.status_code == 200
    assert "<h1>Hello &lt;everyone&gt;</h1>" in answer.text
    assert '<html lang="de"' in answer.text
    # The guard and the base template give what every page has.
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert client.post("/hello").status_code in (403, 405)
