"""Frames: pictures drawn beforehand, small, sharp, and each with its words."""

import base64
import functools
import io
import json
import re

import matplotlib.style
import numpy as np
import pytest
from bs4 import BeautifulSoup
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from bplib.drawing import STYLE
from bplib.widgets import Frames

RATES, MOMENTA = [0.1, 1], [0, 0.5, 0.9]


def draw(figure, rate, momentum):
    ax = figure.subplots()
    ax.plot([1, 2, 3], [rate, momentum, 0], color="#B34A00")
    ax.set(xlabel=f"rate {rate}", ylim=(0, 1))


def draw_one(figure, name):
    figure.text(0.5, 0.5, str(name))


def draw_two(figure, one, two):
    figure.text(0.5, 0.5, f"{one} {two}")


def made(**more):
    values = {"learning rate": RATES, "momentum": MOMENTA}
    alt = "A line from {learning rate} to {1}."
    return Frames(draw, values, **{"alt": alt, "size": (3, 2), **more})


def pixels(image):
    return np.asarray(Image.open(io.BytesIO(image)).convert("RGB")).astype(int)


@pytest.fixture(scope="module")
def frames():
    return made(at=[1, 2])


def test_pictures_come_in_the_order_of_the_values(frames):
    assert len(frames.frames) == 6 == len(frames.alts)
    assert frames.alts[0] == "A line from 0.1 to 0."
    assert frames.alts[5] == "A line from 1 to 0.9." == frames.summary()
    assert frames.shown() == 5
    for k, image in enumerate(frames.frames):
        # Each is the picture of its own values: nearest to what is drawn now.
        distance = [abs(pixels(each) - drawn(k)).sum() for each in frames.frames]
        assert int(np.argmin(distance)) == k
        assert image[:4] == b"RIFF" and image[8:12] == b"WEBP"


