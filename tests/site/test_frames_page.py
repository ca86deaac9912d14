"""Frames on its page: the right picture for each place, loaded when it is needed."""

import base64
import html
import json

import pytest
from explorer_page import page_of

from bplib.widgets import Frames

pytestmark = pytest.mark.browser

VALUES = {"learning rate": [0.01, 0.1, 1], "momentum": [0, 0.5, 0.9, 0.99]}


def draw(figure, rate, momentum):
    figure.text(0.5, 0.5, f"{rate} {momentum}")


@pytest.fixture(scope="module")
def frames():
    alt = "The loss at learning rate {0} and momentum {1}."
    return Frames(draw, VALUES, alt=alt, title="Runs", size=(2, 1), at=[1, 1])


@pytest.fixture
def opened(browser, tmp_path, frames):
    """opened(frames.html(), missing=(5,)): the page; page.asked lists the files."""
    context = browser.new_context(viewport={"width": 800, "height": 900})

    def opened(box=None, missing=(), data=None):
        names = [f"{k}.webp" for k in range(len(frames.frames))]
        for k, image in enumerate(frames.frames):
            if k not in missing:
                (tmp_path / names[k]).write_bytes(image)
        given = json.dumps(names if data is None else data)
        box = (box or frames.html()).replace(
            "data-state", f'data-frames="{html.escape(given)}" data-state'
        )
        text = page_of(frames).replace(frames.html(), box + box)
        (tmp_path / "page.html").write_text(text, encoding="utf-8")
        page = context.new_page()
        page.asked, page.errors = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto((tmp_path / "page.html").as_uri())
        page.locator(".bx").nth(1).wait_for()
        return page

    yield opened
    context.close()


def shown(page, number, box=0):
    """Wait until the picture is this one."""
    root = page.locator(".bx").nth(box)
    root.locator(f'.bx-frame img[src="{number}.webp"]').wait_for()
    return root


def loaded(page):
    known = -1
    while known < len(page.asked):  # for half a second nothing more is asked for
        known = len(page.asked)
        page.wait_for_timeout(500)
    files = [url.rsplit("/", 1)[1] for url in page.asked]
    return sorted({int(f.split(".")[0]) for f in files if f.endswith(".webp")})


def test_each_place_has_its_picture_and_its_words(opened, frames):
    page = opened()
    root = shown(page, 5)
    image = root.locator("img")
    assert image.get_attribute("alt") == frames.alts[5]
    assert [image.get_attribute(side) for side in ("width", "height")] == ["240", "120"]
    assert "dark-light" in image.get_attribute("class")
    assert root.get_attribute("aria-label") == "Runs"
    # Only the neighbors are loaded beforehand: 4 of 12.
    assert loaded(page) == [1, 4, 5, 6, 9]
    rate = root.get_by_role("slider", name="learning rate", exact=True)
    momentum = root.get_by_role("slider", name="momentum", exact=True)
    assert rate.get_attribute("aria-valuetext") == "0.1"
    rate.press("ArrowRight")
    momentum.press("End")
    shown(page, 11)
    assert [s.get_attribute("aria-valuetext") for s in (rate, momentum)] == [
        "1",
        "0.99",
    ]
    root.locator("[role=status]", has_text=frames.alts[11]).wait_for()
    assert root.locator("code").text_content() == repr(frames).replace(
        "[1, 1]", "[2, 3]"
    )
    shown(page, 5, box=1)  # the other explorer is another matter
    root.get_by_role("button", name="Reset").click()
    shown(page, 5)
    assert root.locator("code").text_content() == repr(frames)
    assert page.errors == []


def test_two_changes_before_the_next_frame_are_both_kept(opened):
    page = opened()
    root = shown(page, 5)
    root.evaluate(
        """(root) => {
          root.querySelectorAll("input").forEach((range, k) => {
            range.value = [2, 3][k];
            range.dispatchEvent(new Event("input"));
          });
        }"""
    )
    shown(page, 11)
    assert page.errors == []


