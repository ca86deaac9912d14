"""The explorers in a live notebook: JupyterLab and a real kernel, in a browser."""

import contextlib
import json
import os
import pathlib
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import nbconvert
import nbformat
import pytest

import bplib.widgets

pytestmark = pytest.mark.browser

ROOT = pathlib.Path(__file__).parents[2]
NEWS = {"fetchNews": "false"}  # or Lab asks whether it may look for some
START = "import json, ipywidgets, bplib.widgets\nfrom bplib.widgets import *"

# What the explorers' cells hold, where a call without arguments is not enough.
CELLS = {
    "Frames": """
def picture(figure, slope):
    figure.subplots().plot([0, slope])

w = Frames(picture, {"slope": [1, 2, 3]}, alt="a line that rises by {0}")
w
"""
}


# --- A server, and a notebook in a browser -------------------------------------------


class Lab:
    """A JupyterLab server of our own; nothing of the user's settings is seen."""

    def __init__(self, folder):
        self.notebooks, self.log = folder / "notebooks", folder / "log.txt"
        self.token, self.runtime = secrets.token_hex(), folder / "runtime"
        self.notebooks.mkdir()
        settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text(json.dumps(NEWS))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}/"
        places = {
            "IPYTHONDIR": "ipython",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }
        environment = {
            **os.environ,
            **{name: str(folder / place) for name, place in places.items()},
            "JUPYTER_NO_CONFIG": "",
            "JUPYTER_TOKEN": self.token,
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
        }
        options = [
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self.notebooks}",
            "--LabApp.news_url=",
            "--LabApp.extension_manager=readonly",
            "--LabApp.expose_app_in_browser=True",
        ]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *options],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + 180
        while not self.answers("api/status"):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.1)

    def ask(self, path, method="GET"):
        request = urllib.request.Request(self.address + path, method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or "null")

    def answers(self, path):
        try:
            return self.ask(path)
        except OSError:
            return None

    def close(self):
        """End the kernels, then the server; afterwards none may be left."""
        with contextlib.suppress(OSError):
            for kernel in self.ask("api/kernels"):
                self.ask(f"api/kernels/{kernel['id']}", "DELETE")
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        assert not list(self.runtime.glob("kernel-*.json")), "a kernel is left"


# What the page does for the tests: with Lab's own commands, as a reader would.
RUN = """async (source) => {
  const { content } = jupyterapp.shell.currentWidget;
  const index = content.widgets.length;
  content.model.sharedModel.insertCell(index, { cell_type: "code", source });
  content.activeCellIndex = index;
  const done = jupyterapp.commands.execute("notebook:run-cell");
  const late = new Promise((_, fail) => {
    setTimeout(() => fail(new Error(`hangs: ${source}`)), 60000);
  });
  await Promise.race([done, late]);
  return [index, content.widgets[index].model.outputs.toJSON()];
}"""
EMPTY = """() => {
  const { sharedModel } = jupyterapp.shell.currentWidget.content.model;
  sharedModel.deleteCellRange(0, sharedModel.cells.length);
}"""
IDLE = """() => {
  const { sessionContext } = globalThis.jupyterapp?.shell.currentWidget ?? {};
  return sessionContext?.session?.kernel?.status === "idle";
}"""


class Notebook:
    """A notebook that is open in the browser, and what went wrong there."""

    def __init__(self, lab, context):
        self.lab, self.page, self.wrong = lab, context.new_page(), []
        own = (lab.address, lab.address.replace("http", "ws"), "data:", "blob:")

        def asked(address):
            if not address.startswith(own):
                self.wrong.append(f"asked for {address}")

        def said(message):
            ours = "blob:" in str(message.location) or "[anywidget]" in message.text
            if message.type == "error" or (message.type == "warning" and ours):
                self.wrong.append(message.text)

        context.on("request", lambda request: asked(request.url))
        self.page.on("websocket", lambda socket: asked(socket.url))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", said)
        file = lab.notebooks / "test.ipynb"
        notebook = nbformat.v4.new_notebook()
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python"}
        nbformat.write(notebook, file)
        self.page.goto(f"{lab.address}lab/tree/{file.name}?token={lab.token}")
        self.page.wait_for_function(IDLE, timeout=180_000)

    def run(self, code):
        """Run code in a new cell at the end; return its number and its outputs."""
        return self.page.evaluate(RUN, code)

    def show(self, code):
        """Run code, and wait for the first explorer that it shows."""
        number, outputs = self.run(code)
        errors = [each for each in outputs if each["output_type"] == "error"]
        assert not errors, errors
        cell = f'.jp-Cell[data-windowed-list-index="{number}"]'
        box = self.page.locator(f"{cell} .bx").first
        box.wait_for()
        return box

    def value(self, expression):
        """The value in Python, by a cell that prints it."""
        outputs = self.run(f"print(json.dumps({expression}))")[1]
        assert outputs and outputs[0]["output_type"] == "stream", outputs
        return json.loads(outputs[0]["text"])

    def becomes(self, expression, wanted, seconds=120):
        """Wait until the value in Python is the one that is wanted."""
        until = time.monotonic() + seconds
        while (found := self.value(expression)) != wanted:
            assert time.monotonic() < until, f"{expression} is {found}, not {wanted}"

    def agree(self, box):
        """Wait until the view shows the call that Python would print."""
        until = time.monotonic() + 120
        while (shown := call(box)) != (printed := self.value("repr(w)")):
            assert time.monotonic() < until, f"shown: {shown}, printed: {printed}"

    def command(self, name, arguments=None):
        run = "([name, args]) => { jupyterapp.commands.execute(name, args); }"
        self.page.evaluate(run, [name, arguments or {}])


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        yield lab
    finally:
        lab.close()


