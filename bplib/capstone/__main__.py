"""Judge a file: `python -m bplib.capstone network.py`."""

import argparse
import sys

from bplib.capstone import judge, starter


def main():
    parser = argparse.ArgumentParser(
        prog="python -m bplib.capstone", description=__doc__
    )
    parser.add_argument("file", nargs="?", default="network.py")
    text = "make the file: the contract, with nothing in it yet"
    parser.add_argument("--start", action="store_true", help=text)
    arguments = parser.parse_args()
    if arguments.start:
        try:
            with open(arguments.file, "x", encoding="utf-8") as file:
                file.write(starter())
        except OSError as error:
            sys.exit(f"{arguments.file} is left as it is: {error.strerror}.")
        print(f"{arguments.file} holds the contract now. The rest is yours.")
        return 0
    report = judge(arguments.file, say=lambda station: print(station, flush=True))
    print(report.end())
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
