"""How soon a picture follows a hand, measured in the browser that shows it.

Other work on the machine makes times longer, and nothing makes one shorter: so a
measurement is repeated up to three times, and the best counts.
"""

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
const watched = [];
{
  const { port1, port2 } = new MessageChannel();
  let started = 0;
  port1.onmessage = () => watched.push(performance.now() - started);
  document.addEventListener("input", (event) => {
    started = event.timeStamp;
    requestAnimationFrame(() => port2.postMessage(0));
  });
}
"""


def latencies(page):
    """Milliseconds from input to picture, for each of many changes by the pointer."""
    field = page.get_by_label("learning rate", exact=True)
    field.scroll_into_view_if_needed()
    page.evaluate("watched.length = 0; tester.rest()")
    box = field.bounding_box()
    y = box["y"] + box["height"] / 2
    for k in range(CHANGES + 1):
        x = box["x"] + box["width"] * (0.3 + 0.4 * k / CHANGES)
        page.mouse.move(x, y)
        if k == 0:
            page.mouse.down()
        page.wait_for_timeout(30)
    page.mouse.up()
    page.wait_for_timeout(200)
    return page.evaluate("watched")


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
    assert len(times) >= CHANGES * 0.6, f"only {len(times)} changes were shown"
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
        (4, {"median": 100, "95 %": 100, "run": 1200}),
    ],
    ids=["this CPU", "4 times slower"],
)
def test_the_picture_follows_the_learning_rate(opened, slow, limits):  # noqa: F811
    """100 points, 8 hidden units, 300 iterations: the defaults."""
    page = opened(explorer("TrainingExplorer"), fast=False)
    page.add_script_tag(content=WATCH)
    print(f"\n{slow} times slower")
    latencies(page)  # warm: the browser has compiled what runs often
    within(limits, lambda: measured(page, slow))
    assert page.errors == []


LONGEST = 50  # milliseconds; from there on the browser calls a task long

SWEEP = """
    const [{ root }] = boxes;
    tester.unfold();
    await tester.rest();
    const found = [];
    let now = "";
    const observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) found.push([now, duration]);
    });
    observer.observe({ type: "longtask" });
    const controls = root.querySelectorAll("input[type=range], select");
    for (const e of controls) {
      now = e.closest("label").textContent;
      const first = e.value;
      for (let k = 0; k < 40; k++) {
        if (e.type === "range") e.value = Number(e.min) + (k / 39) * (e.max - e.min);
        else e.selectedIndex = k % e.options.length;
        tester.send(e, "input");
        tester.send(e, "change");
        await new Promise(tester.real);
        if (e.tagName === "SELECT" && k > 8) break;
      }
      e.value = first;
      tester.send(e, "input");
      tester.send(e, "change");
      await new Promise(tester.real);
      await tester.wait(60); // the observer hears later
    }
    observer.disconnect();
    return [controls.length, found];
"""


@pytest.mark.parametrize("name", NAMES)
def test_nothing_blocks(name, opened):  # noqa: F811
    """No task over 50 ms, whichever control is moved from end to end."""
    page = opened(explorer(name), fast=False)
    run(page, SWEEP)  # warm

    def longest():
        number, found = run(page, SWEEP)
        assert number, "nothing was moved"
        worst = {}
        for control, time in found:
            worst[control] = max(time, worst.get(control, 0))
        # What does not come up again was the machine's, not ours.
        for control in set(seen) - set(worst):
            seen[control] = 0
        for control, time in worst.items():
            seen[control] = min(time, seen.get(control, time))
        return {"longest": max(seen.values(), default=0)}

    seen = {}
    print(f"\n{name}")
    try:
        within({"longest": LONGEST}, longest)
    finally:
        print(seen)
    assert page.errors == []
