"""live_hunt.py BIN [VOLUNTEERS [SECONDS]]: simulated volunteers in a live hunt, by default 200 for 60 s.

BIN holds abell-simulate and abell-votes. Each volunteer gives an answer every 2 s to a server on this
machine, which keeps the hunt in a temporary folder. Tells how long answers took until they were confirmed, and fails
when one that was confirmed is not in the export exactly once, or p95 is not below 50 ms. The volunteers run in one
process beside the server, whose own work counts as time that an answer takes; how late they begin, by their clock,
tells how long processes of a busy machine wait for a processor.
"""

import asyncio
import csv
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

programs = sys.argv[1]
volunteers = min(int(sys.argv[2]), 500) if len(sys.argv) > 2 else 200
seconds = min(int(sys.argv[3]), 600) if len(sys.argv) > 3 else 60
pause, images, candidates = 2.0, 10, 250
answers = {"No emission close to the centre": [[0, 1]], "Point-like": [[0, 0], [1, 0]],
           "A nearby galaxy cluster": [[0, 0], [1, 1], [2, 2]]}


class Volunteer:
    """An HTTP/1.1 client that opens its connection again when the server has closed it."""

    def __init__(self, number, port):
        self.name, self.port, self.cookie, self.stream = f"simulated-{number}", port, "", None

    async def post(self, path, body):
        text = json.dumps(body).encode()
        head = (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nOrigin: http://127.0.0.1:{self.port}\r\n"
                f"Cookie: {self.cookie}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n")
        for attempt in range(3):
            try:
                if self.stream is None:
                    self.stream = await asyncio.open_connection("127.0.0.1", self.port)
                reader, writer = self.stream
                writer.write(head.encode() + text)
                answer = (await reader.readuntil(b"\r\n\r\n")).decode()
                content = await reader.readexactly(int(re.search(r"(?i)content-length: (\d+)", answer)[1]))
                break
            except (ConnectionError, asyncio.IncompleteReadError):
                if attempt == 2:
                    raise
                self.stream = None
        if re.search(r"(?i)connection: close", answer):
            writer.close()
            self.stream = None
        if cookie := re.search(r"(?i)set-cookie: ([^;\r]*)", answer):
            self.cookie = cookie[1]
        if not answer.startswith("HTTP/1.1 200"):
            sys.exit(f"live_hunt.py: {path}: {answer.splitlines()[0]} {content.decode()}")
        return json.loads(content)

    async def take_part(self, end, times, late, confirmed):
        chance = random.Random(self.name)
        await asyncio.sleep(chance.uniform(0, pause))
        await self.post("/join", {"name": self.name, "code": ""})
        subject = (await self.post("/next", {}))["subject"]
        due = time.monotonic()
        while subject and (due := due + pause) < end:
            await asyncio.sleep(max(0, due - time.monotonic()))
            label = chance.choice(list(answers))
            started = time.monotonic()
            late.append(started - due)
            said = await self.post("/answer", {"subject": subject["number"], "answers": answers[label]})
            times.append(time.monotonic() - started)
            confirmed.append((self.name, subject["number"], label))
            subject = said["subject"]


def processor_time(process):
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def hunt(port):
    times, late, confirmed, end = [], [], [], time.monotonic() + seconds
    await asyncio.gather(*(Volunteer(i, port).take_part(end, times, late, confirmed) for i in range(volunteers)))
    return sorted(times), sorted(late), confirmed


with tempfile.TemporaryDirectory() as folder:
    run = lambda name, *options: subprocess.run([os.path.join(programs, name), *options, "--quiet"], cwd=folder, check=True)
    run("abell-simulate", "--objects", str(images), "--out", "set")
    files = sorted(f"set/{split}_images/{name}" for split in ("train", "test")
                   for name in os.listdir(os.path.join(folder, f"set/{split}_images")))
    with open(os.path.join(folder, "table.csv"), "w") as table:
        table.write("id,image\n" + "".join(f"object-{i},{files[i % len(files)]}\n" for i in range(candidates)))
    server = subprocess.Popen([os.path.join(programs, "abell-votes"), "serve", "live", "--set", "table.csv", "--port", "0",
                               "--retire", "1000"], cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        port = int(re.search(r":(\d+)/", server.stdout.readline())[1])
        before = processor_time(server.pid)
        times, late, confirmed = asyncio.run(hunt(port))
        used = processor_time(server.pid) - before
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    run("abell-votes", "export", "live", "--out", "hunt.csv")
    with open(os.path.join(folder, "hunt.csv"), newline="") as file:
        kept = [(row["user_name"], int(row["subject_ids"].split("-")[1]) - 1, json.loads(row["annotations"])[-1]["value"])
                for row in csv.DictReader(file)]

lost, doubled = len(set(confirmed) - set(kept)), len(kept) - len(set(kept))
part = lambda values, share: 1000 * values[int(share * (len(values) - 1))]
p50, p95, p99 = (part(times, share) for share in (0.5, 0.95, 0.99))
print(f"{volunteers} simulated volunteers, {seconds} s: {len(confirmed)} answers confirmed, {len(kept)} kept, {lost} lost, "
      f"{doubled} doubled; an answer took {p50:.1f} ms (p50), {p95:.1f} ms (p95), {p99:.1f} ms (p99), "
      f"{1000 * times[-1]:.1f} ms at most; the volunteers themselves began {part(late, 0.5):.1f} ms (p50) and "
      f"{part(late, 0.95):.1f} ms (p95) late; the server took {1000 * used / len(times):.2f} ms of a "
      f"processor an answer; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
sys.exit(lost > 0 or doubled > 0 or len(kept) != len(confirmed) or p95 >= 50)
