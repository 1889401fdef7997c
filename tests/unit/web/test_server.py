"""Who is let in, and what every answer says."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from pytest_nbrepro.errors import StoreError
from pytest_nbrepro.web.server import serve


@pytest.mark.parametrize("place", ["/", "/tokem/", "/token", "/runs/x", "/tok%65n/../", "/token.//"])
def test_without_the_token_nothing_is_told(visit, place):
    page = visit(place)
    assert page.status == 403
    assert b"html" not in page.body


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "", "127.0.0.2"]
)
def test_a_name_that_another_site_made_point_here_is_refused(visit, host):
    assert visit(Host=host).status == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:9", "127.0.0.1:1", "[::1]:5"])
def test_any_port_may_lead_here(visit, host):
    assert visit(Host=host).status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:1"])
def test_a_form_must_be_of_a_page_from_here(bench, visit, origin):
    bench.waiting()
    page = visit("pending/train/default", form={"do": "reject"}, Origin=origin)
    assert page.status == 403
    assert "not of a page from here" in page.said
    assert bench.tree(".nbrepro/pending")


def test_only_what_can_be_decided_takes_forms(visit):
    assert visit("", form={"a": "b"}).status == 405


def test_what_every_answer_says(visit):
    page = visit()
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cache-Control"] == "no-store"
    assert "Server" not in page.headers
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    "place", ["nothing", "runs/../../x", "runs/none", "files/abc/x", "notebooks/abc", "runs/x/log"]
)
def test_what_there_is_not(visit, place):
    page = visit(place)
    assert page.status in {403, 404}


def test_browsers_ask_for_an_icon(visit):
    assert visit("/favicon.ico").status == 204


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StoreError, match="in use") as caught:
            serve(None, port, print)
    assert caught.value.where == f"port {port}"
    assert "--port" in caught.value.hint


def test_only_files_that_a_page_showed_can_be_asked_for(bench, visit, tmp_path):
    run = bench.run(log="printed\n")
    (run.folder / "files").mkdir()
    (run.folder / "files/evil.js").write_text("alert(1)")
    (run.folder / "files/evil.svg").write_text(
        "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"
    )
    (tmp_path / "secret").write_text("secret")
    (run.folder / "files/out").symlink_to(tmp_path / "secret")
    page = visit(f"runs/{run.id}")
    links = {a.get_text(): a["href"] for a in page.soup.select(".files a")}
    assert set(links) == {"environment.json", "files/evil.js", "files/evil.svg", "output.log", "run.json"}
    script = visit(links["files/evil.js"])
    assert (script.status, script.body) == (200, b"alert(1)")
    assert script.headers["Content-Type"] == "application/octet-stream"
    assert script.headers["Content-Disposition"] == 'attachment; filename="evil.js"'
    assert "sandbox" in script.headers["Content-Security-Policy"]
    drawing = visit(links["files/evil.svg"])
    assert drawing.headers["Content-Type"] == "image/svg+xml"
    assert "script-src" not in drawing.headers["Content-Security-Policy"]
    assert "default-src 'none'; sandbox" in drawing.headers["Content-Security-Policy"]
    (run.folder / "files/evil.js").unlink()
    (run.folder / "files/evil.js").symlink_to(tmp_path / "secret")
    assert visit(links["files/evil.js"]).status == 404


def test_a_large_file_arrives_whole(bench, visit):
    run = bench.run()
    (run.folder / "files").mkdir()
    (run.folder / "files/large.bin").write_bytes(bytes(range(256)) * 20_000)
    links = {a.get_text(): a["href"] for a in visit(f"runs/{run.id}").soup.select(".files a")}
    assert visit(links["files/large.bin"]).body == bytes(range(256)) * 20_000


def test_the_address_is_of_this_machine_alone(visit):
    assert urlsplit(visit.base).hostname == "127.0.0.1"
