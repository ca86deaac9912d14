"""Explorers on a page of their own, without the book, for tests of the widgets."""

import html

import bplib.widgets
from bplib.widgets.explorer import source, sources, styles

# On every page: what is still to come, a frame or a timer, is known. A picture is drawn
# in the frame after a change, its words come later: on a busy machine much later.
COMING = """{
  const coming = [];
  const known = (ask, drop) => {
    const ids = new Set();
    coming.push(ids);
    const asked = (f, ...more) => {
      const id = ask((...given) => { ids.delete(id); f(...given); }, ...more);
      ids.add(id);
      return id;
    };
    return [asked, (id) => { ids.delete(id); drop(id); }];
  };
  const [frame, noFrame, timer, noTimer] = [
    requestAnimationFrame, cancelAnimationFrame, setTimeout, clearTimeout,
  ].map((f) => f.bind(window));
  [requestAnimationFrame, cancelAnimationFrame] = known(frame, noFrame);
  [setTimeout, clearTimeout] = known(timer, noTimer);
  window.atRest = async () => {
    do await new Promise((done) => frame(() => timer(done, 0)));
    while (coming.some((ids) => ids.size));
  };
}"""


def settled(page):
    """Wait until all is drawn and said: no frame and no timer is still to come."""
    page.evaluate("atRest()")


def page_of(*explorers, scheme="light", script=""):
    """The text of a page on which these explorers live, mounted as the book does it.

    script: more JavaScript for the page, run after the host.
    """
    names = sorted({type(each).__name__ for each in explorers})
    classes = [getattr(bplib.widgets, name) for name in names]
    texts, css = sources(classes), "\n".join(styles(classes).values())
    inert = "".join(
        f'<script type="text/plain" data-bplib-module="{name}">{text}</script>'
        for name, text in texts.items()
    )
    title = html.escape(", ".join(names))
    background = {"light": "#fff", "dark": "#15191f"}[scheme]
    return (
        f'<!doctype html><html lang="en" data-theme="{scheme}"><head>'
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, '
        f'initial-scale=1"><title>{title}</title><style>{css}'
        f"body {{ margin: 0; background: {background} }} "
        "main { max-width: 46rem; margin: auto; padding: 0 10px }</style></head>"
        f"<body><main><h1 style='color: gray; overflow-wrap: anywhere'>{title}</h1>"
        f"{''.join(map(box, explorers))}</main>{inert}"
        f"<script>{source('modules.js')}\n{source('host.js')}\n{script}</script>"
        "</body></html>"
    )


def box(explorer):
    """What the book's page has of an explorer; the answers of a Quiz come with it."""
    if not hasattr(explorer, "seal"):
        return explorer.html()
    sealed = f'<div data-sealed="{explorer.seal()}" '
    return explorer.html().replace("<div ", sealed, 1)


def open_page(context, folder, *explorers, scheme="light", script=""):
    """Open such a page, written to a file in `folder`; wait until all are alive.

    Returns the playwright page; page.errors collects what went wrong on it.
    """
    file = folder / "explorers.html"
    file.write_text(page_of(*explorers, scheme=scheme, script=script), encoding="utf-8")
    page = context.new_page()
    page.add_init_script(COMING)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on(
        "console",
        lambda message: (
            page.errors.append(message.text)
            if message.type in ("error", "warning")
            else None
        ),
    )
    page.goto(file.as_uri())
    for number in range(len(explorers)):
        box = page.locator(".bplib-explorer").nth(number)
        box.scroll_into_view_if_needed()
        box.locator(":is(.bx, .bplib-failed)").wait_for()
    settled(page)
    return page
