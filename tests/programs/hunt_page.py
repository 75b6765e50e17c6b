"""hunt_page.py PAGE FOLDER: an expert classifies ten candidates on the Hunt's page in headless Chromium.

Real key presses, touches and a download, sent over Chromium's debugging pipe; the page is closed and opened again in
between. Leaves FOLDER/hunt-classifications.csv, and page-desktop.png and page-phone.png to look at.
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
            self.events.append(answer.get("method"))
        if "error" in answer:
            sys.exit(f"hunt_page.py: {method}: {answer['error']}")
        return answer["result"]

    def receive(self, what):
        while b"\0" not in self.rest:
            if not select.select([self.answers], [], [], 30)[0]:
                sys.exit(f"hunt_page.py: {what}: no answer in 30 seconds")
            read = os.read(self.answers.fileno(), 1 << 16)
            if not read:
                sys.exit("hunt_page.py: the browser has gone")
            self.rest += read
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def open(self, url):
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.events.clear()
        self.call("Page.navigate", url=url)
        while "Page.loadEventFired" not in self.events:  # before that the page may not answer at all
            self.events.append(self.receive("the page's load").get("method"))
        return target

    def value(self, script):
        result = self.call("Runtime.evaluate", expression=script)
        if "exceptionDetails" in result:
            sys.exit(f"hunt_page.py: {script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, text=key if kind == "keyDown" else "")

    def touch(self, selector):
        x, y = json.loads(self.value(f"""(() => {{ const e = document.querySelector({json.dumps(selector)});
            e.scrollIntoView(); const b = e.getBoundingClientRect();
            return JSON.stringify([b.x + b.width / 2, b.y + b.height / 2]); }})()"""))
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def picture(self, name, width, height, mobile):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        time.sleep(0.2)
        data = self.call("Page.captureScreenshot")["data"]
        pathlib.Path(folder, name).write_bytes(base64.b64decode(data))


def wait(condition, what):
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    sys.exit(f"hunt_page.py: waited in vain for {what}")


def expect(found, expected, what):
    if found != expected:
        sys.exit(f"hunt_page.py: {what}: expected {expected!r}, found {found!r}")


browser = Browser(os.path.join(folder, "profile"))
try:
    url = pathlib.Path(page).resolve().as_uri()
    count = "document.getElementById('count').textContent"
    open_dialog = "document.getElementById('tutorial').open"

    target = browser.open(url)
    expect(browser.value(open_dialog), True, "the tutorial on the first visit")
    browser.press("1")
    expect(browser.value(count), "0 of 10", "keys under the tutorial")
    browser.value("document.getElementById('start').click()")
    browser.value("document.querySelector('.sky figure').click()")
    expect(browser.value("document.querySelector('.sky figure').className"), "large", "an enlarged image")
    browser.value("document.querySelector('.sky figure').click()")
    expect(browser.value("document.getElementById('wide').naturalWidth"), 356, "width of the X-ray image")
    browser.picture("page-desktop.png", 1200, 900, False)

    browser.press("2")  # a
    expect(browser.value(count), "1 of 10", "one key, one candidate")
    browser.press("u")
    expect(browser.value(count), "0 of 10", "undo opens the candidate again")
    for keys in ("2", "3", "11", "121", "122", "123"):  # a b c d e f
        for key in keys:
            browser.press(key)
    browser.press("1")  # half a candidate
    expect(browser.value(count), "6 of 10", "six candidates")
    browser.value("const user = document.getElementById('user'); user.value = 'Expert, A'; "
                  "user.dispatchEvent(new Event('input'))")

    browser.call("Target.closeTarget", targetId=target)
    browser.open(url)
    expect(browser.value(open_dialog), False, "the tutorial on the second visit")
    expect(browser.value(count), "6 of 10", "the state after the page was closed")
    expect(browser.value("document.querySelectorAll('#answers button').length"), 2, "answers of the half candidate")
    browser.picture("page-phone.png", 390, 844, True)
    browser.call("Emulation.setTouchEmulationEnabled", enabled=True)
    expect(browser.value("document.documentElement.scrollWidth <= innerWidth"), True, "the page fits a phone")
    for answer in (2, 4):  # the half one becomes g
        before = browser.value("document.getElementById('question').textContent + " + count)
        browser.touch(f"#answers button:nth-child({answer})")
        wait(lambda: browser.value("document.getElementById('question').textContent + " + count) != before, "a touch")
    expect(browser.value(count), "7 of 10", "touches classify")
    for keys in ("2", "3", "124"):  # a b g
        for key in keys:
            browser.press(key)
    expect(browser.value(count), "10 of 10", "all candidates")

    browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=os.path.abspath(folder))
    browser.press("s")
    wait(lambda: os.path.exists(os.path.join(folder, "hunt-classifications.csv")), "the download")
    browser.session = None
    browser.call("Browser.close")
finally:
    try:
        browser.process.wait(10)
    except subprocess.TimeoutExpired:
        browser.process.kill()
