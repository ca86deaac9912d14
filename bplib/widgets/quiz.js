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

// What is kept in this browser. It may refuse: then nothing is.
function memory(exercise, value) {
  const key = `bplib exercise ${exercise}`;
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
const unique = () => `bx-${Math.random().toString(36).slice(2)}`;

export default {
  render({ model, el }) {
    const ui = explorer({ model, el, about });
    ui.call = (texts) => texts.map((text) => text.replace(/^exercise=/, ""));
    let [made, rows, facts] = [null, [], null];

    // --- One field for each kind: a node, value(), and show(value) ---
    function typed(part, told) {
      const field = make("input", { type: "text", autocomplete: "off", spellcheck: "false" });
      set(field, { "aria-describedby": told });
      field.addEventListener("keydown", ({ key }) => {
        if (key === "Enter") check();
      });
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

    function choice(part, told) {
      const name = unique();
      const fields = Object.entries(part.options).map(([value, text]) => {
        const field = make("input", { type: "radio", name, value });
        return [field, make("label", { class: "bx-tick" }, field, `${value})  ${text}`)];
      });
      const node = group(part, told, ...fields.map(([, label]) => label));
      const value = () => fields.find(([field]) => field.checked)?.[0].value ?? "";
      const show = (v) => fields.forEach(([field]) => (field.checked = field.value === v));
      return { node, value, show };
    }

    function order(part, told) {
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

    // --- The exercise ---
    function build(exercise, sealed) {
      facts = unseal(sealed, exercise);
      rows = Object.entries(facts.parts).map(([name, part]) => {
        const told = unique();
        const says = make("p", { class: "bx-verdict", id: told });
        const field = kinds[part.kind](part, told);
        return { name, part, says, ...field, seen: null };
      });
      hints.replaceChildren();
      const fields = rows.map(({ node, says }) => make("div", { class: "bx-part" }, node, says));
      const title = make("p", {}, make("b", {}, `Exercise ${exercise}`));
      const kept = memory(exercise);
      keep(memory(exercise, kept));
      // Only where the author has not said what is to stand there.
      if (kept?.answers && !ui.state.answers.length && !ui.state.hints) {
        const answers = rows.map(({ name }) => String(kept.answers[name] ?? ""));
        ui.set({ answers, hints: facts.hints.filter((_, k) => k < kept.hints).length });
      }
      ui.stage.replaceChildren(make("div", { class: "bx-quiz" }, title, ...fields, hints, note));
    }

    const hints = make("ol", { class: "bx-hints" });
    const note = make("p", { class: "bx-quiet" });

    // What the reader does is set, and kept.
    function act(change) {
      ui.set(change);
      const { answers, hints, exercise } = { ...ui.state, ...change };
      const named = Object.fromEntries(rows.map(({ name }, k) => [name, answers[k] ?? ""]));
      keep(memory(exercise, { answers: named, hints }));
    }

    function keep(kept) {
      const where = kept ? "in this browser" : "on this page";
      note.textContent = `Your answers stay ${where}: nothing is sent. Reset forgets them.`;
    }

    const check = () => act({ answers: rows.map(({ value }) => value()) });
    const checking = ui.button("Check", check);
    const hinting = ui.button("Hint", () => act({ hints: ui.state.hints + 1 }));

    ui.draw(({ exercise, answers, hints: shown }) => {
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
      if (made !== exercise + sealed) {
        build(exercise, sealed);
        made = exercise + sealed;
        ({ answers, hints: shown } = ui.state);
      }
      let [right, open, first] = [0, 0, ""];
      rows.forEach((row, k) => {
        const answer = answers[k] ?? "";
        if (row.seen !== answer) row.show(answer);
        row.seen = answer;
        const [kind, text] = answer ? judge(row.part, answer) : ["open", ""];
        const good = kind === "right" || kind === "argued";
        row.says.textContent = answer ? `${signs[kind]} ${text}`.trim() : "";
        row.says.className = `bx-verdict bx-is-${kind}`;
        row.mark?.(answer && !good);
        right += good;
        open += kind === "open";
        if (answer && !good) first ||= ` ${row.part.prompt.replace(/[.?:]$/, "")}: ${text}`;
      });
      hints.replaceChildren(...facts.hints.slice(0, shown).map((hint) => make("li", {}, hint)));
      hinting.disabled = shown >= facts.hints.length;
      hinting.textContent = `Hint (${Math.max(0, facts.hints.length - shown)} left)`;
      ui.measure({ right, hints: shown });
      const all = right === rows.length;
      const left = open ? `, ${open} open` : "";
      const score = `${right} of ${count(rows.length, "answer")} right${left}.${first}`;
      ui.say(all ? "✓ Solved." : score);
    });
    ui.stop = () => {
      for (const row of rows) row.seen = null; // Reset empties what was not checked, too
      memory(ui.state.exercise, null);
      ui.refresh();
    };
    const fresh = () => ui.refresh();
    model.on("change:sealed", fresh);
    ui.closing.push(() => model.off("change:sealed", fresh));
    return ui.close;
  },
};
