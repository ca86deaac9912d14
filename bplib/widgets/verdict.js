// How an answer is judged: as in bplib/exercises/parts.py, to the letter.

const SPACES = /[ \t\r\n\u00a0\u2009\u202f]/g;
const NUMBER = "[+-]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?";
const THOUSANDS = /^[1-9][0-9]{0,2}(,[0-9]{3})+$/;
const FRACTION = new RegExp(`^(${NUMBER})(?:/(${NUMBER}))?$`);
const SHAPE = /^[([]?((?:[0-9]{1,9}(?:[,x*×][0-9]{1,9})*,?)?)[)\]]?$/;

const unread = (text) => ["unread", text];
const wrong = (text) => ["wrong", text];

// A typed number: 0.5, 0,5, -1/3, 1e-3, 50 %, with its unit or without; NaN for the rest.
export function number(text, unit) {
  text = text.replace(SPACES, "").replaceAll("−", "-");
  unit = unit.replace(SPACES, "");
  let share = 1;
  if (unit && text.endsWith(unit)) text = text.slice(0, -unit.length);
  else if (text.endsWith("%")) [text, share] = [text.slice(0, -1), 100];
  if (text.split(",").length === 2 && !text.includes(".")) text = text.replace(",", ".");
  const [, above, below = "1"] = FRACTION.exec(text) ?? [];
  const value = Number(above) / Number(below) / share;
  return Number.isFinite(value) ? value : NaN;
}

function wrongNumber(value, { unit, tolerance, right }, near) {
  // Whatever the tolerance: a wide one would see patterns in all.
  const is = (v) => right !== 0 && Math.abs(v - right) <= 0.005 * Math.abs(right);
  const point = (k) => is(value * 10 ** k) || is(value / 10 ** k);
  if (is(-value)) return "The size is right, the sign is not.";
  if (unit === "share" && near(value / 100, right)) {
    return "This is in percent: give the share, from 0 to 1.";
  }
  if (unit === "%" && near(value * 100, right)) return "This is the share: give it in percent.";
  // 60 for 6: a count has no point, and nothing was rounded.
  const counted = [value, right].every((v) => Math.abs(v - Math.round(v)) <= 1e-9);
  if (!counted && [1, 2, 3].some(point)) {
    return "The digits are right, the point is in the wrong place.";
  }
  if (is(value / 2)) return "This is twice too large.";
  if (is(value * 2)) return "This is half of it.";
  if (Math.abs(value - right) <= 0.05 * Math.abs(right)) {
    return tolerance === null && !counted
      ? "Close, but not to three digits: did you round on the way?"
      : "Close, but not it.";
  }
  if (value * right < 0) return "Not right: look at the sign first.";
  return `Not right: it is ${value > right ? "less" : "more"} than that.`;
}

function judgeNumber(part, text) {
  const value = number(text, part.unit);
  if (Number.isNaN(value)) {
    return unread("This cannot be read as a number: write it as 0.5, -1/3 or 1e-3.");
  }
  const near = (v, target) => {
    const room = part.tolerance ?? 0.005 * Math.abs(target);
    return Math.abs(v - target) <= room * (1 + 1e-9) + 1e-12;
  };
  if (near(value, part.right)) return ["right", part.why];
  const slip = part.slips.find(([target]) => near(value, target));
  return slip ? ["slip", slip[1]] : wrong(wrongNumber(value, part, near));
}

const judges = {
  number(part, text) {
    const verdict = judgeNumber(part, text);
    let whole = text.replace(SPACES, "");
    const unit = part.unit.replace(SPACES, "");
    if (unit && whole.endsWith(unit)) whole = whole.slice(0, -unit.length);
    // 2,002 may be the book's 2002, or 2.002.
    if (verdict[0] === "right" || !THOUSANDS.test(whole)) return verdict;
    const other = judgeNumber(part, whole.replaceAll(",", ""));
    const rank = ([kind]) => ["right", "slip", "wrong", "unread"].indexOf(kind);
    return rank(other) < rank(verdict) ? other : verdict;
  },

  choice({ right, slips, options, argued }, letter) {
    const says = slips.find(([each]) => each === letter)?.[1];
    if (says === undefined) {
      return unread(`Here one letter is asked for: ${Object.keys(options).join(", ")}.`);
    }
    if (argued.includes(letter)) return ["argued", says];
    return [letter === right ? "right" : "slip", says];
  },

  order({ right, slips, argued, why, lines: all }, letters) {
    if ([...letters].sort().join() !== Object.keys(all).sort().join()) {
      const names = Object.keys(all).join(", ");
      return unread(`Each of the letters ${names} must stand there once.`);
    }
    if (right.includes(letters)) return ["right", why];
    const among = (known) => known.find(([each]) => each === letters)?.[1];
    if (among(argued)) return ["argued", among(argued)];
    if (among(slips)) return ["slip", among(slips)];
    const alike = (each) => [...letters, ""].findIndex((letter, k) => letter !== each[k]);
    const good = Math.max(...right.map(alike));
    if (!good) return wrong("Not right from the first line on.");
    const lines = good === 1 ? "line is" : `${good} lines are`;
    return wrong(`The first ${lines} in place, the next is not.`);
  },

  shape({ right, slips, why }, text) {
    const plain = text.replace(SPACES, "").replaceAll("X", "x");
    const found = SHAPE.exec(plain);
    if (!found || !plain) {
      return unread("This cannot be read as a shape: write it as (2, 4) or 2 x 4.");
    }
    const shape = (found[1].match(/[0-9]+/g) ?? []).map(Number);
    const same = (other) => JSON.stringify(shape) === JSON.stringify(other);
    if (same(right)) return ["right", why];
    const slip = slips.find(([each]) => same(each));
    if (slip) return ["slip", slip[1]];
    if (shape.length !== right.length) return wrong("The number of axes is not right.");
    const sorted = (each) => [...each].sort((a, b) => a - b).join();
    if (sorted(shape) === sorted(right)) {
      return wrong("These are the right axes in the wrong order.");
    }
    return wrong("Not right: ask of each axis what it counts.");
  },
};

// The kind of verdict, as in parts.py, and what is said to the reader.
export const judge = (part, answer) => judges[part.kind](part, answer);
