"""BackpropStepper in a browser: each number, each step and each edit, against bplib."""

import json

import numpy as np
import pytest
from explorer_page import open_page, settled

import bplib.widgets.explorer
from bplib.widgets import BackpropStepper

pytestmark = pytest.mark.browser

WIDE = {
    "x": [1, -2, 0.5],
    "t": [0, 1, 0.5],
    "W1": np.linspace(-1, 1, 12).reshape(3, 4),
    "b1": [0, 0.1, -0.2, 0.3],
    "W2": np.linspace(1, -2, 12).reshape(4, 3),
    "b2": [0.5, 0, -0.5],
}
NARROW = {"x": [2], "t": [0.3], "W1": [[1]], "b1": [0], "W2": [[-1]], "b2": [0]}
SETTINGS = [
    {},
    {"updates": 1},
    {"updates": 1, "train_biases": True},
    {"updates": 10_000},
    {"updates": 10_000, "train_biases": True},
    {**WIDE, "updates": 500, "learning_rate": 3},
    {**WIDE, "updates": 37, "train_biases": True, "learning_rate": 20},
    {**NARROW, "updates": 10},
]
LOSSES = [0.298371109, 0.291027774, 0.280471447, 3.510188e-5, 2.447562e-6]


@pytest.fixture(scope="module")
def context(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 1400})
    yield context
    context.close()


@pytest.fixture
def stepper(context, tmp_path):
    """stepper(**state) -> its box on a page of its own."""
    pages = []

    def stepper(**state):
        page = open_page(context, tmp_path, BackpropStepper(**state))
        pages.append(page)
        return page.locator(".bx")

    yield stepper
    for page in pages:
        assert not page.errors
        page.close()


def numbers(box):
    box.page.wait_for_function(
        "box => /^After/.test(box.querySelector('.bx-said').textContent)",
        arg=box.element_handle(),
    )
    settled(box.page)
    return json.loads(box.get_attribute("data-numbers"))


def call(box):
    """The explorer that the page's Python call makes."""
    settled(box.page)
    text = box.locator(".bx-foot code").inner_text()
    return eval(text, {"BackpropStepper": BackpropStepper})


def expected(w):
    """Every number by its name, from bplib."""
    net, loss = w.run()
    first, sigmoid, second, output = net.layers
    dy = output.y - [w.t]
    dz2 = dy * output.y * (1 - output.y)
    dh = dz2 @ second.W.T
    dz1 = dh * sigmoid.y * (1 - sigmoid.y)
    dx = net.backward(dy)
    z1, z2 = w.x @ first.W + first.b, sigmoid.y @ second.W + second.b
    found = {"E": loss}
    rows = {"x": w.x, "t": w.t, "h": sigmoid.y, "y": output.y, "z_h": z1, "z_y": z2}
    rows |= {"dx": dx, "dh": dh, "dy": dy, "dz_h": dz1, "dz_y": dz2}
    for name, row in rows.items():
        found |= {f"{name}{j + 1}": v for j, v in enumerate(np.ravel(row))}
    for k, layer in enumerate((first, second)):
        for d, W, b in (("", layer.W, layer.b), ("d", layer.dW, layer.db)):
            found |= {
                f"{d}W{k + 1}[{i + 1},{j + 1}]": W[i, j] for i, j in np.ndindex(W.shape)
            }
            found |= {f"{d}b{k + 1}[{j + 1}]": v for j, v in enumerate(b[0])}
    return found


def test_every_number_is_bplibs(context, tmp_path):
    page = open_page(context, tmp_path, *(BackpropStepper(**s) for s in SETTINGS))
    for k, setting in enumerate(SETTINGS):
        box = page.locator(".bx").nth(k)
        box.scroll_into_view_if_needed()
        shown, right = numbers(box), expected(BackpropStepper(**setting))
        assert shown.keys() == right.keys()
        assert shown == pytest.approx(right, rel=1e-9, abs=1e-12)
        if k < len(LOSSES):
            assert shown["E"] == pytest.approx(LOSSES[k], rel=2e-7)
    assert not page.errors
    page.close()


def test_a_wrong_line_is_seen(stepper, monkeypatch):
    """The hidden layer's gradient after the output's weights have moved."""
    plain = bplib.widgets.explorer.source

    def broken(name):
        text = plain(name)
        if name == "net.js":
            slope = "sum += dz[i * nOut + j] * W[m * nOut + j];"
            assert slope in text
            text = text.replace(
                slope,
                slope.replace("W[m", "(W[m").replace(
                    "];", "] - 0.5 * dW[m * nOut + j]);"
                ),
            )
        return text

    monkeypatch.setattr(bplib.widgets.explorer, "source", broken)
    shown = numbers(stepper(updates=1))
    assert shown["E"] == pytest.approx(0.291027924, abs=0.5e-9)  # the famous number
    assert shown != pytest.approx(expected(BackpropStepper(updates=1)), rel=1e-9)


