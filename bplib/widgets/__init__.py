"""The explorers: what a chapter says, to try with your own hands."""

from bplib.widgets.backprop_stepper import BackpropStepper
from bplib.widgets.descent_explorer import DescentExplorer
from bplib.widgets.fit_explorer import FitExplorer
from bplib.widgets.frames import Frames
from bplib.widgets.gradient_flow_explorer import GradientFlowExplorer
from bplib.widgets.neuron_explorer import NeuronExplorer
from bplib.widgets.quiz import Quiz
from bplib.widgets.training_explorer import TrainingExplorer

__all__ = [
    "BackpropStepper",
    "DescentExplorer",
    "FitExplorer",
    "Frames",
    "GradientFlowExplorer",
    "NeuronExplorer",
    "Quiz",
    "TrainingExplorer",
]
