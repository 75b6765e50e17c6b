"""live_hunt.py PROGRAM SET FOLDER: a live hunt, voted on over HTTP and in headless Chromium, killed and gone on with.

Leaves FOLDER/hunt.csv, its export, and pictures of the page to look at.
"""

import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys

from browser import Browser, expect, fail, wait

program, candidates, folder = sys.argv[1:]
hunt = os.path.join(folder, "live")
paths = [[(0, 1)], [(0, 2)], [(0, 0), (1, 0)], [(0, 0), (1, 1), (2, 0)], [(0, 0), (1, 1), (2, 1)],
         [(0, 0), (1, 1), (2, 2)], [(0, 0), (1, 1), (2, 3)]]  # to the codes a to g


class Server:
    def __init__(self, *options):
        self.process = subprocess.Popen([program, "serve", hunt, "--port", "0", "--retire", "3", *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"http://[^ ]*:(\d+)/", line)
        if not found:
            fail(f"expected an address, found {line!r}")
        self.port = int(found[1])
        self.origin = f"http://127.0.0.1:{self.port}"

    def end(self, with_signal, code):
        self.process.send_signal(with_signal)
        expect(self.process.wait(30), code, f"exit code after {with_signal.name}")


class Volunteer:
    def __init__(self, server, name=None, code=""):
        self.server, self.cookie = server, ""
        if name:
            expect(self.post("/join", {"name": name, "code": code})[0], 200, "joining")

    def post(self, path, body, **headers):
        text = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.ask("POST", path, text, {"Origin": self.server.origin, "Content-Type": "application/json", **headers})

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        connection.request(method, path, body, {"Cookie": self.cookie, **(headers or {})})
        answer = connection.getresponse()
        content = answer.read()
        if cookie := answer.getheader("Set-Cookie"):
            self.cookie = cookie.split(";")[0]
        connection.close()
        is_json = answer.getheader("Content-Type") == "application/json"
        return answer.status, json.loads(content) if is_json else content

    def next(self):
        return self.post("/next", {})[1]["subject"]

    def vote(self, code):
        number = self.next()["number"]
        status, said = self.post("/answer", {"subject": number, "answers": paths[code]})
        expect(status, 200, "an answer")
        return number, said


def statistics(server):
    text = Volunteer(server).ask("GET", "/statistics")[1].decode()
    return dict(re.findall(r'<div class="label">(.*?)</div><div class="value">(.*?)</div>', text))


# Three volunteers, who are dealt what has fewest votes; two tabs are one.
server = Server("--set", candidates)
ada, bea, cleo = (Volunteer(server, name) for name in ("Ada", "Bea", "Ada"))
expect(len({v.next()["number"] for v in (ada, bea, cleo)}), 3, "candidates of three volunteers at once")
expect(ada.next(), ada.next(), "another tab")
expect(ada.ask("GET", "/" + ada.next()["xray"])[1][:4], b"\x89PNG", "an image")
first, said = ada.vote(5)
expect((said["done"], said["total"]), (1, 4), "counts")
repeated = ada.post("/answer", {"subject": first, "answers": paths[6]})
expect((repeated[0], repeated[1]["done"]), (200, 1), "the same answer told again")
for _ in range(3):
    ada.vote(5)
expect(ada.next(), None, "nothing is left for Ada")
for _ in range(2):
    bea.vote(5)

# Refused, each with a word why.
refused = Volunteer(server)
expect(refused.post("/next", {}), (401, {"error": "Join the hunt first."}), "no cookie")
expect(refused.ask("GET", "/images/000001_xray.png")[0], 401, "an image without a cookie")
answer = {"subject": cleo.next()["number"], "answers": paths[0]}
expect(cleo.post("/answer", answer, Origin="http://elsewhere.example")[0], 403, "a foreign page")
expect(cleo.ask("POST", "/answer", json.dumps(answer), {"Content-Type": "application/json"})[0], 403, "no origin")
expect(cleo.ask("GET", "/", headers={"Host": f"elsewhere.example:{server.port}"})[0], 403, "a foreign name")
expect(cleo.post("/answer", answer, **{"Content-Type": "text/plain"})[0], 415, "a form")
expect(cleo.post("/answer", {**answer, "more": "x" * 5000})[0], 413, "a body that is too long")
expect(cleo.post("/join", {"name": "x" * 61})[0], 400, "a name that is too long")
expect(cleo.post("/join", {"name": "a\nb"})[0], 400, "a name of two lines")
for wrong in ("", "[", "[]", {}, {"subject": 4, "answers": paths[0]}, {"subject": -1, "answers": paths[0]},
              {"subject": 0, "answers": []}, {"subject": 0, "answers": [[0, 0]]}, {"subject": 0, "answers": [[0, 7]]},
              {"subject": 0, "answers": [[1, 0]]}, {"subject": 0, "answers": [[0, 1], [1, 0]]}, {"subject": 0},
              {"subject": 0, "answers": "a" * 3000}, "[" * 4000):
    expect(cleo.post("/answer", wrong)[0], 400, f"{wrong!r:.60}")
expect(cleo.ask("GET", "/../hunt.sqlite")[0] in (400, 401, 404), True, "a file of the hunt")
expect(cleo.ask("DELETE", "/")[0], 405, "another method")
expect(cleo.post("/next", {})[1]["done"], 0, "nothing of that is a vote")

# More idle connections than there is room for keep nobody out, and headers without end come to an end.
files = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(files[1], 4096), files[1]))
idle = []
for _ in range(min(files[1] - 100, 1100)):
    idle.append(socket.create_connection(("127.0.0.1", server.port)))
    idle[-1].sendall(b"POST /answer HTTP/1.1\r\n")
