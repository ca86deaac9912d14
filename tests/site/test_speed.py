"""How soon a picture follows a hand, measured in the browser that shows it.

Other work on the machine makes every time longer, and nothing makes one shorter: so a
measurement is repeated up to three times, and the best counts.
"""

import statistics

import explorer_page
import pytest
from explorer_states import CASES, NAMES, explorer
from test_explorers_page import TESTER, addresses, opened, run  # noqa: F401 (a fixture)

pytestmark = pytest.mark.browser

CHANGES = 60

# From an event of input to the end of the frame that shows its setting: its paint has
# asked for that frame before the listener here does, and a message sent in a frame
# arrives when the frame is done.
WATCH = """
const times = [];
const { port1, port2 } = new MessageChannel();
let started = 0;
port1.onmessage = () => times.push(performance.now() - started);
document.addEventListener("input", (event) => {
  started = event.timeStamp;
  requestAnimationFrame(() => port2.postMessage(0));
});
"""


def drag(page, range_box, label, changes):
    """Drag the slider's thumb through the middle of its track."""
    x, y, width = (range_box[key] for key in ("x", "y", "width"))
    y += range_box["height"] / 2
    page.mouse.move(x + 0.3 * width, y)
    page.mouse.down()
    for k in range(changes):
        page.mouse.move(x + width * (0.3 + 0.4 * (k + 1) / changes), y)
        page.wait_for_timeout(25)
    page.mouse.up()


def latencies(page):
    """Milliseconds from input to frame, one for each change of the learning rate."""
    page.evaluate("watched.length = 0")
    field = page.get_by_label("learning rate", exact=True)
    field.scroll_into_view_if_needed()
    drag(page, field.bounding_box(), "learning rate", CHANGES)
    page.wait_for_timeout(300)
    return page.evaluate("watched")


def whole_run(page):
    """Milliseconds until all iterations of a new learning rate are shown."""
    return run(
        page,
        """
        const times = [];
        const range = boxes[0].root.querySelector("input[type=range]");
        for (let k = 0; k < 7; k++) {
          await tester.rest();
          await tester.wait(50);
          const started = performance.now();
          range.value = Number(range.value) + 0.01;
          tester.send(range, "input");
          while (tester.frames.size) await new Promise(requestAnimationFrame.real);
          times.push(performance.now() - started);
        }
        return times;
        """,
    )
