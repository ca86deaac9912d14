"""Two commands run the whole book, on any computer that has Python 3.11 or newer.

Each first makes an environment of its own, in the folder .venv, if there is none yet.
"""

# Why not nox, tox, hatch or uv? Each must itself be installed first, and many systems
# refuse a pip install outside an environment. This file needs Python and nothing else.

import argparse
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent
ENV = ROOT / ".venv"
PYTHON = ENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = ENV / "stamp.txt"
HTML = ROOT / "_build" / "html"


def fingerprint():
    """What an environment is made of: if this changes, it is made anew."""
    digest = hashlib.sha256(f"{sys.version} {ROOT}".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        # read as text: a checkout may have other line ends
        digest.update((ROOT / name).read_text(encoding="utf-8").encode())
    return digest.hexdigest()


def environment():
    """Make .venv and install the book's packages, unless that is done already."""
    if STAMP.exists() and STAMP.read_text() == fingerprint():
        return
    start = time.time()
    say("1/2 environment: making .venv (only this time; it takes some minutes)")
    # The environment that runs this very file is not replaced, only brought up to date.
    if pathlib.Path(sys.prefix).resolve() != ENV:
        if subprocess.call([sys.executable, "-m", "venv", "--clear", str(ENV)]):
            sys.exit(
                "This Python cannot make environments: venv or ensurepip is missing.\n"
                "On Debian or Ubuntu, run: sudo apt install python3-venv"
            )
    pip_install("-c", "constraints.txt", "-e", ".[book,tests]")
    STAMP.write_text(fingerprint())
    say(f"    environment ready: {time.time() - start:.0f} s")


def pip_install(*arguments):
    """Show a few of pip's hundreds of lines, and all of them if it fails."""
    output, found = [], 0
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install"]
    process = subprocess.Popen(
        [*pip, "--progress-bar", "off", *arguments],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    for line in process.stdout:
        output.append(line)
        if line.startswith("Collecting"):
            found += 1
            if found % 25 == 0:
                say(f"    {found} packages found")
        elif line.startswith("Installing collected packages"):
            say(f"    installing {line.count(',') + 1} packages")
    if process.wait():
        sys.exit("".join(output) + "\npip could not install the packages (see above).")


def run(*command):
    """Run Python in the environment, from the book's folder; return its exit code."""
    # One thread: sums round alike everywhere, and tests that run side by side do not
    # fight for cores. MPLBACKEND, where it is set, would keep pictures from notebooks.
    env = dict(os.environ, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    env.pop("MPLBACKEND", None)
    return subprocess.call([str(PYTHON), *command], cwd=str(ROOT), env=env)


def book(port):
    """Execute the chapters, build the pages strictly, say where they are, serve."""
    say("2/2 book: executing the chapters, building the pages")
    # Pages of an earlier build would hide a failure of this one: the second strict
    # build of a broken book passes. Executed notebooks are kept, in another folder.
    for old in (HTML, ROOT / "_build" / ".doctrees"):
        shutil.rmtree(str(old), ignore_errors=True)
    start = time.time()
    jupyter_book = "from jupyter_book.cli.main import main; main()"
    code = run("-c", jupyter_book, "build", ".", "-W", "-n", "--keep-going")
    if code:
        return code
    say(f"    book ready: {time.time() - start:.0f} s")
    say(f"Open {(HTML / 'index.html').as_uri()}")
    if port is None:
        return 0
    where = ("--bind", "localhost", "--directory", str(HTML))  # this computer only
    return run("-m", "http.server", str(port), *where)


def say(line):
    print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="book | test | normalise")
    build = commands.add_parser("book", help="execute the chapters and build the book")
    text = "then serve it to this computer (port 8000 if none is named)"
    build.add_argument("--serve", nargs="?", const=8000, type=int, help=text)
    text = "run every check; arguments go to pytest"
    commands.add_parser("test", add_help=False, help=text)
    text = "for authors: format, execute and store notebooks (all, or those named)"
    commands.add_parser("normalise", help=text)
    arguments, rest = parser.parse_known_args()
    if sys.version_info < (3, 11):  # noqa: UP036 (that is for others to find out)
        sys.exit(f"This book needs Python 3.11 or newer, and this is {sys.version}")
    if arguments.command is None:
        return parser.print_help()
    if arguments.command == "book" and rest:
        parser.error(f"book takes only --serve [PORT], got {' '.join(rest)}")
    environment()
    if arguments.command == "book":
        return book(arguments.serve)
    if arguments.command == "test":
        workers = str(max(3, os.cpu_count() or 1))  # some wait for the book's pages
        return run("-m", "pytest", "-n", workers, "--dist", "loadscope", *rest)
    return run("tools/notebooks.py", "normalise", *rest)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
