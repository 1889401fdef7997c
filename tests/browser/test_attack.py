"""A report of a notebook that was made to attack whoever looks at it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pytest_nbrepro.reports import notebooks, shelf


class Evil:
    """A server that nobody may ask for anything."""

    def __init__(self):
        self.hits = hits = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                hits.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def evil():
    server = Evil()
    yield server
    server.close()


def attacks(evil):
    run = "top.pwned = window.pwned = 1; alert(1)"
    return f"""
<script>{run}</script><script src="{evil.address}/script.js"></script>
<img src="{evil.address}/pixel.png" onerror="{run}"><img src=x onerror="{run}">
<svg onload="{run}"><script>{run}</script><image href="{evil.address}/svg.png"/></svg>
<a id="link" href="javascript:{run}">run</a> <a id="leave" href="{evil.address}/link">leave</a>
<a href="{evil.address}/top" target="_top">top</a>
<meta http-equiv="refresh" content="0;url={evil.address}/refresh">
<style>@import "{evil.address}/import.css"; body {{ background: url({evil.address}/style.png) }}</style>
<p style="background: url({evil.address}/inline.png)">x</p>
<link rel="stylesheet" href="{evil.address}/link.css"><link rel="prefetch" href="{evil.address}/prefetch">
<iframe src="{evil.address}/frame"></iframe><iframe srcdoc="<script>{run}</script>"></iframe>
<object data="{evil.address}/object"></object><embed src="{evil.address}/embed">
<video src="{evil.address}/video" autoplay></video><audio src="{evil.address}/audio" autoplay></audio>
<form id="form" action="{evil.address}/form"><input autofocus onfocus="{run}"><button>send</button></form>
<base href="{evil.address}/"><details open ontoggle="{run}">x</details>
</main></body></html></iframe>"'><script>{run}</script>
"""


SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90" onload="{run}"><script>{run}</script><image href="{at}/in.png" width="9" height="9"/><rect width="{size}" height="50"/></svg>'


@pytest.fixture(scope="module")
def attacked(tmp_path_factory, evil, kit):
    """The page of a report: what the notebook shows, prints, writes, and what everything is called."""

    def build(name):
        maker = kit.Maker(tmp_path_factory.mktemp(name))
        html = attacks(evil)
        tag = f"</script><img src={evil.address.removeprefix('http:')} onerror=alert(1)>"
        cells = [
            kit.markdown(f"# x\n\n{html}\n\n![x]({evil.address}/markdown.png) [y](javascript:alert(1))"),
            kit.code(
                html,
                kit.printed(html),
                kit.shown(text__html=html, text__plain=html),
                kit.shown(text__latex=html),
                number=1,
            ),
            kit.code(
                "1",
                kit.shown(**{"image/svg+xml": SVG.format(run="alert(1)", at=evil.address, size=1)}),
                number=2,
            ),
            kit.code("2", kit.shown(**{"application/javascript": "alert(1)", "text/plain": "x"}), number=3),
        ]

        def made(size):
            svg = SVG.format(run="alert(1)", at=evil.address, size=size).encode()
            written = {
                "plot.svg": svg,
                f"a{tag.replace('/', '_')}.txt": f"{html}{size}".encode(),
                "page.html": f"{html}{size}".encode(),
            }
            return cells, {tag: float(size)}, written

        maker.accept("evil", *made(10))
        maker.judge("evil", *made(60))
        maker.sheets[0]["record"]["case"] = f"evil{tag}.ipynb::default"
        return maker.write()

    return build


def opened(seen):
    """Open all there is, and return the frame of the notebook."""
    for details in seen.page.locator("details").all():
        details.evaluate("element => { element.open = true; }")
    seen.page.locator("iframe").scroll_into_view_if_needed()
    frame = seen.page.frame_locator("iframe")
    frame.locator("#leave").first.wait_for()
    return frame


def clicked(seen, frame):
    """Click the links of the notebook, as a person does, and see whether anything came of it."""
    for link in ("#link", "#leave"):
        frame.locator(link).first.click()
    seen.page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 200)))")
    assert seen.page.evaluate("window.pwned") is None
    assert not [said for said in seen.said if said.startswith("dialog")]
    assert seen.page.url.startswith("file:")


def test_it_does_nothing_and_says_nothing(attacked, evil, look):
    seen = look(attacked("inert"))
    frame = opened(seen)
    assert seen.said == []
    assert seen.abroad == []
    assert len(seen.page.frames) == 2
    assert seen.page.locator("article.case h3").inner_text().startswith("evil</script><img")
    clicked(seen, frame)
    assert frame.locator("#leave").first.is_visible()
    assert seen.abroad == []
    assert evil.hits == []


def test_frame_and_policy_hold_without_the_cleaning(attacked, evil, look, monkeypatch):
    monkeypatch.setattr(notebooks, "inert", lambda html: html)
    seen = look(attacked("raw"))
    clicked(seen, opened(seen))
    assert evil.hits == []


def test_nor_does_a_notebook_that_lies_beside_the_page(attacked, evil, look, monkeypatch):
    monkeypatch.setattr(shelf, "_NOTEBOOK", 0)
    page = attacked("beside")
    (notebook,) = page.parent.glob("files/*-notebook.html")
    seen = look(notebook)
    assert seen.page.get_by_role("heading", name="x", exact=True).first.is_visible()
    assert seen.said == []
    assert evil.hits == []


def test_nor_does_it_in_the_viewer(attacked, evil, look, serving):
    root = attacked("viewer").parents[1]
    (root / "pytest.ini").write_text("[pytest]\n")
    one, other = sorted((root / ".nbrepro/runs").iterdir())
    (root / "evil.ipynb").write_bytes((other / "notebook.ipynb").read_bytes())
    with serving(root) as address:
        for place in ("", f"compare?run={one.name}&run={other.name}", "explore", f"runs/{other.name}"):
            seen = look(f"{address}{place}")
            seen.page.wait_for_load_state("networkidle")
            assert (seen.said, seen.abroad, evil.hits) == ([], [], [])
        frame = opened(seen)
        for link in ("#link", "#leave"):
            frame.locator(link).first.click()
        seen = look(f"{address}diff?a={one.name}&b={other.name}")
        seen.page.locator(".jp-Notebook-diff, .jp-Cellrow-source").first.wait_for()
        assert not seen.page.locator("#nbdime-trust").is_visible()  # it would let a notebook lead away
        seen.page.evaluate("() => new Promise(done => setTimeout(done, 500))")
        assert seen.page.evaluate("window.pwned") is None
        assert not [said for said in seen.said if said.startswith("dialog")]
        assert evil.hits == []
