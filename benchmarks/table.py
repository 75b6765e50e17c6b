#!/usr/bin/env python3
"""table.py RAW OUT: merges the programs' JSON (RAW/<round>-<program>-<group>.json) into OUT/compare.md
and OUT/compare.json. Only compare.sh calls it."""

import collections
import json
import os
import pathlib
import platform
import statistics
import sys

PEERS = {"eigen": "Eigen", "onednn": "oneDNN", "pytorch": "PyTorch", "pytorch_default": "PyTorch as installed",
         "onnxruntime": "ONNX Runtime"}
LIBRARIES = (("eigen", "Eigen"), ("onednn", "oneDNN"), ("pytorch", "PyTorch"), ("onnxruntime", "ONNX Runtime"))


def read(folder):
    """{line: {program: {round: record}}}, the contexts of all programs, and the lines that failed."""
    lines = collections.defaultdict(lambda: collections.defaultdict(dict))
    contexts, failures = [], []
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            failures.append(f"{path.name}: expected JSON, {error}")
            continue
        contexts.append(content["context"])
        for record in content["benchmarks"]:
            name, program = record["name"], "abell"
            if name.startswith("peer_"):
                program, name = name.removeprefix("peer_").split("/", 1)
            if record.get("error_occurred"):
                failures.append(f"{record['name']}: {record['error_message']}")
            else:
                lines[name][program][int(path.name.split("-")[0])] = record
    return lines, contexts, failures


def seconds(records):
    return statistics.median(record["median_seconds"] for record in records.values())


def ratio(peer, abell):
    """The median over the rounds that both took part in of the peer's time over abell's: what slows
    the whole machine down for a while slows both."""
    both = peer.keys() & abell.keys()
    return statistics.median(peer[i]["median_seconds"] / abell[i]["median_seconds"] for i in both) if both else None


def layouts(records):
    return sorted({record["layout"] for record in records.values() if "layout" in record})


def memory_entry(name, programs):
    """A line of memory of compare.json."""
    def most(program):
        return max(record["peak_bytes"] for record in programs[program].values())

    result = {"name": name, "peak_bytes": most("abell"), "peers": {}}
    for peer in PEERS:
        if peer in programs:
            result["peers"][peer] = {"peak_bytes": most(peer), "ratio": most(peer) / most("abell")}
            if layouts(programs[peer]):
                result["peers"][peer]["layouts"] = layouts(programs[peer])
    return result


def entry(name, programs):
    """A line of times of compare.json."""
    abell = programs["abell"]
    result = {"name": name, "rounds": len(abell), "milliseconds": seconds(abell) * 1e3}
    for counter in ("FLOPS", "bytes_per_second", "peak_share", "images_per_second", "live_share"):
        values = [record[counter] for record in abell.values() if counter in record]
        if values:
            result[counter] = statistics.median(values)
    times = [record["median_seconds"] for record in abell.values()]
    result["spread"] = (max(times) - min(times)) / statistics.median(times)
    result["peers"] = {}
    for peer in PEERS:
        if peer in programs:
            records = programs[peer]
            result["peers"][peer] = {
                "milliseconds": seconds(records) * 1e3,
                "ratio": ratio(records, abell),
                "runs": int(sum(record["runs"] for record in records.values())),
            }
            if layouts(records):
                result["peers"][peer]["layouts"] = layouts(records)
    return result


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for text in file:
                if text.startswith("model name"):
                    return text.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def system():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def machine(contexts):
    """The processor, the median of every measured peak, and the versions of everything."""
    merged = {"processor": processor(), "cores": len(os.sched_getaffinity(0)), "system": system()}
    # Processes that wanted to run when a program began: more than the programs' own threads are others'.
    merged["most_load"] = max((context["load_avg"][0] for context in contexts if context.get("load_avg")), default=0)
    for key in ("isa", "compiler", "abell_version", *(key for key, _ in LIBRARIES)):
        for context in contexts:
            if key in context:
                merged[key] = context[key]
    peaks = collections.defaultdict(list)
    for context in contexts:
        for key, value in context.items():
            if key.startswith("peak_"):
                peaks[key].append(float(value))
    merged["peaks"] = {key: statistics.median(values) for key, values in sorted(peaks.items())}
    return merged


