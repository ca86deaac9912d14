"""The explorer that CONTRIBUTING.md writes is alive, as it stands there."""

import importlib
import json
import re

import explorer_page
import pytest
from copies import ROOT

import bplib.widgets
from bplib.widgets import explorer as base

pytestmark = pytest.mark.browser


@pytest.fixture
def written(tmp_path, monkeypatch):
    """The class SquareExplorer of CONTRIBUTING.md, its two files in a folder."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = dict(
        re.findall(
            r"`bplib/widgets/(square_\w+\.\w+)`:\n\n```\w+\n(.*?)```", text, re.S
        )
    )
    assert sorted(blocks) == ["square_explorer.js", "square_explorer.py"]
    for name, block in blocks.items():
        (tmp_path / name).write_text(block, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    own = base.source
    monkeypatch.setattr(
        base, "source", lambda name: blocks[name] if name in blocks else own(name)
    )
    made = importlib.import_module("square_explorer").SquareExplorer
    monkeypatch.setattr(bplib.widgets, "SquareExplorer", made, raising=False)
    return made


def test_the_example_is_alive(written, browser, tmp_path):
    context = browser.new_context(viewport={"width": 375, "height": 740})
    page = explorer_page.open_page(context, tmp_path, written(x=1.5, goal="square > 4"))
    box = page.locator(".bx")
    assert json.loads(box.get_attribute("data-measures")) == {
        "square": written(x=1.5).square()
    }
    assert "Not yet" in box.inner_text()
    page.locator("input[type=range]").focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    page.locator(".bx-met").wait_for()
    page.get_by_text("The square of 2.3 is 5.29.").wait_for()
    assert "SquareExplorer(x=2.3" in box.inner_text()
    assert not page.errors
    context.close()
