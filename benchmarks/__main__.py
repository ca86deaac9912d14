"""`python -m benchmarks` times one training step of bplib beside its peers."""

import argparse
import os

parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
parser.add_argument("--threads", type=int, default=1, help="of every contestant")
parser.add_argument("--rounds", type=int, default=21, help="turns of each contestant")
parser.add_argument("--only", default="", help="workloads whose name contains this")
parser.add_argument("--small", action="store_true", help="tiny sizes, a few seconds")
parser.add_argument("--no-memory", action="store_true", help="skip the memory table")
parser.add_argument("--write", metavar="FILE", help="write the tables there too")
parser.add_argument("--memory-of", nargs=2, help=argparse.SUPPRESS)

if __name__ == "__main__":
    arguments = parser.parse_args()
    # Before NumPy and the others are imported: they read these once.
    for name in ("OPENBLAS", "OMP", "MKL", "VECLIB_MAXIMUM"):
        os.environ[f"{name}_NUM_THREADS"] = str(arguments.threads)
    os.environ["NPROC"] = str(arguments.threads)
    if arguments.threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

    from benchmarks import report

    raise SystemExit(report.run(arguments))