def number(value):
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def memory_table(entries):
    peers = [peer for peer in PEERS if any(peer in line["peers"] for line in entries)]
    text = ["", "The most resident memory of a process that trains and does nothing else, three steps; a ratio is the "
            "peer's over abell's.", "",
            "| " + " | ".join(["line", "abell, MB"] + [f"{PEERS[peer]}, MB (ratio)" for peer in peers]) + " |",
            "|---" + "|---:" * (len(peers) + 1) + "|"]
    for line in entries:
        cells = [f"`{line['name']}`", f"{line['peak_bytes'] / 1e6:.0f}"]
        for peer in peers:
            found = line["peers"].get(peer)
            cells.append(f"{found['peak_bytes'] / 1e6:.0f} ({found['ratio']:.2f})" if found else "")
        text.append("| " + " | ".join(cells) + " |")
    return text


def markdown(about, entries, memory, failures):
    versions = [f"{name} {about[key]}" for key, name in (("abell_version", "abell"), *LIBRARIES) if key in about]
    text = [f"{about['processor']}, {about['cores']} cores, instruction set {about['isa']}; {about['system']}, "
            f"{about['compiler']}; {', '.join(versions)}.", "", "Measured peaks: " + "; ".join(
                f"{key.removeprefix('peak_').replace('_', ' ')} {number(value)}"
                for key, value in about["peaks"].items()) + ".", "",
            "Times are medians; a ratio is the peer's time over abell's in the same round, the median of the rounds. "
            "\"Of peak\" is of the FMA peak, or of the memory's bandwidth for work that does not multiply; of "
            "depthwise and normalised convolutions, of whichever limits them. Kernels that skip what ReLU cut, or "
            "whose operands stay in the caches, exceed it. PyTorch: the fastest of its layouts and forms, with freed "
            "memory kept, and as installed. compare.json has the number of runs; the slowest peers have fewer than "
            "ten.", ""]
    if about["most_load"] > 1.5 * about["cores"]:
        text += [f"**The machine was busy** (load {about['most_load']:.1f} on {about['cores']} cores): these ratios "
                 "are not to be relied on.", ""]
    peers = [peer for peer in PEERS if any(peer in line["peers"] for line in entries)]
    header = ["line", "abell, ms", "GFLOP/s", "of peak"] + [f"{PEERS[peer]}, ms (ratio)" for peer in peers]
    text += ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    for line in entries:
        cells = [f"`{line['name']}`", number(line["milliseconds"]),
                 number(line["FLOPS"] / 1e9) if "FLOPS" in line else "",
                 f"{100 * line['peak_share']:.0f} %" if "peak_share" in line else ""]
        for peer in peers:
            found = line["peers"].get(peer)
            cells.append("" if found is None else f"{number(found['milliseconds'])} ({found['ratio']:.2f})"
                         if found["ratio"] is not None else number(found["milliseconds"]))
        text.append("| " + " | ".join(cells) + " |")
    if memory:
        text += memory_table(memory)
    if failures:
        text += ["", "Failed:", ""] + [f"- {failure}" for failure in sorted(set(failures))]
    return "\n".join(text) + "\n"


def main():
    raw, out = sys.argv[1:]
    lines, contexts, failures = read(raw)
    own = {name: programs for name, programs in lines.items() if "abell" in programs}
    is_memory = {name: any("peak_bytes" in record for record in programs["abell"].values())
                 for name, programs in own.items()}
    entries = [entry(name, programs) for name, programs in own.items() if not is_memory[name]]
    memory = [memory_entry(name, programs) for name, programs in own.items() if is_memory[name]]
    # Whole networks first, then as abell-benchmark lists them.
    entries.sort(key=lambda line: not line["name"].startswith(("train_step", "predict")))
    about = machine(contexts)
    folder = pathlib.Path(out)
    with open(folder / "compare.json", "w", encoding="utf-8") as file:
        json.dump({"machine": about, "lines": entries, "memory": memory, "failures": sorted(set(failures))}, file,
                  indent=1)
        file.write("\n")
    (folder / "compare.md").write_text(markdown(about, entries, memory, failures), encoding="utf-8")
    if failures or not entries:
        print(f"table.py: {len(failures)} lines failed, {len(entries) + len(memory)} written", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
