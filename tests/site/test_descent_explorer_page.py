"""DescentExplorer in a browser: its path, its limit and its words, against Python."""

import json
import re

import numpy as np
import pytest
from explorer_page import open_page, settled
from test_speed import within

from bplib.widgets import DescentExplorer
from bplib.widgets.explorer import sources

pytestmark = pytest.mark.browser

PARITY = 1e-9  # the largest error of an array over its largest entry
SOME = 10  # curvature and limit are compared at every tenth step
CHAOTIC = 1e-11  # Python itself parts by more, started 1e-15 away


def settings():
    """Eighty states: every surface, rates on both sides of the limit, momentum."""
    rng = np.random.default_rng(5)
    for k in range(80):
        surface = ("one weight", "quadratic", "product", "network")[k % 4]
        start = rng.uniform(-3, 3, 2).round(2)
        yield {
            "surface": surface,
            "learning_rate": float(f"{10 ** rng.uniform(-2, 0.5):.3g}"),
            "momentum": [0.0, 0.5, 0.9][k // 4 % 3],
            "steps": [200, 60, 7, 0][k // 12 % 4],
            "start_w1": float(start[0]),
            "start_w2": float(start[1]),
            "curvature_1": float(f"{10 ** rng.uniform(-1, 1):.3g}"),
            "curvature_2": float(f"{10 ** rng.uniform(-1, 1):.3g}"),
            "angle": float(rng.integers(0, 91)),
        }


def in_python(state):
    w = DescentExplorer(**state)
    path, losses = w.descend()
    n = int(np.isfinite(losses).sum())
    some = path[:n:SOME]
    return {
        "w": path[:n],
        "loss": losses[:n],
        "curvatures": np.array([w.curvatures(p) for p in some]),
        "limit": np.array([w.limit(p) for p in some]),
    }


def error(found, right):
    """max |a - b| / max |b|; inf where the lengths or the nans differ."""
    found, right = np.array(found, float), np.array(right, float)
    if found.shape != right.shape or (np.isnan(found) != np.isnan(right)).any():
        return np.inf
    size = np.nanmax(np.abs(right), initial=1e-300)
    return np.nanmax(np.abs(found - right) / size, initial=0)


@pytest.fixture(scope="module")
def cases():
    """(state, what Python finds) of all that are not chaotic by nature."""
    found, chaotic = [], 0
    for state in settings():
        right = in_python(state)
        moved = state | {"start_w1": state["start_w1"] * (1 - 1e-15)}
        losses = DescentExplorer(**moved).losses()
        if error(losses[np.isfinite(losses)], right["loss"]) > CHAOTIC:
            chaotic += 1
        else:
            found.append((state, right))
    print(f"{chaotic} of 80 paths are chaotic and left out")
    assert chaotic <= 0.15 * 80
    diverged = sum(len(right["loss"]) <= state["steps"] for state, right in found)
    assert diverged >= 5  # such paths are compared too
    return found


# Give the modules, some of them changed, and ask one for the paths of all states.
ASK = """async ([texts, states]) => {
  const { descend } = await modules(texts)("descent_explorer.js");
  return states.map((state) => descend(state).map((p) => (
    { w: p.w, loss: p.loss, curvatures: [p.low, p.high], limit: p.limit }
  )));
}"""


def worst(page, cases, texts):
    """The largest error of the page over all states and quantities."""
    errors = []
    paths = page.evaluate(ASK, [texts, [state for state, _ in cases]])
    for path, (state, right) in zip(paths, cases, strict=True):
        size = 1 if state["surface"] == "one weight" else 2
        errors.append(error([p["w"][:size] for p in path], right["w"]))
        errors.append(error([p["loss"] for p in path], right["loss"]))
        # Further out the square of a weight is not finite.
        near = [p for p in path[::SOME] if p["loss"] < 1e100]
        known = right["loss"][::SOME] < 1e100
        both = [p["curvatures"][:size] for p in near]
        errors.append(error(both, right["curvatures"][known]))
        errors.append(error([p["limit"] for p in near], right["limit"][known]))
    return max(errors)


@pytest.fixture(scope="module")
def context(browser):
    context = browser.new_context(viewport={"width": 1000, "height": 1000})
    yield context
    context.close()


@pytest.fixture(scope="module")
def shared(context, tmp_path_factory):
    page = open_page(context, tmp_path_factory.mktemp("page"), DescentExplorer())
    yield page
    assert not page.errors
    page.close()


@pytest.fixture
def open_one(context, tmp_path):
    """open_one(state) -> the page of one explorer in this state."""
    pages = []

    def open_one(**state):
        pages.append(open_page(context, tmp_path, DescentExplorer(**state)))
        return pages[-1]

    yield open_one
    for page in pages:
        assert not page.errors
        page.close()


def test_paths_and_limits_on_the_page_are_those_of_python(shared, cases):
    found = worst(shared, cases, sources([DescentExplorer]))
    print(f"largest error of {len(cases)} paths: {found:.1e}")
    assert found <= PARITY


MUTANTS = {
    "descent_explorer.js": [
        ("c * a * u - s * b * v", "c * a * u + s * b * v"),
        ("2 * w1 * w2 - 1", "w1 * w2 - 1"),
        ("w2 * error", "w1 * error"),
        ("iterations: 500", "iterations: 5"),
        ("(more[i] - less[i]) / (2 * h)", "(more[i] - less[i]) / h"),
        ("(2 + 2 * momentum) / high", "2 / high"),
        ("-0.1 * high", "-0.2 * high"),
        ("(c / 2) * (w - 1)", "c * (w - 1)"),
    ],
    "net.js": [("momentum && momentum * velocity[i]", "momentum && velocity[i]")],
}


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [(file, *pair) for file, pairs in MUTANTS.items() for pair in pairs],
)
def test_a_mistake_in_the_page_would_be_seen(file, right, wrong, shared, cases):
    texts = sources([DescentExplorer])
    assert texts[file].count(right) >= 1
    texts[file] = texts[file].replace(right, wrong)
    short = [(state, found) for state, found in cases if state["steps"] <= 60]
    assert worst(shared, short, texts) > 1e-6


# --- What readers see ----------------------------------------------------------------


def words(page):
    settled(page)  # they follow the picture
    return page.locator(".bx-said").inner_text()


def call(page):
    """The explorer that the printed Python call makes."""
    text = page.locator(".bx-foot code").inner_text()
    return eval(text, {"DescentExplorer": DescentExplorer})


def dots(page):
    """How many dots the path has."""
    return page.locator(".bx-dots").first.get_attribute("d").count("M")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (
            {"learning_rate": 0.4},
            ["below the limit here, 2/4.634 = 0.432", "would hold"],
        ),
        ({}, ["below the limit here, 2/2.14 = 0.935", "was 2/4.516 = 0.443"]),
        ({"learning_rate": 0.95}, ["Diverged: after 10 steps", "was 2/4.516 = 0.443"]),
        ({"start_w1": 0, "start_w2": 0}, ["no slope, so no step moves", "no limit"]),
        ({"start_w1": 0.1, "start_w2": -0.1}, ["Beside a saddle", "−1 and 1: no"]),
        ({"start_w1": -2, "start_w2": 1, "steps": 0}, ["No minimum is near"]),
        (
            {"surface": "one weight", "learning_rate": 2.1},
            ["above the limit here, 2/1 = 2", "would throw it", "to 184.2"],
        ),
        ({"surface": "one weight", "learning_rate": 2}, ["at the limit", "neither"]),
        (
            {"surface": "quadratic", "momentum": 0.5, "learning_rate": 0.9},
            ["below the limit here, 3/3 = 1:"],
        ),
        ({"surface": "network", "start_w1": 1, "start_w2": 1}, ["below the limit"]),
    ],
)
def test_words_and_measures_are_true(state, said, open_one):
    page = open_one(**state)
    text = words(page)
    assert all(each in text for each in said), text
    w = DescentExplorer(**state)
    shown = json.loads(page.locator(".bx").get_attribute("data-measures"))
    if "Diverged" in text:
        assert shown["loss"] is None
        assert "leaves at step 4, ✕ not finite at step 10" in page.content()
        return
    assert shown["loss"] == pytest.approx(w.losses()[-1], rel=1e-6, abs=1e-25)
    assert shown["curvature"] == pytest.approx(w.curvatures()[-1], rel=1e-9)
    limit = np.nan if shown["limit"] is None else shown["limit"]
    assert limit == pytest.approx(w.limit(), rel=1e-9, nan_ok=True)
    assert dots(page) == w.steps + 1


