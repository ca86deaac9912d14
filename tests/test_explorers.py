"""What holds for every explorer in Python; the states it is tried in are in a table."""

import copy
import html as markup
import inspect
import json
import re
import warnings

import ipywidgets
import matplotlib.style
import numpy as np
import pytest
import traitlets
from bs4 import BeautifulSoup
from explorer_states import (
    CASES,
    NAMES,
    STATES,
    again,
    bare,
    explorer,
    in_state,
    same,
    wrong_values,
)
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import bplib.widgets
from bplib.drawing import STYLE
from bplib.widgets import explorer as base
from bplib.widgets.explorer import Explorer, Parameter, sources

HOSTILE = "\u2028</script><img src=x onerror=alert(1)>\"'&{{{\\u2028\\\n😀 é"


PARAMETERS = [
    (name, each) for name in NAMES for each in getattr(bplib.widgets, name).parameters()
]


def skip_without(name, check):
    if check in CASES[name].without:
        pytest.skip("this class has no such thing")


def test_every_explorer_has_a_case():
    assert sorted(CASES) == sorted(bplib.widgets.__all__)
    assert list(bplib.widgets.__all__) == sorted(bplib.widgets.__all__)
    for name, case in CASES.items():
        assert case.states[0] == {}, f"the first state of {name} is not its default"
        assert len(case.states) >= 3, f"{name} is tried in too few states"


# --- A state, and the ways to write it down ------------------------------------------


