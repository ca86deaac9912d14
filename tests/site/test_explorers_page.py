"""What holds for every explorer in a browser, each check seen to fail on a mutant."""

import base64
import contextlib
import io
import itertools
import json
import os
import re

import explorer_page
import numpy as np
import playwright.sync_api
import pytest
from explorer_states import CASES, NAMES, again, explorer, in_state, same
from explorer_states import wrong_on_a_page as wrong_values
from PIL import Image
from test_pages import assert_accessible, assert_no_sideways_scroll

import bplib.widgets
from bplib.widgets import explorer as base

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="window.hurt = 1"><script>window.hurt = 1</script>"\'&'

# On the page: frames are counted, and come at once where real ones are not needed;
# boxes are mounted in order, and each knows its model.
TESTER = """
const tester = { frames: new Map(), asked: 0, timers: new Set() };
{
  const [later, forget] = [setTimeout.bind(window), clearTimeout.bind(window)];
  const [real, unreal] = [requestAnimationFrame, cancelAnimationFrame];
  const { port1, port2 } = new MessageChannel();
  const come = (id, now) => {
    const f = tester.frames.get(id);
    tester.frames.delete(id);
    f?.(now);
  };
  port1.onmessage = ({ data: id }) => come(id, performance.now());
  window.requestAnimationFrame = (f) => {
    const id = ++tester.asked;
    tester.frames.set(id, f);
    if (FAST) port2.postMessage(id);
    else real.call(window, (now) => come(id, now));
    return id;
  };
  tester.real = (f) => real.call(window, f);
  window.cancelAnimationFrame = (id) => tester.frames.delete(id);
  window.setTimeout = (f, ms) => {
    const id = later(() => { tester.timers.delete(id); f(); }, ms);
    tester.timers.add(id);
    return id;
  };
  window.clearTimeout = (id) => { tester.timers.delete(id); forget(id); };
  tester.wait = (ms = 0) => new Promise((done) => later(done, ms));
  tester.rest = async () => {
    const images = () => document.querySelector(".bx-frame[aria-busy]");
    const busy = () => tester.frames.size || images();
    for (let [quiet, times] = [0, 0]; quiet < 3 && times < 2000; times++) {
      await tester.wait();
      quiet = busy() ? 0 : quiet + 1;
    }
  };
  tester.frame = () => new Promise((done) => requestAnimationFrame(done));
  // Words come later than pictures.
  tester.said = async (root) => {
    for (let k = 0; k < 3000 && tester.timers.size; k++) await tester.wait(20);
    return root.querySelector("[role=status]").textContent;
  };

  let made = null;
  Model = class extends Model {
    constructor(state) { super(state); made = this; }
  };
  const plain = mount;
  let before = Promise.resolve();
  mount = (box) => (before = before.then(async () => {
    if (FRAMES) box.dataset.frames = JSON.stringify(FRAMES);
    await plain(box);
    box.model = made;
    box.root = box.querySelector(".bx");
  }));

  tester.about = async (name) => (await load("parameters.js"))[name];
  tester.file = (name) => name.replace(/(?<=.)([A-Z])/g, "_$1").toLowerCase() + ".js";
  // A view beside the others: of a new model with this state, or of one that is there.
  tester.mount = async (name, state, model) => {
    const values = {};
    const { parameters } = await tester.about(name);
    for (const key in parameters) values[key] = parameters[key].default;
    Object.assign(values, BASE, state);
    const more = { prediction: null, _page: ".html", frames: FRAMES, sealed: SEALED };
    model ??= new Model(structuredClone({ ...values, ...more, _start: values }));
    const el = document.createElement("div");
    document.querySelector("main").append(el);
    const close = await (await load(tester.file(name))).default.render({ model, el });
    await tester.frame();
    const root = el.querySelector(".bx");
    return { el, model, root, close: () => { close(); el.remove(); } };
  };
  tester.values = (model) => {
    const { prediction, _page, _start, frames, sealed, ...values } = model.state;
    return structuredClone(values);
  };
  tester.call = (root) => root.querySelector(".bx-foot code").textContent;
  tester.alert = (root) => root.querySelector("[role=alert]").textContent;
  tester.send = (element, kind) =>
    element.dispatchEvent(new Event(kind, { bubbles: true }));
  tester.reset = (root) =>
    [...root.querySelectorAll("button")].find((e) => e.textContent === "Reset").click();
  tester.type = (field, text) => {
    field.focus();
    field.value = text;
    tester.send(field, "input");
    tester.send(field, "change");
    field.blur();
  };
  let state = 1;
  tester.random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  // One change of one control, as a hand would make it.
  tester.change = (root) => {
    const all = "input[type=range], input[type=checkbox], select, button";
    const other = /Reset|Play|Pause/;
    const able = [...root.querySelectorAll(all)].filter(
      (e) => !e.closest("[inert]") && !e.disabled && !other.test(e.textContent),
    );
    const one = able[Math.floor(tester.random() * able.length)];
    if (one.type === "range") {
      one.value = Number(one.min) + tester.random() * (one.max - one.min);
      tester.send(one, "input");
      tester.send(one, "change");
    } else if (one.tagName === "SELECT") {
      one.selectedIndex = Math.floor(tester.random() * one.options.length);
      tester.send(one, "input");
      tester.send(one, "change");
    } else one.click();
  };
  tester.native = "a, button, input, select, summary";
  tester.able = "a[href], button, input, select, summary, [tabindex], [role=button]";
  tester.controls = (root) =>
    [...root.querySelectorAll(tester.able)].filter(
      (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest("[inert]") &&
        !e.disabled && (e.tabIndex >= 0 || e.matches(tester.native)) &&
        (e.type !== "radio" || tester.stop(e)),
    );
  // Of a group of radio buttons Tab meets one.
  tester.stop = (radio) => {
    const group = [...document.getElementsByName(radio.name)];
    return radio === (group.find((e) => e.checked) ?? group[0]);
  };
  tester.unfold = () =>
    document.querySelectorAll("details").forEach((each) => (each.open = true));
}
"""


