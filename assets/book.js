// What scrolls sideways can be scrolled with the keyboard, and says what it is.

const boxes = {
  "div.math mjx-container": "Equation",
  "span.math": "Formula",
  ".pst-scrollable-table-container": "Table",
  ".cell_output > .output": "Output",
  "pre": "Code",
};

// An inline formula's scrollWidth counts the hidden MathML beside it.
function formulaWidth(box) {
  const range = document.createRange();
  let width = 0;
  for (const part of box.childNodes) {
    range.selectNode(part); // a comma, say
    width += (part.querySelector?.("mjx-math") ?? range).getBoundingClientRect().width;
  }
  return width;
}

function nameBoxes() {
  for (const [selector, name] of Object.entries(boxes)) {
    for (const box of document.querySelectorAll(`article ${selector}`)) {
      const width = box.matches("span.math") ? formulaWidth(box) : box.scrollWidth;
      const scrolls = width > box.clientWidth + 1;
      if (scrolls && !box.hasAttribute("role")) {
        box.classList.add("scrolls");
        box.tabIndex = 0;
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", `${name}, scrolls sideways`);
      } else if (!scrolls && box.getAttribute("role") === "group") {
        box.classList.remove("scrolls");
        for (const it of ["tabindex", "role", "aria-label"]) box.removeAttribute(it);
      }
    }
  }
}

const typeset = window.MathJax?.startup?.promise ?? Promise.resolve();
typeset.then(() => {
  nameBoxes();
  new ResizeObserver(nameBoxes).observe(document.querySelector("article") ?? document.body);
  // What is in a fold has a size only when it is open.
  document.addEventListener("toggle", nameBoxes, true);
});