def test_step_by_step(stepper):
    box = stepper()
    card = box.get_by_role("button", name="hidden unit", exact=False).first
    assert "h1 ?" in card.text_content()
    assert "dh" not in card.get_attribute("aria-label")
    onward = box.locator(".bx-next")
    for phase, button, look, words in (
        ("forward 1", "Forward one layer", "h1", "0.5932699921"),
        ("forward 2", "Forward one layer", "y1", "0.7513650696"),
        ("loss", "Compute the loss", "E", "0.2983711088"),
        ("backward 2", "Backward one layer", "W2[1,1]", "0.08216704056"),
        ("backward 1", "Backward one layer", "W1[1,1]", "0.0004385677345"),
        ("start", "Update", "W1[1,1]", "0.1497807161"),
    ):
        which = (
            onward
            if phase in ("loss", "backward 2")
            else box.get_by_role("button", name=button, exact=True)
        )
        which.click()
        settled(box.page)
        assert (call(box).phase, call(box).selected) == (phase, look)
        assert words in box.locator(".bx-words").inner_text()
    assert call(box).updates == 1
    # E is seen only when it is computed
    assert "E ?" in box.locator(".bx-net").text_content()
    for _ in range(3):
        onward.click()
        settled(box.page)
    said = box.locator(".bx-said").inner_text()
    assert "E = 0.2910277737" in said and "it was 0.2983711088" in said


def test_an_update_before_all_gradients_is_refused_in_words(stepper):
    box = stepper(phase="backward 2")
    update = box.get_by_role("button", name="Update", exact=True)
    assert update.get_attribute("aria-disabled") == "true"
    update.click(force=True)
    settled(box.page)
    assert "All gradients first" in box.locator(".bx-said").inner_text()
    assert call(box).state() == BackpropStepper(phase="backward 2").state()


def test_run_and_scrub(stepper):
    box = stepper()
    box.get_by_role("button", name="Run 100 updates").click()
    shown = numbers(box)
    assert call(box).updates == 100 and call(box).phase == "loss"
    assert shown["E"] == pytest.approx(BackpropStepper(updates=100).loss(), rel=1e-9)
    typed = box.get_by_label("updates, typed")
    typed.fill("10000")
    typed.press("Enter")
    box.page.wait_for_function(
        "box => JSON.parse(box.dataset.measures).loss < 4e-5", arg=box.element_handle()
    )
    assert numbers(box)["E"] == pytest.approx(3.510188e-5, abs=0.5e-11)
    typed.fill("1")
    typed.press("Enter")
    assert numbers(box)["E"] == pytest.approx(0.291027774, abs=0.5e-9)


def test_an_edit_makes_the_present_the_start(stepper):
    box = stepper(updates=5, phase="backward 1", selected="W2[2,1]")
    before = numbers(box)
    typed = box.get_by_label("W2[2,1], typed")
    typed.fill("-1.5")
    typed.press("Enter")
    shown, w = numbers(box), call(box)
    assert w.updates == 0 and w.W2[1][0] == -1.5 and w.phase == "backward 1"
    assert shown["W1[1,1]"] == before["W1[1,1]"] != 0.15
    assert shown == pytest.approx(expected(w), rel=1e-9)
    slider = box.get_by_role("slider", name="W2[2,1]")
    slider.focus()
    slider.press("ArrowRight")
    assert numbers(box)["W2[2,1]"] == pytest.approx(-1.49)
    for name in ("x1", "t2", "b1[2]"):
        box.get_by_label("look at, and change").select_option(name)
        typed = box.get_by_label(f"{name}, typed")
        typed.fill("0.3")
        typed.press("Enter")
        assert numbers(box)[name] == 0.3
    shown = numbers(box)
    assert shown == pytest.approx(expected(call(box)), rel=1e-9)
    for wrong in ("", "much", "1e9", "nan"):
        typed.fill(wrong)
        typed.press("Enter")
        settled(box.page)
        assert "b1[2] must be a number from" in box.locator(".bx-wrong").inner_text()
        assert numbers(box) == shown and typed.input_value() == "0.3"
    box.get_by_role("button", name="Reset").click()
    assert numbers(box) == before


