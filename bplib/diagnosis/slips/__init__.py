"""Every known mistake as a small function that computes what a reader would get by it.

`SLIPS` is the list of all. Where two slips give equal numbers, the first is named: so
the order of these imports counts. The text on each mistake is in `bplib.mistakes`.
"""

# ruff: noqa: F401, I001
from bplib.diagnosis.slips import loss, activations, dense, sharing
from bplib.diagnosis.slips import convolution, pooling, recurrence, factors, found
from bplib.diagnosis.slips.factors import FACTORS
from bplib.diagnosis.slips.table import SLIPS

__all__ = ["FACTORS", "SLIPS"]
