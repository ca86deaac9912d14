"""A copy of the book is made here, and built by the command that readers use."""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
TOC = (ROOT / "_toc.yml").read_text(encoding="utf-8")
PAGES = [f"{name}.md" for name in re.findall(r"(?:root|file): (\w+)$", TOC, re.M)]
PARTS = ("_config.yml", "_toc.yml", "references.bib", "constraints.txt", *PAGES)
SETTINGS = ("_config.yml", "constraints.txt", "references.bib")
FOLDERS = ("assets", "bplib", "chapters", "extensions")


def build(folder):
    """What `python run.py book` runs; returns the exit code and all it printed."""
    jupyter_book = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", jupyter_book]
    result = subprocess.run(
        [*command, "build", ".", "-W", "-n", "--keep-going"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    return result.returncode, result.stdout


def copy_book(folder, parts=PARTS, folders=FOLDERS):
    """The sources of the book, in a folder that does not exist yet."""
    folder.mkdir(parents=True)
    for name in parts:
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, folder / name)
    for name in folders:
        ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
