"""Where the page cannot compute a picture itself, it shows one drawn beforehand."""

import base64
import io
import itertools
from string import Formatter

import matplotlib.style
import numpy as np
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from bplib.drawing import STYLE
from bplib.widgets.explorer import Explorer, Numbers, Words, WrongValue, literal

SIZE = (7, 3.4)  # inches
DPI = 120  # 7 inches are 840 pixels, shown no wider than 700: sharp


class Places(Numbers):
    """Whole numbers, positions in lists, counted from 0."""

    def validate(self, obj, value):
        places = super().validate(obj, value)
        if all(place == int(place) for place in places):
            return tuple(map(int, places))
        raise self.wrong(obj, value, "to be a list of whole numbers")


class Frames(Explorer):
    """Pictures drawn beforehand by matplotlib, one for each place of the sliders.

        def draw(figure, rate, momentum):
            figure.subplots().plot(losses(rate, momentum))

        Frames(
            draw,
            {"learning rate": [0.01, 0.1, 1], "momentum": [0, 0.9]},
            alt="The loss at learning rate {0} and momentum {1}: ...",
        )

    draw(figure, value) or draw(figure, value1, value2) draws on an empty figure in the
    book's style and returns nothing. values: one or two sliders, each with its name and
    the values it stands for, numbers or texts. alt says what a picture shows, for those
    who do not see it: a text that names the values, {0} and {1} or {learning rate}, or
    a function of them. title stands above. size: width and height in inches.

    `at` is where the sliders stand, such as [2, 0]: counted from 0, a number for each.
    All pictures are drawn at once, which takes as long as it takes matplotlib; each
    weighs about 10 kB. ValueError or TypeError: no values, a draw that fails (it says
    where) or draws nothing, an alt that is missing or the same for several pictures.
    """

    title = "Pictures to compare"
    measures = ("first", "second")  # the sliders' values; their names will do as well

    at = Places((0,), 0, 999, "place of each slider", most=2)
    names = Words((), "sliders", many=True)
    first = Words((), "values of the first slider", many=True)
    second = Words((), "values of the second slider", many=True)
    alts = Words((), "what each picture shows", many=True)
    heading = Words("", "heading")
    pixels = Numbers((), 1, 9999, "width and height", most=2)
    call = Words("", "Python call")

    # The images: (first, second) in C order, WebP. A page gets addresses instead.
    frames = traitlets.List(traitlets.Bytes()).tag(sync=True)

    def __init__(
        self, draw=None, values=None, *, alt=None, title="", size=SIZE, **parameters
    ):
        self._drawing, self._places = draw, []
        if (draw, values, alt, title) != (None, None, None, ""):  # else from a state
            names, lists, texts = check_values(draw, values)
            self._places = list(itertools.product(*lists))
            alts = [alt_text(alt, names, place) for place in self._places]
            if len(set(alts)) < len(alts):
                raise ValueError(
                    f"Frames expects an alt that tells its {len(alts)} pictures apart, "
                    f"got {alts[0]!r} for several: name the values in it, as {{0}}"
                )
            parameters = {
                "at": [0] * len(names),
                "names": names,
                "first": texts[0],
                "second": texts[1] if len(texts) > 1 else [],
                "alts": alts,
                "heading": title,
                "pixels": [round(DPI * inches) for inches in size],
                "call": call_of(draw, zip(names, lists, strict=True), alt, title, size),
                **parameters,
            }
        # A goal may name the sliders.
        given = parameters.get("names", ())  # which is checked only below
        given = given if isinstance(given, (list, tuple)) else ()
        named = [str(name).replace(" ", "_") for name in given]
        self.measures = (*self.measures, *named)
        super().__init__(**parameters)
        self.frames = [self._image(place, size) for place in self._places]

    def shown(self):
        """The number, from 0, of the picture that the sliders are at."""
        shape = [len(self.first), len(self.second)][: len(self.names)]
        return int(np.ravel_multi_index(self.at, shape)) if shape else 0

    def draw(self, figure):
        if not self._places:
            raise ValueError("Frames has nothing to draw with: it was made of a state")
        figure.set_size_inches(*(side / DPI for side in self.pixels))
        self._draw_at(figure, self._places[self.shown()])

    def summary(self):
        return self.alts[self.shown()] if self.alts else "There are no pictures."

    def __repr__(self):
        mine = {"at", "names", "first", "second", "alts", "heading", "pixels", "call"}
        rest = {k: v for k, v in self.changed().items() if k not in mine}
        given = [f"{name}={literal(value)}" for name, value in rest.items()]
        made = [self.call] if self.call else []
        return f"Frames({', '.join([*made, f'at={list(self.at)}', *given])})"

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        # For the build, which makes a file of each: extensions/explorer_boxes.py.
        images = [base64.b64encode(image).decode() for image in self.frames]
        return data, {**metadata, "bplib_frames": images} if images else metadata

    def _draw_at(self, figure, values):
        where = ", ".join(f"{n} = {v}" for n, v in zip(self.names, values, strict=True))
        try:
            self._drawing(figure, *values)
        except Exception as error:
            kind = type(error).__name__
            raise ValueError(f"draw failed at {where}: {kind}: {error}") from error
        if len(figure.get_children()) == 1:  # its background
            raise ValueError(
                f"draw has drawn nothing on the figure it was given, at {where}"
            )

    def _image(self, values, size):
        with matplotlib.style.context(STYLE, after_reset=True):
            figure = Figure(figsize=size, dpi=DPI)
            self._draw_at(figure, values)
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        # 64 colors, spread so that rare ones stay, and no loss at edges: half of what
        # all colors take, a fifth less than PNG, and text is sharp.
        few = image.quantize(64, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        file = io.BytesIO()
        few.convert("RGB").save(file, "webp", lossless=True, quality=80)
        return file.getvalue()

    @traitlets.validate("at")
    def _check_at(self, proposal):
        lengths = [len(self.first), len(self.second)][: len(self.names)]
        at = proposal.value
        if len(at) == len(lengths) and all(map(int.__lt__, at, lengths)):
            return at
        tops = " and ".join(
            f"0 to {n - 1} ({self.names[k]})" for k, n in enumerate(lengths)
        )
        raise WrongValue(f"Frames expects at to be places from {tops}, got {list(at)}")


def check_values(draw, values):
    """Names, values and their texts, a list for each slider; or a clear error."""
    if not callable(draw):
        raise TypeError(f"Frames expects a function draw(figure, value), got {draw!r}")
    if not isinstance(values, dict) or len(values) not in (1, 2):
        raise ValueError(
            'Frames expects one or two sliders, {"learning rate": [0.1, 1]}, '
            f"got {values!r}"
        )
    lists = []
    for name, given in values.items():
        if isinstance(given, str) or not np.iterable(given) or not len(list(given)):
            raise ValueError(
                f"Frames expects a list of values for {name}, got {given!r}"
            )
        given = [v.item() if isinstance(v, np.generic) else v for v in given]
        lists.append(given)
    texts = [[text_of(value) for value in each] for each in lists]
    return list(map(str, values)), lists, texts


def call_of(draw, values, alt, title, size):
    """What stands between the brackets of Frames(...), but for `at`."""

    def name(function, instead):
        return getattr(function, "__name__", instead).replace("<lambda>", instead)

    given = [name(draw, "draw"), repr(dict(values))]
    given += [f"alt={literal(alt) if isinstance(alt, str) else name(alt, 'alt')}"]
    given += [f"title={literal(title)}"] if title else []
    given += [f"size={tuple(size)}"] if tuple(size) != SIZE else []
    return ", ".join(given)


def text_of(value):
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def alt_text(alt, names, values):
    if callable(alt):
        text = alt(*values)
    elif isinstance(alt, str):
        texts = list(map(text_of, values))
        fields = dict(zip(names, texts, strict=True))
        try:
            text = Formatter().vformat(alt, texts, fields)
        except (KeyError, IndexError) as error:
            known = ", ".join(
                ["{0}", "{1}"][: len(names)] + [f"{{{n}}}" for n in names]
            )
            raise ValueError(
                f"alt names {error}, which is no slider: use {known}"
            ) from None
    else:
        raise TypeError(
            "Frames expects alt, a text that says what each picture shows, such as "
            f'"The loss at {names[0]} {{0}}", or a function that gives it; got {alt!r}'
        )
    if isinstance(text, str) and text.strip():
        return text
    where = ", ".join(map(str, values))
    raise ValueError(f"Frames expects an alt text at {where}, got {text!r}")
