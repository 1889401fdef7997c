"""The page of a report, as people use it."""

from __future__ import annotations

import pytest

CURVE = "analysis/curve.ipynb::default"
BAD = 4  # cases that fail
ALL = 7


def section(page, name=CURVE):
    return page.locator("article.case", has=page.get_by_role("heading", name=name, exact=True))


def visible(page):
    return page.locator(".list tbody tr:visible th").all_inner_texts()


def test_it_opens_without_a_word_and_asks_nobody(made, look):
    seen = look(made.page)
    for details in seen.page.locator("details").all():
        details.evaluate("element => { element.open = true; }")
    seen.page.locator("iframe").first.scroll_into_view_if_needed()
    seen.page.frame_locator("iframe").first.locator("main").wait_for()
    for image in seen.page.locator("img").all():
        assert image.evaluate("image => { image.loading = 'eager'; return image.decode().then(() => true); }")
    assert seen.said == []
    assert seen.abroad == []


def test_the_worst_is_first_and_leads_to_its_section(made, look):
    page = look(made.page).page
    names = visible(page)
    assert len(names) == ALL
    assert names.index(CURVE) < BAD <= names.index("close.ipynb::default")
    assert names.index("close.ipynb::default") < names.index("steady.ipynb::default")
    page.get_by_role("link", name="steady.ipynb::default").click()
    steady = section(page, "steady.ipynb::default")
    assert steady.locator("details").first.get_attribute("open") is not None
    assert steady.get_by_text("2 stored runs").or_(steady.locator(".metrics")).first.is_visible()


def test_the_filter(made, look):
    page = look(made.page).page
    count = page.locator("#shown")
    page.get_by_label("Name").fill("curve ANALYSIS")
    assert visible(page) == [CURVE]
    assert count.inner_text() == f"1 of {ALL} shown"
    assert page.locator("article.case:visible").count() == 1
    page.get_by_label("Name").fill("nothing is called so")
    assert page.get_by_text("No case is like that").is_visible()
    page.get_by_label("Name").press("Escape")
    assert len(visible(page)) == ALL
    page.get_by_label("Status").select_option("bad")
    assert len(visible(page)) == BAD
    page.get_by_label("Status").select_option("skipped")
    assert visible(page) == ["skipped.ipynb::default"]
    page.get_by_label("Status").select_option("")
    page.get_by_label("Failing check").select_option("table")
    assert visible(page) == [CURVE]


def test_the_slider(made, look):
    page = look(made.page).page
    figure = section(page).locator(".compare").first
    assert not figure.get_by_role("slider").is_visible()
    figure.get_by_label("Slider").check()
    slider = figure.get_by_role("slider")
    new = figure.locator(".new .sheet")
    assert "50%" in new.evaluate("e => getComputedStyle(e).clipPath")
    slider.focus()
    for _ in range(10):
        slider.press("ArrowRight")
    assert "60%" in new.evaluate("e => getComputedStyle(e).clipPath")
    boxes = [figure.locator(f".{side} img").bounding_box() for side in ("old", "new")]
    assert boxes[0] == boxes[1]


def test_blinking_and_tiles(made, look):
    page = look(made.page).page
    figure = section(page).locator(".compare").first
    new = figure.locator(".new")
    figure.get_by_label("Blink").check()
    assert new.evaluate("e => getComputedStyle(e).animationName") == "blink"
    page.wait_for_function("e => getComputedStyle(e).visibility === 'hidden'", arg=new.element_handle())
    page.wait_for_function("e => getComputedStyle(e).visibility === 'visible'", arg=new.element_handle())
    figure.get_by_label("Tiles that differ").check()
    assert figure.locator(".heat rect").first.is_visible()
    assert not figure.locator(".old").is_visible()
    figure.get_by_label("Side by side").check()
    left, right = (figure.locator(f".{side} img").bounding_box() for side in ("old", "new"))
    assert left["x"] + left["width"] <= right["x"]
    assert not figure.locator(".heat").is_visible()