@pytest.fixture
def opened(browser, tmp_path):
    """opened(*explorers, width=1280, scheme="light", fast=True, **of the context)"""
    with contextlib.ExitStack() as stack:

        def opened(*explorers, width=1280, scheme="light", fast=True, **options):
            viewport = {"width": width, "height": 900 if width > 800 else 740}
            context = browser.new_context(
                viewport=viewport, color_scheme=scheme, **options
            )
            stack.callback(context.close)
            images = addresses(explorers[0])
            # Pictures mean something in their state only, as do answers.
            made = explorers[0]
            sealed = made.seal() if hasattr(made, "seal") else ""
            state = made.changed() if images else {}
            state |= {"exercise": made.exercise} if sealed else {}
            given = {"FAST": fast, "FRAMES": images, "BASE": state, "SEALED": sealed}
            texts = {k: json.dumps(v).replace("<", "\\u003c") for k, v in given.items()}
            script = re.sub("|".join(texts), lambda found: texts[found[0]], TESTER)
            page = explorer_page.open_page(
                context, tmp_path, *explorers, scheme=scheme, script=script
            )
            page.evaluate("tester.frame()")
            return page

        yield opened


def addresses(made):
    """Those of the pictures that a page has for Frames; else none."""
    images = getattr(made, "frames", ())
    return [
        f"data:;base64,{base64.b64encode(each).decode()}" for each in images
    ] or None


def run(page, body, argument=None):
    """Run the body of an async function (given) on the page; every box is in boxes."""
    prelude = 'const boxes = [...document.querySelectorAll(".bplib-explorer")];'
    return page.evaluate(f"async (given) => {{ {prelude} {body} }}", argument)


def no_errors(page):
    assert page.errors == []


# --- For everyone --------------------------------------------------------------------


def looks_of(name):
    """States of a class, and all that may stand around them; the last are answered."""
    case, kind = CASES[name], getattr(bplib.widgets, name)
    looks = [in_state(name, n) for n in range(min(3, len(case.states)))]
    goal = {"goal": case.goal} if case.goal else {}
    choice = {"question": "What comes next?", "options": ["It rises", "It falls"]}
    looks.append(explorer(name, section="intro#more", **choice, **goal))
    sketch = [explorer(name, question="What comes next?")] if kind.can_sketch else []
    return [
        *looks,
        *sketch,
        explorer(name, **{**choice, **goal, **case.meets}),
        *sketch,
    ]


def show_all(page, name):
    run(
        page,
        """
        tester.unfold();
        const field = boxes[0].querySelector("input[type=text]");
        if (field) tester.type(field, "nonsense");
        for (const box of boxes.slice(given))
          box.querySelector(".bx-ask button").click();
        await tester.rest();
        """,
        -1 - getattr(bplib.widgets, name).can_sketch,
    )


def desk(opened, name):
    page = opened(*looks_of(name))
    assert_no_sideways_scroll(page)
    show_all(page, name)
    assert_no_sideways_scroll(page)
    assert_accessible(page, f"{name}, 1280 px, light")
    no_errors(page)


def phone(opened, name):
    page = opened(*looks_of(name), width=375, scheme="dark", device_scale_factor=2)
    assert_no_sideways_scroll(page)
    show_all(page, name)
    assert_accessible(page, f"{name}, 375 px, dark")
    for_fingers(page)
    for_eyes(page)
    no_errors(page)


CUT_OFF = """
const cut = [];
for (const { root } of boxes) {
  const frame = root.getBoundingClientRect();
  for (const e of root.querySelectorAll("*")) {
    if (!e.checkVisibility({ visibilityProperty: true })) continue;
    const r = e.getBoundingClientRect();
    const text = e.tagName === "text";
    const plot = e.closest("svg svg") ? null : text && e.ownerSVGElement;
    const room = plot ? plot.getBoundingClientRect() : frame;
    if (e.ownerSVGElement && !plot) continue; // a plot clips what is drawn in it
    if (!r.width || (r.left >= room.left - 1 && r.right <= room.right + 1)) continue;
    cut.push(`${e.outerHTML.slice(0, 120)}: ${r.left} to ${r.right}`);
  }
}
return cut;
"""


def for_eyes(page):
    """The smallest phone; 200 % zoom of the page, and of its text alone."""
    for width, text in ((640, "200%"), (640, "100%"), (320, "100%")):
        page.set_viewport_size({"width": width, "height": 700})
        page.evaluate("size => document.documentElement.style.fontSize = size", text)
        page.evaluate("tester.frame()")
        assert_no_sideways_scroll(page)
        assert run(page, CUT_OFF) == [], f"at {width} px, text of {text}"
    small = run(
        page,
        """
        return [...document.querySelectorAll(".bx svg text")].filter(
          (e) => e.textContent.trim() && e.checkVisibility(),
        ).map((e) => [
          parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a, e.textContent,
        ]).filter(([size]) => size < 9);
        """,
    )
    assert small == [], "too small to read at 320 px"


def for_fingers(page):
    """Whatever takes a finger is 44 px high and wide, or stands in a label that is."""
    small = run(
        page,
        """
        return boxes.flatMap(({ root }) => tester.controls(root)).filter((e) => {
          if (e.closest(".bx-handles")) return false; // the whole plot is taken
          const of = /checkbox|radio/.test(e.type) ? e.closest("label") : e;
          const { width, height } = of.getBoundingClientRect();
          const least = e.ownerSVGElement ? 24 : 43.9; // with a list of them beside
          return width < least || height < least;
        }).map((e) => [e.outerHTML.slice(0, 150), e.getBoundingClientRect().height]);
        """,
    )
    assert small == []


