"""NeuronExplorer in a browser: output, slope and pictures are those of bplib."""

import json
import re

import explorer_page
import numpy as np
import pytest
from explorer_page import open_page, settled

from bplib.widgets import NeuronExplorer

pytestmark = pytest.mark.browser

SETTINGS = [
    {"activation": activation, "inputs": inputs, "w1": w1, "w2": -0.8, "bias": bias}
    for activation in ("identity", "sigmoid", "tanh", "relu")
    for inputs, w1, bias in (("one", 2.5, 0.3), ("two", -1.7, 0.4))
] + [{}, {"w1": 10.0, "x1": 5.0}, {"w1": 0.0, "activation": "relu"}]


@pytest.fixture(scope="module")
def context(browser):
    context = browser.new_context(has_touch=True)
    yield context
    context.close()


@pytest.fixture(scope="module")
def page(context, tmp_path_factory):
    explorers = [NeuronExplorer(**each) for each in SETTINGS]
    page = open_page(context, tmp_path_factory.mktemp("page"), *explorers)
    yield page
    assert not page.errors
    page.close()


def measured(page, number=0):
    settled(page)
    return json.loads(page.locator(".bx").nth(number).get_attribute("data-measures"))


def differences(page):
    """Largest difference of each measure from bplib, over all explorers of a page."""
    found = {}
    for number, setting in enumerate(SETTINGS):
        neuron = NeuronExplorer(**setting)
        z, y, slope, dx = neuron.at(neuron.point())
        right = {"z": z, "output": y, "slope": slope, "gradient": np.linalg.norm(dx)}
        shown = measured(page, number)
        for name, value in right.items():
            off = abs(shown[name] - value.item()) / max(1e-3, abs(value.item()))
            found[name] = max(found.get(name, 0), off)
    return found


def test_numbers_at_the_point_are_bplibs(page):
    assert max(differences(page).values()) < 1e-12, differences(page)


def test_a_wrong_slope_would_be_seen(context, tmp_path, monkeypatch):
    right = explorer_page.sources

    def wrong(explorers):
        texts = right(explorers)
        assert texts["net.js"].count("dy[i] * y[i] * (1 - y[i])") == 1
        text = texts["net.js"].replace("y[i] * (1 - y[i])", "(1 - y[i])")
        return {**texts, "net.js": text}

    monkeypatch.setattr(explorer_page, "sources", wrong)
    page = open_page(context, tmp_path, *[NeuronExplorer(**each) for each in SETTINGS])
    off = differences(page)
    assert off["slope"] > 0.1 and off["gradient"] > 0.1 and off["output"] < 1e-12
    page.close()


def curve(page, number, selector):
    d = page.locator(".bx").nth(number).locator(selector).first.get_attribute("d")
    return np.array(re.findall(r"(-?[\d.]+) (-?[\d.]+)", d), dtype=float)


@pytest.mark.parametrize("number", [0, 2, 4, 6, 9])
def test_curves_have_the_heights_of_bplib(page, number):
    neuron = NeuronExplorer(**SETTINGS[number])
    x = np.linspace(-5, 5, 401)[:, None]
    _, y, _, dx = neuron.at(x)
    box = page.locator(".bx").nth(number)
    second = ".bx-main ~ .bx-main path.bx-backward"
    for selector, right in (("path.bx-forward", y), (second, dx)):
        pixels = curve(page, number, selector)
        assert len(pixels) == 401
        # Pixels are a straight line of the heights: the axes are linear.
        usable = abs(pixels[:, 1]) < 9000
        if np.ptp(right) == 0:
            assert np.ptp(pixels[:, 1]) == 0
            continue
        slope, start = np.polyfit(right[usable, 0], pixels[usable, 1], 1)
        assert slope < 0
        line = slope * right[usable, 0] + start
        assert abs(line - pixels[usable, 1]).max() < 0.15
    assert box.locator(".bx-plot:visible").count() == 2


