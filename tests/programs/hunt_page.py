"""hunt_page.py PAGE SINGLE FOLDER: two experts classify ten candidates on the Hunt's page in headless Chromium.

Real key presses, clicks, touches and a download, sent over Chromium's debugging pipe; the page is closed and opened
again in between. Leaves FOLDER/hunt-classifications.csv, and pictures of the page to look at. SINGLE is the same page
with its images within.
"""

import json
import os
import pathlib
import sys
import time

from browser import Browser, expect, fail, wait

page, single, folder = sys.argv[1:]


def press(key, held=0):
    text = {"Enter": "\r", "Escape": ""}.get(key, key)
    code = {"Enter": 13, "Escape": 27}.get(key, ord(key[0].upper()))
    for repeat in range(1 + held):
        browser.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=text, windowsVirtualKeyCode=code,
                     autoRepeat=repeat > 0)
    browser.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)


def middle(selector):
    return json.loads(browser.value(f"""(() => {{ const e = document.querySelector({json.dumps(selector)});
        e.scrollIntoView({{ block: 'nearest' }}); const b = e.getBoundingClientRect();
        return JSON.stringify([b.x + b.width / 2, b.y + b.height / 2]); }})()"""))


def click(selector, clicks=1):
    x, y = middle(selector)
    for count in range(1, clicks + 1):
        for kind in ("mousePressed", "mouseReleased"):
            browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=count)


def touch(selector, done):
    """Until `done`: on a busy machine a short touch may last long, which is another gesture."""
    for _ in range(10):
        x, y = middle(selector)
        browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        for _ in range(30):
            if browser.value(done):
                return
            time.sleep(0.1)
    fail(f"touches of {selector} do nothing")


def in_sight(what):
    """An enlarged picture leaves the question and all answers in the window."""
    wait(lambda: browser.value("document.querySelectorAll('.large').length") == 1, what + ": an enlarged picture")
    for element in ("#question", "#answers", ".large .frame"):
        outside = browser.value(f"""(() => {{ const b = document.querySelector('{element}').getBoundingClientRect();
            return b.top < -1 || b.left < -1 || b.bottom > innerHeight + 1 || b.right > innerWidth + 1
                ? JSON.stringify(b) + ' of ' + innerWidth + 'x' + innerHeight : ''; }})()""")
        expect(outside, "", f"{what}: {element} out of sight")
    expect(browser.value("document.querySelector('.large img').clientWidth > innerWidth / 5"), True, what + ": its size")


def loaded():
    wait(lambda: browser.value("document.getElementById('wide').complete && "
                               "document.getElementById('wide').style.visibility === ''"), "the X-ray image")
    expect(browser.value("document.getElementById('wide').naturalWidth"), 356, "width of the X-ray image")


def picture(name):
    loaded()
    browser.picture(os.path.join(folder, name))


def keys(text):
    for key in text:
        press(key)


count = "document.getElementById('count').textContent"
question = "document.getElementById('question').textContent"
open_dialog = "document.getElementById('tutorial').open"
focus = "document.activeElement.id"