def keyboard(opened, name):
    page = opened(explorer(name, section="intro"))
    names = run(
        page,
        """
        tester.unfold();
        await tester.rest();
        const [first, last] = [1, 2].map(() => document.createElement("button"));
        document.querySelector("main").prepend(first);
        document.querySelector("main").append(last);
        first.focus();
        return tester.controls(boxes[0].root).map((e) => e.outerHTML.slice(0, 100));
        """,
    )
    where = """
        const all = tester.controls(boxes[0].root);
        const now = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(now);
        const seen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
        return [all.indexOf(now), seen];
    """
    stops = []
    for _ in names:
        page.keyboard.press("Tab")
        stops.append(run(page, where))
    assert [n for n, _ in stops] == list(range(len(names))), "Tab goes another way"
    hidden = [names[n] for n, seen in stops if not seen]
    assert not hidden, f"focus cannot be seen: {hidden}"
    page.keyboard.press("Tab")
    assert run(page, where)[0] == -1, "a trap for the keyboard"
    page.keyboard.press("Shift+Tab")
    assert run(page, where)[0] == len(names) - 1
    # Each control does something.
    for number in range(len(names)):
        kind, before = run(
            page,
            """
            const e = tester.controls(boxes[0].root)[given];
            e.focus();
            const { type, tagName } = e;
            window.clicks = 0;
            window.counting?.abort();
            window.counting = new AbortController();
            const { signal } = window.counting;
            e.addEventListener("click", () => window.clicks++, { signal });
            const values = JSON.stringify(tester.values(boxes[0].model));
            return [type || tagName, values];
            """,
            number,
        )
        keys = {
            "range": ("ArrowRight", "ArrowLeft"),
            "checkbox": ("Space",),
            "select-one": ("ArrowDown", "ArrowUp"),
        }.get(kind, ())
        for key in keys:
            page.keyboard.press(key)
            after = run(page, "return JSON.stringify(tester.values(boxes[0].model));")
            if after != before:
                break
        if keys:
            assert after != before, f"{keys} change nothing: {names[number]}"
        elif kind in ("button", "BUTTON"):
            page.keyboard.press("Enter")
            page.keyboard.press("Space")
            assert page.evaluate("window.clicks") == 2, names[number]
    no_errors(page)


def typing(opened, name):
    """A typed number and Enter: taken, and the focus stays."""
    page = opened(explorer(name))
    page.evaluate("tester.unfold()")
    label = getattr(bplib.widgets, name).parameters()[CASES[name].number].label
    field = page.get_by_label(f"{label}, typed", exact=True)
    spec = getattr(bplib.widgets, name).parameters()[CASES[name].number].spec()
    value = spec["high"]
    field.fill(str(value))
    field.press("Enter")
    now = run(
        page,
        """
        return [boxes[0].model.get(given), document.activeElement.tagName];
        """,
        CASES[name].number,
    )
    assert now == [value, "INPUT"]
    # A comma does as well, and what is shown is the number.
    if spec["kind"] == "number":
        low = max(spec["low"], 0.25)
        field.fill(str(low).replace(".", ","))
        field.press("Enter")
        page.evaluate("tester.rest()")
        assert run(page, "return boxes[0].model.get(given)", CASES[name].number) == low
        assert float(field.input_value()) == low
    no_errors(page)


def words(opened, name):
    """Values are read out, once the reader's hand rests."""
    case, parameters = CASES[name], getattr(bplib.widgets, name).parameters()
    told = case.number and parameters[case.told or case.number].label
    page = opened(explorer(name))
    faults, before, after, times = run(
        page,
        """
        const [{ root }] = boxes;
        tester.unfold();
        const faults = [];
        for (const e of tester.controls(root)) {
          const labels = [...(e.labels ?? [])].map((l) => l.textContent).join("");
          const text = e.type === "text" || e.tagName === "SELECT" ? "" : e.textContent;
          const found = e.getAttribute("aria-label") || labels || text;
          if (!found.trim()) faults.push(`no name: ${e.outerHTML}`);
          const slider = e.type === "range" || e.getAttribute("role") === "slider";
          if (slider && !e.getAttribute("aria-valuetext")?.trim())
            faults.push(`no text for its value: ${e.outerHTML}`);
        }
        for (const e of root.querySelectorAll("svg")) {
          if (e.ownerSVGElement || e.closest("[aria-hidden=true]")) continue;
          if (!e.getAttribute("aria-label")) faults.push(`a picture without a name`);
        }
        const before = await tester.said(root);
        // A change of words is read out, unless the words are said to be busy.
        let [times, last] = [0, before];
        const status = root.querySelector("[role=status]");
        const hear = () => {
          if (status.getAttribute("aria-busy") || status.textContent === last) return;
          [times, last] = [times + 1, status.textContent];
        };
        const all = { childList: true, attributes: true, subtree: true };
        new MutationObserver(hear).observe(status, { ...all, characterData: true });
        const range = [...root.querySelectorAll("input[type=range]")].find(
          (e) => !given || e.labels[0].textContent === given);
        for (let k = 0; k < 20; k++) {
          range.value = Number(range.min) + (k + 1) / 25 * (range.max - range.min);
          tester.send(range, "input");
          await tester.wait(5);
        }
        await tester.rest();
        const after = await tester.said(root);
        await tester.wait();
        return [faults, before, after, times];
        """,
        told,
    )
    assert faults == []
    assert re.search(r"\d", before) and re.search(r"\d", after)
    assert before != after, "the words do not follow"
    assert 1 <= times <= 3, f"read out {times} times in one movement"
    assert not re.search(r"undefined|NaN|\[object|function", before + after)
    assert before.rstrip().endswith("."), "words are sentences"
    no_errors(page)


# --- Bad input -----------------------------------------------------------------------

