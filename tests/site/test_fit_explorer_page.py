"""FitExplorer in a browser: what the page fits is what bplib fits."""

import json
import re

import explorer_page
import numpy as np
import pytest
from explorer_page import open_page, settled
from test_speed import within

from bplib.widgets import FitExplorer
from bplib.widgets.fit_explorer import GRID, INSIDE

pytestmark = pytest.mark.browser

DRAWN = [0.0, 0.5, 1.0, 1.5, 1.0, 0.5, 0.0, -0.5, -1.0, -1.5, -1.0, -0.5, 0.25]
SETTINGS = [
    {"iterations": 300},
    {"function": "sine", "iterations": 500, "activation": "relu", "seed": 4},
    {"function": "bump", "iterations": 400, "activation": "sigmoid", "hidden": 3},
    {"function": "corner", "iterations": 0, "hidden": 32},
    {"function": "step", "iterations": 200, "momentum": 0.0, "learning_rate": 0.2},
    {"points": DRAWN, "iterations": 300, "hidden": 5},
]
DIVERGES = {"activation": "relu", "learning_rate": 10.0}


@pytest.fixture(scope="module")
def context(browser):
    context = browser.new_context(has_touch=True)
    yield context
    context.close()


def finished(page, number=0):
    """Wait until the run of one explorer is computed; return what it measured."""
    settled(page)  # the words follow the picture
    box = page.locator(".bx").nth(number)
    page.wait_for_function(
        "box => !/computing/.test(box.querySelector('.bx-said').textContent)",
        arg=box.element_handle(),
    )
    return json.loads(box.get_attribute("data-measures"))


@pytest.fixture(scope="module")
def page(context, tmp_path_factory):
    explorers = [FitExplorer(**each) for each in [*SETTINGS, DIVERGES]]
    page = open_page(context, tmp_path_factory.mktemp("page"), *explorers)
    yield page
    assert not page.errors
    page.close()


def off(page, number, setting):
    """Relative differences of loss and errors from bplib's."""
    made = FitExplorer(**setting)
    net, losses = made.run()
    right = [losses[-1], *made.errors(net)]
    shown = finished(page, number)
    names = ["loss", "worst_error", "error_outside"]
    assert (shown["error_outside"] is None) == bool(made.points)
    pairs = [(shown[k], v) for k, v in zip(names, right, strict=True) if v == v]
    return max(abs(a - b) / abs(b) for a, b in pairs)


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_loss_and_errors_on_the_page_are_bplibs(number, page):
    assert off(page, number, SETTINGS[number]) < 1e-8


def test_another_start_would_be_seen(context, tmp_path, monkeypatch):
    right = explorer_page.sources

    def wrong(explorers):
        texts = right(explorers)
        text = texts["fit_explorer.js"]
        assert text.count("(3 * (2 *") == 1
        return {**texts, "fit_explorer.js": text.replace("(3 * (2 *", "(2 * (2 *")}

    monkeypatch.setattr(explorer_page, "sources", wrong)
    page = open_page(context, tmp_path, FitExplorer(**SETTINGS[0]))
    assert off(page, 0, SETTINGS[0]) > 1e-3
    page.close()


def test_the_fit_is_drawn_where_bplib_has_it(page):
    finished(page)
    box = page.locator(".bx-fit").first
    paths = [box.locator("path.bx-forward").nth(k).get_attribute("d") for k in (0, 1)]
    points = [re.findall(r"([\d.]+) (-?[\d.]+)", d) for d in paths]
    outside, inside = (np.array(each, dtype=float) for each in points)
    y = FitExplorer(**SETTINGS[0]).net().forward(GRID[:, None])[:, 0]
    _, _, _, height = box.locator("svg > svg").evaluate(
        "s => [0, 0, s.width.baseVal.value, s.height.baseVal.value]"
    )
    right = (1 - (y + 2) / 4) * height
    assert np.allclose(inside[:, 1], right[INSIDE], atol=0.06)
    assert np.allclose(outside[:, 1], right[abs(GRID) >= 3], atol=0.06)


def test_triangles_mark_where_units_bend(page):
    finished(page)
    d = page.locator(".bx-fit").first.locator("path.bx-bends").get_attribute("d")
    shown = sorted(float(each) for each in re.findall(r"M(-?[\d.]+) ", d))
    first = FitExplorer(**SETTINGS[0]).net().layers[0]
    bends = np.sort((-first.b / first.W)[0])
    bends = bends[abs(bends) < 4]
    area = page.locator(".bx-fit svg > svg").first
    width = area.evaluate("s => s.width.baseVal.value")
    assert np.allclose(shown, (bends + 4) / 8 * width, atol=0.06)


