"""votes_speed.py BIN [BEFORE [MEGABYTES]]: how long abell-votes counts an export of 600 MB, with each of its schemes.

BIN and BEFORE are abell-votes, BEFORE an older one to compare with: both count the same export by turns, and what they
write must be the same bytes. abell-simulate beside BIN makes the export: simulated votes, repeated with new ids.
"""

import os
import re
import subprocess
import sys
import tempfile
import time

programs = [os.path.abspath(path) for path in sys.argv[1:3]]
megabytes = float(sys.argv[3]) if len(sys.argv) > 3 else 600
schemes = ("unweighted", "agreement", "zooniverse", "swap", "dawid-skene")


def make_export(folder):
    """Each repetition has subjects, objects, volunteers and classifications of its own."""
    simulate = os.path.join(os.path.dirname(programs[0]), "abell-simulate")
    subprocess.run([simulate, "--objects", "400", "--votes", "--out", "set", "--quiet"], cwd=folder, check=True)
    with open(os.path.join(folder, "set/classifications.csv")) as file:
        head, *lines = file
    with open(os.path.join(folder, "set/truth.csv")) as file:
        truth_head, *truths = file
    rows = 0
    with open(os.path.join(folder, "export.csv"), "w") as export, open(os.path.join(folder, "truth.csv"), "w") as truth:
        export.write(head)
        truth.write(truth_head)
        repetition = 0
        while export.tell() < 1e6 * megabytes:
            digits = f"{repetition:04}"
            text = "".join(lines)
            text = re.sub(r"\b(1\d{7})\b", lambda found: found[1] + digits, text)
            text = re.sub(r"simulated-?(\d+),", lambda found: found[0][:-1] + "-" + digits + ",", text)
            text = re.sub(r'(""image_id"":""[^"]*)', lambda found: found[1] + "-" + digits, text)
            export.write(text)
            for line in truths:
                name, rest = line.split(",", 1)
                truth.write(f"{name}-{digits},{rest}")
            rows += len(lines)
            repetition += 1
        return rows, export.tell() / 1e6


def count(program, scheme, out, folder):
    """Seconds, and the most megabytes that were in memory."""
    started = time.monotonic()
    process = subprocess.Popen([program, "export.csv", "--experts", "truth.csv", "--scheme", scheme, "--out", out,
                                "--quiet"], cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"votes_speed.py: {program} failed")
    return time.monotonic() - started, usage.ru_maxrss / 1000


with tempfile.TemporaryDirectory() as folder:
    rows, size = make_export(folder)
    print(f"{rows} simulated votes, {size:.0f} MB; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    totals = [0.0] * len(programs)
    for scheme in schemes:
        line = f"{scheme}:"
        for number, program in enumerate(programs):
            seconds, memory = count(program, scheme, f"{scheme}-{number}", folder)
            totals[number] += seconds
            line += f" {seconds:.2f} s, {memory:.0f} MB;"
        for name in ("consensus.csv", "volunteers.csv", "table1.csv", "report.html") if len(programs) > 1 else ():
            pair = [os.path.join(folder, f"{scheme}-{number}", name) for number in range(2)]
            texts = [open(path).read().replace(f"{scheme}-{number}", "out") for number, path in enumerate(pair)]
            texts = [text.replace(program, "") for text, program in zip(texts, programs)]
            if texts[0] != texts[1]:
                sys.exit(f"votes_speed.py: {scheme}: {name} differs")
        print(line, flush=True)
    print("all:", "; ".join(f"{total:.1f} s" for total in totals) +
          (f"; {totals[1] / totals[0]:.2f} times as fast, the same bytes" if len(programs) > 1 else ""))
