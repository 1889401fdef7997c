"""The viewer, as people use it."""

from __future__ import annotations

import base64
import dataclasses
import json
import re

import pytest

from pytest_nbrepro import baselines, files, notebook
from pytest_nbrepro.assessment import Places, assess, keep_pending
from pytest_nbrepro.cli.lookup import case_of
from pytest_nbrepro.model import Metric, RunStatus

NUMBER = 12


def losses(number):
    """Return flags and a curve of losses that differ from run to run."""
    rate = 10 ** (-4 + number / 4)
    return {"x": number / 4 - 1, "rate": rate, "kind": "ab"[number % 2]}, [
        (step, 1 / (1 + step * (number + 1))) for step in range(10)
    ]


class Project:
    """Runs of a notebook, one that runs still, and values that wait."""

    def __init__(self, root, kit):
        self.root = root
        (root / "pytest.ini").write_text("[pytest]\n")
        maker = kit.Maker(root)
        self.store = maker.store
        image = base64.b64encode(kit.picture(0.0)).decode()
        cells = [
            kit.markdown("# Train"),
            kit.code("x = 1.0", number=0),
            kit.code("print('hello')", kit.printed("hello\n"), kit.shown(image__png=image), number=1),
        ]
        stored = [
            {k: v for k, v in cell.items() if k != "outputs"} | ({"outputs": []} if "outputs" in cell else {})
            for cell in cells
        ]
        files.write_json(
            root / "train.ipynb",
            {"cells": stored, "metadata": {"nbrepro": {}}, "nbformat": 4, "nbformat_minor": 5},
        )
        self.runs = []
        for number in range(NUMBER):
            flags, steps = losses(number)
            run = maker.run("train", cells, {"acc": 0.9}, {"curve.png": kit.picture(number / 4)})
            metrics = {**run.metrics, "loss": Metric(steps[-1][1], cell=1, steps=tuple(steps))}
            run = dataclasses.replace(run, flags=flags, metrics=metrics)
            self.store.write(run)
            self.runs.append(run)
        self.wait(self.runs[-1])
        last = maker.run("train", cells, {}, {}, status=RunStatus.RUNNING)
        self.running = dataclasses.replace(last, duration=None)
        self.store.write(self.running)
        (last.folder / "output.log").write_text("--- cell 1 ---\nepoch 1\n")

    def wait(self, run):
        places = Places(self.root, self.store.folder, self.root / "baselines")
        judged = assess(case_of(run, self.root), run, places)
        keep_pending(judged, places, "new", once=False, fixture=False)


@pytest.fixture
def project(tmp_path, kit, serving):
    made = Project(tmp_path, kit)
    with serving(tmp_path) as address:
        made.address = address
        yield made


@pytest.fixture
def places(project):
    """The addresses of all kinds of pages."""
    one, two, three = (run.id for run in project.runs[-3:])
    return {
        "list": "",
        "run": f"runs/{two}",
        "running": f"runs/{project.running.id}",
        "two": f"compare?run={one}&run={two}",
        "three": f"compare?run={one}&run={two}&run={three}",
        "explore": "explore",
        "waiting": "pending",
        "decide": "pending/train/default",
        "fault": "nothing",
    }


def settled(seen):
    seen.page.wait_for_load_state("networkidle")
    return seen.page


def test_every_page_fits_and_says_nothing(project, places, look):
    for width in (375, 1920):
        for name, place in places.items():
            seen = look(f"{project.address}{place}", width=width)
            page = settled(seen)
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
            said = [text for text in seen.said if name != "fault" or "404" not in text]
            assert (name, said, seen.abroad) == (name, [], [])


def test_a_long_name_of_a_notebook_does_not_widen_a_phone_s_page(project, places, look):
    project.store.write(dataclasses.replace(project.runs[0], notebook=f"{'analysis/' * 9}train.ipynb"))
    for name in ("list", "explore"):
        page = settled(look(f"{project.address}{places[name]}", width=375))
        ends = page.locator(".filter select").evaluate_all(
            "all => all.map(e => e.getBoundingClientRect().right)"
        )
        assert ends
        assert max(ends) <= 375, name
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(project, places, look, serious, scheme):
    for name, place in places.items():
        page = settled(look(f"{project.address}{place}", color_scheme=scheme))
        for details in page.locator("details").all():
            details.evaluate("element => { element.open = true; }")
        page.add_style_tag(content=".case { content-visibility: visible !important; }")
        assert (name, serious(page)) == (name, [])


def test_choosing_and_comparing_by_keys(project, look):
    page = settled(look(project.address))
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("c")
    page.wait_for_url("**/compare?**")
    assert page.locator("h1").inner_text() == "2 runs side by side"
    page.keyboard.press("g")
    page.wait_for_url(project.address)
    page.keyboard.press("/")
    page.keyboard.type("loss<0.05")
    page.keyboard.press("Enter")
    page.wait_for_url("**where=loss%3C0.05**")
    assert page.locator("tbody tr").count() == sum(run.metrics["loss"].value < 0.05 for run in project.runs)


def test_the_list_follows_without_losing_what_is_ticked(project, look):
    page = settled(look(project.address))
    row = page.locator("tbody tr").first
    assert "running" in row.inner_text()
    page.locator("tbody tr").nth(3).get_by_role("checkbox").check()
    page.locator("tbody tr").nth(2).get_by_role("checkbox").focus()
    project.store.write(dataclasses.replace(project.running, status=RunStatus.COMPLETED, duration=3.0))
    page.locator("tbody tr").first.get_by_text("completed").wait_for()
    assert page.locator("tbody tr").nth(3).get_by_role("checkbox").is_checked()
    assert page.evaluate("document.activeElement.value") == project.runs[-2].id


