"""Here is one page with all that a chapter may hold, so that the checks meet it."""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

TOP = r"""# Everything a page may hold

A page for the tests: inline maths $y = \sigma(Wx + b)$ in a sentence, a
[link to an equation](eq-wide), `inline code`, **bold** and *emphasis*, and
a [way out](https://example.org/).

## Equations

$$ \frac{\partial E}{\partial W} = x^{\mathsf T}\,\delta $$ (eq-short)

$$
E(\theta) = \frac{1}{2N}\sum_{i=1}^{N}\left(y_1^{(i)} - t_1^{(i)}\right)^2
 + \frac{1}{2N}\sum_{i=1}^{N}\left(y_2^{(i)} - t_2^{(i)}\right)^2
 + \frac{1}{2N}\sum_{i=1}^{N}\left(y_3^{(i)} - t_3^{(i)}\right)^2
 + \frac{1}{2N}\sum_{i=1}^{N}\left(y_4^{(i)} - t_4^{(i)}\right)^2
 + \frac{\lambda}{2}\sum_{k} \theta_k^2
$$ (eq-wide)

\begin{align}
a &= x W_1 + b_1 \\
y &= \sigma(a) W_2 + b_2
\end{align}

## A table, a list and a quotation

|  | symbol | shape | unit | where it is set | what it is good for |
|---|---|---|---|---|---|
| weights | $W$ | (in, out) | none | `Dense.forward_and_a_long_name` | x to y |
| gradient | $\partial E/\partial W$ | (in, out) | loss | `Dense.dW_and_more` | it |

- one thing
- another thing, $a + b + c + d + e + f + g + h + i + j + k + l + m + n$
  1. first
  2. second

> A quotation that says something.

### A fold

<details>
<summary>Answer: what does the minus sign do?</summary>

It goes downhill, $\theta - \eta g$, and here is `code` in a fold.

</details>

<details><summary>A short one</summary>Yes.</details>
"""

DIRECTIVES = r"""# A page of text

```{note}
A note with $x^2$ in it and a [link](intro.md).
```

```{warning}
A warning.
```

:::{tip}
What is good to know.
:::

```{code-block} python
def f(x):
    return x  # a block of code that is not executed, with one very long line
```

Term
: what it means[^note]

[^note]: A footnote.

[The other page](everything.ipynb)
"""

FIGURE = """\
import matplotlib.pyplot as plt
figure, ax = plt.subplots(figsize=(6, 3))
ax.plot([1, 2, 3], [3, 1, 2])"""

LONG = """\
class Answer:
    '''A docstring, for its color.'''
    def __init__(self, n: int = 3):
        self.n = n  # a comment, for its color
print("a line of code that is far too long for a page, " * 2, Answer().n, 1e-3, None)"""


EXPLORER = """\
from bplib.widgets import TrainingExplorer

TrainingExplorer(iterations=100, section="a_page_of_text#a-page-of-text")"""


def notebook():
    """The page as a notebook node, without outputs."""
    alt = {"mystnb": {"image": {"alt": "A line that falls from 3 to 1, then rises"}}}
    cells = [
        new_markdown_cell(TOP),
        new_code_cell("1 + 1"),
        new_code_cell(LONG),
        new_markdown_cell("## Outputs"),
        new_code_cell(FIGURE, metadata=alt),
        new_code_cell("import numpy as np\nnp.arange(60.0).reshape(2, 30) / 7"),
        new_code_cell(
            "from IPython.display import HTML\n"
            "row = ''.join(f'<td>{i * 1000}</td>' for i in range(40))\n"
            "HTML(f'<table><tr>{row}</tr></table>')"
        ),
        new_code_cell("print('hidden')", metadata={"tags": ["hide-input"]}),
        new_code_cell("import bplib\nprint(bplib.__file__)", metadata={}),
        new_code_cell(EXPLORER),
        new_markdown_cell("## The end\n\nBack to [the table](#a-fold)."),
    ]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    return new_notebook(
        cells=cells,
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )


def add_to(book):
    """Write the page into a copy of the book and into its table of contents."""
    nbformat.write(notebook(), book / "everything.ipynb")
    (book / "a_page_of_text.md").write_text(DIRECTIVES)
    with open(book / "_toc.yml", "a") as toc:
        toc.write("  - caption: Tests\n    chapters:\n      - file: everything\n")
        toc.write("      - file: a_page_of_text\n")
