"""TrainingExplorer in a browser: what the page trains is what bplib trains."""

import json

import pytest
from explorer_page import open_page, settled

from bplib.widgets import TrainingExplorer

pytestmark = pytest.mark.browser

SETTINGS = [
    {},
    {"learning_rate": 2.0, "iterations": 150, "data": "circles", "seed": 3},
    {"data": "xor", "hidden": 3, "momentum": 0.9, "learning_rate": 0.3},
    {"data": "spirals", "iterations": 60, "activation": "sigmoid", "hidden": 16},
    {"data": "spirals", "iterations": 60, "loss": "squared error", "hidden": 5},
    {"loss": "squared error", "learning_rate": 0.1, "activation": "relu"},
    {"iterations": 0},
    {"iterations": 1, "hidden": 1},
]
DIVERGES = {"learning_rate": 100.0, "activation": "relu", "loss": "squared error"}


@pytest.fixture(scope="module")
def context(browser):
    context = browser.new_context()
    yield context
    context.close()


def finished(page, number=0):
    """Wait until the run of one explorer is computed; return what it measured."""
    box = page.locator(".bx").nth(number)
    page.wait_for_function(
        "box => !/computing/.test(box.querySelector('.bx-said').textContent)",
        arg=box.element_handle(),
    )
    settled(page)  # the words follow the picture
    return json.loads(box.get_attribute("data-measures"))


@pytest.fixture(scope="module")
def page(context, tmp_path_factory):
    explorers = [TrainingExplorer(**each) for each in [*SETTINGS, DIVERGES]]
    page = open_page(context, tmp_path_factory.mktemp("page"), *explorers)
    yield page
    assert not page.errors
    page.close()


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_loss_on_the_page_is_bplibs(number, page):
    shown = finished(page, number)["loss"]
    right = TrainingExplorer(**SETTINGS[number]).run()[1][-1]
    assert shown == pytest.approx(right, rel=1e-9)


def test_divergence_says_at_which_iteration(page):
    finished(page, len(SETTINGS))
    at = len(TrainingExplorer(**DIVERGES).run()[1]) + 1  # as bplib counts
    box = page.locator(".bx").nth(len(SETTINGS))
    assert (
        f"not a finite number at iteration {at}."
        in box.locator(".bx-said").inner_text()
    )
    assert f"diverged at {at}" in box.locator("svg").first.inner_html()


def test_share_of_right_answers_and_losses_in_words(page):
    from bplib import accuracy

    finished(page, 1)
    explorer = TrainingExplorer(**SETTINGS[1])
    net, losses = explorer.run()
    right = 100 * accuracy(net, *explorer.examples())
    said = page.locator(".bx").nth(1).locator(".bx-said").inner_text()
    assert f"{right:.3g} % right" in said
    assert f"from {losses[0]:.4g} to {losses[-1]:.4g}" in said


def test_opens_with_learning_rate_and_iterations_alone(page):
    box = page.locator(".bx").first
    names = box.locator("label:visible").all_inner_texts()
    assert [name.strip() for name in names] == ["learning rate", "iterations"]
    box.locator("summary").click()
    names = [
        n.strip().split("\n")[0] for n in box.locator("label:visible").all_inner_texts()
    ]
    assert {"data", "hidden units", "activation", "momentum", "seed"} <= set(names)


def tint_of(page, number, share_x, share_y):
    """Color of the plane's canvas at a place, from its left and top."""
    return page.evaluate(
        """([number, x, y]) => {
          const canvas = document.querySelectorAll(".bx canvas")[number];
          const [i, j] = [x, y].map((s) => Math.round(s * (canvas.width - 1)));
          const copy = document.createElement("canvas"); // one to read from
          Object.assign(copy, { width: canvas.width, height: canvas.height });
          const context = copy.getContext("2d", { willReadFrequently: true });
          context.drawImage(canvas, 0, 0);
          return [...context.getImageData(i, j, 1, 1).data].slice(0, 3);
        }""",
        [number, share_x, share_y],
    )