def test_divergence_says_at_which_iteration(page):
    finished(page, len(SETTINGS))
    at = len(FitExplorer(**DIVERGES).run()[1]) + 1  # as bplib counts
    said = page.locator(".bx-said").nth(len(SETTINGS)).inner_text()
    assert f"not a finite number at iteration {at}." in said


def test_drawing_a_curve_and_forgetting_it(context, tmp_path):
    page = open_page(context, tmp_path, FitExplorer(iterations=100))
    forget = page.get_by_role("button", name="Forget my drawing")
    assert forget.is_hidden()
    middle = page.get_by_role("slider", name="target at 0", exact=True)
    middle.focus()
    page.keyboard.press("PageUp")
    finished(page)
    assert float(middle.get_attribute("aria-valuenow")) == pytest.approx(0.4)
    # By pointer: pull the last one to the bottom; between -3 and 3 only.
    last = page.get_by_role("slider", name="target at 3").bounding_box()
    x, y = last["x"] + last["width"] / 2, last["y"] + last["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 400, steps=4)
    page.mouse.up()
    shown = finished(page)
    call = page.locator(".bx-foot code").inner_text()
    made = eval(call, {"FitExplorer": FitExplorer})
    assert made.points[6] == pytest.approx(0.4) and made.points[12] == -2
    assert shown["loss"] == pytest.approx(made.run()[1][-1], rel=1e-8)
    assert page.locator(".bx-truth").get_attribute("d") == ""
    forget.click()
    assert finished(page)["loss"] == pytest.approx(
        FitExplorer(iterations=100).run()[1][-1], rel=1e-8
    )
    assert forget.is_hidden() and "points" not in page.locator("code").inner_text()
    # Who chooses another function sees it, and the handles follow.
    middle.focus()
    page.keyboard.press("ArrowUp")
    page.get_by_label("function").select_option("step")
    finished(page)
    assert page.locator("code").inner_text() == (
        'FitExplorer(function="step", iterations=100)'
    )
    assert float(middle.get_attribute("aria-valuenow")) == 0.8
    assert not page.errors
    page.close()


def test_a_wrong_number_of_points_is_said_and_recovered_from(context, tmp_path):
    wrong = FitExplorer(iterations=50)
    wrong._trait_values["points"] = (1.0, 2.0)  # as no call could make it
    page = open_page(context, tmp_path, wrong)
    assert "13 points are needed" in page.locator(".bx-wrong").inner_text()
    page.get_by_label("function").select_option("sine")
    right = FitExplorer(function="sine", iterations=50).run()[1][-1]
    assert finished(page)["loss"] == pytest.approx(right, rel=1e-9)
    assert page.locator(".bx-wrong").inner_text() == ""
    assert not page.errors
    page.close()


# Milliseconds from the choice of a number of units to the last number of its run.
COMPLETE = """async (hidden) => {
  const box = document.querySelector(".bx");
  const [input] = box.querySelectorAll("input[type=range]");
  const began = performance.now();
  let [changed, measures] = [began, box.dataset.measures];
  input.value = hidden;
  input.dispatchEvent(new Event("input"));
  for (let still = 0; still < 10; still++) { // frames without a change
    await new Promise(requestAnimationFrame);
    if (measures === box.dataset.measures) continue;
    [still, changed, measures] = [0, performance.now(), box.dataset.measures];
  }
  if (changed === began) throw Error("nothing was computed");
  return changed - began;
}"""


def test_a_default_run_is_complete_within_a_second(context, tmp_path):
    page = open_page(context, tmp_path, FitExplorer())
    finished(page)
    hidden = iter((9, 10, 11))
    within({"run": 1000}, lambda: {"run": page.evaluate(COMPLETE, next(hidden))})
    now = page.get_by_label("hidden units", exact=True).input_value()
    assert finished(page)["loss"] == pytest.approx(
        FitExplorer(hidden=int(now)).run()[1][-1], rel=1e-6
    )
    page.close()


def test_the_fit_beyond_the_data_is_drawn_first(context, tmp_path):
    page = open_page(context, tmp_path, FitExplorer(question="And beyond?"))
    beyond = page.locator("path.bx-forward.bx-answer")
    assert not beyond.is_visible()
    assert page.get_by_role("slider", name="target at 0", exact=True).is_hidden()
    handle = page.get_by_role("slider", name="the fit at 4")
    handle.focus()
    page.keyboard.press("PageUp")
    page.get_by_role("button", name="Show me").click()
    beyond.wait_for(state="visible")
    assert page.locator("path.bx-sketch").last.is_visible()
    assert page.get_by_role("slider", name="target at 0", exact=True).is_visible()
    assert not page.errors
    page.close()
