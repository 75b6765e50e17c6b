"""hunt_page.py PAGE FOLDER: an expert classifies ten candidates on the Hunt's page in headless Chromium.

Real key presses, touches and a download, sent over Chromium's debugging pipe; the page is closed and opened again in
between. Leaves FOLDER/hunt-classifications.csv, and page-desktop.png and page-phone.png to look at.
"""

import json
import os
import pathlib
import sys

from browser import Browser, expect, wait

page, folder = sys.argv[1:]


def press(key):
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key=key, text=key if kind == "keyDown" else "")


def touch(selector):
    x, y = json.loads(browser.value(f"""(() => {{ const e = document.querySelector({json.dumps(selector)});
        e.scrollIntoView(); const b = e.getBoundingClientRect();
        return JSON.stringify([b.x + b.width / 2, b.y + b.height / 2]); }})()"""))
    browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])


with Browser(os.path.join(folder, "profile"), 30) as browser:
    url = pathlib.Path(page).resolve().as_uri()
    count = "document.getElementById('count').textContent"
    open_dialog = "document.getElementById('tutorial').open"

    target = browser.open(url)
    expect(browser.value(open_dialog), True, "the tutorial on the first visit")
    press("1")
    expect(browser.value(count), "0 of 10", "keys under the tutorial")
    browser.value("document.getElementById('start').click()")
    browser.value("document.querySelector('.sky figure').click()")
    expect(browser.value("document.querySelector('.sky figure').className"), "large", "an enlarged image")
    browser.value("document.querySelector('.sky figure').click()")
    expect(browser.value("document.getElementById('wide').naturalWidth"), 356, "width of the X-ray image")
    browser.window(1200, 900, False)
    browser.picture(os.path.join(folder, "page-desktop.png"))

    press("2")  # a
    expect(browser.value(count), "1 of 10", "one key, one candidate")
    press("u")
    expect(browser.value(count), "0 of 10", "undo opens the candidate again")
    for keys in ("2", "3", "11", "121", "122", "123"):  # a b c d e f
        for key in keys:
            press(key)
    press("1")  # half a candidate
    expect(browser.value(count), "6 of 10", "six candidates")
    browser.value("const user = document.getElementById('user'); user.value = '@Expert, A'; "
                  "user.dispatchEvent(new Event('input'))")

    browser.call("Target.closeTarget", targetId=target)
    browser.open(url)
    expect(browser.value(open_dialog), False, "the tutorial on the second visit")
    expect(browser.value(count), "6 of 10", "the state after the page was closed")
    expect(browser.value("document.querySelectorAll('#answers button').length"), 2, "answers of the half candidate")
    browser.window(390, 844, True)
    browser.picture(os.path.join(folder, "page-phone.png"))
    browser.call("Emulation.setTouchEmulationEnabled", enabled=True)
    expect(browser.value("document.documentElement.scrollWidth <= innerWidth"), True, "the page fits a phone")
    for answer in (2, 4):  # the half one becomes g
        before = browser.value("document.getElementById('question').textContent + " + count)
        touch(f"#answers button:nth-child({answer})")
        wait(lambda: browser.value("document.getElementById('question').textContent + " + count) != before, "a touch")
    expect(browser.value(count), "7 of 10", "touches classify")
    for keys in ("2", "3", "124"):  # a b g
        for key in keys:
            press(key)
    expect(browser.value(count), "10 of 10", "all candidates")

    browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=os.path.abspath(folder))
    press("s")
    wait(lambda: os.path.exists(os.path.join(folder, "hunt-classifications.csv")), "the download")