def test_the_old_picture_stays_until_the_new_one_is_decoded(opened):
    page = opened()
    root = shown(page, 5)
    seen = root.evaluate(
        """async (root) => {
          const box = root.querySelector(".bx-frame");
          const seen = [];
          const watch = new MutationObserver(() => seen.push(box.children.length));
          watch.observe(box, { childList: true });
          const [rate, momentum] = root.querySelectorAll("input");
          const wait = (ms) => new Promise((done) => setTimeout(done, ms));
          const moves = [[rate, 2], [momentum, 3], [rate, 0], [momentum, 0]];
          for (const [range, to] of moves) {
            range.value = to;
            range.dispatchEvent(new Event("input"));
            for (let k = 0; k < 20; k++) {
              await new Promise(requestAnimationFrame);
              const [image, ...more] = box.children;
              seen.push(!more.length && image.complete && image.naturalWidth);
            }
            await wait(50);
          }
          return seen;
        }"""
    )
    assert len(seen) > 80 and set(seen) <= {1, 240}, "for a moment there was no picture"
    shown(page, 0)


def test_pictures_that_are_not_there(opened, frames):
    page = opened(missing=[6])
    root = shown(page, 5)
    momentum = root.get_by_role("slider", name="momentum", exact=True)
    momentum.press("ArrowRight")
    alert = root.locator("[role=alert]")
    alert.get_by_text("picture 7 of 12 cannot be loaded").wait_for()
    momentum.press("ArrowRight")  # and it goes on
    shown(page, 7)
    assert alert.text_content() == ""
    for data in ([], ["0.webp"]):
        page = opened(data=data)
        text = page.locator("[role=alert]").first.text_content()
        assert f"pictures are missing, {len(data)} of 12 are here" in text
    state = json.dumps(frames.changed() | {"at": [1, 7]})
    box = frames.html().split('data-state="')[0]
    page = opened(f'{box}data-state="{html.escape(state)}"></div>')
    text = page.locator("[role=alert]").first.text_content()
    assert "there is no picture at [1, 7]" in text
    assert page.errors == []


def test_nothing_is_loaded_before_the_question_is_answered(opened, frames):
    state = frames.changed() | {"question": "Which?", "options": ["a", "b"]}
    box = frames.html().split('data-state="')[0]
    page = opened(f'{box}data-state="{html.escape(json.dumps(state))}"></div>')
    assert loaded(page) == []
    page.locator(".bx-ask button").first.click()
    shown(page, 5)
    goal = html.escape(json.dumps(frames.changed() | {"goal": "learning_rate > 0.5"}))
    page = opened(f'{box}data-state="{goal}"></div>')
    root = shown(page, 5)
    assert root.locator(".bx-goal").text_content().endswith("Not yet.")
    root.get_by_role("slider", name="learning rate").press("End")
    root.locator(".bx-goal", has_text="learning rate > 0.5. ✓ Reached.").wait_for()


LIVE = """async ([state, images]) => {
  const model = new Model({ ...state, prediction: null, _start: state });
  // As a notebook gives them: bytes that came beside the JSON.
  const view = (text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return new DataView(bytes.buffer);
  };
  model.state.frames = images.map(view);
  let given = [];
  const { revokeObjectURL } = URL;
  URL.revokeObjectURL = (url) => given.push(url) && revokeObjectURL.call(URL, url);
  const el = document.querySelector("main").appendChild(document.createElement("div"));
  const close = await (await load("frames.js")).default.render({ model, el });
  const until = async (test) => {
    for (let k = 0; k < 300 && !test(); k++) await new Promise(requestAnimationFrame);
    return test();
  };
  const found = [];
  for (const at of [[1, 1], [2, 0], [0, 3]]) {
    model.set("at", at);
    const number = 4 * at[0] + at[1];
    const image = () => el.querySelector("img");
    found.push(await until(() => image()?.alt === state.alts[number]));
    found.push(image().src.startsWith("blob:") && image().naturalWidth === 240);
  }
  close();
  found.push(el.childElementCount === 0 && given.length >= 3);
  found.push(model.listeners.length === 0);
  el.remove();
  return found;
}"""


def test_a_notebook_gives_bytes_which_are_given_back(opened, frames):
    page = opened()
    images = [base64.b64encode(image).decode() for image in frames.frames]
    assert page.evaluate(LIVE, [frames.state(), images]) == [True] * 8
    assert page.errors == []


def test_a_page_without_scripts_is_the_build_s_matter(frames):
    """It asks for these two."""
    other = Frames(**frames.changed())
    assert (other.shown(), other.summary()) == (5, frames.alts[5])
