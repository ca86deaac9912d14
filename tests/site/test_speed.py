"""How soon a picture follows a hand, read from the trace of the browser that shows it.

The trace knows two times of all that is done: that of the clock, and that for which the
processor worked on it. Where other programs take the processor, the first says nothing
about the page; then the second is judged. A measurement is repeated up to three times,
since other work only makes it longer, and the best counts.
"""

import contextlib
import json
import statistics

import pytest
from explorer_states import NAMES, explorer
from test_explorers_page import opened, run  # noqa: F401 (opened is a fixture)

pytestmark = pytest.mark.browser

CHANGES = 60

# An explorer's paint has asked for the next frame before this listener asks for it too;
# a message that is sent in a frame arrives when the frame is done, layout and paint
# included.
WATCH = """
{
  const { port1, port2 } = new MessageChannel();
  let waiting = false;
  port1.onmessage = () => {
    performance.mark("shown");
    waiting = false;
  };
  document.addEventListener("input", () => {
    if (waiting) return;
    waiting = true;
    performance.mark("input");
    requestAnimationFrame(() => port2.postMessage(0));
  }, true);
}
"""


class Trace:
    """What the browser noted; in microseconds, ts and dur of the clock, tts and tdur of
    the processor."""

    def __init__(self, text):
        self.events = json.loads(text)["traceEvents"]
        self.marks = [e for e in self.events if e.get("cat") == "blink.user_timing"]
        self.marks.sort(key=lambda e: e["ts"])
        main = (self.marks[0]["pid"], self.marks[0]["tid"])
        self.tasks = [
            e
            for e in self.events
            if e["name"].endswith("RunTask") and (e["pid"], e["tid"]) == main
            if "tdur" in e
        ]

    def busy(self):
        """Other programs had the processor for a third of the time or more."""
        tasks = [(e["dur"], e["tdur"]) for e in self.tasks if e["tdur"] > 1000]
        clock, own = map(sum, zip(*tasks, strict=True))
        return clock > 1.5 * own

    def latencies(self):
        """Milliseconds from each input to its picture."""
        time = "tts" if self.busy() else "ts"
        names = [e["name"] for e in self.marks]
        assert (
            names[::2].count("input") == names[1::2].count("shown") == len(names) // 2
        )
        pairs = zip(self.marks[::2], self.marks[1::2], strict=True)
        return [(after[time] - before[time]) / 1000 for before, after in pairs]

    def longest(self):
        """{mark: milliseconds of the longest task after it}

        Of the processor: a page's task cannot wait, so what the clock has beyond that
        is the time of other programs, or of other machines on the same processor.
        """
        found = {}
        for task in self.tasks:
            before = [e["name"] for e in self.marks if e["ts"] <= task["ts"]]
            if before:
                length = task["tdur"] / 1000
                found[before[-1]] = max(length, found.get(before[-1], 0))
        return found


@contextlib.contextmanager
def traced(page):
    """A list that will have the Trace of what is done inside."""
    browser, found = page.context.browser, []
    browser.start_tracing(page=page, categories=["blink.user_timing", "toplevel"])
    try:
        yield found
    finally:
        found.append(browser.stop_tracing())
    found[0] = Trace(found[0])


def latencies(page):
    """Milliseconds from input to picture, for each of many changes by the pointer."""
    field = page.get_by_label("learning rate", exact=True)
    field.scroll_into_view_if_needed()
    page.evaluate("tester.rest()")
    box = field.bounding_box()
    y = box["y"] + box["height"] / 2
    with traced(page) as traces:
        for k in range(CHANGES + 1):
            x = box["x"] + box["width"] * (0.3 + 0.4 * k / CHANGES)
            page.mouse.move(x, y)
            if k == 0:
                page.mouse.down()
            page.wait_for_timeout(20)
        page.mouse.up()
        page.wait_for_timeout(300)
    if traces[0].busy():
        print("the machine is busy: processor time is judged")
    return traces[0].latencies()


