"""The tables: ratios to bplib, peak memory, and what they were measured with."""

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from . import measure
from .workloads import FULL, SMALL

# What the contestant's label begins with: (its module, the package it needs).
PEERS = {
    "bplib": ("bplib_net", "numpy"),
    "textbook NumPy": ("textbook", "numpy"),
    "tight NumPy": ("tight", "numpy"),
    "JAX": ("jax_jit", "jax"),
    "PyTorch": ("torch_eager", "torch"),
    "scikit-learn": ("sklearn_mlp", "sklearn"),
    "HIPS autograd": ("hips_autograd", "autograd"),
}


def installed():
    """The peers whose package can be imported."""
    return [
        peer
        for peer, (_, package) in PEERS.items()
        if importlib.util.find_spec(package)
    ]


def contestants(kind, peers):
    """{label: make} of the peers that apply to this kind of workload."""
    found = {}
    for peer in peers:
        module = importlib.import_module(f"benchmarks.contestants.{PEERS[peer][0]}")
        found |= module.contestants(kind)
    return found


def time_workload(workload, found, arguments):
    """({label: times, see measure.times}, {label: why it was refused})."""
    steps, refused = {}, {}
    for label, make in found.items():
        try:
            measure.check(label, make, workload)
        except measure.Disagreement as error:
            refused[label] = str(error)
        else:
            steps[label] = make(workload).step
    rounds, at_least = (2, 0.0) if arguments.small else (arguments.rounds, 0.01)
    rest = 0.3 if arguments.threads > 1 else 0.0
    return measure.times(steps, rounds=rounds, at_least=at_least, rest=rest), refused


def memory_of(label, workload):
    """MB of this process, which imported only one peer: (peak, peak above imports)."""
    peer = next(peer for peer in PEERS if label.startswith(peer))
    make = contestants(workload.kind, [peer])[label]
    before = measure.memory_mb("VmRSS")
    contestant = make(workload)
    for _ in range(5):
        contestant.step()
    peak = measure.memory_mb("VmHWM")
    return peak, peak - before


def memory_in_new_process(label, workload, arguments):
    command = [sys.executable, "-m", "benchmarks", "--memory-of", label, workload.name]
    command += ["--threads", str(arguments.threads)] + ["--small"] * arguments.small
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    peak, above = map(float, done.stdout.split())
    return f"{peak:.0f} (+{above:.0f})"


def duration(s):
    unit, scale = ("us", 1e6) if s < 1e-3 else ("ms", 1e3)
    return f"{s * scale:.3g} {unit}"


def ratio(samples, baseline):
    """Median over the rounds of the ratio in that round, smallest and largest."""
    r = samples / baseline
    return f"**{np.median(r):.2f}** ({r.min():.2f}-{r.max():.2f})"


def table(*rows):
    """Markdown, from rows of strings; the first is the header."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def versions(peers):
    names = {"sklearn": "scikit-learn"}
    packages = dict.fromkeys(names.get(PEERS[p][1], PEERS[p][1]) for p in peers)
    return ", ".join(f"{p} {importlib.metadata.version(p)}" for p in packages)


def processor():
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()


def columns(results, cell):
    """One row a workload, one column a contestant, "-" where it does not apply."""
    labels = list(dict.fromkeys(label for row in results.values() for label in row))
    body = [
        [name, *(cell(row, label) if label in row else "-" for label in labels)]
        for name, row in results.items()
    ]
    return labels, body


def run(arguments):
    workloads = SMALL if arguments.small else FULL
    workloads = [w for w in workloads if arguments.only in w.name]
    if arguments.memory_of:
        label, name = arguments.memory_of
        print(*memory_of(label, next(w for w in workloads if w.name == name)))
        return 0
    peers = installed()
    absent = [peer for peer in PEERS if peer not in peers]
    results, memory, notes = {}, {}, []
    for workload in workloads:
        start = time.perf_counter()
        found = contestants(workload.kind, peers)
        row, refused = time_workload(workload, found, arguments)
        results[workload.name] = row
        notes += [f"REFUSED, {workload.name}: {why}" for why in refused.values()]
        for label, taken in row.items():
            busy = np.median(taken[:, 1] / taken[:, 0])
            if busy > arguments.threads + 0.1:
                notes.append(f"{label} kept {busy:.1f} cores busy on {workload.name}.")
        # In small mode one workload is enough to see that it works.
        if not arguments.no_memory and not (arguments.small and memory):
            memory[workload.name] = {
                label: memory_in_new_process(label, workload, arguments)
                for label in row
            }
        took = time.perf_counter() - start
        print(f"{workload.name}: {took:.0f} s", file=sys.stderr, flush=True)
    text = render(results, memory, notes, peers, absent, arguments)
    print(text)
    if arguments.write:
        Path(arguments.write).write_text(text + "\n", encoding="utf-8")
    return 1 if any(note.startswith("REFUSED") for note in notes) else 0


def render(results, memory, notes, peers, absent, arguments):
    clock = 1 if arguments.threads == 1 else 0  # processor or wall, see measure
    parts = ["# bplib beside its peers", ""]
    parts += [
        "Time of one training step (forward, loss, backward, SGD update on the same "
        "minibatch) **divided by bplib's in the same round**: above 1, bplib is "
        "faster. Median over the rounds, with the smallest and the largest.",
        "",
        "At one thread the time is the processor's (of all threads of the process), "
        "which other programs on the machine disturb less."
        if clock
        else "The time is by the clock on the wall.",
        "",
    ]
    # The learning rates at once have contestants of their own, hence a table each.
    wide = {n: row for n, row in results.items() if "learning rates" not in n}
    tall = {n: row for n, row in results.items() if n not in wide}

    def times(row, label):
        samples, baseline = row[label][:, clock], row["bplib"][:, clock]
        if label == "bplib":
            return duration(np.median(samples))
        return ratio(samples, baseline)

    if wide:
        labels, body = columns(wide, times)
        parts += [table(["step", *labels], *body), ""]
    if wide.keys() & memory.keys():
        rows = {name: memory[name] for name in wide if name in memory}
        labels, body = columns(rows, lambda row, label: row[label])
        parts += [
            "Peak memory in MB of a process that makes five such steps (in brackets: "
            "above what it used after its imports).",
            "",
            table(["peak memory, MB", *labels], *body),
            "",
        ]
    for name, row in tall.items():
        used = memory.get(name, {})
        body = [[label, times(row, label), used.get(label, "-")] for label in row]
        parts += [table([name, "one update of each net", "MB"], *body), ""]
    parts += [f"- {note}" for note in notes]
    parts += [f"- {peer}: absent, not installed here." for peer in absent]
    parts += [
        f"- {arguments.threads} thread(s); {arguments.rounds} rounds, contestants "
        "in a new order in each."
        if not arguments.small
        else "- Small mode: it shows that the harness works; its times mean nothing.",
        "- Before it is timed, a contestant's loss and gradients are shown to equal "
        "the reference's (NumPy in float64) to 1e-9 in float64 and 1e-3 in float32, "
        "relative to the largest entry of each parameter array.",
        f"- {processor()}, {os.cpu_count()} cores; {platform.system()}, Python "
        f"{platform.python_version()}; {versions(peers)}.",
    ]
    return "\n".join(parts)
