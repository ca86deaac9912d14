"""The explorers: what a chapter says, to try with your own hands."""

from bplib.widgets.backprop_stepper import BackpropStepper
from bplib.widgets.training_explorer import TrainingExplorer

__all__ = ["BackpropStepper", "TrainingExplorer"]
