"""Exercises that answer: what is right, and what slip a wrong number comes from."""

import contextlib
import importlib
import textwrap
from pathlib import Path

from bplib.exercises.parts import Verdict, close_to, kind_of

shown = {}  # {number: how many of its hints this session has seen}


def check(number, *programs, **answers):
    """Print for each answer whether it is right, and if not, what it comes from.

    check("3.1", y=0.5, E=...) checks y, and leaves E for later. A number may be a text
    such as "1/3"; a choice is a letter, an order a list of letters, a shape a tuple; a
    program is a function: check("3.3", my_backward). Nothing that you pass raises an
    error; what cannot be read is named.
    """
    exercise = find(number)
    if exercise is None:
        return
    named, strange = by_name(exercise, programs, answers)
    lines = [f"{name}: {text}" for name, text in strange]
    given = {name: answer for name, answer in named.items() if answer is not ...}
    if not given and not strange:
        print(f"{number}: not answered yet")
        return
    good = 0
    for name, part in exercise.parts.items():
        if name not in given:
            lines.append(f"{name}: not answered yet")
            continue
        verdict = judged(part, given[name])
        good += verdict.kind in ("right", "argued")
        lines.append(line(name, part, given[name], verdict))
    # What cannot be written, half a letter, becomes a question mark.
    print(wrapped("\n".join(lines)).encode(errors="replace").decode())
    solved = good == len(exercise.parts)
    print(f"{number}: " + ("solved" if solved else f"{good} of {len(exercise.parts)}"))


def hint(number):
    """Print the next hint of an exercise, from a nudge to nearly all of it."""
    exercise = find(number)
    if exercise is None:
        return
    seen = shown.get(number, 0)
    if seen == len(exercise.hints):
        print(f"{number}: there are no more hints; the solution is folded below it")
        return
    shown[number] = seen + 1
    place = f"{number}, hint {seen + 1} of {len(exercise.hints)}"
    print(wrapped(f"{place}: {exercise.hints[seen]}"))


def wrapped(text):
    """No line over 76 letters, so that none runs out of the page."""
    look = {"break_long_words": False, "break_on_hyphens": False}
    return "\n".join(
        textwrap.fill(each, 76, subsequent_indent="    ", **look)
        for each in text.split("\n")
    )


# --- The bank ------------------------------------------------------------------------


def chapters():
    """{chapter: module} of all that have exercises: bplib.exercises.ch03 ..."""
    files = sorted(Path(__file__).parent.glob("ch[0-9][0-9].py"))
    return {int(file.stem[2:]): f"{__name__}.{file.stem}" for file in files}


def bank(chapter=None):
    """{number: Exercise} of a chapter, or of all."""
    found = {}
    for number, module in chapters().items():
        if chapter in (None, number):
            found |= importlib.import_module(module).EXERCISES
    return found


def exercise_of(number):
    """The exercise of this number, such as "3.1", or None."""
    chapter = number.split(".")[0]
    known = chapter.isdecimal() and len(chapter) < 5
    return bank(int(chapter)).get(number) if known else None


def find(number):
    """The exercise, or None, and a sentence is printed."""
    if not isinstance(number, str):
        print(f'Say which exercise, as in check("3.1", ...), not {kind_of(number)}.')
        return None
    exercise = exercise_of(number)
    if exercise is None:
        print(f"There is no exercise {ascii(number[:20])}: {close_to(number, bank())}")
    return exercise


# --- Answers -------------------------------------------------------------------------


def by_name(exercise, programs, answers):
    """{part: answer}, and pairs of a name that is strange and what to do about it."""
    parts = exercise.parts
    places = [name for name in parts if parts[name].kind == "code"]
    if not places and len(parts) == 1:
        places = list(parts)
    named = dict(zip(places, programs, strict=False))
    strange = []
    if len(programs) > len(places):
        example = f"{next(iter(parts))}=..."
        strange.append(("an answer without a name", f"give it as in {example}"))
    for name, answer in answers.items():
        if name in parts:
            named[name] = answer
        else:
            strange.append((name, f"this is not asked for; {close_to(name, parts)}"))
    return named, strange


def judged(part, answer):
    try:
        return part.judge(answer)
    except Exception as error:  # whatever a learner's object does when it is looked at
        text = f"This cannot be checked ({type(error).__name__})."
        return Verdict("unread", text)


def line(name, part, answer, verdict):
    """What is printed of one answer."""
    if part.kind == "code":
        first = verdict.text.split("\n")[0]
        between = " " if len(f"{name}: {first}") <= 76 else "\n"
        return f"{name}:{between}{verdict.text}"
    text = "unreadable"
    with contextlib.suppress(Exception):
        text = str(answer).replace("\n", " ")
    text = text if len(text) <= 30 else text[:27] + "..."
    if verdict.kind == "right":
        return f"{name} = {text}: right. {verdict.text}".rstrip()
    return f"{name} = {text}: {verdict.text}"