def whole_runs(page):
    """Milliseconds until all iterations of a new learning rate are on the picture."""
    return run(
        page,
        """
        const times = [];
        const range = boxes[0].root.querySelector("input[type=range]");
        for (let k = 0; k < 5; k++) {
          await tester.rest();
          const started = performance.now();
          range.value = Number(range.value) + 0.05;
          tester.send(range, "input");
          while (tester.frames.size) await new Promise(tester.real);
          times.push(performance.now() - started);
        }
        return times;
        """,
    )


def measured(page, slow):
    """{what: milliseconds} at this CPU, or at one that is `slow` times slower."""
    tools = page.context.new_cdp_session(page)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": slow})
    times = latencies(page)
    assert len(times) >= CHANGES / 3, f"only {len(times)} changes were shown"
    found = {
        "median": statistics.median(times),
        "95 %": statistics.quantiles(times, n=20)[-1],
        "run": statistics.median(whole_runs(page)),
    }
    tools.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    tools.detach()
    return found


def within(limits, measure):
    """The best of up to three measurements keeps all limits."""
    best = {}
    for _ in range(3):
        for what, value in measure().items():
            best[what] = min(value, best.get(what, value))
        if all(best[what] < limit for what, limit in limits.items()):
            break
    for what, value in best.items():
        print(f"{what:10}{value:8.1f} ms of {limits.get(what, float('nan')):6.0f}")
    late = {what: best[what] for what, limit in limits.items() if best[what] >= limit}
    assert not late, f"milliseconds, too many: {late}"


@pytest.mark.parametrize(
    ("slow", "limits"),
    [
        (1, {"median": 16, "95 %": 50, "run": 300}),
        (4, {"median": 100, "run": 1200}),
    ],
    ids=["this CPU", "4 times slower"],
)
def test_the_picture_follows_the_learning_rate(opened, slow, limits):  # noqa: F811
    """100 points, 8 hidden units, 300 iterations: the defaults."""
    page = opened(explorer("TrainingExplorer"), fast=False)
    page.add_script_tag(content=WATCH)
    print(f"\n{slow} times slower")
    within(limits, lambda: measured(page, slow))
    assert page.errors == []


LONGEST = 50  # milliseconds; from there on the browser calls a task long

SWEEP = """
    const [{ root }] = boxes;
    tester.unfold();
    await tester.rest();
    for (const e of root.querySelectorAll("input[type=range], select")) {
      performance.mark((e.getAttribute("aria-label") ?? e.labels[0].innerText).trim());
      const first = e.value;
      const times = e.type === "range" ? 40 : e.options.length;
      for (let k = 0; k < times; k++) {
        if (e.type === "range") e.value = Number(e.min) + (k / 39) * (e.max - e.min);
        else e.selectedIndex = k;
        tester.send(e, "input");
        tester.send(e, "change");
        await new Promise(tester.real);
      }
      e.value = first;
      tester.send(e, "input");
      tester.send(e, "change");
      await new Promise(tester.real);
    }
    performance.mark("the end");
"""


@pytest.mark.parametrize("name", sorted({*NAMES} - {"Quiz"}))  # nothing to move
def test_nothing_blocks(name, opened):  # noqa: F811
    """No task over 50 ms, whichever control is moved from end to end."""
    page = opened(explorer(name), fast=False)
    best = {}

    def longest():
        with traced(page) as traces:
            run(page, SWEEP)
        found = traces[0].longest()
        assert len(found) > 1, "nothing was moved"
        for control, time in found.items():
            best[control] = min(time, best.get(control, time))
        return {"longest": max(best.values())}

    print(f"\n{name}")
    try:
        within({"longest": LONGEST}, longest)
    finally:
        for control, time in sorted(best.items(), key=lambda pair: -pair[1])[:4]:
            print(f"{time:8.1f} ms  {control.splitlines()[0]}")
    assert page.errors == []


def test_what_blocks_is_found(opened):  # noqa: F811
    page = opened(explorer("Frames"), fast=False)
    slow = "() => { for (const t = performance.now(); performance.now() < t + 150; ); }"
    page.evaluate(f"document.addEventListener('input', {slow})")
    with traced(page) as traces:
        run(page, SWEEP)
    assert max(traces[0].longest().values()) > LONGEST