TYPED = [
    "abc",
    "",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-5",
    "1e40",
    "--1",
    "<b>1</b>",
    "null",
]


def bad_typing(opened, name):
    made = explorer(name)
    specs = {spec.label: key for key, spec in made.parameters().items()}
    page = opened(made, made)
    page.evaluate("tester.unfold()")
    found = run(
        page,
        """
        const [{ root, model }] = boxes;
        const found = [];
        for (const field of root.querySelectorAll("input[type=text]")) {
          if (field.closest("[inert]") || field.disabled) continue;
          const [shown, label] = [field.value, field.getAttribute("aria-label") ?? ""];
          const before = JSON.stringify(tester.values(model));
          for (const text of given) {
            tester.type(field, text);
            await tester.frame();
            const after = JSON.stringify(tester.values(model));
            found.push([label, text, tester.alert(root), before === after, shown,
              field.value]);
            if (before !== after) tester.type(field, shown);
          }
          tester.type(field, shown);
        }
        return found;
        """,
        TYPED,
    )
    assert found or not made.parameters()
    for label, text, alert, unchanged, shown, now in found:
        what = f"{text!r} in {label!r}"
        key = specs.get(label.removesuffix(", typed"))
        spec = made.parameters()[key] if key else None
        if unchanged is False:
            assert text in ("-5", "1e40"), f"{what} was taken"
            if spec:
                setattr(explorer(name), key, float(text))  # it may be so
            continue
        assert now == shown, f"after {what} the field shows {now!r}"
        assert alert and "\n" not in alert and len(alert) < 200, f"{what}: {alert!r}"
        if spec:
            assert spec.label in alert, alert
            assert f"{spec.limits['high']:g}" in alert.replace("−", "-"), alert
        assert "undefined" not in alert and "null" not in alert.replace("“null”", "")
    # A good value after all: the complaint goes, and the explorer follows.
    number = CASES[name].number
    label = made.parameters()[number].label
    alerts = run(
        page,
        """
        const [{ root, model }, other] = boxes;
        const field = [...root.querySelectorAll("input[type=text]")].find(
          (e) => e.getAttribute("aria-label") === `${given.label}, typed`);
        tester.type(field, "nonsense");
        const alerts = [tester.alert(root), tester.alert(other.root)];
        tester.type(field, String(given.high));
        await tester.rest();
        return [...alerts, tester.alert(root), model.get(given.number)];
        """,
        {
            "label": label,
            "number": number,
            "high": made.parameters()[number].limits["high"],
        },
    )
    assert alerts[0] and alerts[1:3] == ["", ""]
    assert alerts[3] == made.parameters()[number].limits["high"]
    no_errors(page)


def broken_states(opened, name):
    """One line says what is wrong; the default stands in, and all the rest works."""
    made = explorer(name)
    bad = []
    own = [key for key in made.parameters() if key not in base.Explorer.parameters()]
    for key, spec in made.parameters().items():
        if name != NAMES[-1] and key not in own:
            continue  # that is the same for all
        values = wrong_values(spec)
        picked = [*values[::4], {"a": [None, {"b": []}]}]
        bad += [[key, spec.label, value] for value in picked]
    page = opened(made)
    found = run(
        page,
        """
        const found = [];
        for (const [key, label, value] of given.bad) {
          const view = await tester.mount(given.name, { [key]: value });
          const before = [tester.alert(view.root), tester.call(view.root)];
          view.model.set(given.number, given.high);
          await tester.frame();
          const after = tester.call(view.root);
          tester.reset(view.root);
          await tester.frame();
          const reset = [tester.alert(view.root), tester.call(view.root)];
          view.close();
          found.push([key, label, value, ...before, after, ...reset]);
        }
        return found;
        """,
        {
            "bad": bad,
            "name": name,
            "number": CASES[name].number,
            "high": made.parameters()[CASES[name].number].limits["high"],
        },
    )
    assert len(found) == len(bad)
    default = page.locator(".bx-foot code").first.text_content()
    for key, label, value, alert, call, after, cleared, reset in found:
        what = f"{key}={value!r}"
        assert label in alert and "\n" not in alert, f"{what}: {alert!r}"
        assert len(alert) < 300, f"{what}: {alert!r}"
        assert call == default, f"{what} is shown as {call}"
        if key != CASES[name].number:
            assert CASES[name].number in after, f"{what}: then nothing works"
        assert (cleared, reset) == ("", default), f"{what}: Reset leaves {cleared!r}"
    no_errors(page)


def same_verdict(opened, name):
    """What Python refuses the page refuses, and it takes what Python takes."""
    made = explorer(name)
    cases = []
    for key, spec in made.parameters().items():
        good = [in_state(name, n).state()[key] for n in range(len(CASES[name].states))]
        if spec.kind in ("number", "whole"):
            good += [spec.limits["low"], spec.limits["high"]]
        cases += [(key, value, True) for value in good]
        cases += [(key, value, False) for value in wrong_values(spec)]
    page = opened(made)
    found = run(
        page,
        """
        const { problem } = await load("ui.js");
        const { parameters } = await tester.about(given.name);
        return given.cases.map(([key, value]) => problem(parameters[key], value));
        """,
        {"name": name, "cases": cases},
    )
    for (key, value, fine), text in zip(cases, found, strict=True):
        assert (text == "") is fine, f"{key}={value!r}: the page says {text!r}"