@pytest.fixture(scope="module")
def opened(browser, lab):
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    notebook = Notebook(lab, context)
    notebook.run(START)
    yield notebook
    context.close()


@pytest.fixture
def notebook(opened):
    """The notebook without cells; nothing may have gone wrong at the end."""
    opened.page.evaluate(EMPTY)
    yield opened
    found, opened.wrong = opened.wrong, []
    assert not found


# --- What the tests ask of an explorer -----------------------------------------------


def slider(box, label):
    return box.get_by_role("slider", name=label, exact=True)


def call(box):
    return box.locator(".bx-foot code").inner_text()


def says(box, text):
    """Wait until the Python call under the explorer is this one."""
    box.locator(".bx-foot code", has_text=text).wait_for(timeout=120_000)
    assert call(box) == text


def measures(box):
    return json.loads(box.get_attribute("data-measures"))


def curve(box):
    return box.locator(".bx-main path.bx-forward").last.get_attribute("d")


# --- Tests ---------------------------------------------------------------------------


def test_a_key_on_the_slider_arrives_in_python(notebook):
    box = notebook.show(
        "w = TrainingExplorer()\nheard = []\n"
        'w.observe(lambda change: heard.append(change.new), "learning_rate")\nw'
    )
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown", "ArrowRight"):
        slider(box, "learning rate").press(key)
    notebook.becomes("w.learning_rate", 0.513)  # one step of a hundredth of a decade
    assert notebook.value("heard")[-1] == 0.513
    says(box, "TrainingExplorer(learning_rate=0.513)")


def test_labs_own_keys_leave_an_explorer_alone(notebook):
    """In Lab "d d" deletes a cell, "x" cuts it out, and "a" adds one."""
    box = notebook.show("w = TrainingExplorer()\nw")
    count = "jupyterapp.shell.currentWidget.content.widgets.length"
    before = notebook.page.evaluate(count)
    for place in (slider(box, "iterations"), box.get_by_role("button", name="Reset")):
        for key in "ddxabmy":
            place.press(key)
    assert notebook.page.evaluate(count) == before
    box.get_by_role("button", name="Step").press("Enter")
    notebook.becomes("w.iterations", 301)
    box.locator("summary").press("Enter")
    assert slider(box, "momentum").is_visible()


def test_an_assignment_moves_the_slider_and_draws_anew(notebook):
    box = notebook.show("w = TrainingExplorer()\nw")
    before = curve(box)
    notebook.run('w.learning_rate, w.data, w.activation = 0.05, "circles", "relu"')
    call = 'learning_rate=0.05, data="circles", activation="relu"'
    says(box, f"TrainingExplorer({call})")
    assert float(slider(box, "learning rate").input_value()) == pytest.approx(-1.3)
    assert box.get_by_label("learning rate, typed").input_value() == "0.05"
    assert box.locator("select").first.input_value() == "circles"
    assert curve(box) != before


def test_a_quick_hand_is_not_pulled_back_by_the_kernel(notebook):
    box = notebook.show("w = TrainingExplorer(iterations=20)\nw")
    positions = notebook.page.evaluate(
        """async (range) => {
          const seen = [];
          const wait = (ms) => new Promise((done) => setTimeout(done, ms));
          range.focus();
          for (let i = 0; i < 40; i++) {
            range.stepUp();
            range.dispatchEvent(new Event("input"));
            for (let k = 0; k < 3; k++) {
              seen.push(Number(range.value));
              await wait(10);
            }
          }
          range.blur();
          for (let k = 0; k < 50; k++) {
            seen.push(Number(range.value));
            await wait(20);
          }
          return seen;
        }""",
        slider(box, "iterations").element_handle(),
    )
    assert positions == sorted(positions) and positions[-1] == 60
    notebook.becomes("w.iterations", 60)