with Browser(os.path.join(folder, "profile"), 30) as browser:
    url = pathlib.Path(page).resolve().as_uri()
    target = browser.open(url)
    browser.window(1280, 800, False)
    expect(browser.value(open_dialog), True, "the tutorial on the first visit")
    press("1")
    expect(browser.value(count), "0 of 10", "keys under the tutorial")
    click("#start")
    picture("page-desktop.png")
    fetched = [e["request"]["url"] for e in browser.saw("Network.requestWillBeSent") if e["request"]["url"].endswith(".png")]
    expect(len(set(fetched)) <= 6, True, f"images that are needed soon, and no others: {fetched}")

    # Pictures enlarge by keys, mouse and touch.
    for key, image in (("x", "wide"), ("o", "optical"), ("c", "close")):
        press(key)
        in_sight(key)
        expect(browser.value("document.querySelector('.large img').id"), image, "the picture of " + key)
    browser.picture(os.path.join(folder, "page-desktop-large.png"))
    press("Escape")
    expect(browser.value("document.querySelectorAll('.large').length"), 0, "Escape makes pictures small")
    browser.value("document.querySelector('.sky button').focus()")
    press("Enter")
    in_sight("Enter on a picture")
    click(".large button")
    expect(browser.value("document.querySelectorAll('.large').length"), 0, "a click makes a picture small")

    # One answer a key, a click and a question; the focus follows.
    press("2")  # a
    expect(browser.value(count), "1 of 10", "one key, one candidate")
    expect(browser.value(focus), "question", "focus")
    press("u")
    expect(browser.value(count), "0 of 10", "undo opens the candidate again")
    first = browser.value(question)
    press("2", held=9)
    expect(browser.value(count), "1 of 10", "a held key answers once")
    press("u")
    browser.value("document.querySelector('#answers button').focus()")
    press("Enter", held=9)
    expect(browser.value(question) != first and browser.value(count), "0 of 10", "a held Enter answers once")
    press("u")
    click("#answers button:nth-child(2)", clicks=2)  # a, and nothing more
    expect(browser.value(count), "1 of 10", "a double click answers one question")
    expect(browser.value(question), first, "a double click answers one question")
    press("u")
    for code in ("2", "3", "11", "121", "122", "123"):  # a b c d e f
        keys(code)
    press("1")  # half a candidate
    expect(browser.value(count), "6 of 10", "six candidates")
    browser.value("const user = document.getElementById('user'); user.value = '@Expert, A'; "
                  "user.dispatchEvent(new Event('input')); user.dispatchEvent(new Event('change'))")

    browser.call("Target.closeTarget", targetId=target)
    browser.open(url)
    expect(browser.value(open_dialog), False, "the tutorial on the second visit")
    expect(browser.value(count), "6 of 10", "the state after the page was closed")
    expect(browser.value("document.querySelectorAll('#answers button').length"), 2, "answers of the half candidate")
    browser.window(390, 844, True)
    picture("page-phone.png")
    browser.call("Emulation.setTouchEmulationEnabled", enabled=True)
    expect(browser.value("document.documentElement.scrollWidth <= innerWidth"), True, "the page fits a phone")
    touch(".sky figure button", "document.querySelectorAll('.large').length === 1")
    in_sight("a touch on a phone")
    touch("#answers button:nth-child(2)", "document.querySelectorAll('#answers button').length === 4")
    in_sight("four answers on a phone")
    browser.picture(os.path.join(folder, "page-phone-large.png"))
    touch(".large button", "document.querySelectorAll('.large').length === 0")
    touch("#answers button:nth-child(4)", count + " === '7 of 10'")  # the half one becomes g

    # Another person in the same browser, who may be turned away from again.
    click("#anew")
    expect(browser.value(open_dialog), True, "the tutorial for the next person")
    click("#start")
    expect(browser.value(count), "0 of 10", "who starts anew")
    keys("23")
    browser.value("user.value = 'B'; user.dispatchEvent(new Event('input')); user.dispatchEvent(new Event('change'))"
                  .replace("user", "document.getElementById('user')"))
    expect(browser.value("[...document.getElementById('who').options].map(o => o.text).join()"), "@Expert, A,B", "names")
    browser.value("const who = document.getElementById('who'); who.selectedIndex = 0; "
                  "who.dispatchEvent(new Event('change'))")
    expect(browser.value(count), "7 of 10", "the first person's answers")
    browser.value("document.activeElement.blur()")
    for code in ("2", "3", "124"):  # a b g
        keys(code)
    expect(browser.value(count), "10 of 10", "all candidates")
    expect(browser.value("document.getElementById('sky').getClientRects().length"), 0, "pictures at the end")
    expect(browser.value("document.querySelectorAll('img[src]').length"), 0, "pictures at the end")
    expect(browser.value(focus), "save", "focus at the end")
    browser.picture(os.path.join(folder, "page-phone-end.png"))

    browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=os.path.abspath(folder))
    press("s")
    wait(lambda: os.path.exists(os.path.join(folder, "hunt-classifications.csv")), "the download")

    browser.open(pathlib.Path(single).resolve().as_uri())
    expect(browser.value(count), "10 of 10", "the same set in one file")
    press("u")
    expect(browser.value(count), "9 of 10", "undo at the end")
    loaded()