def hostile_texts(opened, name):
    hostile = {"question": HOSTILE, "options": [HOSTILE, "b"]}
    page = opened(explorer(name, **hostile))
    evil = [
        "javascript:alert(1)",
        "//x.org",
        "https://x.org",
        "data:text/html,x",
        "x\\y",
    ]
    evil += ['a" onclick="x', "a b", "../x", "a.html", "\njavascript:x", "a?b", "#"]
    good = ["intro", "folder/page#a-place", "#here", ""]
    found = run(
        page,
        """
        const [{ root, model }] = boxes;
        const shown = root.querySelector(".bx-ask").textContent;
        model.set("goal", given.hostile);
        await tester.rest();
        const links = [];
        for (const section of [...given.evil, ...given.good]) {
          const state = { section };
          const view = await tester.mount(given.name, state);
          const link = view.root.querySelector("a");
          links.push(link.checkVisibility() ? link.getAttribute("href") : null);
          view.close();
        }
        root.querySelector(".bx-ask button").click();
        await tester.rest();
        const tags = [...document.querySelectorAll("main :is(script, [src=x])")];
        const on = [...root.querySelectorAll("*")].flatMap((e) => [...e.attributes])
          .filter((a) => a.name.startsWith("on"));
        const after = root.textContent;
        const count = { tags: tags.length, on: on.length, hurt: window.hurt };
        return { shown, links, after, ...count };
        """,
        {
            "hostile": HOSTILE,
            "evil": evil,
            "good": good,
            "name": name,
        },
    )
    assert found["shown"].count(HOSTILE) == 2
    assert HOSTILE in found["after"]
    assert found["links"][: len(evil)] == [None] * len(evil)
    assert found["links"][len(evil) :] == [
        "intro.html",
        "folder/page.html#a-place",
        "#here",
        None,
    ]
    assert found["tags"] == 0
    assert (found["on"], found.get("hurt")) == (0, None)
    no_errors(page)


def lowest(name):
    """A value that any class takes for its number."""
    number = CASES[name].number
    if not number:
        return [0, 0]
    return explorer(name).parameters()[number].limits["low"]


# --- State ---------------------------------------------------------------------------


def alike(text):
    """The text with each float as Python writes it."""
    number = r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])"

    def plain(found):
        whole = found[0].lstrip("-").isdigit()
        return found[0] if whole else repr(float(found[0]))

    return re.sub(number, plain, text)


def python_call(opened, name):
    """What stands under "In Python" makes an explorer of this very state."""
    states = [in_state(name, n) for n in range(len(CASES[name].states))]
    words = {"question": 'Why "so"?\n\\ é 😀', "options": ["a\tb", "\u2028"]}
    states.append(explorer(name, **words, section="intro", goal=CASES[name].goal))
    page = opened(*states)
    found = run(
        page,
        """
        const pair = ({ root, model }) => [tester.call(root), tester.values(model)];
        return boxes.map(pair);
        """,
    )
    for made, (text, values) in zip(states, found, strict=True):
        assert same(again(text), made), text
        assert values == made.state()
        assert alike(text) == alike(repr(made))
    found = run(
        page,
        """
        tester.unfold();
        const found = [];
        for (const { root, model } of boxes.slice(0, -1)) {
          const before = tester.call(root);
          // More than ten where many buttons only prepare what another one does.
          for (let k = 0; k < 10 || (k < 100 && tester.call(root) === before); k++) {
            tester.change(root);
            if (k > 8) await tester.rest();
          }
          found.push([tester.call(root), tester.values(model), tester.alert(root)]);
        }
        return found;
        """,
    )
    for (text, values, alert), old in zip(found, states[:-1], strict=True):
        assert alert == "", text
        made = again(text)
        assert made.state() == values, text
        assert alike(text) == alike(repr(made))
        assert not same(made, old), f"changes of controls change nothing: {text}"
    no_errors(page)


def reset(opened, name):
    page = opened(
        in_state(name, 1), in_state(name, 1, question="Well?", options=["a", "b"])
    )
    looks = run(
        page,
        """
        const look = ({ root, model }) => [
          tester.call(root), tester.values(model), model.get("prediction"),
          root.classList.contains("bx-pending"), tester.alert(root),
          [...root.querySelectorAll("input, select")].map((e) => e.value + e.checked),
        ];
        const looks = boxes.map(look);
        boxes[1].querySelector(".bx-ask button").click();
        await tester.rest();
        looks.push(look(boxes[1]));
        tester.unfold();
        for (const { root, model } of boxes) {
          for (let k = 0; k < 12; k++) {
            tester.change(root);
            await tester.wait();
          }
          await tester.rest();
          looks.push(look({ root, model }));
          const field = root.querySelector("input[type=text]");
          if (field) tester.type(field, "nonsense");
          tester.reset(root);
          await tester.rest();
        }
        return [...looks, ...boxes.map(look)];
        """,
    )
    first, asked, answered, played, played2, again_first, again_asked = looks
    assert asked[2:4] == [None, True] and answered[2:4] == ["a", False]
    assert played[:2] != first[:2] and played2[:2] != asked[:2]
    assert again_first == first
    assert again_asked == asked
    no_errors(page)


def goal(opened, name):
    case, kind = CASES[name], getattr(bplib.widgets, name)
    looks = [explorer(name, goal=case.goal)]
    looks += [explorer(name, goal=f"{m} > -1e300") for m in kind.measures]
    looks += [explorer(name, goal=f"{m} < -1e300") for m in kind.measures]
    asked = {"question": "Well?", "options": ["a", "b"]}
    looks.append(explorer(name, goal=f"{kind.measures[0]} > -1e300", **asked))
    page = opened(*looks)
    texts = page.locator(".bx-goal").all_text_contents()
    assert texts[0].endswith("Not yet."), texts
    for measure, text in zip(kind.measures, texts[1:], strict=False):
        assert text.endswith("✓ Reached."), f"is {measure} measured? {text}"
    assert all(t.endswith("Not yet.") for t in texts[len(kind.measures) + 1 :])
    after = run(
        page,
        """
        const [box, last] = [boxes[0], boxes.at(-1)];
        for (const key in given) box.model.set(key, given[key]);
        await tester.rest();
        last.querySelector(".bx-ask button").click();
        await tester.rest();
        const goals = [box, last].map((b) => b.querySelector(".bx-goal").textContent);
        tester.reset(box);
        await tester.rest();
        return [...goals, box.querySelector(".bx-goal").textContent];
        """,
        case.meets,
    )
    assert after[0].endswith("✓ Reached."), after
    assert after[1].endswith("✓ Reached."), "a question was answered, and then?"
    assert after[2].endswith("Not yet.")
    no_errors(page)


