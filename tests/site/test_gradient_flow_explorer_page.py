"""GradientFlowExplorer on its page: the sizes are bplib's, and all are shown."""

import json
import re

import explorer_page
import numpy as np
import pytest
from explorer_page import open_page

from bplib.widgets import GradientFlowExplorer

pytestmark = pytest.mark.browser

# Calm runs to the end; wild ones, where rounding grows, as far as it does not.
RUNS = [
    ({}, 100),
    ({"scale": 1.0, "depth": 20, "width": 24}, 25),
    ({"scale": 0.1, "depth": 20, "width": 2}, 100),
    ({"scale": 3.0, "gradient": "dW"}, 1),
    ({"scale": 10.0, "depth": 2, "seed": 3}, 20),
    ({"activation": "sigmoid", "depth": 7, "gradient": "dW"}, 100),
    ({"activation": "sigmoid", "scale": 10.0}, 40),
    ({"activation": "relu", "scale": 0.5, "seed": 9}, 100),
    ({"activation": "relu", "depth": 20, "width": 2, "scale": 1.0}, 100),
    ({"activation": "relu", "scale": 2.5, "gradient": "dW"}, 100),  # diverges at 2
    ({"activation": "relu", "scale": 1.5, "learning_rate": 10.0}, 100),
]

COMPUTE = """async ([states, mutant]) => {
  const texts = [...document.querySelectorAll("script[data-bplib-module]")];
  const found = Object.fromEntries(texts.map((s) => [s.dataset.bplibModule, s.text]));
  const file = "gradient_flow_explorer.js";
  if (mutant && !found[file].includes(mutant[0])) throw new Error("no such text");
  if (mutant) found[file] = found[file].replace(...mutant);
  const { Flow } = await modules(found)(file);
  return states.map((state) => {
    const flow = new Flow(state);
    flow.advance();
    const { forward, backward, stuck, losses, over } = flow;
    return { forward, backward, stuck, losses: [losses], over: Math.min(over, 101) };
  });
}"""


@pytest.fixture(scope="module")
def context(browser):
    context = browser.new_context(viewport={"width": 800, "height": 900})
    yield context
    context.close()


@pytest.fixture(scope="module")
def page(context, tmp_path_factory):
    return open_page(context, tmp_path_factory.mktemp("flow"), GradientFlowExplorer())


def parts(page, runs, mutant=None):
    """How far page and bplib are apart; 1 for another shape.

    At each iteration: largest difference over the layers / largest size of them.
    """
    states = [GradientFlowExplorer(**setting).state() for setting, _ in runs]
    worst = 0
    for (setting, last), there in zip(
        runs, page.evaluate(COMPUTE, [states, mutant]), strict=True
    ):
        explorer = GradientFlowExplorer(iterations=100, **setting)
        _, *sizes, losses = explorer.run()
        here = dict(zip(("forward", "backward", "stuck"), sizes, strict=True))
        for name, wanted in {**here, "losses": losses[None]}.items():
            got = np.array(there[name], float)
            count = int(np.isfinite(wanted[0]).sum())
            if got.shape != (len(wanted), count) or there["over"] != count:
                return 1
            end = min(last + 1, count)
            difference = abs(got - wanted[:, :count])[:, :end].max(axis=0)
            largest = wanted[:, :end].max(axis=0)
            worst = max(worst, (difference / np.where(largest, largest, 1)).max())
    return worst


@pytest.mark.parametrize("number", range(len(RUNS)))
def test_the_page_computes_what_bplib_computes(page, number):
    assert parts(page, [RUNS[number]]) < 1e-9


@pytest.mark.parametrize(
    "mutant",
    [
        ["sum + v * v", "sum + Math.abs(v)"],
        ["-= rate * grad", "-= 1.001 * rate * grad"],
        ['activation === "relu" ? "he"', 'activation === "tanh" ? "he"'],
        ["v > 0.99", "v > 0.999"],
        ["every(Number.isFinite)", "every((v) => v < 100)"],
        ["layers.slice(0, -1)", "layers.slice(1)"],
    ],
)
def test_a_slip_on_the_page_is_seen(page, mutant):
    assert parts(page, [RUNS[1], RUNS[4], RUNS[9]], mutant) > 1e-6


def numbers(box):
    """What is shown: words, heights of points in the profile, the map of gradients."""
    return box.evaluate(
        """(box) => ({
          said: box.querySelector("[role=status]").textContent,
          measures: JSON.parse(box.querySelector(".bx").dataset.measures),
          lines: [...box.querySelectorAll(".bx-column path[class^=bx-]")]
            .map((e) => e.getAttribute("d") ?? ""),
        })"""
    )


