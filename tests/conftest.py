"""What all tests share: one thread, no window, and the same examples each time."""

import os

# Before NumPy is imported, and inherited by the kernels that run the notebooks.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("MPLBACKEND", None)  # it would keep pictures from notebooks

import matplotlib
from hypothesis import settings

matplotlib.use("agg")

# A shared machine is slow at times, which is no failure; and a failure is to be
# there again when somebody looks for it.
settings.register_profile("book", deadline=None, derandomize=True, database=None)
settings.load_profile("book")