def question(opened, name):
    """Nothing of the answer is there before the reader's own; then all is."""
    asked = {"question": "What comes?", "options": ["It rises", "It falls"]}
    looks = [explorer(name, **asked)]
    if getattr(bplib.widgets, name).can_sketch:
        looks.append(explorer(name, question="What comes?"))
    page = opened(*looks)
    run(page, "tester.unfold();")
    for n, look in enumerate(looks):
        box = page.locator(".bplib-explorer").nth(n)
        assert box.locator(".bx-ask").is_visible()
        assert not box.locator(".bx-said").is_visible()
        assert not [e for e in box.locator(".bx-answer").all() if e.is_visible()]
        if look.options:
            assert not box.locator(".bx-stage").is_visible()
        for part in ("controls", "buttons", "more"):
            assert box.locator(f".bx-{part}").first.evaluate("e => e.inert")
        answers = box.locator(".bx-ask button")
        if look.options:
            assert answers.all_text_contents() == list(look.options)
            answers.nth(1).click()
        else:
            assert box.locator(".bx-main").first.is_visible()
            knobs = box.locator(".bx-handles:last-child [role=slider]")
            assert knobs.count() >= 3
            before = knobs.nth(1).get_attribute("aria-valuenow")
            knobs.nth(1).focus()
            page.keyboard.press("ArrowUp")
            page.keyboard.press("ArrowUp")
            assert knobs.nth(1).get_attribute("aria-valuenow") != before
            answers.click()
        page.evaluate("tester.rest()")
        said = run(page, "return boxes[given].model.get('prediction')", n)
        if look.options:
            assert said == "It falls"
            assert "It falls" in box.locator(".bx-ask").text_content()
        else:
            values = [k.get_attribute("aria-valuenow") for k in knobs.all()]
            assert said == [float(v) for v in values]
        assert box.locator(".bx-stage").is_visible()
        assert box.locator(".bx-said").is_visible()
        assert box.locator(".bx-ask button").count() == 0
        assert not box.locator(".bx-controls").first.evaluate("e => e.inert")
        # The answer is not part of the call: another reader is asked again.
        assert "prediction" not in box.locator(".bx-foot code").text_content()
    no_errors(page)


def by_itself(opened, name):
    """Two of one class know nothing of each other; two views of one model all."""
    page = opened(explorer(name), explorer(name))
    found = run(
        page,
        """
        tester.unfold();
        const look = (root) => [
          tester.call(root), root.querySelector(".bx-stage").innerHTML,
          [...root.querySelectorAll("input, select")].map((e) => e.value + e.checked),
        ];
        const [first, second] = boxes;
        const before = look(second.root);
        const values = JSON.stringify(tester.values(second.model));
        for (let k = 0; k < 10; k++) tester.change(first.root);
        await tester.rest();
        const apart = [before, look(second.root), look(first.root)];
        apart.push(values === JSON.stringify(tester.values(second.model)));
        const view = await tester.mount(given.name, {}, first.model);
        const calls = [];
        for (const root of [first.root, view.root, first.root]) {
          for (let k = 0; k < 5; k++) tester.change(root);
          await tester.rest();
          calls.push(look(first.root), look(view.root));
        }
        // From outside, as from Python.
        first.model.set(given.number, given.value);
        await tester.rest();
        calls.push(look(first.root), look(view.root));
        const number = first.model.get(given.number);
        view.close();
        const alone = [];
        for (let k = 0; k < 10; k++) {
          tester.change(first.root);
          await tester.frame();
          alone.push(tester.call(first.root));
        }
        return { apart, calls, number, alone };
        """,
        {
            "name": name,
            "number": CASES[name].number or "at",
            "value": lowest(name),
        },
    )
    before, after, other, apart = found["apart"]
    assert apart and after == before
    assert other[0] != before[0]
    for one, two in zip(found["calls"][::2], found["calls"][1::2], strict=True):
        assert one[0] == two[0]
        assert one[2] == two[2]
        assert one[1] == two[1], "the views show different pictures"
    assert len({look[0] for look in found["calls"]}) >= 2
    assert len(set(found["alone"])) > 1, "closing one view stops the other"
    no_errors(page)


# --- Memory --------------------------------------------------------------------------

MARGIN = 1_000_000  # bytes; a run that is kept by mistake takes half of that


def memory(opened, name):
    """Flat after 1,000 changes, and after 50 mounts and unmounts."""
    page = opened(explorer(name))
    tools = page.context.new_cdp_session(page)

    def used():
        for _ in range(3):  # what one collection frees may hold more
            tools.send("HeapProfiler.collectGarbage")
            page.wait_for_timeout(100)
        counters = tools.send("Memory.getDOMCounters")
        heap = tools.send("Runtime.getHeapUsage")["usedSize"]
        return heap, counters["nodes"], counters["jsEventListeners"]

    play = """
        const [{ root }] = boxes;
        tester.unfold();
        for (let k = 0; k < given; k++) {
          tester.change(root);
          if (k % 10 === 9) await tester.frame();
        }
        tester.reset(root);
        await tester.rest();
        await tester.said(root);
    """
    mounts = """
        for (let k = 0; k < given.times; k++) {
          const view = await tester.mount(given.name, {});
          tester.change(view.root);
          await tester.frame();
          view.close();
        }
        await tester.rest();
    """
    given = {"name": name}
    run(page, play, 100)
    run(page, mounts, {**given, "times": 3})
    before = used()
    run(page, play, 1000)
    middle = used()
    run(page, mounts, {**given, "times": 50})
    after = used()
    print(f"\n{name}: heap, nodes, listeners: {before}, {middle}, {after}")
    for now in (middle, after):
        assert now[0] - before[0] < MARGIN
        assert now[1] - before[1] <= 20
        assert now[2] - before[2] <= 5
    no_errors(page)


