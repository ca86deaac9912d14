// Pictures drawn beforehand, one for each place of one or two sliders.

import { make, set } from "./draw.js";
import { Frames as about } from "./parameters.js";
import { explorer } from "./ui.js";

// What the Python call says once, and in its own words.
const OWN = /^(at|names|first|second|alts|heading|pixels|call)=/;

export default {
  render({ model, el }) {
    const ui = explorer({ model, el, about });
    ui.call = (texts) => [
      ...(ui.state.call ? [ui.state.call] : []),
      `at=[${ui.state.at.join(", ")}]`,
      ...texts.filter((text) => !OWN.test(text)),
    ];
    const heading = make("p", { class: "bx-title" });
    const box = make("div", { class: "bx-frame" });
    ui.stage.append(heading, box);

    let [sliders, key, wanted, frames] = [[], "", -1, null];
    let images = []; // decoded, or promises of it, or null where that failed
    let made = []; // addresses to give back

    // What the sliders mean, and the images: both change rarely.
    function start({ at, question, options, goal, section, ...rest }) {
      const now = JSON.stringify(rest);
      const given = model.get("frames") ?? [];
      if (now === key && given === frames) return;
      [key, frames] = [now, given];
      forget();
      heading.textContent = rest.heading;
      set(ui.root, { "aria-label": rest.heading || about.title });
      sliders = rest.names.map((name, k) => {
        const range = make("input", { type: "range", min: 0 });
        set(range, { max: [rest.first, rest.second][k].length - 1 });
        range.addEventListener("input", () => {
          ui.set({ at: ui.state.at.map((old, i) => (i === k ? Number(range.value) : old)) });
        });
        const value = make("b", { class: "bx-value", "aria-hidden": "true" });
        const label = make("label", {}, make("span", {}, name), range);
        return { range, value, node: make("div", { class: "bx-slider" }, label, value) };
      });
      ui.controls.replaceChildren(...sliders.map((slider) => slider.node));
    }

    function forget() {
      made.forEach((address) => URL.revokeObjectURL(address));
      [images, made, wanted] = [[], [], -1];
      box.replaceChildren();
    }

    // A page has addresses, a notebook the bytes.
    function load(k) {
      if (k in images) return images[k];
      const { pixels, alts } = ui.state;
      const image = make("img", { class: "dark-light", alt: alts[k] });
      set(image, { width: pixels[0], height: pixels[1] });
      const address = typeof frames[k] === "string";
      if (!address) made.push(URL.createObjectURL(new Blob([frames[k]])));
      image.src = address ? frames[k] : made.at(-1);
      const mine = images;
      return (images[k] = image.decode().then(
        () => (mine[k] = image),
        () => (mine[k] = null),
      ));
    }

    ui.draw((state) => {
      start(state);
      const { names, first, second, at, alts } = state;
      const lists = [first, second].slice(0, names.length);
      const count = lists.reduce((product, { length }) => product * length, 1);
      if (!names.length || frames.length < count || alts.length < count) {
        throw new Error(`its pictures are missing, ${frames.length} of ${count} are here`);
      }
      if (at.length !== lists.length || at.some((place, k) => !(place in lists[k]))) {
        throw new Error(`there is no picture at [${at.join(", ")}]`);
      }
      const values = lists.map((list, k) => list[at[k]]);
      sliders.forEach(({ range, value }, k) => {
        if (Number(range.value) !== at[k]) range.value = at[k];
        set(range, { "aria-valuetext": values[k] });
        value.textContent = values[k];
      });
      const named = names.map((name, k) => [name.replaceAll(" ", "_"), Number(values[k])]);
      const [one, two] = values.map(Number);
      ui.measure({ ...Object.fromEntries(named), first: one, second: two });
      if (ui.pending) return; // nothing is loaded before the reader has answered
      const number = (places) => places.reduce((sum, place, k) => sum * lists[k].length + place);
      const k = number(at);
      ui.say(alts[k]);
      const image = load(k);
      if (image === null) throw new Error(`picture ${k + 1} of ${count} cannot be loaded`);
      // The old picture stays until the new one can be painted.
      set(box, { "aria-busy": image instanceof Promise && "true" });
      if (image instanceof Promise) {
        if (wanted !== k) image.then(() => wanted === k && ui.refresh());
        wanted = k;
        return;
      }
      wanted = k;
      if (box.firstChild !== image) box.replaceChildren(image);
      at.forEach((place, axis) => {
        for (const next of [place - 1, place + 1]) {
          if (next in lists[axis]) load(number(at.with(axis, next)));
        }
      });
    });
    return () => {
      forget();
      ui.close();
    };
  },
};
