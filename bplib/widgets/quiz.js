// An exercise that is answered on the page, and judged there.

import { count, make, set } from "./draw.js";
import { Random } from "./generator.js";
import { Quiz as about } from "./parameters.js";
import { explorer } from "./ui.js";
import { judge } from "./verdict.js";

// What was sealed in quiz.py.
export function unseal(sealed, exercise) {
  const random = new Random(Number(exercise.replace(".", "")), 3);
  const bytes = Uint8Array.from(atob(sealed), (letter) => letter.charCodeAt(0));
  let word = 0;
  bytes.forEach((byte, k) => {
    if (k % 4 === 0) word = random.integer();
    bytes[k] = byte ^ (word >>> (8 * (k % 4)));
  });
  return JSON.parse(new TextDecoder().decode(bytes));
}

// What is kept in this browser, of an exercise or a sitting. It may refuse: then nothing is.
function memory(name, value) {
  const key = `bplib exercise ${name}`;
  try {
    if (value === undefined) return JSON.parse(localStorage.getItem(key));
    if (value) localStorage.setItem(key, JSON.stringify(value));
    else localStorage.removeItem(key);
    return true;
  } catch {
    return null;
  }
}

const signs = { right: "✓ Right.", argued: "✓ Answered.", slip: "✗", wrong: "✗", unread: "✗" };
const isGood = (kind) => kind === "right" || kind === "argued";
const unique = () => `bx-${Math.random().toString(36).slice(2)}`;

