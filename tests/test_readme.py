"""What the README shows is run: its ten lines of bplib, and its picture."""

import contextlib
import io
import re

import numpy as np
import picture
from matplotlib.image import imread

README = (picture.TARGET.parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_ten_lines_do_what_they_say():
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) == 10
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    *table, accuracy = printed.getvalue().splitlines()
    assert "WRONG" not in "".join(table) and table[-1].split()[:2] == ["all", "ok"]
    assert abs(float(accuracy) - 0.96) < 0.015  # "about 0.96"


def test_the_picture_shows_the_worked_example():
    net, x, dy = picture.example()
    E_gradient = net.backward(dy)
    assert E_gradient.shape == x.shape
    # The same network as in test_teaching_numbers, where all its digits are.
    np.testing.assert_allclose(
        net.forward(x), [[0.7513650696, 0.7729284653]], atol=1e-9
    )


def test_the_picture_is_what_the_code_draws(tmp_path):
    picture.draw(tmp_path / "new.png")
    new, committed = imread(tmp_path / "new.png"), imread(picture.TARGET)
    assert new.shape == committed.shape
    assert np.abs(new - committed).mean() < 0.002  # letters may differ by a hair