def unmounted(opened, name):
    """Nothing goes on after the end, also in the middle of things."""
    page = opened(explorer(name))
    found = run(
        page,
        """
        const found = [];
        for (const busy of [false, true]) {
          const view = await tester.mount(given.name, {});
          if (!busy) await tester.rest();
          if (busy) {
            for (const e of view.root.querySelectorAll("button"))
              if (/Play|Run/.test(e.textContent)) e.click();
            for (let k = 0; k < 5; k++) tester.change(view.root);
          }
          view.close();
          const asked = tester.asked;
          view.model.set(given.number, given.value);
          document.documentElement.dataset.theme = busy ? "light" : "dark";
          await tester.wait(150);
          const others = 1; // the explorer on the page hears of the theme
          found.push([view.model.listeners.length, tester.asked - asked - others,
            view.el.childElementCount]);
        }
        await tester.said(boxes[0].root);
        return [...found, [tester.frames.size, tester.timers.size, 0]];
        """,
        {
            "name": name,
            "number": CASES[name].number or "at",
            "value": lowest(name),
        },
    )
    assert found == [[0, 0, 0]] * 3, "[listeners, frames, elements] that are left"
    no_errors(page)


# --- Looks ---------------------------------------------------------------------------


def pixels(locator):
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB"))


def printed(opened, name):
    page = opened(explorer(name, section="intro"))
    page.evaluate("tester.unfold()")
    page.emulate_media(media="print")
    box = page.locator(".bx")
    left = run(
        page,
        """
        return tester.controls(boxes[0].root).filter((e) => !e.closest(".bx-stage"))
          .map((e) => e.outerHTML.slice(0, 80));
        """,
    )
    assert left == [], "controls on paper"
    for part in ("stage", "said", "foot"):
        assert box.locator(f".bx-{part}").is_visible()
    for picture in box.locator(".bx-stage :is(svg, img, canvas)").all():
        assert picture.is_visible()
    shown = pixels(box.locator(".bx-stage"))
    assert (shown != shown[0, 0]).any(axis=-1).mean() > 0.005
    no_errors(page)


def forced_colors(opened, name):
    """Every line stands out where the reader's system chooses the colors."""
    looks = [in_state(name, n) for n in range(len(CASES[name].states))]
    page = opened(*looks, forced_colors="active", scheme="dark")
    for ground, theme in itertools.product(("dark", "light"), repeat=2):
        page.emulate_media(color_scheme=ground)
        faint = run(page, FAINT, theme)
        assert faint == [], f"hard to see, page {theme}, system {ground}"
    for stage in page.locator(".bx-stage").all():
        shown = pixels(stage)
        assert (shown != shown[0, 0]).any(axis=-1).mean() > 0.005
    no_errors(page)


# Lines and letters with less than 3 to 1 against the system's ground, where nothing
# else of them is seen; on a colored picture the ground is not the system's.
FAINT = """
  document.documentElement.dataset.theme = given;
  await tester.rest();
  const often = { willReadFrequently: true }; // else the console warns
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", often);
  const light = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    const [x, y, z] = [r, g, b].map((v) => v / 255)
      .map((v) => (v > 0.04045 ? ((v + 0.055) / 1.055) ** 2.4 : v / 12.92));
    return a < 200 ? NaN : 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const faint = [];
  for (const { root } of boxes) {
    const probe = root.appendChild(document.createElement("i"));
    probe.style.cssText = "color: Canvas; forced-color-adjust: none";
    const ground = light(getComputedStyle(probe).color);
    probe.remove();
    const every = root.querySelectorAll("svg :is(path, line, circle, rect, text)");
    for (const e of every) {
      if (!e.checkVisibility()) continue;
      if (e.closest(".bx-plot")?.querySelector("canvas")) continue;
      if (!e.getBBox().width && !e.getBBox().height) continue;
      const { stroke, fill, opacity } = getComputedStyle(e);
      const drawn = [stroke, fill].filter((c) => c !== "none" && opacity > 0.3);
      const ratios = drawn.map(light).filter((v) => v === v)
        .map((v) => (Math.max(v, ground) + 0.05) / (Math.min(v, ground) + 0.05));
      if (ratios.length && Math.max(...ratios) < 3)
        faint.push(`${e.outerHTML.slice(0, 90)} ${stroke} ${fill}`);
    }
  }
  return [...new Set(faint)].slice(0, 5);
"""


def theme(opened, name):
    """The canvas follows when the reader switches between light and dark."""
    page = opened(explorer(name))
    found = run(
        page,
        """
        const [{ root }] = boxes;
        const rows = () => [
          getComputedStyle(root).backgroundColor,
          ...[...root.querySelectorAll("canvas")].map((canvas) => {
            const { width, height } = canvas;
            const copy = new OffscreenCanvas(width, height).getContext("2d");
            copy.drawImage(canvas, 0, 0);
            const { data } = copy.getImageData(0, 0, width, height);
            return data.reduce((a, b) => a + b) / data.length; // a quarter is opacity
          }),
        ];
        await tester.rest();
        const light = rows();
        document.documentElement.dataset.theme = "dark";
        await tester.rest();
        const dark = rows();
        document.documentElement.dataset.theme = "light";
        await tester.rest();
        return [light, dark, rows()];
        """,
    )
    light, dark, back = found
    assert back == light
    assert dark[0] == "rgb(21, 25, 31)" != light[0]
    for one, two in zip(light[1:], dark[1:], strict=True):
        assert two < one - 10, "a canvas that stays as light as it was"
    no_errors(page)