def test_two_views_of_one_explorer_follow_each_other(notebook):
    one = notebook.show("w = TrainingExplorer()\nw")
    two = notebook.show("w")
    slider(one, "iterations").press("End")
    says(two, "TrainingExplorer(iterations=2000)")
    slider(two, "iterations").press("Home")
    says(one, "TrainingExplorer(iterations=0)")
    notebook.run("w.iterations = 7")
    for box in (one, two):
        says(box, "TrainingExplorer(iterations=7)")
        assert slider(box, "iterations").input_value() == "7"
    assert curve(one) == curve(two)
    box = notebook.show("TrainingExplorer()")  # another explorer is another matter
    says(box, "TrainingExplorer()")


def test_it_is_linked_with_a_slider_of_ipywidgets(notebook):
    box = notebook.show(
        "s = ipywidgets.FloatLogSlider(value=0.1, min=-4, max=2)\n"
        'w = TrainingExplorer()\nlink = ipywidgets.link((s, "value"), '
        '(w, "learning_rate"))\nipywidgets.VBox([s, w])'
    )
    says(box, "TrainingExplorer(learning_rate=0.1)")
    slider(box, "learning rate").press("End")
    notebook.becomes("s.value", 100)
    readout = notebook.page.locator(".widget-slider .widget-readout")
    assert float(readout.inner_text()) == 100
    handle = notebook.page.locator(".widget-slider .noUi-handle")
    handle.press("Home")
    says(box, "TrainingExplorer(learning_rate=0.0001)")
    notebook.run("s.value = 10")
    notebook.becomes("round(w.learning_rate, 6)", 10)  # the log slider rounds a little
    says(box, notebook.value("repr(w)"))


def test_the_net_in_python_has_the_loss_that_is_shown(notebook):
    box = notebook.show("w = TrainingExplorer(iterations=50, hidden=5)\nw")
    slider(box, "learning rate").press("PageUp")
    notebook.becomes("w.learning_rate", 2.0)
    notebook.run(
        "from bplib import BinaryCrossEntropy\nx, t = w.examples()\n"
        "loss = BinaryCrossEntropy().forward(w.net().forward(x), t)"
    )
    assert measures(box)["loss"] == pytest.approx(notebook.value("loss"), rel=1e-9)
    assert measures(box)["learning_rate"] == 2.0


def test_the_answer_of_the_reader_arrives(notebook):
    box = notebook.show(
        'w = TrainingExplorer(question="Falls it?", options=["yes", "no"])\nw'
    )
    assert notebook.value("w.prediction") is None
    assert box.locator(".bx-controls[inert]").count() == 1
    box.get_by_role("button", name="no").click()
    notebook.becomes("w.prediction", "no")
    box = notebook.show('d = TrainingExplorer(question="How does it fall?")\nd')
    box.get_by_role("button", name="Show me").click()
    notebook.becomes("d.prediction and len(d.prediction)", 5)
    notebook.run("d.prediction = None")
    box.get_by_role("button", name="Show me").wait_for()


def test_a_bad_value_raises_in_the_cell_and_changes_nothing(notebook):
    box = notebook.show("w = TrainingExplorer(iterations=10)\nw")
    for code in ("w.learning_rate = -1", "w.iterations = 2.5", 'w.data = "moon"'):
        (output,) = notebook.run(code)[1]
        assert output["output_type"] == "error" and output["ename"] == "WrongValue"
        name = code.split(" =")[0][2:]
        assert f"TrainingExplorer expects {name} to be" in output["evalue"]
    notebook.run("w.momentum = 0.5")
    says(box, "TrainingExplorer(iterations=10, momentum=0.5)")
    assert box.locator(".bx-wrong").inner_text() == ""
    typed = box.get_by_label("learning rate, typed")
    typed.fill("many")
    typed.press("Enter")
    assert "learning rate must be" in box.locator(".bx-wrong").inner_text()
    assert notebook.value("w.learning_rate") == 0.5


def test_dark_colors_are_labs(notebook):
    box = notebook.show("TrainingExplorer()")
    picture = """(box) => {
      const canvas = box.querySelector("canvas");
      const { width, height } = canvas;
      const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
      let [low, high] = [255, 0];
      for (let i = 0; i < data.length; i += 4) {
        const light = (data[i] + data[i + 1] + data[i + 2]) / 3;
        [low, high] = [Math.min(low, light), Math.max(high, light)];
      }
      return [getComputedStyle(box).backgroundColor, low, high];
    }"""

    def looks(paper, lowest, highest):
        until = time.monotonic() + 120
        while True:
            found, low, high = box.evaluate(picture)
            if found == paper and lowest(low) and highest(high):
                return
            assert time.monotonic() < until, (found, low, high)
            notebook.page.wait_for_timeout(50)

    looks("rgb(255, 255, 255)", lambda low: True, lambda high: high > 240)
    try:
        notebook.command("apputils:change-theme", {"theme": "JupyterLab Dark"})
        notebook.page.locator('body[data-jp-theme-light="false"]').wait_for(
            state="attached"
        )
        looks("rgb(21, 25, 31)", lambda low: low < 50, lambda high: high < 200)
    finally:
        notebook.command("apputils:change-theme", {"theme": "JupyterLab Light"})
        notebook.page.locator('body[data-jp-theme-light="true"]').wait_for(
            state="attached"
        )