def settled(page):
    page.wait_for_function(
        """() => [...document.querySelectorAll(".bx")].every((root) => {
          const said = root.querySelector("[role=status]").textContent;
          return said && !said.startsWith("Computing") && +root.dataset.done > 0;
        })"""
    )
    explorer_page.settled(page)  # words come when the hand rests


def test_the_words_are_the_numbers(context, tmp_path):
    looks = [
        GradientFlowExplorer(),
        GradientFlowExplorer(activation="relu", depth=5, iterations=30, scale=0.9),
        GradientFlowExplorer(activation="relu", scale=2.5, iterations=50),
        GradientFlowExplorer(activation="relu", depth=20, width=2, scale=1),
    ]
    page = open_page(context, tmp_path, *looks)
    settled(page)
    boxes = [numbers(box) for box in page.locator(".bplib-explorer").all()]
    for look, box in zip(looks[:2], boxes, strict=False):
        _, backward = look.flow()
        first, last = backward[[0, -1], -1]
        measures = box["measures"]
        assert measures["ratio"] == pytest.approx(first / last, rel=1e-9)
        assert measures["loss"] == pytest.approx(look.losses()[-1], rel=1e-9)
        assert measures["stuck"] == pytest.approx(look.stuck()[:, -1].mean(), rel=1e-9)
        said = box["said"].replace("−", "-")
        each = (first / last) ** (1 / (look.depth - 1))
        words = [float(n) for n in re.findall(r"\d[\d.]*(?:e-?\d+)?(?=[ ,)])", said)]
        for number in (first, last, first / last, each):
            close = [abs(word / number - 1) < 0.006 for word in words]
            assert any(close), f"{number} is not in {said}"
    assert "At iteration 2 a number is not finite" in boxes[2]["said"]
    assert page.get_by_text("✕ not finite from iteration 2").count() == 1
    assert "dz is 0 in the last hidden layer and 0 in the first." in boxes[3]["said"]
    assert page.errors == []


def test_a_press_on_a_map_chooses_the_iteration(context, tmp_path):
    page = open_page(context, tmp_path, GradientFlowExplorer())
    settled(page)
    before = page.locator("[role=status]").text_content()
    area = page.get_by_role("img", name="Sizes of gradients, layers").locator("svg")
    box = area.bounding_box()
    area.click(position={"x": box["width"] * 61.5 / 101, "y": 20}, force=True)
    page.locator("code", has_text="iterations=61").wait_for()
    assert page.get_by_role("slider", name="iterations").input_value() == "61"
    settled(page)
    after = page.locator("[role=status]").text_content()
    assert after.startswith("Iteration 61: ") and after != before
    page.locator("summary").click()
    page.get_by_label("gradient of z or of W").select_option("dW")
    page.locator("[role=status]", has_text="Iteration 61: dW is").wait_for()
    assert "for each layer back" not in page.locator("[role=status]").text_content()
    assert page.errors == []


def colors(page):
    """Columns of the map of gradients, first and last layer, as [r, g, b]."""
    return json.loads(
        page.evaluate(
            """() => {
              const canvas = document.querySelectorAll("canvas")[1];
              const { width, height } = canvas;
              const context = canvas.getContext("2d");
              const { data } = context.getImageData(0, 0, width, height);
              const at = (row) => [...data.slice(4 * row * width, 4 * row * width + 3)];
              return JSON.stringify([at(height - 1), at(0)]);
            }"""
        )
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colors_go_from_paper_to_the_color_of_gradients(context, tmp_path, scheme):
    page = open_page(context, tmp_path, GradientFlowExplorer(), scheme=scheme)
    settled(page)
    paper, full = {
        "light": ((0xFF, 0xFF, 0xFF), (0xB3, 0x4A, 0x00)),
        "dark": ((0x15, 0x19, 0x1F), (0xE6, 0x9F, 0x00)),
    }[scheme]
    _, backward = GradientFlowExplorer().flow()
    for shown, size in zip(colors(page), backward[[0, -1], 0], strict=True):
        share = 0.05 + 0.95 * (np.log10(size) + 6) / 7
        wanted = [p + (f - p) * share for p, f in zip(paper, full, strict=True)]
        assert shown == pytest.approx(wanted, abs=1)
    assert page.errors == []