def test_learning_rate_and_biases_count_from_the_present(stepper):
    box = stepper(updates=3)
    theta = {k: v for k, v in numbers(box).items() if k[0] in "Wb"}
    box.get_by_label("train the biases too").check()
    rate = box.get_by_label("learning rate, typed")
    rate.fill("2")
    rate.press("Enter")
    after = numbers(box)
    assert {k: after[k] for k in theta} == theta
    w = call(box)
    assert (w.updates, w.learning_rate, w.train_biases) == (0, 2, True)
    box.get_by_role("button", name="Run 100 updates").click()
    w.updates = 100
    assert numbers(box) == pytest.approx(expected(w), rel=1e-9)


@pytest.mark.parametrize(("h", "gap"), [(0.1, "6.3e−5"), (0.01, "6.1e−7")])
def test_nudge(stepper, h, gap):
    w = BackpropStepper(phase="backward 2", selected="W2[1,1]", nudge=h)
    box = stepper(**w.changed())
    box.get_by_text("Nudge it").click()
    text = box.locator("details").first.inner_text()
    predicted, actual = w.nudged()
    assert f"{predicted:.9g}"[:10] in text and f"{actual:.9g}"[:10] in text
    assert f"Gap: {gap}." in text and "often called w5" in box.inner_text()
    box = stepper(phase="loss", selected="W2[1,1]")  # the gradient is not there yet
    box.get_by_text("Nudge it").click()
    text = box.locator("details").first.inner_text()
    assert "What does dW2[1,1] predict?" in text and "Gap" not in text


def test_the_path_of_the_gradient(stepper):
    box = stepper(phase="backward 1", selected="h1")
    assert (
        "Paths from E back to here: 2; where" in box.locator(".bx-words").inner_text()
    )
    lit = box.locator("g.bx-lit").evaluate_all("all => all.map(g => g.textContent)")
    assert len(lit) == 4  # h1, y1, y2 and E
    assert box.locator("path.bx-lit.bx-backward").count() == 4
    box.get_by_role("button", name="W2[1,2]", exact=False).click()
    assert call(box).selected == "W2[1,2]"
    settled(box.page)
    assert "Paths from E back to here: 1." in box.locator(".bx-words").inner_text()
    assert box.locator("path.bx-lit.bx-backward").count() == 2


def test_the_picture_by_keys(stepper):
    box = stepper()
    numbers(box)
    stops = box.locator("svg [tabindex='0']")
    assert stops.count() == 1 and "h1" in stops.get_attribute("aria-label")
    stops.focus()
    seen = set()
    for _ in range(21):
        box.page.keyboard.press("ArrowRight")
        seen.add(box.page.evaluate("document.activeElement.getAttribute('aria-label')"))
    assert len(seen) == 21  # 2 + 2 + 2 + 2 nodes and targets, E, 8 weights, 4 biases
    box.page.keyboard.press("ArrowLeft")
    box.page.keyboard.press("Enter")
    settled(box.page)
    assert call(box).selected == "b1[1]"
    assert box.locator("[aria-pressed='true']").count() == 1


def test_a_larger_net_shows_the_edges_of_what_is_selected(stepper):
    box = stepper(**WIDE, phase="backward 1", selected="h2")
    numbers(box)
    shown = box.locator("g.bx-label:not([display])")
    assert shown.count() == 3 + 3
    box.get_by_label("look at, and change").select_option("W1[3,4]")
    settled(box.page)
    assert shown.count() == 1
    box.get_by_text("All numbers").click()
    table = box.locator("table")
    table.locator("tr").nth(1).wait_for()
    right = expected(call(box))
    assert table.locator("tr").count() == 1 + sum(name[0] != "d" for name in right)
    row = table.get_by_role("row", name="W1[3,4]").inner_text().split()
    assert float(row[1].replace("−", "-")) == pytest.approx(right["W1[3,4]"], rel=1e-9)
    assert float(row[2].replace("−", "-")) == pytest.approx(right["dW1[3,4]"], rel=1e-9)


def test_sizes_that_do_not_fit_are_said_and_mended(context, tmp_path):
    w = BackpropStepper()
    w._trait_values["x"] = (1.0, 2.0, 3.0)  # as a broken page might have it
    page = open_page(context, tmp_path, w)
    box = page.locator(".bx")
    assert "x, b1 and t need W1 3 by 2" in box.locator(".bx-wrong").inner_text()
    assert not page.errors
    page.close()
