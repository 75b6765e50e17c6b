"""experiment_page.py PAGE FOLDER: an experiment's report in headless Chromium, on a desktop and on a phone.

No console message, no request but for the page itself, all images decoded, nothing wider than the window. Leaves
FOLDER/report-desktop.png, report-phone.png and report-dark.png to look at.
"""

import base64
import json
import os
import pathlib
import select
import subprocess
import sys
import time

page, folder = sys.argv[1], sys.argv[2]


class Browser:
    def __init__(self, profile):
        down_read, down_write = os.pipe()
        up_read, up_write = os.pipe()

        def connect():  # Chromium reads commands from descriptor 3 and writes answers to 4
            for descriptor in (down_read, up_write):
                os.set_inheritable(descriptor, True)
            os.dup2(down_read, 10)
            os.dup2(up_write, 11)
            os.dup2(10, 3)
            os.dup2(11, 4)

        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 "--remote-debugging-pipe", "--user-data-dir=" + profile]
        self.process = subprocess.Popen(["chromium", *flags, "about:blank"], preexec_fn=connect, close_fds=False,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(down_read)
        os.close(up_write)
        self.to, self.answers = os.fdopen(down_write, "wb", 0), os.fdopen(up_read, "rb")
        self.number, self.session, self.rest, self.events = 0, None, b"", []

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.to.write(json.dumps(message).encode() + b"\0")
        while (answer := self.receive(method)).get("id") != self.number:
            self.events.append(answer)
        if "error" in answer:
            sys.exit(f"experiment_page.py: {method}: {answer['error']}")
        return answer["result"]

    def receive(self, what):
        while b"\0" not in self.rest:
            if not select.select([self.answers], [], [], 60)[0]:
                sys.exit(f"experiment_page.py: {what}: no answer in 60 seconds")
            read = os.read(self.answers.fileno(), 1 << 16)
            if not read:
                sys.exit("experiment_page.py: the browser has gone")
            self.rest += read
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def open(self, url):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(domain + ".enable")
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.receive("the page's load"))

    def value(self, script):
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True)
        if "exceptionDetails" in result:
            sys.exit(f"experiment_page.py: {script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def window(self, width, height, mobile):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        time.sleep(0.3)

    def picture(self, name):
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "scale": 1, "width": self.value("innerWidth"),
                               "height": self.value("Math.min(document.documentElement.scrollHeight, 16000)")})["data"]
        pathlib.Path(folder, name).write_bytes(base64.b64decode(data))


def expect(found, expected, what):
    if found != expected:
        sys.exit(f"experiment_page.py: {what}: expected {expected!r}, found {found!r}")


browser = Browser(os.path.join(folder, "profile"))
try:
    url = pathlib.Path(page).resolve().as_uri()
    browser.open(url)
    browser.window(1280, 900, False)
    expect(browser.value("document.images.length > 0"), True, "images on the page")
    expect(browser.value("Promise.all([...document.images].map(i => i.decode())).then(() => 'decoded', e => String(e))"),
           "decoded", "the images")
    expect(browser.value("[...document.images].every(i => i.naturalWidth > 0)"), True, "all images have a size")
    expect(browser.value("document.querySelectorAll('svg.plot').length > 5"), True, "figures")
    fits = "document.documentElement.scrollWidth <= innerWidth"
    expect(browser.value(fits), True, "the page fits a desktop")
    browser.picture("report-desktop.png")
    browser.window(390, 844, True)
    expect(browser.value(fits), True, "the page fits a phone")
    # Text of figures does not run out of the window.
    outside = """[...document.querySelectorAll('svg.plot')].flatMap(svg =>
        [...svg.querySelectorAll('text')].filter(t => { const b = t.getBoundingClientRect();
            return b.left < 0 || b.right > innerWidth; }).map(t => t.textContent)).join('; ')"""
    expect(browser.value(outside), "", "text outside the window")
    browser.picture("report-phone.png")
    browser.call("Emulation.setEmulatedMedia", media="screen", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.window(1280, 900, False)
    expect(browser.value("getComputedStyle(document.body).backgroundColor"), "rgb(21, 23, 27)", "the dark page")
    browser.picture("report-dark.png")
    printed = browser.call("Page.printToPDF")["data"]
    expect(base64.b64decode(printed)[:5], b"%PDF-", "the printed page")

    requests = [e["params"]["request"]["url"] for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
    expect([u for u in requests if not u.startswith("data:")], [url], "requests")
    said = [e["params"] for e in browser.events if e.get("method") in
            ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")]
    expect(said, [], "what the console says")
    browser.session = None
    browser.call("Browser.close")
finally:
    try:
        browser.process.wait(10)
    except subprocess.TimeoutExpired:
        browser.process.kill()