@functools.cache
def drawn(k):
    """Picture k as matplotlib draws it, all its colors: (240, 360, 3)."""
    with matplotlib.style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(3, 2), dpi=120)
        draw(figure, RATES[k // 3], MOMENTA[k % 3])
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)


def test_sixty_four_colors_are_enough(frames):
    """No pixel is far from what was drawn, and the orange line keeps its color."""
    exact = drawn(5)
    shown = pixels(frames.frames[5])
    assert shown.shape == exact.shape == (240, 360, 3)
    assert abs(shown - exact).max() <= 32
    assert (abs(shown - [0xB3, 0x4A, 0x00]).max(axis=-1) <= 16).sum() > 50
    assert max(map(len, frames.frames)) < 6000


def test_one_slider_and_texts_as_values():
    frames = Frames(draw_one, {"net": ["deep", "wide"]}, alt="{0}", at=[1])
    assert (frames.first, frames.second, frames.at) == (("deep", "wide"), (), (1,))
    assert frames.alts == ("deep", "wide") and frames.shown() == 1
    two = Frames(draw_one, {"n": np.arange(3)}, alt=lambda n: f"The number {n}.")
    assert two.first == ("0", "1", "2") and two.summary() == "The number 0."


def test_the_call_makes_it_again(frames):
    more = {"question": "?", "options": ["a", "b"], "title": 'A "title"'}
    values = {"a b": [1], "c": ["x", "y"]}
    first = Frames(draw_two, values, alt="{a b} {1}", size=(2, 1), at=[0, 1], **more)
    text = repr(first)
    assert text.startswith("Frames(draw_two, {'a b': [1], 'c': ['x', 'y']}, alt=")
    again = eval(text)
    assert repr(again) == text and again.state() == first.state()
    assert again.heading == 'A "title"' and again.at == (0, 1)
    assert "at=[1, 2]" in repr(frames)
    alt = Frames(draw_one, {"n": [1]}, alt=str)
    assert repr(alt) == "Frames(draw_one, {'n': [1]}, alt=str, at=[0])"


def test_html_is_small_and_has_no_images(frames):
    text = frames.html()
    assert text == frames.html() and len(text) < 1500
    box = BeautifulSoup(text, "html.parser").div
    state = json.loads(box["data-state"])
    other = Frames(**state)
    assert other.state() == frames.state() and other.html() == text
    assert other.shown() == 5 and other.summary() == frames.summary()
    assert repr(other) == repr(frames) and other.frames == []
    with pytest.raises(ValueError, match="made of a state"):
        other.draw(Figure())


def test_the_output_carries_the_images_for_the_build(frames):
    data, metadata = frames._repr_mimebundle_()
    assert data["text/html"] == frames.html()
    images = [base64.b64decode(each) for each in metadata["bplib_frames"]]
    assert images == list(frames.frames)
    json.dumps(metadata)
    assert "bplib_frames" not in Frames()._repr_mimebundle_()[1]
    # A live notebook has them as bytes, which travel beside the JSON.
    assert frames.get_state()["frames"] == frames.frames


def test_draw_is_the_picture_that_is_shown(frames):
    figure = Figure()
    frames.draw(figure)
    assert figure.axes[0].get_xlabel() == "rate 1"
    assert figure.get_size_inches() == pytest.approx([3, 2])


def test_goals_name_the_sliders():
    given = {"learning rate": [1]}
    goal = "learning_rate >= 1 and first > 0"
    assert Frames(draw_one, given, alt="{0}", goal=goal).goal == goal
    with pytest.raises(ValueError, match="conditions on first, second, learning_rate"):
        Frames(draw_one, given, alt="{0}", goal="rate < 1")


@pytest.mark.parametrize(
    ("arguments", "more", "words"),
    [
        ((None, {"n": [1]}), {}, "a function draw"),
        ((draw_one, None), {}, "one or two sliders"),
        ((draw_one, {}), {}, "one or two sliders"),
        ((draw_one, {"a": [1], "b": [1], "c": [1]}), {}, "one or two sliders"),
        ((draw_one, {"n": []}), {}, "a list of values for n, got []"),
        ((draw_one, {"n": "text"}), {}, "a list of values for n, got 'text'"),
        ((draw_one, {"n": 3}), {}, "a list of values for n, got 3"),
        ((draw_one, {"n": [1]}), {"alt": None}, "expects alt, a text"),
        ((draw_one, {"n": [1]}), {"alt": " "}, "expects an alt text at 1"),
        ((draw_one, {"n": [1]}), {"alt": lambda n: None}, "an alt text at 1, got None"),
        ((draw_one, {"n": [1]}), {"alt": "{m}"}, "'m', which is no slider: use {0}"),
        ((draw_one, {"n": [1, 2]}), {"alt": "A line"}, "tells its 2 pictures apart"),
        ((draw_one, {"n": [1, 2]}), {"at": [2]}, "places from 0 to 1 (n), got [2]"),
        ((draw_one, {"n": [1, 2]}), {"at": [0, 0]}, "from 0 to 1 (n), got [0, 0]"),
        ((draw_one, {"n": [1, 2]}), {"at": [0.5]}, "whole numbers, got [0.5]"),
        ((draw_one, {"n": [1, 2]}), {"att": [0]}, "did you mean at?"),
    ],
)
def test_wrong_arguments_are_explained(arguments, more, words):
    with pytest.raises((ValueError, TypeError)) as caught:
        Frames(*arguments, **{"alt": "Number {0}", **more})
    assert words in str(caught.value)


def test_a_draw_that_fails_says_where():
    def fails(figure, rate, momentum):
        figure.text(0, 0, str(1 / (momentum - 0.5)))

    values = {"learning rate": RATES, "momentum": MOMENTA}
    where = "at learning rate = 0.1, momentum = 0.5: ZeroDivisionError: "
    with pytest.raises(ValueError, match=re.escape(where)):
        Frames(fails, values, alt="{0} {1}")
    with pytest.raises(ValueError, match="drawn nothing on the figure .* at n = 1"):
        Frames(lambda figure, n: None, {"n": [1]}, alt="{0}")


def test_a_wrong_place_changes_nothing(frames):
    before = frames.state()
    for wrong in ([2, 0], [0], [0, -1], [0, 0.5], "01", None):
        with pytest.raises(ValueError, match="at"):
            frames.at = wrong
    assert frames.state() == before
    frames.at = np.array([1, 0])
    assert frames.at == (1, 0) and frames.shown() == 3
    frames.at = [1, 2]