def test_the_plane_is_darkest_where_the_output_is_largest(page):
    neuron = NeuronExplorer(**SETTINGS[3])  # sigmoid, two inputs
    box = page.locator(".bx").nth(3)
    red = box.locator("canvas").first.evaluate(
        """canvas => {
          const copy = document.createElement("canvas");
          [copy.width, copy.height] = [canvas.width, canvas.height];
          const context = copy.getContext("2d");
          context.drawImage(canvas, 0, 0);
          const { data } = context.getImageData(0, 0, copy.width, copy.height);
          return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]);
        }"""
    )
    line = np.linspace(-5, 5, 48)
    x = np.stack([g.ravel() for g in np.meshgrid(line, -line)], axis=1)
    _, y, *_ = neuron.at(x)
    # White is output -0.1, the full color (without red) is 1.1.
    assert np.allclose(255 * (1 - (y[:, 0] + 0.1) / 1.2), red, atol=1.01)


def test_words_and_formulas_say_the_numbers(page):
    box = page.locator(".bx").nth(8)
    text = box.locator(".bx-numbers").inner_text()
    assert "y = sigmoid(z) = 0.7311" in text
    assert "dy/dx = dy/dz · w₁ = 0.1966·1 = 0.1966" in text
    said = box.locator(".bx-said")
    settled(page)
    assert "(78.6 % of its largest, 0.25)" in said.inner_text()
    assert "saturated" in page.locator(".bx-said").nth(9).inner_text()
    assert "off" in page.locator(".bx-said").nth(10).inner_text()


def test_the_point_follows_mouse_touch_and_keys(context, tmp_path):
    page = open_page(context, tmp_path, NeuronExplorer())
    area = page.locator(".bx-plot svg > svg").first.bounding_box()
    knob = page.get_by_role("slider", name="the point").first
    at = knob.locator("circle").nth(1).bounding_box()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    page.mouse.down()
    page.mouse.move(area["x"] + 0.9 * area["width"], area["y"] + 20, steps=5)
    page.mouse.up()
    settled(page)
    assert float(knob.get_attribute("aria-valuenow")) == pytest.approx(4, abs=0.05)
    page.touchscreen.tap(area["x"] + 0.2 * area["width"], area["y"] + 50)
    settled(page)
    assert float(knob.get_attribute("aria-valuenow")) == pytest.approx(-3, abs=0.05)
    knob.focus()
    before = float(knob.get_attribute("aria-valuenow"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    settled(page)
    after = float(knob.get_attribute("aria-valuenow"))
    assert after == pytest.approx(before + 0.2)
    right = NeuronExplorer(x1=after)
    assert measured(page)["output"] == pytest.approx(
        right.at(right.point())[1].item(), rel=1e-12
    )
    page.get_by_label("inputs").select_option("two")
    settled(page)
    assert page.get_by_label("weight w₂", exact=True).is_visible()
    knob = page.locator(".bx-knob:visible").first
    knob.focus()
    page.keyboard.press("ArrowDown")
    settled(page)
    assert f"x = {after:g}, 0.9".replace("-", "−") in knob.get_attribute(
        "aria-valuetext"
    )
    call = page.locator(".bx-foot code").inner_text()
    assert 'inputs="two"' in call and "x2=0.9" in call
    assert not page.errors
    page.close()


def test_the_derivative_is_drawn_before_it_is_shown(context, tmp_path):
    page = open_page(context, tmp_path, NeuronExplorer(question="What is dy/dx?"))
    answer = page.locator("path.bx-backward").nth(1)
    assert not answer.is_visible()
    assert page.locator("path.bx-forward").is_visible()  # what is to be derived
    assert page.locator(".bx-numbers").is_hidden()
    handle = page.get_by_role("slider", name="dy/dx at 0")
    handle.focus()
    page.keyboard.press("PageUp")
    drawn = float(handle.get_attribute("aria-valuenow"))
    assert drawn > 0
    page.get_by_role("button", name="Show me").click()
    answer.wait_for(state="visible")
    assert page.locator("path.bx-sketch").is_visible()
    assert not page.errors
    page.close()


def test_goal_of_a_moved_edge(context, tmp_path):
    goal = "edge > 1.9 and edge < 2.1"
    page = open_page(context, tmp_path, NeuronExplorer(goal=goal))
    assert "Not yet" in page.locator(".bx-goal").inner_text()
    bias = page.get_by_label("bias b, typed")
    bias.fill("-2")
    bias.press("Enter")
    settled(page)
    assert "Reached" in page.locator(".bx-goal").inner_text()
    assert measured(page)["edge"] == 2
    page.close()