def test_a_run_is_followed_to_its_end(project, look):
    page = settled(look(f"{project.address}runs/{project.running.id}"))
    assert "epoch 1" in page.locator(".log").inner_text()
    with (project.running.folder / "output.log").open("a") as log:
        log.write("epoch 2\n")
    page.get_by_text("epoch 2").wait_for()
    project.store.write(dataclasses.replace(project.running, status=RunStatus.COMPLETED, duration=3.0))
    page.get_by_role("heading", name="Verdict").wait_for()
    frame = page.frame_locator("iframe")
    page.locator("iframe").scroll_into_view_if_needed()
    frame.get_by_text("hello").first.wait_for()


def test_two_figures_lie_one_over_the_other(project, places, look):
    page = settled(look(f"{project.address}{places['two']}"))
    assert page.locator(".chart polyline").count() == 2
    page.get_by_label("Slider").check()
    page.get_by_label("How much of the").fill("30")
    assert page.locator(".compare").evaluate("e => e.style.getPropertyValue('--at')") == "30%"
    shown = page.locator(".sides tr:visible").count()
    page.get_by_label("Only what differs").check()
    assert page.locator(".sides tr:visible").count() < shown


def count(page):
    return int(re.match(r"\d+", page.locator("#count").inner_text())[0])


def test_ranges_choose_runs(project, look):
    page = settled(look(f"{project.address}explore?where=status=completed"))
    assert count(page) == NUMBER
    page.get_by_label("x from").fill("0.5")
    page.get_by_label("x from").press("Tab")
    expected = sum(run.flags["x"] >= 0.5 for run in project.runs)
    assert count(page) == expected == page.locator("#rows tr").count()
    page.get_by_label("Value of kind").select_option(label="a")
    assert count(page) == sum(run.flags["x"] >= 0.5 and run.flags["kind"] == "a" for run in project.runs)
    page.get_by_role("button", name="Clear ranges").click()
    assert count(page) == NUMBER
    page.get_by_label("kind (flag)").uncheck()
    assert "kind" not in page.locator("#head").inner_text()


def test_dragging_along_an_axis_chooses_a_range(project, look):
    page = settled(look(f"{project.address}explore"))
    box = page.locator("#parallel canvas").bounding_box()
    x, top = box["x"] + 70, box["y"] + 34
    page.mouse.move(x, top + 5)
    page.mouse.down()
    page.mouse.move(x, top + 150)
    page.mouse.up()
    assert 0 < count(page) < NUMBER
    assert page.get_by_label("x from").input_value()
    page.mouse.click(x, top + 200)
    assert count(page) >= NUMBER


def test_dragging_over_a_field_chooses_two_ranges(project, look):
    page = settled(look(f"{project.address}explore"))
    page.locator("#scatter canvas").evaluate("canvas => canvas.scrollIntoView()")
    box = page.locator("#scatter canvas").bounding_box()
    field = (box["width"] - 58) / 4
    x, y = box["x"] + 58 + 3 * field, box["y"]
    page.mouse.move(x + 10, y + 10)
    page.mouse.down()
    page.mouse.move(x + field / 2, y + field - 10)
    page.mouse.up()
    assert 0 < count(page) < NUMBER
    page.keyboard.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.goto(project.address)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_accepting(project, places, look):
    page = settled(look(f"{project.address}{places['decide']}"))
    page.get_by_role("button", name="Accept what is ticked").click()
    assert page.url.endswith("pending/train/default")  # the browser asks for a reason
    page.get_by_label("Why the new values are right").fill("the first ones")
    page.get_by_role("button", name="Accept what is ticked").click()
    page.wait_for_url("**/pending")
    assert "accepted train.ipynb::default" in page.locator("main").inner_text()
    accepted = baselines.read(project.root / "baselines/train/default")
    assert accepted.metrics["acc"].value == 0.9


def test_rejecting(project, places, look):
    page = settled(look(f"{project.address}{places['decide']}"))
    page.get_by_role("button", name="Reject").click()
    page.wait_for_url("**/pending")
    assert "Nothing waits" in page.locator("main").inner_text()
    assert not (project.root / "baselines").exists()


def test_notebooks_side_by_side(project, look):
    one, two = project.runs[:2]
    path = two.folder / "notebook.ipynb"
    changed = json.loads(path.read_text())
    changed["cells"][2]["outputs"][0]["text"] = "bye\n"
    path.write_text(json.dumps(changed))
    seen = look(f"{project.address}diff?a={one.id}&b={two.id}")
    seen.page.get_by_text("bye").first.wait_for()
    assert (seen.said, seen.abroad) == ([], [])


def test_without_javascript_all_but_drawings_is_there(project, places, look):
    for name, place in places.items():
        page = look(f"{project.address}{place}", javascript=False).page
        assert page.locator("h1").inner_text()
        if name == "explore":
            assert "need JavaScript" in page.locator("main").inner_text()
    page = look(f"{project.address}", javascript=False).page
    for row in (1, 2):
        page.locator("tbody tr").nth(row).get_by_role("checkbox").check()
    page.get_by_role("button", name="Compare chosen").click()
    assert page.locator("h1").inner_text() == "2 runs side by side"


def test_a_viewer_that_ended_is_told(tmp_path, kit, serving, look):
    made = Project(tmp_path, kit)
    with serving(tmp_path) as address:
        seen = look(address)
        settled(seen)
    seen.page.get_by_text("The viewer has ended").wait_for()
    assert made.runs
    assert notebook.read(tmp_path / "train.ipynb").cells
