// On a published page no Python runs: here each explorer gets a model of its own.

// What a module may ask of its model, as in a notebook: anywidget's protocol.
class Model {
  constructor(state) {
    this.state = state;
    this.listeners = []; // pairs of an event and a function
  }

  get(name) {
    return this.state[name];
  }

  set(name, value) {
    // Lists with the same numbers are the same; then nobody is called.
    const before = this.state[name];
    if (before === value || JSON.stringify(before) === JSON.stringify(value)) return;
    this.state[name] = value;
    for (const event of [`change:${name}`, "change"]) {
      for (const [wanted, listener] of [...this.listeners]) {
        if (wanted === event) listener();
      }
    }
  }

  on(event, listener) {
    this.listeners.push([event, listener]);
  }

  // off() forgets all, off(event) its listeners, off(event, listener) that one.
  off(event, listener) {
    this.listeners = this.listeners.filter(
      ([e, l]) => (event && e !== event) || (listener && l !== listener),
    );
  }

  save_changes() {}
}

const scripts = document.querySelectorAll("script[data-bplib-module]");
const load = modules(Object.fromEntries([...scripts].map((s) => [s.dataset.bplibModule, s.text])));

async function start({ explorer, module, state, frames, sealed }, el) {
  const about = (await load("parameters.js"))[explorer];
  if (!about) throw new Error(`this page knows no explorer ${explorer}`);
  const values = {};
  for (const name in about.parameters) values[name] = about.parameters[name].default;
  const more = { prediction: null, _page: ".html", sealed };
  try {
    Object.assign(values, JSON.parse(state));
    if (frames) more.frames = JSON.parse(frames);
  } catch (error) {
    throw new Error(`its state cannot be read (${error.message})`);
  }
  // Copies, since the defaults are those of all explorers of its kind.
  const model = new Model({ ...structuredClone(values), ...more, _start: structuredClone(values) });
  await (await load(module)).default.render({ model, el });
}

// Until an explorer lives, and for good if it fails, its picture stands in the box.
async function mount(box) {
  const place = document.createElement("div");
  try {
    await start(box.dataset, place);
    box.replaceChildren(place);
  } catch (error) {
    const [line] = String(error?.message ?? error).split("\n");
    place.className = "bplib-failed";
    place.textContent = `This explorer could not start: ${line}`;
    box.append(place);
  }
}

// Only when a reader comes near: a page may have many.
const near = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      mount(target);
    }
  },
  { rootMargin: "600px" },
);
for (const box of document.querySelectorAll(".bplib-explorer")) near.observe(box);