def test_the_plane_has_the_color_of_the_class_that_bplib_names(page):
    finished(page, 1)
    explorer = TrainingExplorer(**SETTINGS[1])
    net = explorer.net()
    x, _ = explorer.examples()
    low, high = x.min(axis=0), x.max(axis=0)
    low, high = low - 0.1 * (high - low), high + 0.1 * (high - low)
    seen = set()
    for share_x in (0.02, 0.3, 0.5, 0.7, 0.98):
        for share_y in (0.02, 0.3, 0.5, 0.7, 0.98):
            # The picture's rows run down from the top, its pixels are 1/55 apart.
            at = [int(s * 55 + 0.5) / 55 for s in (share_x, share_y)]
            point = low + [at[0], 1 - at[1]] * (high - low)
            logit = net.forward(point[None])[0, 0]
            red, _, blue = tint_of(page, 1, share_x, share_y)
            if abs(logit) > 1:
                yellow = red > blue + 20  # class 1; class 0 is violet
                assert yellow == (logit > 0), (point, logit)
                seen.add(yellow)
    assert seen == {True, False}


def test_dragging_the_rate_trains_anew_and_scrubbing_does_not(context, tmp_path):
    page = open_page(context, tmp_path, TrainingExplorer(iterations=100))
    rate = page.locator("input[type=range]").nth(0)
    iterations = page.locator("input[type=range]").nth(1)
    before = finished(page)
    rate.focus()
    page.keyboard.press("ArrowRight")
    finished(page)
    typed = float(page.locator("input[type=text]").first.input_value())
    assert typed == pytest.approx(0.512, abs=0.002)
    after = finished(page)
    right = TrainingExplorer(iterations=100, learning_rate=typed).run()[1]
    assert after["loss"] == pytest.approx(right[-1], rel=1e-9) != before["loss"]
    iterations.focus()
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    assert finished(page)["loss"] == pytest.approx(right[70], rel=1e-9)
    assert not page.errors


def test_play_pause_and_step(context, tmp_path):
    page = open_page(context, tmp_path, TrainingExplorer(iterations=0))
    step = page.get_by_role("button", name="Step")
    step.click()
    step.click()
    assert finished(page)["iterations"] == 2
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "JSON.parse(document.querySelector('.bx').dataset.measures).iterations > 10"
    )
    page.get_by_role("button", name="Pause").click()
    stopped = finished(page)["iterations"]
    page.wait_for_timeout(300)
    assert finished(page)["iterations"] == stopped < 2000
    page.get_by_role("button", name="Reset").click()
    assert finished(page)["iterations"] == 0


def test_a_drawn_prediction_stays_beside_the_answer(context, tmp_path):
    explorer = TrainingExplorer(question="How does the loss go?", learning_rate=5)
    page = open_page(context, tmp_path, explorer)
    answer = page.locator("path.bx-answer").nth(1)
    assert not answer.is_visible()
    assert page.locator("canvas").is_hidden()
    handle = page.get_by_role("slider", name="loss at 150")
    handle.focus()
    for _ in range(10):
        page.keyboard.press("ArrowDown")
    lower = float(handle.get_attribute("aria-valuenow"))
    # By hand, too: pull the last one down.
    last = page.get_by_role("slider", name="loss at 300").bounding_box()
    x, y = last["x"] + last["width"] / 2, last["y"] + last["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 60, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Show me").click()
    answer.wait_for(state="visible")
    drawn = page.locator("path.bx-sketch")
    assert drawn.is_visible()
    right = explorer.run()[1]
    values = [
        float(each.get_attribute("aria-valuenow"))
        for each in page.locator(".bx-handles circle").all()
    ]
    assert (
        values[2]
        == lower
        == pytest.approx(right[0] - 10 * 1.5 * right[0] / 50, rel=1e-3)
    )
    assert values[4] < values[3]
    page.get_by_role("button", name="Reset").click()
    answer.wait_for(state="hidden")
    assert not page.errors


def test_a_broken_line_is_seen(context, tmp_path, monkeypatch):
    """The comparison above can fail: the page trains with the step turned around."""
    import explorer_page

    texts = explorer_page.sources

    def broken(explorers):
        found = texts(explorers)
        good = "theta[i] -= rate * velocity[i];"
        assert good in found["net.js"]
        found["net.js"] = found["net.js"].replace(good, good.replace("-=", "+="))
        return found

    monkeypatch.setattr(explorer_page, "sources", broken)
    page = open_page(context, tmp_path, TrainingExplorer())
    shown = finished(page)["loss"]
    assert shown != pytest.approx(TrainingExplorer().run()[1][-1], rel=1e-9)