def test_every_way_to_move_the_start(open_one):
    page = open_one()
    grip = page.locator(".bx-grip")
    grip.scroll_into_view_if_needed()
    box = grip.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y - 40, steps=4)
    page.mouse.up()
    settled(page)
    w = call(page)
    assert w.start_w1 < 1.2 and w.start_w2 > 1
    assert words(page).startswith("After 30 steps the loss went from")
    # The point is where it was put.
    moved = grip.bounding_box()
    assert abs(moved["x"] + moved["width"] / 2 - (x - 60)) < 2
    page.mouse.click(x, y + 60)
    settled(page)
    assert call(page).start_w2 < 0
    page.get_by_text("Start, momentum, curvature").click()
    page.get_by_label("start, w₂", exact=True).focus()
    before = call(page).start_w2
    page.keyboard.press("ArrowRight")
    settled(page)
    assert before < call(page).start_w2 <= before + 0.1
    page.get_by_label("start, w₁, typed").fill("-1,5")
    page.keyboard.press("Enter")
    settled(page)
    assert call(page).start_w1 == -1.5
    page.get_by_role("button", name="Reset").click()
    settled(page)
    assert call(page).state() == DescentExplorer().state()


def test_only_controls_that_do_something_are_there(open_one):
    page = open_one()
    page.get_by_text("Start, momentum, curvature").click()
    names = ("start, w₁", "start, w₂", "momentum", "first curvature")
    names += ("second curvature", "angle in degrees")
    for surface, shown in {
        "one weight": [1, 0, 1, 1, 0, 0],
        "quadratic": [1, 1, 1, 1, 1, 1],
        "product": [1, 1, 1, 0, 0, 0],
        "network": [1, 1, 1, 0, 0, 0],
    }.items():
        page.locator("select").select_option(surface)
        settled(page)
        found = [page.get_by_label(name, exact=True).is_visible() for name in names]
        assert found == [bool(each) for each in shown], surface


