"""A page in headless Chromium, driven over its debugging pipe: what the tests of pages share."""

import base64
import json
import os
import pathlib
import select
import subprocess
import sys
import time


def fail(message):
    sys.exit(f"{os.path.basename(sys.argv[0])}: {message}")


def expect(found, expected, what):
    if found != expected:
        fail(f"{what}: expected {expected!r}, found {found!r}")


def wait(condition, what):
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    fail(f"waited in vain for {what}")


class Browser:
    def __init__(self, profile, patience):
        """`patience`: seconds to wait for an answer."""
        self.patience = patience
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

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.to.close()  # Chromium goes with its pipe
        self.answers.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.to.write(json.dumps(message).encode() + b"\0")
        while (answer := self.receive(method)).get("id") != self.number:
            self.events.append(answer)
        if "error" in answer:
            fail(f"{method}: {answer['error']}")
        return answer["result"]

    def receive(self, what):
        while b"\0" not in self.rest:
            if not select.select([self.answers], [], [], self.patience)[0]:
                fail(f"{what}: no answer in {self.patience} seconds")
            read = os.read(self.answers.fileno(), 1 << 16)
            if not read:
                fail("the browser has gone")
            self.rest += read
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def open(self, url):
        """Loads a page in a new tab; returns the tab's id."""
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(domain + ".enable")
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not self.saw("Page.loadEventFired"):  # before that the page may not answer at all
            self.events.append(self.receive("the page's load"))
        return target

    def saw(self, *methods):
        """The parameters of such events since the page was opened."""
        return [event["params"] for event in self.events if event.get("method") in methods]

    def value(self, script):
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True)
        if "exceptionDetails" in result:
            fail(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def window(self, width, height, mobile):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        time.sleep(0.3)

    def picture(self, path):
        """The page as a PNG image, with what one would scroll to."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "scale": 1, "width": self.value("innerWidth"),
                               "height": self.value("Math.min(document.documentElement.scrollHeight, 16000)")})["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))