def test_a_notebook_that_was_closed_finds_its_explorer_again(notebook):
    box = notebook.show("w = TrainingExplorer()\nw")
    slider(box, "iterations").press("End")
    notebook.becomes("w.iterations", 2000)
    notebook.page.evaluate(
        """async () => {
          const panel = jupyterapp.shell.currentWidget;
          const path = panel.context.path;
          await panel.context.save();
          panel.close();
          await jupyterapp.commands.execute("docmanager:open", { path });
        }"""
    )
    notebook.page.wait_for_function(IDLE)
    says(box, "TrainingExplorer(iterations=2000)")
    slider(box, "iterations").press("Home")
    notebook.becomes("w.iterations", 0)


def test_what_a_committed_notebook_holds_is_a_sentence(notebook):
    """Without the widget's own output, as notebooks are stored: see tools/notebooks."""
    w = bplib.widgets.TrainingExplorer()
    data = {"text/plain": repr(w), "text/html": w.html()}
    output = nbformat.v4.new_output("display_data", data=data)
    cell = {"cell_type": "code", "source": repr(w), "outputs": [output]}
    notebook.page.evaluate(
        """(cell) => {
          const { model } = jupyterapp.shell.currentWidget.content;
          model.sharedModel.insertCell(0, cell);
        }""",
        cell,
    )
    notebook.page.get_by_text("here once you run this cell").wait_for()


def test_after_a_restart_the_old_view_is_calm_and_a_new_one_lives(notebook):
    old = notebook.show("w = TrainingExplorer()\nw")
    page = notebook.page
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    page.wait_for_function(IDLE)
    slider(old, "iterations").press("End")  # without Python it computes still
    says(old, "TrainingExplorer(iterations=2000)")
    (output,) = notebook.run("w")[1]
    assert output["ename"] == "NameError"
    notebook.run(START)
    new = notebook.show("w = TrainingExplorer()\nw")
    slider(new, "iterations").press("End")
    notebook.becomes("w.iterations", 2000)


@pytest.mark.parametrize("name", [n for n in bplib.widgets.__all__ if n != "Quiz"])
def test_every_explorer_lives_in_lab(name, notebook):
    box = notebook.show(CELLS.get(name, f"w = {name}()\nw"))
    notebook.agree(box)
    if name == "Frames":
        box.locator(".bx-stage img").first.wait_for()
    assert box.locator(".bx-stage > *").count(), "nothing is drawn"
    images = box.locator(".bx-stage img").all()
    assert bool(images) == (name == "Frames")  # the bytes of a trait, decoded
    assert all(each.evaluate("image => image.naturalWidth") for each in images)
    notebook.run("before = w.state()")
    control = box.locator("input[type=range]:visible").first
    control.press("Home")
    control.press("ArrowRight")
    notebook.becomes("w.state() == before", False)
    notebook.agree(box)
    assert box.locator(".bx-wrong").inner_text() == ""


def test_a_quiz_is_answered(notebook):
    """What is right is computed once the quiz is shown; what is checked comes back."""
    box = notebook.show('w = Quiz("3.2")\nw')
    field = box.get_by_label("at the first update")
    field.fill("4")
    field.press("Enter")
    box.locator(".bx-verdict", has_text="This counts the weights").wait_for()
    notebook.becomes("w.answers", ["4", ""])
    assert notebook.value("w.sealed == w.seal()")
    notebook.agree(box)
    notebook.run("w.exercise, w.answers = '3.4', []")
    box.get_by_label("and the correct one").wait_for()
    assert box.locator(".bx-wrong").inner_text() == ""


def test_nbconvert_shows_the_sentence():
    """A notebook as Lab saves it: with the widget's view, without its state."""
    data, _ = bplib.widgets.TrainingExplorer()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    output = nbformat.v4.new_output("display_data", data=data)
    cell = nbformat.v4.new_code_cell("TrainingExplorer()", outputs=[output])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    page, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    assert page.count("here once you run this cell.") == 1


def test_the_kernels_heard_no_nonsense(lab, opened):
    """A message that Python refuses is a traceback in the server's log."""
    assert "Traceback" not in lab.log.read_text()
