"""Running the reader's file: nothing it does may hang or end the judge."""

import ast
import contextlib
import ctypes
import io
import json
import linecache
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from pathlib import Path

import numpy as np

from bplib.capstone.contract import Fault

WAIT = 5  # how much longer than it may compute a station may sleep, or stand in line
GRACE = 5  # seconds, for a file that cannot be stopped from within
LOUD = 5  # lines that are shown of what it prints


def load(path):
    """What the file defines, as a dict; a Fault if it is no Python or needs more."""
    path = Path(path)
    name = path.name
    if not path.exists():
        raise Fault(f"There is no file {name} here: make one, an empty one will do.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"{name} cannot be read: {error}.") from None
    try:
        tree = ast.parse(text, name)
        code = compile(text, str(path), "exec")
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        source = (getattr(error, "text", None) or "").strip()
        where = f" in line {line}: `{source}`" if line else ""
        raise Fault(f"{name} is not Python{where} ({error.args[0]}).") from None
    for node in ast.walk(tree):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or "."]
        for module in modules:
            top = module.split(".")[0]
            if top != "numpy" and top not in sys.stdlib_module_names:
                text = f"{name} imports {module} in line {node.lineno}."
                raise Fault(f"{text} Write it with NumPy alone.")
    module = type(sys)("network")
    module.__file__ = str(path)
    sys.modules["network"] = module  # dataclasses and pickles look there
    exec(code, module.__dict__)
    return vars(module)


def files_of(functions):
    """The files that the reader's functions come from."""
    codes = (getattr(each, "__code__", None) for each in functions.values())
    files = {functions.get("__file__")} | {c.co_filename for c in codes if c} - {None}
    here = str(Path(__file__).parents[1])  # a notebook imports from bplib, too
    return {file for file in files if file and not file.startswith(here)}


def limited(work, seconds, files, now=str):
    """work(), in a thread; a Fault if it raises, or takes over so many seconds.

    Seconds of the processor, so that a busy machine is no fault; it may wait WAIT times
    as long. now() says what it was busy with.
    """
    outcome, printed = [], io.StringIO()

    def run():
        try:
            with np.errstate(all="ignore"):  # overflows are judged, not warned of
                outcome.append((work(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        busy, start = time.process_time(), time.monotonic()
        thread.start()
        while not outcome:
            thread.join(0.05)
            waited = (time.monotonic() - start) / WAIT
            if max(time.process_time() - busy, waited) > seconds and not outcome:
                where = whereabouts(sys._current_frames().get(thread.ident), files)
                stop(thread)
                raise Fault(late(seconds) + where, *shown(printed))
    value, error = outcome[0]
    if error is None:
        return value
    if isinstance(error, Fault):
        raise Fault(*error.args, *shown(printed))
    asked = [f"That was for {now()}."] if now() else []
    raise Fault(*failure(error, files), *asked, *shown(printed))


def late(seconds):
    return f"It came to no end in {seconds:g} seconds."


def stop(thread):
    """End a thread at its next line of Python."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
    )
    thread.join(1)


def shown(printed):
    """The last lines that the reader's file printed."""
    lines = printed.getvalue().splitlines()
    if not lines:
        return []
    return ["It printed, last:", *(f"  {line[:70]}" for line in lines[-LOUD:])]


def whereabouts(frame, files):
    """Which line of the reader's it was in."""
    while frame is not None and frame.f_code.co_filename not in files:
        frame = frame.f_back
    if frame is None:
        return ""
    # Between two lines a running frame has none.
    file, line = frame.f_code.co_filename, frame.f_lineno or frame.f_code.co_firstlineno
    source = linecache.getline(file, line).strip()
    return f" It was in line {line}" + (f": `{source}`." if source else ".")


def failure(error, files):
    """An exception in the reader's words: what, and their own lines, the last first."""
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, SystemExit):
        what = "an exit: leave sys.exit and quit out"
    frames = traceback.extract_tb(error.__traceback__)
    mine = [frame for frame in frames if frame.filename in files]
    if not mine:
        return [f"What it returned cannot be judged: {what}."]
    if isinstance(error, RecursionError):
        mine, what = mine[-1:], "RecursionError: a function calls itself without end"
    lines = [f"It raised {what}."]
    for frame in mine[:-4:-1]:
        where = "" if frame.name == "<module>" else f", in {frame.name}"
        source = f": `{frame.line}`" if frame.line else ""
        lines.append(f"  line {frame.lineno}{where}{source}")
    return lines


# ---------------------------------------------------------------- in another process


def apart(path, limits, patience=1):
    """Yield what the child says of each station: (name, passed, lines).

    limits: {name: seconds}, times patience. If it stays silent or dies, that is said of
    the station.
    """
    root = str(Path(__file__).parents[2])
    env = dict(os.environ, MPLBACKEND="agg", PYTHONIOENCODING="utf-8")
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [root, env.get("PYTHONPATH")]))
    env |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    code = "from bplib.capstone.running import child; child()"
    complaints = tempfile.TemporaryFile()  # why it did not start, if it did not
    child = subprocess.Popen(
        [sys.executable, "-P", "-c", code, os.path.abspath(path), str(patience)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=complaints,
        encoding="utf-8",
        env=env,
    )
    try:
        for name, seconds in limits.items():
            silent = threading.Event()
            seconds *= patience
            timer = threading.Timer(WAIT * seconds + GRACE, kill, (child, silent))
            timer.start()
            line = child.stdout.readline()
            timer.cancel()
            if silent.is_set():
                yield name, False, [late(seconds)]
                return
            if not line:
                text = f"Python itself was ended here (exit code {child.wait()})."
                complaints.seek(0)
                said = complaints.read().decode("utf-8", "replace").split("\n")
                said = [each.strip() for each in said if each.strip()]
                if said:
                    text = f"The judge did not start, no fault of yours: {said[-1]}"
                yield name, False, [text]
                return
            passed, lines = json.loads(line)
            yield name, passed, lines
            if not passed:
                return
    finally:
        child.kill()
        child.stdout.close()
        child.wait()
        complaints.close()


def kill(child, silent):
    silent.set()
    child.kill()


def child():
    """Judge the file named on the command line, a line of JSON for each station."""
    from bplib.capstone.order import in_order

    # The reader's file may print, close or fill what it thinks is the output.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.ftruncate(2, 0)  # started: a warning till here is no reason for an end
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        for _, passed, lines in in_order(sys.argv[1], float(sys.argv[2])):
            print(json.dumps([passed, lines]), file=channel, flush=True)
    except BaseException as error:  # no fault of the reader's
        lines = [f"The judge failed, not you. {type(error).__name__}: {error}"]
        print(json.dumps([False, lines]), file=channel, flush=True)
    channel.close()
    os._exit(0)  # whatever threads it left behind