export default {
  render({ model, el }) {
    const ui = explorer({ model, el, about });
    ui.call = (texts) => texts.map((text) => text.replace(/^exercise=/, ""));
    let [made, rows, facts] = [null, [], null];

    // "04_name#a-heading" as a link.
    function link(see) {
      const [page, heading] = see.split("#");
      const href = page + (model.get("_page") ?? ".ipynb") + (heading ? `#${heading}` : "");
      return make("a", { class: "bx-link", href }, `Chapter ${/^0*(\d+[a-z]?)/.exec(page)[1]}`);
    }

    // --- One field for each kind: a node, value(), and show(value); edited() at each edit ---
    function typed(part, told, edited) {
      const field = make("input", { type: "text", autocomplete: "off", spellcheck: "false" });
      set(field, { "aria-describedby": told });
      field.addEventListener("keydown", ({ key }) => {
        if (key === "Enter") check();
      });
      field.addEventListener("input", edited);
      const unit = part.unit === "share" ? "" : (part.unit ?? "");
      const example = part.kind === "shape" ? "such as (2, 4)" : unit;
      const row = make("span", {}, field, make("span", { class: "bx-quiet" }, example));
      const node = make("label", { class: "bx-typed" }, make("span", {}, part.prompt), row);
      const mark = (bad) => set(field, { "aria-invalid": bad ? "true" : null });
      return { node, value: () => field.value.trim(), show: (v) => (field.value = v), mark };
    }

    function group(part, told, ...inside) {
      const legend = make("legend", {}, part.prompt);
      return make("fieldset", { "aria-describedby": told }, legend, ...inside);
    }

    function choice(part, told, edited) {
      const name = unique();
      const fields = Object.entries(part.options).map(([value, text]) => {
        const field = make("input", { type: "radio", name, value });
        return [field, make("label", { class: "bx-tick" }, field, `${value})  ${text}`)];
      });
      const node = group(part, told, ...fields.map(([, label]) => label));
      node.addEventListener("change", edited);
      const value = () => fields.find(([field]) => field.checked)?.[0].value ?? "";
      const show = (v) => fields.forEach(([field]) => (field.checked = field.value === v));
      return { node, value, show };
    }

    function order(part, told, edited) {
      const list = make("ol", {});
      const first = Object.keys(part.lines).join("");
      const letters = () => [...list.children].map((line) => line.dataset.line).join("");
      let touched = false; // the order in which the lines come is no answer
      const move = (line, by) => {
        const other = by < 0 ? line.previousElementSibling : line.nextElementSibling;
        touched = true;
        if (!other) return;
        if (by < 0) other.before(line);
        else other.after(line);
        edited();
        const place = [...list.children].indexOf(line) + 1;
        ui.say(`Line ${line.dataset.line} is now in place ${place}.`);
      };
      const lines = Object.entries(part.lines).map(([letter, text]) => {
        const line = make("li", { "data-line": letter });
        const button = (sign, by, word) => {
          const name = `Move line ${letter} ${word}`;
          const act = () => {
            move(line, by);
            made.focus(); // which a moved element loses
          };
          const made = make("button", { type: "button", "aria-label": name, onclick: act }, sign);
          made.addEventListener("keydown", (event) => {
            const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
            if (!way) return;
            event.preventDefault();
            move(line, way);
            made.focus();
          });
          return made;
        };
        line.append(make("span", {}, `${letter})`), make("code", {}, text));
        line.append(button("↑", -1, "up"), button("↓", 1, "down"));
        return line;
      });
      const show = (v) => {
        touched = v !== "";
        for (const letter of v || first) {
          const line = lines.find((each) => each.dataset.line === letter);
          if (line) list.append(line);
        }
      };
      return { node: group(part, told, list), value: () => (touched ? letters() : ""), show };
    }

    const kinds = { number: typed, shape: typed, choice, order };

    // --- A test that is taken twice ---
    const place = ({ exercise, sitting }) => (sitting ? `${exercise} ${sitting}` : exercise);

    // Both sittings, side by side.
    function compared(answers) {
      const column = (head, answer) => {
        const letters = rows.map((row, k) => answer(row, k) ?? "");
        const good = rows.map(({ part }, k) => letters[k] && isGood(judge(part, letters[k])[0]));
        const texts = letters.map((letter, k) => letter && `${letter} ${good[k] ? "✓" : "✗"}`);
        return [head, ...texts, letters.some(Boolean) && String(good.filter(Boolean).length)];
      };
      const kept = memory(place({ ...ui.state, sitting: "before" }))?.answers;
      const before = column("Before", ({ name }) => kept?.[name] && String(kept[name]));
      const after = column("After", (_, k) => answers[k]);
      const lines = ["Question", ...rows.map((_, k) => String(k + 1)), "Right"].map((name, k) => {
        const cell = (text) => make(k ? "td" : "th", {}, text || "–");
        return make("tr", {}, cell(name), cell(before[k]), cell(after[k]));
      });
      return make("table", {}, ...lines);
    }

    // --- The exercise ---
    function build(exercise, sealed) {
      facts = unseal(sealed, exercise);
      const { sitting } = ui.state;
      rows = Object.entries(facts.parts).map(([name, part], k) => {
        if (sitting) part.prompt = `${k + 1}. ${part.prompt}`;
        const told = unique();
        const says = make("p", { class: "bx-verdict", id: told });
        const field = kinds[part.kind](part, told, () => edit(rows[k]));
        return { name, part, says, ...field, seen: null, shown: "", changed: false };
      });
      hints.replaceChildren();
      both.replaceChildren();
      const fields = rows.map(({ node, says }) => make("div", { class: "bx-part" }, node, says));
      const names = { before: "Before the book", after: "After the book" };
      const title = make("p", {}, make("b", {}, names[sitting] ?? `Exercise ${exercise}`));
      const kept = memory(place(ui.state));
      keep(memory(place(ui.state), kept));
      // Only where the author has not said what is to stand there.
      if (kept?.answers && !ui.state.answers.length && !ui.state.hints) {
        const answers = rows.map(({ name }) => String(kept.answers[name] ?? ""));
        ui.set({ answers, hints: facts.hints.filter((_, k) => k < kept.hints).length });
      }
      const form = make("div", { class: "bx-quiz" }, title, ...fields, hints, both, note);
      // Nothing is told before the book, so nothing has to be asked for.
      if (sitting === "before") form.addEventListener("change", check);
      ui.stage.replaceChildren(form);
    }

    const hints = make("ol", { class: "bx-hints" });
    const both = make("div", { class: "bx-both" });
    const note = make("p", { class: "bx-quiet" });

    // What the reader does is set, and kept.
    function act(change) {
      ui.set(change);
      const { answers, hints } = { ...ui.state, ...change };
      const named = Object.fromEntries(rows.map(({ name }, k) => [name, answers[k] ?? ""]));
      keep(memory(place(ui.state), { answers: named, hints }));
    }

    function keep(kept) {
      const where = kept ? "in this browser" : "on this page";
      note.textContent = `Your answers stay ${where}: nothing is sent. Reset forgets them.`;
    }

    const check = () => {
      act({ answers: rows.map(({ value }) => value()) });
      ui.refresh(); // the other sitting may have changed
    };
    const checking = ui.button("Check", check);
    const hinting = ui.button("Hint", () => act({ hints: ui.state.hints + 1 }));

    ui.draw(({ exercise, sitting, answers, hints: shown }) => {
      const sealed = model.get("sealed");
      checking.disabled = !sealed;
      if (!sealed) {
        hinting.disabled = true;
        const text = exercise ? "One moment: the answers are computed." : "There is no exercise.";
        ui.stage.replaceChildren(make("p", {}, text));
        made = null;
        if (exercise) model.send?.({ ask: "sealed" }); // a page has it from the start
        ui.say(text);
        return;
      }
      if (made !== exercise + sitting + sealed) {
        build(exercise, sealed);
        made = exercise + sitting + sealed;
        ({ answers, hints: shown } = ui.state);
      }
      rows.forEach((row, k) => {
        const answer = answers[k] ?? "";
        if (row.seen !== answer) {
          row.show(answer);
          row.shown = row.value();
        }
        row.seen = answer;
        row.changed = row.value() !== row.shown;
      });
      hints.replaceChildren(...facts.hints.slice(0, shown).map((hint) => make("li", {}, hint)));
      hinting.disabled = shown >= facts.hints.length;
      hinting.textContent = `Hint (${Math.max(0, facts.hints.length - shown)} left)`;
      checking.hidden = sitting === "before";
      hinting.hidden = sitting !== "";
      tell();
    });

    // A verdict goes as soon as its answer is edited, and comes back with the answer.
    function edit(row) {
      if ((row.value() !== row.shown) === row.changed) return;
      row.changed = !row.changed;
      tell();
    }

    // Say what there is to say of each answer and of all.
    function tell() {
      const { answers, hints: asked, sitting } = ui.state;
      const given = rows.filter((_, k) => answers[k]).length;
      const told = !sitting || (sitting === "after" && given === rows.length);
      let [right, open, changed, first] = [0, 0, 0, ""];
      rows.forEach((row, k) => {
        const judged = answers[k] && told && !row.changed;
        const [kind, text] = judged ? judge(row.part, answers[k]) : ["open", ""];
        const good = isGood(kind);
        row.says.textContent = kind === "open" ? "" : `${signs[kind]} ${text}`.trim();
        if (kind !== "open" && row.part.see) row.says.append(" ", link(row.part.see));
        row.says.className = `bx-verdict bx-is-${kind}`;
        row.mark?.(kind !== "open" && !good);
        right += good;
        open += !answers[k] || !told;
        changed += Boolean(answers[k]) && row.changed;
        const prompt = row.part.prompt.replace(/[.?:]$/, "");
        if (kind !== "open" && !good) first ||= ` ${prompt}: ${text}`;
      });
      ui.measure({ right, hints: asked });
      both.replaceChildren(...(sitting && told && !changed ? [compared(answers)] : []));
      const all = right === rows.length;
      if (!told) {
        const enough = given === rows.length ? " Now read the book." : "";
        ui.say(`${given} of ${count(rows.length, "question")} answered.${enough}`);
        return;
      }
      const left = (open ? `, ${open} open` : "") + (changed ? `, ${changed} changed` : "");
      const score = `${right} of ${count(rows.length, "answer")} right${left}.${first}`;
      ui.say(all ? "✓ Solved." : score);
    }

    ui.stop = () => {
      for (const row of rows) row.seen = null; // Reset empties what was not checked, too
      memory(place(ui.state), null);
      ui.refresh();
    };
    const fresh = () => ui.refresh();
    model.on("change:sealed", fresh);
    ui.closing.push(() => model.off("change:sealed", fresh));
    return ui.close;
  },
};