def test_keys(made, look):
    page = look(made.page).page
    page.keyboard.press("/")
    page.keyboard.type("steady")
    assert visible(page) == ["steady.ipynb::default"]
    page.keyboard.press("Escape")
    focused = "document.activeElement.closest('article.case').querySelector('h3').textContent"
    names = visible(page)
    page.keyboard.press("j")
    assert page.evaluate(focused) == names[0]
    for _ in range(BAD):
        page.keyboard.press("j")
    assert page.evaluate(focused) == names[BAD]
    page.keyboard.press("k")
    page.keyboard.press("p")
    assert page.evaluate(focused) == names[BAD - 2]
    opened = page.evaluate("document.activeElement.closest('details').open")
    page.keyboard.press("o")
    assert page.evaluate("document.activeElement.closest('details').open") is not opened
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()


def test_light_and_dark(made, look):
    light, dark = (look(made.page, color_scheme=scheme).page for scheme in ("light", "dark"))
    shade = "getComputedStyle(document.body).backgroundColor"
    one, other = light.evaluate(shade), dark.evaluate(shade)
    assert one != other
    light.get_by_role("button", name="Dark").click()
    assert light.evaluate(shade) == other
    light.keyboard.press("t")
    assert light.evaluate(shade) == one


@pytest.mark.parametrize("width", [375, 1920])
def test_the_page_never_scrolls_sideways(made, look, width):
    page = look(made.page, width=width).page
    for details in page.locator("details").all():
        details.evaluate("element => { element.open = true; }")
    for mode in ("side", "slide", "blink", "heat"):
        page.locator(f"input[value={mode}]").first.check()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), mode
    cut = """() => [...document.querySelectorAll('main *')].filter(e => {
        const box = e.getBoundingClientRect();
        return box.width && box.right > innerWidth + 1 && !e.closest('.scroll, pre, iframe, svg, .unseen');
    }).map(e => e.outerHTML.slice(0, 200))"""
    assert page.evaluate(cut) == []


def test_without_javascript(made, look):
    seen = look(made.page, javascript=False)
    page = seen.page
    assert len(visible(page)) == ALL
    assert not page.get_by_label("Name").is_visible()
    curve = section(page)
    assert curve.locator("img").first.is_visible()
    assert curve.locator(".excerpt").is_visible()
    curve.get_by_label("Tiles that differ").check()
    assert curve.locator(".heat rect").first.is_visible()
    assert not curve.get_by_label("Slider").is_visible()
    page.get_by_role("link", name="steady.ipynb::default").click()
    section(page, "steady.ipynb::default").locator(".metrics").wait_for()


def test_the_executed_notebook(made, look):
    page = look(made.page).page
    curve = section(page)
    curve.get_by_text("Executed notebook", exact=True).click()
    frame = curve.frame_locator("iframe")
    frame.get_by_role("heading", name="On curves").wait_for()
    assert frame.locator("math").count() == 2
    fraction = frame.locator("math[display=block]").bounding_box()
    assert fraction["width"] > 20
    assert frame.locator("img").first.evaluate("image => image.naturalWidth") == 360


def test_files_can_be_downloaded(made, look):
    page = look(made.page, accept_downloads=True).page
    curve = section(page)
    curve.get_by_text("Files", exact=True).click()
    links = {link.inner_text(): link.get_attribute("href") for link in curve.locator(".files a").all()}
    assert {"executed notebook", "scores.csv, baseline", "scores.csv, result"} <= links.keys()
    for address in links.values():
        assert (made.page.parent / address).is_file()


def test_printing_shows_what_fails(made, look):
    page = look(made.page).page
    section(page).locator("summary").first.click()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert section(page).locator(".metrics").is_visible()
    assert not page.get_by_label("Name").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert section(page).locator("details").first.get_attribute("open") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(made, look, serious, scheme):
    page = look(made.page, color_scheme=scheme).page
    for details in page.locator("details:not(.notebook)").all():
        details.evaluate("element => { element.open = true; }")
    page.add_style_tag(content=".case { content-visibility: visible !important; }")
    assert serious(page) == []