@pytest.mark.parametrize(("name", "number"), STATES)
class TestState:
    def test_is_its_call(self, name, number):
        skip_without(name, "by_the_call")
        made = in_state(name, number)
        assert same(again(repr(made)), made)
        known = {**CASES[name].given[1], **CASES[name].states[number]}
        assert set(made.changed()) <= set(known)
        for key, value in CASES[name].states[number].items():
            assert base.tupled(getattr(made, key)) == base.tupled(value)

    def test_html_holds_it(self, name, number):
        made = in_state(name, number, question="Why?", options=["a", "b"])
        text = made.html()
        assert (
            text == in_state(name, number, question="Why?", options=["a", "b"]).html()
        )
        assert text == made.html()
        assert " at 0x" not in text and "\n" not in text and len(text) < 5000
        [box] = BeautifulSoup(text, "html.parser").select(".bplib-explorer")
        assert box["data-explorer"] == name
        assert box["data-module"] == base.module_name(type(made))
        assert same(bare(name, **json.loads(box["data-state"])), made)
        assert "published page" in box.get_text()

    def test_is_drawn(self, name, number):
        made = in_state(name, number)
        before = made.state()
        with (
            matplotlib.style.context(STYLE, after_reset=True),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("error")
            figure = Figure()
            canvas = FigureCanvasAgg(figure)
            made.draw(figure)
            canvas.draw()
        assert figure.axes
        assert 6.5 <= figure.get_size_inches()[0] <= 7.5  # as wide as the text
        pixels = np.asarray(canvas.buffer_rgba())[..., :3]
        assert (pixels != 255).any(axis=-1).mean() > 0.005, "an empty picture"
        assert made.state() == before

    def test_is_said(self, name, number):
        text = in_state(name, number).summary()
        assert text == in_state(name, number).summary()
        assert len(text) > 40 and text[0].isupper() and text.endswith(".")
        assert re.search(r"\d", text), f"no number in {text!r}"
        assert not re.search(r"\b(nan|inf|None|array|np\.)", text), text
        assert "\n" not in text and len(text) < 600

    def test_is_shown_by_every_front_end(self, name, number):
        made = in_state(name, number)
        data, _ = made._repr_mimebundle_()
        assert data["text/plain"] == repr(made)
        assert data["text/html"] == made.html()
        assert "application/vnd.jupyter.widget-view+json" in data


@pytest.mark.parametrize("name", NAMES)
def test_another_state_is_another_html(name):
    states = CASES[name].states
    assert len({in_state(name, n).html() for n in range(len(states))}) == len(states)


@pytest.mark.parametrize("name", NAMES)
def test_goal_question_and_section_are_written_down_too(name):
    case = CASES[name]
    given = {
        "goal": case.goal,
        "question": HOSTILE,
        "options": [HOSTILE, ""],
        "section": "03_the_algorithm#step-4",
    }
    made = explorer(name, **given)
    if "by_the_call" not in case.without:
        assert same(again(repr(made)), made), "the call makes another text"
    text = made.html()
    assert re.fullmatch(r"<div [^<>]*><p>[^<>]*</p></div>", text)
    [box] = BeautifulSoup(text, "html.parser").select("div")
    assert set(box.attrs) == {"class", "data-explorer", "data-module", "data-state"}
    assert same(bare(name, **json.loads(box["data-state"])), made)


# --- Parameters ----------------------------------------------------------------------


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
def test_a_wrong_value_is_explained_and_changes_nothing(name, parameter):
    made = in_state(name, 1)
    before = made.state()
    spec = type(made).parameters()[parameter]
    for value in wrong_values(spec):
        for tried in (
            lambda value=value: setattr(made, parameter, value),
            lambda value=value: bare(name, **{parameter: value}),
        ):
            with pytest.raises(ValueError) as caught:
                tried()
            text = str(caught.value)
            assert parameter in text, text
            assert isinstance(caught.value, traitlets.TraitError)
            if not isinstance(value, (list, dict)):
                assert repr(value)[:20] in text, text
        assert made.state() == before


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
def test_limits_and_defaults_are_taken(name, parameter):
    spec = getattr(bplib.widgets, name).parameters()[parameter]
    made = bare(name)
    assert base.listed(getattr(made, parameter)) == spec.spec()["default"]
    if spec.kind in ("number", "whole"):
        for value in (spec.limits["low"], spec.limits["high"]):
            for kind in (float, np.float64, np.float32, int, np.int64):
                if float(kind(value)) == value:
                    setattr(made, parameter, kind(value))
                    now = getattr(made, parameter)
                    assert now == value
                    assert type(now) is (int if spec.kind == "whole" else float)
    elif spec.kind == "choice":
        for value in spec.limits["options"]:
            setattr(made, parameter, value)
            assert getattr(made, parameter) == value
    elif spec.kind == "switch":
        setattr(made, parameter, np.True_)
        assert getattr(made, parameter) is True
    elif spec.kind == "numbers":
        made = explorer(name)
        now = getattr(made, parameter)
        setattr(made, parameter, np.array(now))
        assert getattr(made, parameter) == now
        hash(now)  # a tuple of tuples: nobody changes it unheard
    json.dumps(made.state())


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_name_is_answered_with_a_hint(name):
    known = CASES[name].number or "section"
    with pytest.raises(TypeError, match=f"did you mean {known}"):
        explorer(name, **{known[:-1]: 1})
    with pytest.raises(TypeError, match="no parameter zzz: it has "):
        explorer(name, zzz=1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"goal": "win"}, "goal"),
        ({"goal": "nothing < 1"}, "goal"),
        ({"goal": "{measure} < nan"}, "goal"),
        ({"goal": "{measure} = 1"}, "goal"),
        ({"goal": "{measure} < 1 or {measure} > 1"}, "goal"),
        ({"section": "javascript:alert(1)"}, "section"),
        ({"section": "//elsewhere.org"}, "section"),
        ({"section": "../x"}, "section"),
        ({"section": 'a" onclick="x'}, "section"),
        ({"section": "a b"}, "section"),
        ({"section": "a\n"}, "section"),
    ],
)
def test_goals_and_sections_that_lead_nowhere(name, wrong, words):
    measure = (*getattr(bplib.widgets, name).measures, "loss")[0]
    wrong = {key: text.format(measure=measure) for key, text in wrong.items()}
    with pytest.raises(ValueError, match=re.escape(words)):
        explorer(name, **wrong)
    made = explorer(name)
    [(key, value)] = wrong.items()
    with pytest.raises(ValueError, match=re.escape(words)):
        setattr(made, key, value)
    assert made.state() == explorer(name).state()


@pytest.mark.parametrize("name", NAMES)
def test_a_question_is_answered_by_choice_or_by_drawing(name):
    if getattr(bplib.widgets, name).can_sketch:
        assert explorer(name, question="Which?").question
    else:
        with pytest.raises(ValueError, match="options"):
            explorer(name, question="Which?")
    assert explorer(name, question="Which?", options=["a", "b"]).prediction is None


@pytest.mark.parametrize("name", NAMES)
def test_each_measure_can_be_a_goal(name):
    for measure in getattr(bplib.widgets, name).measures:
        assert explorer(name, goal=f"{measure} >= -1.5e-3").goal


@pytest.mark.parametrize("name", NAMES)
def test_reset_knows_the_first_state(name):
    skip_without(name, "measured")
    made = in_state(name, 1)
    before = made.state()
    assert made._start == before
    setattr(
        made,
        CASES[name].number,
        explorer(name).parameters()[CASES[name].number].default_value,
    )
    assert made._start == before