def calm(opened, name):
    """Play makes a film; few changes where the reader wants no motion."""
    body = """
        const [{ root, model }] = boxes;
        const play = [...root.querySelectorAll("button")].find(
          (e) => e.textContent === "Play");
        if (!play) return null;
        const times = [];
        model.on("change", () => times.push(document.timeline.currentTime));
        play.click();
        for (let k = 0; times.length < given && k < 3000; k++) await tester.wait(20);
        const text = play.textContent;
        play.click();
        await tester.rest();
        const [stopped, then] = [play.textContent, times.length];
        await tester.wait(100);
        return [times, text, stopped, times.length - then];
    """
    shortest = {}
    for motion, changes in (("reduce", 3), ("no-preference", 5)):
        page = opened(explorer(name), fast=False, reduced_motion=motion)
        found = run(page, body, changes)
        no_errors(page)
        if found is None:
            pytest.skip("plays nothing")
        times, *after = found
        assert after == ["Pause", "Play", 0]
        assert len(times) >= changes
        shortest[motion] = min(np.diff(times))  # milliseconds, by the frames' clock
    assert shortest["reduce"] >= 499, shortest
    assert shortest["no-preference"] < 499, shortest


# --- All of this, for all of them ----------------------------------------------------

CHECKS = [
    desk, phone, keyboard, typing, words, bad_typing, broken_states, same_verdict,
    hostile_texts, python_call, reset, goal, question, by_itself, memory, unmounted,
    printed, forced_colors, theme, calm,
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_explorer(check, name, opened):
    if check.__name__ in CASES[name].without:
        pytest.skip("this class has no such thing")
    check(opened, name)


# --- Each check can fail -------------------------------------------------------------

MUTANTS = [
    (desk, "explorers.css", "--quiet: #4d5766", "--quiet: #b0b8c4"),
    (
        phone,
        "explorers.css",
        "width: 100%; height: 44px;",
        "width: 100%; height: 40px;",
    ),
    (phone, "explorers.css", "min(100%, 15rem)", "26rem"),
    (keyboard, "explorers.css", "outline: 3px solid var(--act)", "outline: 0 none"),
    (keyboard, "ui.js", '{ type: "range", min', '{ tabindex: -1, type: "range", min'),
    (typing, "ui.js", "const number = parse(typed.value);", "const number = NaN;"),
    (words, "ui.js", '"aria-valuetext": short(now)', '"aria-valuetext": ""'),
    (words, "ui.js", 'set(parts.said, { "aria-busy": "true" });', ""),
    (bad_typing, "ui.js", "if (!editing) typed.value", "if (false) typed.value"),
    (bad_typing, "ui.js", "v >= low && v <= high;", "v >= low;"),
    (
        broken_states,
        "ui.js",
        "ui.state[name] ??= spec.default",
        "ui.state[name] = value",
    ),
    (broken_states, "ui.js", "first[name])) first[name] = ", "first[name])) void "),
    (
        same_verdict,
        "ui.js",
        "inside(value) && Number.isInteger(value)",
        "inside(value)",
    ),
    (
        hostile_texts,
        "ui.js",
        'make("p", {}, legend)',
        'Object.assign(make("p"), { innerHTML: legend })',
    ),
    (hostile_texts, "ui.js", '(file ?? "") + (place ?? "")', "ui.state.section"),
    (python_call, "ui.js", "`${value}.0`", "String(value)"),
    (python_call, "ui.js", "!same(v, parameters[n].default)", "n !== 'loss'"),
    (
        reset,
        "ui.js",
        "    change(first);",
        "    change({ ...first, prediction: 'a' });",
    ),
    (goal, "ui.js", '"<": over < 0', '"<": over > 0'),
    (goal, "ui.js", "met && !ui.pending ?", "met ?"),
    (question, "explorers.css", ".bx-pending .bx-said", ".bx-pending .bx-other"),
    (question, "ui.js", "part.inert = ui.pending", "part.inert = false"),
    (by_itself, "host.js", "this.state = state;", "this.state = Model.one ??= state;"),
    (memory, "ui.js", "themes.disconnect()", "themes.takeRecords()"),
    (unmounted, "ui.js", "model.off(event, changed)", "model.off(event, paint)"),
    (
        printed,
        "explorers.css",
        ".bx :is(.bx-controls, .bx-buttons, .bx-more",
        ".bx :is(.bx-more",
    ),
    (forced_colors, "explorers.css", "--ink: CanvasText; ", ""),
    (forced_colors, "explorers.css", "--forward: LinkText; ", ""),
    (theme, "ui.js", "    palette = null;\n    changed();", "    changed();"),
    (calm, "player.js", "if (calm.matches && time - before < 500) return;", ""),
]
LONG = {"desk", "phone", "broken_states", "reset", "memory", "by_itself", "calm"}


@pytest.mark.parametrize(
    ("check", "file", "old", "new"),
    [pytest.param(*each, id=f"{each[0].__name__}-{each[3][:20]}") for each in MUTANTS],
)
def test_a_mutant_is_found(check, file, old, new, opened, monkeypatch):
    if check.__name__ in LONG and not os.environ.get("BPLIB_ALL_MUTANTS"):
        pytest.skip("takes long: set BPLIB_ALL_MUTANTS=1 after changes of this check")
    real = base.source

    def source(name):
        text = real(name)
        if name == file:
            assert text.count(old) == 1, f"{old!r} is not in {file}, or several times"
            return text.replace(old, new)
        return text

    monkeypatch.setattr(base, "source", source)
    monkeypatch.setattr(explorer_page, "source", source)
    with pytest.raises((AssertionError, playwright.sync_api.Error)) as caught:
        check(opened, "TrainingExplorer")
    assert "is not in" not in str(caught.value)
