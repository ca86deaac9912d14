"""The stations in order, each with its check and its time limit."""

from bplib.capstone import functions, loops
from bplib.capstone.contract import Fault, stations
from bplib.capstone.goals import reach
from bplib.capstone.judging import Judging
from bplib.capstone.running import files_of, limited, load

CHECKS = {
    "init": functions.check_init,
    "forward": functions.check_forward,
    "loss": functions.check_loss,
    "backward": functions.check_backward,
    "step": functions.check_step,
    "batches": loops.check_batches,
    "train": loops.check_train,
    "predict": functions.check_predict,
    "MOONS": lambda judging: reach(judging, "MOONS"),
    "DIGITS": lambda judging: reach(judging, "DIGITS"),
}
SECONDS = {"file": 10, **dict.fromkeys(stations(), 10), "MOONS": 60, "DIGITS": 60}


def in_order(network, patience=1):
    """Yield (name, passed, lines) for each station, until one does not pass.

    network: the path of a file, or a dict of functions. patience: times the limits.
    """
    try:
        if not isinstance(network, dict):
            file = str(network)
            network = limited(lambda: load(file), patience * SECONDS["file"], {file})
        yield "file", True, []
    except Fault as fault:
        yield "file", False, list(fault.args)
        return
    judging, files = Judging(network), files_of(network)
    for name, check in CHECKS.items():
        try:
            lines = judging.within(patience * SECONDS[name], check, files)
        except Fault as fault:
            yield name, False, list(fault.args)
            return
        yield name, True, list(lines or [])
