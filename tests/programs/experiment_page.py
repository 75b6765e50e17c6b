"""experiment_page.py PAGE FOLDER: an experiment's report in headless Chromium, on a desktop and on a phone.

No console message, no request but for the page itself, all images decoded, nothing wider than the window. Leaves
FOLDER/report-desktop.png, report-phone.png and report-dark.png to look at.
"""

import base64
import os
import pathlib
import sys

from browser import Browser, expect

page, folder = sys.argv[1:]

with Browser(os.path.join(folder, "profile"), 60) as browser:
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
    browser.picture(os.path.join(folder, "report-desktop.png"))
    browser.window(390, 844, True)
    expect(browser.value(fits), True, "the page fits a phone")
    # Text of figures does not run out of the window.
    outside = """[...document.querySelectorAll('svg.plot')].flatMap(svg =>
        [...svg.querySelectorAll('text')].filter(t => { const b = t.getBoundingClientRect();
            return b.left < 0 || b.right > innerWidth; }).map(t => t.textContent)).join('; ')"""
    expect(browser.value(outside), "", "text outside the window")
    browser.picture(os.path.join(folder, "report-phone.png"))
    browser.call("Emulation.setEmulatedMedia", media="screen", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.window(1280, 900, False)
    expect(browser.value("getComputedStyle(document.body).backgroundColor"), "rgb(21, 23, 27)", "the dark page")
    browser.picture(os.path.join(folder, "report-dark.png"))
    printed = browser.call("Page.printToPDF")["data"]
    expect(base64.b64decode(printed)[:5], b"%PDF-", "the printed page")

    requests = [event["request"]["url"] for event in browser.saw("Network.requestWillBeSent")]
    expect([u for u in requests if not u.startswith("data:")], [url], "requests")
    said = browser.saw("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
    expect(said, [], "what the console says")
