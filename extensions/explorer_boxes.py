"""On a page with explorers: their modules once, and a picture where no script runs."""

import base64
import hashlib
import json
import os
import re
import shutil
import sys
from importlib import import_module

from bs4 import BeautifulSoup
from jupyter_cache import get_cache
from sphinx.errors import SphinxError

BOX = ".bplib-explorer"
ENDS_A_SCRIPT = re.compile(r"</script|<!--", re.IGNORECASE)
IMAGES = {"png": b"\x89PNG", "webp": b"RIFF", "jpg": b"\xff\xd8\xff"}  # first bytes


class WrongExplorer(SphinxError):
    """What a page asks of an explorer cannot be had; the build fails."""


class Explorers:
    """What the pages of one site need for their explorers.

    root: the folder of the book, whose bplib is used. site: the folder of its pages.
    executed: the folder of executed notebooks. Its name changes when bplib does; what
    was drawn under another name is thrown away.
    """

    def __init__(self, root, site, executed):
        self.root, self.site, self.executed = root, site, executed
        self.drawn = site.parent / ".explorer_pictures" / executed.name
        if self.drawn.parent.is_dir():
            for old in set(self.drawn.parent.iterdir()) - {self.drawn}:
                shutil.rmtree(old)

    def mend(self, page, path):
        """Change one page in place; a second time changes nothing."""
        # No widget manager runs here, and what it would read is long.
        for tag in page.select('script[type^="application/vnd.jupyter.widget"]'):
            tag.decompose()
        for tag in page.select("script[data-bplib-module], [data-bplib-file]"):
            tag.decompose()  # of an earlier build
        boxes = page.select(BOX)
        if not boxes:
            return
        self.widgets = self.import_widgets()
        frames = self.frames(path)
        classes = {}
        for box in boxes:
            where = f"{path.relative_to(self.site)}: {box['data-explorer']}"
            try:
                explorer = self.explorer(box)
                self.check_section(explorer.section, path)
                self.show(page, path, box, explorer, frames)
            except Exception as error:
                kind = type(error).__name__
                raise WrongExplorer(f"{where}: {kind}: {error}") from error
            classes[box["data-explorer"]] = type(explorer)
        self.add_modules(page, list(classes.values()))
        up = "../" * (len(path.relative_to(self.site).parts) - 1)
        self.add_files(page, list(classes.values()), up)

    def import_widgets(self):
        if str(self.root) not in sys.path:
            sys.path.insert(0, str(self.root))
        return import_module("bplib.widgets")

    def explorer(self, box):
        """The explorer, in Python, that stands in a box."""
        known = getattr(self.widgets, box["data-explorer"], None)
        if not isinstance(known, type):
            raise LookupError("bplib.widgets has none of this name")
        return known(**json.loads(box["data-state"]))

    def check_section(self, section, path):
        """A link that the explorer makes on the page leads somewhere."""
        name, _, anchor = section.partition("#")
        target = path.parent / f"{name}.html" if name else path
        if not target.is_file():
            raise LookupError(f"section {section!r} names a page that is not there")
        # Sphinx writes each id in this way.
        if anchor and f' id="{anchor}"' not in target.read_text(encoding="utf-8"):
            raise LookupError(f"section {section!r}: the page has no place #{anchor}")

    # --- The picture -----------------------------------------------------------------

    def show(self, page, path, box, explorer, frames):
        """In the box: the explorer's picture, and in words what it shows."""
        if hasattr(explorer, "seal"):  # a Quiz: its answers, in no reader's sight
            box["data-sealed"] = explorer.seal()
        state = box["data-state"]
        mine = frames.get((box["data-explorer"], state))
        if mine:
            files = self.write_frames(mine.pop(0))
            box["data-frames"] = json.dumps([self.address(f, path) for f in files])
            picture = files[explorer.shown()]
        else:
            picture = self.draw(explorer, state)
        box.clear()
        src, alt = self.address(picture, path), explorer.summary()
        box.append(page.new_tag("img", attrs={"src": src, "alt": alt}))

    def address(self, file, path):
        return os.path.relpath(file, path.parent).replace(os.sep, "/")

    def draw(self, explorer, state):
        """The picture's file; drawn only if no earlier build has drawn the same."""
        import matplotlib.style
        from matplotlib.figure import Figure

        from bplib.drawing import STYLE

        text = f"{type(explorer).__name__} {state}"
        name = f"explorer-{short_hash(text.encode())}.webp"
        if not (self.drawn / name).is_file():
            with matplotlib.style.context(STYLE, after_reset=True):
                figure = Figure()
                explorer.draw(figure)
                self.drawn.mkdir(parents=True, exist_ok=True)
                # Under another name until it is whole; a third of what PNG takes.
                figure.savefig(self.drawn / "new.webp", pil_kwargs={"lossless": True})
            (self.drawn / "new.webp").replace(self.drawn / name)
        return self.copy(self.drawn / name)

    def copy(self, file):
        target = self.site / "_images" / file.name
        target.parent.mkdir(exist_ok=True)
        return shutil.copyfile(file, target)

    # --- Frames ----------------------------------------------------------------------
    # An explorer that plays pictures drawn beforehand gives them with its output, in
    # the output's metadata: {"bplib_frames": [image, ...]}, each PNG, WebP or JPEG in
    # base64 (no notebook is stored with them, and nbval does not compare them). Here
    # each becomes a file. The box gets their addresses, relative to the page, in the
    # same order, as a JSON list: data-frames; the page's model has that list under
    # "frames". The class can be made of its state alone; shown() is the number of the
    # frame, from 0, that the state shows: that one is the picture without scripts.

    def frames(self, path):
        """{(class, state): [images of the first output, of the second, ...]}"""
        source = self.root / path.relative_to(self.site).with_suffix(".ipynb")
        found = {}
        if source.is_file():
            cache = get_cache(str(self.executed))
            for cell in cache.merge_match_into_file(str(source))[1].cells:
                for output in cell.get("outputs", []):
                    if images := output.get("metadata", {}).get("bplib_frames"):
                        html = BeautifulSoup(output.data["text/html"], "html.parser")
                        box = html.select_one(BOX)
                        what = box["data-explorer"], box["data-state"]
                        found.setdefault(what, []).append(images)
        return found

    def write_frames(self, images):
        images = [base64.b64decode(image) for image in images]
        name = f"frames-{short_hash(b''.join(images))}"
        files = []
        for number, image in enumerate(images):
            kind = next((k for k in IMAGES if image.startswith(IMAGES[k])), None)
            if kind is None:
                raise ValueError(f"frame {number} is not PNG, WebP or JPEG")
            files.append(self.site / "_images" / f"{name}-{number}.{kind}")
            files[-1].parent.mkdir(exist_ok=True)
            files[-1].write_bytes(image)
        return files

    # --- The scripts -----------------------------------------------------------------

    def add_modules(self, page, classes):
        """Each module as text that no browser runs: host.js makes modules of them."""
        for name, text in self.widgets.explorer.sources(classes).items():
            if wrong := ENDS_A_SCRIPT.search(text):
                what = f"{name} holds {wrong[0]}, which would end it on the page"
                raise WrongExplorer(f'{what}: write it in two parts, "<" + "..."')
            attrs = {"type": "text/plain", "data-bplib-module": name}
            script = page.new_tag("script", attrs=attrs)
            script.string = text
            page.body.append(script)

    def add_files(self, page, classes, up):
        source, styles = self.widgets.explorer.source, self.widgets.explorer.styles
        # A function of its own: scripts of a page share their names.
        js = f"(() => {{\n{source('modules.js')}\n{source('host.js')}}})();\n"
        for name, text in {**styles(classes), "explorers.js": js}.items():
            (self.site / "_static" / name).write_text(text, encoding="utf-8")
            # A changed file has a new address, so that no browser shows the old one.
            address = f"{up}_static/{name}?v={short_hash(text.encode())[:8]}"
            if name.endswith(".css"):
                tag = page.new_tag("link", attrs={"rel": "stylesheet", "href": address})
            else:
                tag = page.new_tag("script", attrs={"defer": "", "src": address})
            tag["data-bplib-file"] = ""
            page.head.append(tag)


def short_hash(data):
    return hashlib.sha256(data).hexdigest()[:16]