def test_the_curve_of_minima_shows_where_the_rate_holds(open_one):
    page = open_one(learning_rate=0.3)
    for rate in (0.3, 0.8, 3):
        page.get_by_label("learning rate, typed").fill(str(rate))
        page.keyboard.press("Enter")
        settled(page)
        middle = 3 ** (np.arange(-11.5, 12) / 12)
        right = 2 * np.sum(rate < 2 / (middle**2 + middle**-2))
        assert page.locator(".bx-safe").count() == right
        assert page.locator(".bx-unsafe").count() == 48 - right


def test_the_model_moves_the_picture(context, tmp_path):
    """As Python does in a notebook, or another view of the same explorer."""
    script = """
      window.both = load("descent_explorer.js").then(({ default: view }) => {
        const about = load("parameters.js");
        return about.then(({ DescentExplorer: { parameters } }) => {
          const state = {};
          for (const name in parameters) state[name] = parameters[name].default;
          const model = new Model({ ...state, prediction: null, _start: state });
          for (const k of [1, 2]) {
            const el = document.createElement("div");
            document.querySelector("main").append(el);
            view.render({ model, el });
          }
          return model;
        });
      });"""
    page = open_page(context, tmp_path, DescentExplorer(), script=script)
    page.evaluate("both.then((model) => model.set('steps', 7))")
    settled(page)
    counts = [
        page.locator(".bx").nth(k).locator(".bx-dots").first.get_attribute("d")
        for k in range(3)
    ]
    assert [each.count("M") for each in counts] == [31, 8, 8]
    page.locator(".bx").nth(2).get_by_label("steps", exact=True).press("ArrowRight")
    settled(page)
    assert page.locator(".bx-dots").nth(2).get_attribute("d").count("M") == 9
    assert not page.errors
    page.close()


FRAMES = "for (let k = 0; k < 2; k++) await new Promise(requestAnimationFrame);"
CHANGE = """async ([name, share]) => {
  const slider = [...document.querySelectorAll(".bx-slider")]
    .find((each) => each.textContent === name).querySelector("input");
  slider.value = Number(slider.min) + (slider.max - slider.min) * share;
  slider.dispatchEvent(new Event("input"));
  FRAMES
}""".replace("FRAMES", FRAMES)


@pytest.mark.parametrize(
    ("surface", "slider"),
    [
        ("product", "learning rate"),
        ("quadratic", "angle in degrees"),
        ("network", "learning rate"),
    ],
)
def test_a_change_is_drawn_within_a_frame(surface, slider, open_one):
    page = open_one(surface=surface, steps=200)
    page.get_by_text("Start, momentum, curvature").click()
    # Processor time of the page's main thread: waiting for others does not count.
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent():
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(1e3 * m["value"] for m in metrics if m["name"] == "TaskDuration")

    def cost(script, argument=None):
        before = spent()
        page.evaluate(script, argument)
        return spent() - before

    def measure():
        """A change, beyond two frames in which nothing changes."""
        idle = sorted(cost(f"async () => {{ {FRAMES} }}") for _ in range(11))[5]
        settings = [[slider, k * 7 % 40 / 40] for k in range(40)]
        times = sorted(cost(CHANGE, each) - idle for each in settings)
        return {"median": times[20], "95 %": times[38]}

    within({"median": 16, "95 %": 50}, measure)


def test_the_source_is_small_and_safe():
    text = sources([DescentExplorer])["descent_explorer.js"]
    assert len(text.encode()) < 13_500
    assert not re.search(r"innerHTML|\beval\b|document\.addEventListener", text)