# --- Traits --------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_ordinary_slider_can_be_linked(name):
    skip_without(name, "measured")
    made, number = explorer(name), CASES[name].number
    spec = type(made).parameters()[number]
    low, high, whole = spec.limits["low"], spec.limits["high"], spec.kind == "whole"
    kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
    slider = kind(
        value=getattr(made, number), min=low, max=high, step=1 if whole else 1e-9
    )
    heard = []
    made.observe(lambda change: heard.append(change.new), names=number)
    ipywidgets.link((slider, "value"), (made, number))
    slider.value = high
    assert getattr(made, number) == high
    setattr(made, number, low)
    assert slider.value == low
    assert heard == [high, low]


@pytest.mark.parametrize(("name", "number"), STATES)
def test_what_a_page_sends_arrives(name, number):
    """A page sends JSON, where every list is a list."""
    made, wanted = bare(name), in_state(name, number)
    made.set_state(json.loads(json.dumps(wanted.state())))
    assert same(made, wanted)
    sent = made.get_state()
    assert {key: sent[key] for key in made.state()} == wanted.state()
    json.dumps({k: v for k, v in sent.items() if not isinstance(v, (bytes, list))})


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_is_made_by_its_state(name):
    made = in_state(name, 1)
    assert same(bare(name, **made.state()), made)
    with pytest.raises(NotImplementedError, match="cannot be copied"):
        copy.deepcopy(made)  # as any widget


# --- Words for programmers -----------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_docstrings(name):
    made = getattr(bplib.widgets, name)
    assert len(vars(made).get("__doc__") or "") > 100
    for key, value in vars(made).items():
        if inspect.isfunction(value) and not key.startswith("_"):
            assert inspect.getdoc(getattr(made, key)), f"{name}.{key} says nothing"
    assert made.title != Explorer.title
    assert made.measures or "measured" in CASES[name].without
    for key, spec in made.parameters().items():
        assert spec.label, f"{name}.{key} has no label"
        assert "_" not in spec.label, f"{spec.label} is no name for readers"


# --- The modules ---------------------------------------------------------------------

OWN_FILES = sorted(file.name for file in base.HERE.glob("*.js"))


@pytest.mark.parametrize("name", NAMES)
def test_sources_are_whole(name):
    made = getattr(bplib.widgets, name)
    found = sources([made])
    todo = ["parameters.js", base.module_name(made)]
    for file in todo:  # it grows
        # Any import, written in any way: IMPORT must have seen them all.
        code = without_comments(found[file])
        places = re.findall(r"""\b(?:from|import)\b\s*\(?\s*(["'`])(.*?)\1""", code)
        assert re.findall(r"\bimport\b(?!\s*\{)", code) == [], "import { names } only"
        assert [p for _, p in places] == ["./" + p for p in base.IMPORT.findall(code)]
        todo += [p[2:] for _, p in places if p[2:] not in todo]
    assert sorted(found) == sorted(todo)
    assert {"modules.js", "host.js"}.isdisjoint(found)


def test_all_explorers_share_their_modules():
    together = sources([getattr(bplib.widgets, name) for name in NAMES])
    assert set(together) == {
        file for n in NAMES for file in sources([getattr(bplib.widgets, n)])
    }
    assert set(OWN_FILES) == {*together, "host.js", "modules.js"} - {"parameters.js"}


@pytest.mark.parametrize("name", NAMES)
def test_the_page_knows_the_same_parameters(name):
    made = getattr(bplib.widgets, name)
    text = sources([made])["parameters.js"]
    [(found, about)] = re.findall(r"export const (\w+) = (.*);", text)
    about = json.loads(about)
    assert found == about["name"] == name
    traits = made.class_traits(sync=True)
    wanted = {key for key, trait in traits.items() if isinstance(trait, Parameter)}
    assert set(about["parameters"]) == wanted
    assert bare(name).state() == {
        k: v["default"] for k, v in about["parameters"].items()
    }
    assert tuple(about["measures"]) == tuple(made.measures)
    for key, spec in about["parameters"].items():
        assert spec["kind"] == traits[key].kind
        for limit, value in spec.items():
            if limit in ("low", "high"):
                assert value == traits[key].limits[limit]
                setattr(explorer(name), key, value) if spec[
                    "kind"
                ] != "numbers" else None