cleo.vote(5)
for connection in idle:
    connection.close()
flood = socket.create_connection(("127.0.0.1", server.port))
flood.settimeout(5)
flood.sendall(b"GET / HTTP/1.1\r\n")
try:
    for number in range(1 << 16):
        flood.sendall(b"X-%d: %s\r\n" % (number, b"x" * 4000))
    fail("headers without end are read")
except OSError:  # closed, or nobody reads any more
    flood.close()

# Killed and started again: what was confirmed is there.
server.end(signal.SIGKILL, -signal.SIGKILL)
server = Server()
for volunteer in (ada, bea, cleo):
    volunteer.server = server
expect(cleo.post("/next", {})[1]["done"], 1, "votes after a kill")
expect(ada.next(), None, "nothing is left for Ada after a kill")
shown = statistics(server)
expect((shown["classifications"], shown["volunteers"], shown["subjects"]), ("7", "3", "4"), "statistics")
expect(shown["agreement"], "100.0 %", "statistics")

if shutil.which("chromium"):
    with Browser(os.path.join(folder, "profile"), 30) as browser:
        count = "document.getElementById('count').textContent"

        def press(key):
            for kind in ("keyDown", "keyUp"):
                browser.call("Input.dispatchKeyEvent", type=kind, key=key, text=key if kind == "keyDown" else "")

        browser.open(server.origin + "/")
        browser.window(1280, 800, False)
        wait(lambda: browser.value("document.getElementById('join').open"), "the question for a name")
        browser.picture(os.path.join(folder, "live-join.png"))
        browser.value("document.getElementById('join-name').value = 'Dora'; "
                      "document.querySelector('#join-form button').click()")
        wait(lambda: browser.value("document.getElementById('tutorial').open"), "the tutorial")
        browser.value("document.getElementById('start').click()")
        wait(lambda: browser.value(count) == "0 of 4", "the first candidate")
        wait(lambda: browser.value("document.getElementById('wide').naturalWidth") == 356, "its image")
        browser.picture(os.path.join(folder, "live-desktop.png"))
        press("1")
        press("2")
        press("u")  # the last answer of an open candidate
        press("1")  # c
        wait(lambda: browser.value(count) == "1 of 4", "a vote")
        browser.open(server.origin + "/")  # in another tab
        browser.window(390, 844, True)
        wait(lambda: browser.value(count) == "1 of 4", "the same volunteer in another tab")
        wait(lambda: browser.value("document.getElementById('wide').naturalWidth") == 356, "its image")
        browser.picture(os.path.join(folder, "live-phone.png"))
        for done in range(2, 10):
            if browser.value("document.querySelectorAll('#answers button').length") == 0:
                break
            press("2")  # a
            wait(lambda: browser.value(count).startswith(str(done)), f"vote {done}")
        expect(browser.value("document.getElementById('sky').getClientRects().length"), 0, "pictures at the end")
        browser.open(server.origin + "/statistics")
        browser.window(1280, 800, False)
        browser.picture(os.path.join(folder, "live-statistics.png"))
else:
    dora = Volunteer(server, "Dora")
    dora.vote(2)
    while dora.next():
        dora.vote(0)

# The rest, until all candidates are complete and nobody is dealt one any more.
while cleo.next():
    cleo.vote(5)
while bea.next():
    bea.vote(5)
shown = statistics(server)
expect((shown["complete"], shown["completed subjects"]), ("100.0 %", "4"), "a hunt that is complete")
expect(Volunteer(server, "Eve").next(), None, "a complete hunt deals nothing")
expect(subprocess.run([program, "export", hunt, "--out", os.path.join(folder, "hunt.csv"), "--quiet"]).returncode, 0,
       "an export while it is served")
server.end(signal.SIGTERM, 143)

# On another address a code is asked for.
server = Server("--address", "0.0.0.0")
code = re.fullmatch(r"join code: (\w{8})\n", server.process.stdout.readline())[1]
stranger = Volunteer(server)
expect(stranger.post("/join", {"name": "Fay", "code": "wrong"})[0], 403, "a wrong code")
expect(stranger.ask("GET", "/statistics")[0], 401, "statistics for strangers")
Volunteer(server, "Fay", code)
server.end(signal.SIGINT, 130)