def without_comments(text):
    """JavaScript without its comments; a // in a string is not one."""
    strings = r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`'
    return re.sub(rf"({strings})|//[^\n]*|/\*.*?\*/", r"\1", text, flags=re.DOTALL)


FORBIDDEN = {
    "eval": r"\beval\b|\bnew Function\b|\bFunction\(",
    "eval in a timer": r"set(?:Timeout|Interval)\(\s*[\"'`]",
    "markup": r"(?:inner|outer)HTML|insertAdjacentHTML|document\.write|DOMParser",
    "handlers": r"([\"']|\.)on(click|input|change|load|error|(key|pointer)\w+)(\1| *=)",
    "the network": r"\bfetch\(|XMLHttpRequest|WebSocket|https?://(?!www\.w3\.org/2000/svg)",
    "storage": r"localStorage|sessionStorage|document\.cookie",
    "fixed ids": r"\bid: [\"'`]|\.id = [\"'`]|getElementById",
    "left from a search": r"console\.|debugger",
}


def style_faults(name, text):
    """What readers of the source, or the policy of the pages, would object to."""
    first, *lines = text.splitlines()
    faults = []
    comment = r"/\* .+[.] \*/" if name.endswith(".css") else r"// .+[.]"
    if not re.fullmatch(comment, first) or ". " in first.strip("/* "):
        faults.append("its first line is not one sentence")
    faults += [
        f"line {n} is {len(line)} long"
        for n, line in enumerate([first, *lines], 1)
        if len(line) > 100 and name != "parameters.js" and not name.endswith(".css")
    ]
    code = without_comments(text)
    faults += [what for what, pattern in FORBIDDEN.items() if re.search(pattern, code)]
    return faults


STYLES = sorted(file.name for file in base.HERE.glob("*.css"))
FILES = [*OWN_FILES, *STYLES, "parameters.js"]


@pytest.mark.parametrize("file", FILES)
def test_the_source_is_readable_and_keeps_the_policy(file):
    every = [getattr(bplib.widgets, name) for name in NAMES]
    text = sources(every)[file] if file == "parameters.js" else base.source(file)
    if file == "draw.js":  # the one place where listeners are set by name
        assert text.count('name.startsWith("on")') == 1
        text = text.replace('"on"', '""')
    if file == "quiz.js":  # what a reader has answered stays in the browser
        assert text.count("localStorage") == 3
        text = text.replace("localStorage", "")
    assert style_faults(file, text) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("x.innerHTML = state.goal;", "markup"),
        ("const f = new Function(text);", "eval"),
        ("setTimeout(`go()`, 1);", "eval in a timer"),
        ('element.setAttribute("onclick", text);', "handlers"),
        ("button.onclick = f;", "handlers"),
        ('make("p", { id: "loss" });', "fixed ids"),
        ('const page = "https://example.org";', "the network"),
        ("x".ljust(101, "x"), "line 2 is 101 long"),
    ],
)
def test_a_fault_in_the_source_is_found(line, fault):
    assert style_faults("a.js", f"// A sentence.\n{line}\n") == [fault]
    assert style_faults("a.js", "// A sentence.\n// no innerHTML here\n") == []
    assert style_faults("a.js", "const a = 1;\n") == [
        "its first line is not one sentence"
    ]


# --- Weight --------------------------------------------------------------------------

LIMIT, LIMIT_OF_ALL = 60_000, 150_000  # bytes


def weights(explorers):
    """{file: bytes} of all that a page with these explorers loads for them."""
    host = {name: base.source(name) for name in ("modules.js", "host.js")}
    found = {**host, **base.styles(explorers), **sources(explorers)}
    return {name: len(text.encode()) for name, text in found.items()}


def test_pages_stay_light():
    every = [getattr(bplib.widgets, name) for name in NAMES]
    # The Explorers page has them all, but no exercises.
    total = sum(weights([e for e in every if e.__name__ != "Quiz"]).values())
    print()
    for name, size in sorted(weights(every).items()):
        print(f"{name:32}{size:8,}")
    for made in every:
        size = sum(weights([made]).values())
        print(f"page with {made.__name__:22}{size:8,} of {LIMIT:,}")
    print(f"the Explorers page {len(every) - 1:13}{total:8,} of {LIMIT_OF_ALL:,}")
    for made in every:
        assert sum(weights([made]).values()) < LIMIT, made.__name__
    assert total < LIMIT_OF_ALL


def test_what_is_hostile_in_a_label_stays_in_its_attribute():
    text = explorer(NAMES[0], question=HOSTILE, options=[HOSTILE]).html()
    assert "<img" not in text and "</script" not in text
    assert (
        json.loads(markup.unescape(re.search('data-state="(.*?)"', text)[1]))[
            "question"
        ]
        == HOSTILE
    )
