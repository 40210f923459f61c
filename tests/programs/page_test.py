#!/usr/bin/env python3
"""Opens the page of `recollect report --html` in Chromium and uses it as a reader would: at 390 and 1,280 px,
light and dark, printed, with and without its script.

Usage: page_test.py PROGRAM SOURCE_TREE
Exits with 77, which CTest takes for skipped, where Chromium or its driver is missing; what needs no browser is
checked all the same.
"""

import collections
import csv
import html.parser
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM, TREE = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
REFERENCE = TREE / "results" / "reference"
MOST_BYTES_OF_A_CELL = 5_000  # of the page of all reference archives
WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")
VOID = {"meta", "link", "input", "br", "path", "circle"}
HOSTILE = ['<script>alert("x")</script>', "a&b 'c' \"d\"", "λ, 変\t-->", "]]><b>", "fixed-decay"]

failures = []


def check(holds, what):
    if not holds:
        failures.append(what)
        print(f"FAILED: {what}")


def report(results, page, *options):
    command = [PROGRAM, "report", results, "--html", page, *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=TREE)
    check(done.returncode == 0, f"{' '.join(map(str, command))} ends with {done.returncode}: {done.stderr}")
    return page


class Reading(html.parser.HTMLParser):
    """What a page holds, and whether its elements are closed."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.ids, self.links, self.open, self.faults = [], [], [], []
        self.loads, self.figures, self.titles, self.heads = [], 0, [], 0
        self.text = page.read_text(encoding="utf-8")
        self.feed(self.text)
        self.close()
        if self.open:
            self.faults.append(f"not closed: {self.open}")

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        if len(names) != len(attrs):
            self.faults.append(f"an attribute twice in {tag}")
        if tag not in VOID or tag in ("path", "circle"):
            self.open.append(tag)
        if "id" in names:
            self.ids.append(names["id"])
        href = names.get("href") or names.get("src") or ""
        if href.startswith("#"):
            self.links.append(href[1:])
        elif href:
            self.loads.append(href)
        for name in ("href", "src", "data", "action", "srcset", "style"):
            if "http" in (names.get(name) or "")[:60]:
                self.faults.append(f"{tag} asks a network: {names[name][:60]}")
        for name in names:
            if name.startswith("on"):
                self.faults.append(f"{tag} has {name}")
        if tag == "figure":
            self.figures += 1
            if not names.get("aria-label"):
                self.faults.append("a figure has no aria-label")
        if tag == "svg" and names.get("aria-hidden") != "true":
            if names.get("role") != "img" or not names.get("aria-label"):
                self.faults.append("an svg has neither a label nor aria-hidden")
        if tag == "th" and not names.get("scope"):
            self.faults.append("a head of a table has no scope")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1:]}")
            return
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] in ("h1", "h2", "h3"):
            self.titles.append(data)


def check_text(page, parts=()):
    """All that can be seen without a browser."""
    reading = Reading(page)
    for fault in sorted(set(reading.faults)):
        check(False, f"{page.name}: {fault}")
    twice = {one for one, times in collections.Counter(reading.ids).items() if times > 1}
    check(not twice, f"{page.name}: ids twice: {sorted(twice)[:5]}")
    lost = set(reading.links) - set(reading.ids)
    check(not lost, f"{page.name}: links lead nowhere: {sorted(lost)[:5]}")
    for load in reading.loads:
        check(load.startswith("data:"), f"{page.name}: loads {load[:60]}")
    for part in parts:
        check(part in reading.titles, f"{page.name}: has no '{part}'")
    check("url(" not in reading.text and "@import" not in reading.text, f"{page.name}: its style loads something")
    return reading


def write_table(path, labels, seeds, lengths=(64, 256)):
    header = ("experiment cell status code_version task variant label seed data_seed train_order_seed steps weights "
              "split solved_step eval_length accuracy exact_match loss examples unseen_levels task_pairs task_length "
              "train_length train_steps chance unseen_level").split()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for number, label in enumerate(labels):
            for seed in range(seeds):
                for length in lengths:
                    accuracy = "nan" if number == 1 and seed == 0 else f"{0.2 + 0.7 * ((seed + number) % 2)}"
                    writer.writerow(["e <1> & \"co\"", f"{label} {seed}", "finished", "abc", "mqar", label, label, seed,
                                     seed, seed, 6000, "best", "test", 3000 if (seed + number) % 2 else "", length,
                                     accuracy, 0, 1, 1000, "clamp", 8, 64, 64, 6000, 0.125,
                                     int(length > 64)])
    return path


class Browser:
    def __init__(self):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                       "--disable-extensions", "--disable-background-networking", "--disable-component-update"):
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        self.cdp("Network.enable", {})

    def cdp(self, command, values):
        return self.driver.execute_cdp_cmd(command, values)

    def look(self, width, scheme, media=""):
        self.cdp("Emulation.setDeviceMetricsOverride",
                 {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
        self.cdp("Emulation.setEmulatedMedia",
                 {"media": media, "features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def open(self, page):
        self.driver.get_log("performance")
        self.driver.get_log("browser")
        self.driver.get(page.as_uri())

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def requests(self):
        """What was asked for since the page was opened, the page itself and data in links aside."""
        asked = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if not url.startswith("data:") and message["params"].get("type") != "Document":
                    asked.append(url)
        return asked


def check_curves(page):
    """Learning curves stay within their panels, also those whose axis begins after the first checks."""
    panels = re.findall(r'<svg viewBox="0 0 180 .*?</svg>', page.read_text(encoding="utf-8"), re.DOTALL)
    paths = [path for panel in panels for path in re.findall(r'<path class="seed"[^>]* d="([^"]*)"', panel)]
    places = [float(x) for path in paths for x in re.findall(r"([-0-9.]+),[-0-9.]+", path)]
    check(len(places) > 1000, f"{len(paths)} curves have {len(places)} points")
    check(min(places) > 34.9 and max(places) < 156.1, f"curves reach from {min(places)} to {max(places)}")


def ground(browser):
    return browser.run("return getComputedStyle(document.body).backgroundColor")


def check_looks(browser, page):
    for width in WIDTHS:
        for scheme in SCHEMES:
            place = f"{page.name} at {width} px, {scheme}"
            browser.look(width, scheme)
            browser.open(page)
            wide, room, inside = browser.run("const root = document.documentElement;"
                                             "return [root.scrollWidth, root.clientWidth, innerWidth]")
            check(inside == width, f"{place}: the window has {inside} px")
            check(wide == room, f"{place}: is {wide} px wide in {room}")
            opened = browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; });"
                                 "const root = document.documentElement; return root.scrollWidth - root.clientWidth")
            check(opened == 0, f"{place}: with all opened, is {opened} px too wide")
            check(ground(browser) == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 24, 29)"),
                  f"{place}: stands on {ground(browser)}")
            flat = browser.run("return [...document.querySelectorAll('figure.panel > svg')].filter("
                               "(one) => one.getBoundingClientRect().height < 60).length")
            check(flat == 0, f"{place}: {flat} panels have no height")
            blank = browser.run("return [...document.querySelectorAll('path.seed, .dot')].filter((one) => {"
                                "const style = getComputedStyle(one);"
                                "return style.stroke === 'none' && style.fill === 'none';}).length")
            check(blank == 0, f"{place}: {blank} marks have no colour")
            said = [entry["message"] for entry in browser.driver.get_log("browser")]
            check(not said, f"{place}: the console says {said}")
            asked = browser.requests()
            check(not asked, f"{place}: asks for {asked}")


def check_sorting(browser, page):
    browser.look(1280, "light")
    browser.open(page)
    names = "return [...document.querySelectorAll('table.hero tbody tr:not(.head)')].map((row) => row.children[0]" \
            ".textContent)"
    head = "const heads = [...document.querySelectorAll('table.hero thead th')];" \
           "const head = heads.find((one) => one.textContent.startsWith(arguments[0]));"
    before = browser.run(names)
    orders = [before]
    for direction in ("ascending", "descending"):
        browser.run(head + "head.querySelector('button').click()", "median step")
        check(browser.run(head + "return head.getAttribute('aria-sort')", "median step") == direction,
              f"a click on median step sorts {direction}")
        orders.append(browser.run(names))
    check(sorted(orders[1]) == sorted(before), "sorting keeps all rows")
    check(orders[1] != orders[2], "both directions have the same order")
    keys = browser.run("const body = document.querySelector('table.hero tbody');"
                       "return [...body.querySelectorAll('tr:not(.head)')].map((row) => +row.children[4].dataset.k)")
    check(keys == sorted(keys, reverse=True), f"rows stand in the order of their median steps: {keys}")
    check(browser.run("return document.querySelectorAll('th[aria-sort]').length") == 1, "one column is marked as sorted")


SEEN = ("const v = arguments[0];"
        "const first = (one) => v !== 0 && one.closest(\"[data-v='0']\");"
        "return [...document.querySelectorAll(`[data-v='${v}']`)].filter("
        "(one) => one.getClientRects().length && !first(one)).length")  # ghosts go with their panel


def check_filter(browser, page, place):
    browser.look(1280, "light")
    browser.open(page)
    first, second = (browser.run(SEEN, number) for number in (0, 1))
    check(first > 5 and second > 5, f"{place}: {first} and {second} elements of two variants are seen")
    browser.driver.find_element("css selector", "#show0").click()
    check(browser.run(SEEN, 0) == 0, f"{place}: a variant that was taken out is gone")
    check(browser.run(SEEN, 1) == second, f"{place}: the others stay")
    marks = browser.run("const number = document.querySelector(`tr[data-v='0'] [data-c]`).dataset.c;"
                        "return [...document.querySelectorAll(`[data-c='${number}']`)].filter("
                        "(one) => one.getClientRects().length).length")
    check(marks == 0, f"{place}: {marks} marks of its seeds are left")
    browser.driver.find_element("css selector", "#show0").send_keys(" ")
    check(browser.run(SEEN, 0) == first, f"{place}: the keyboard brings it back")


def check_script(browser, page):
    browser.look(1280, "light")
    browser.open(page)
    theme = browser.driver.find_element("css selector", "button.theme")
    seen = []
    for _ in range(3):
        theme.click()
        seen.append((theme.text, ground(browser)))
    check([one[0] for one in seen] == ["theme: light", "theme: dark", "theme: auto"], f"themes are {seen}")
    check(seen[1][1] == "rgb(20, 24, 29)" and seen[2][1] == "rgb(255, 255, 255)", f"themes look like {seen}")
    lit = browser.run("const dot = document.querySelector('.hero circle[data-c]');"
                      "dot.dispatchEvent(new MouseEvent('mouseover', {bubbles: true}));"
                      "return document.querySelectorAll('.study .lit').length")
    check(lit >= 3, f"a seed is shown in {lit} pictures at once")
    anchor = browser.run("return document.querySelector('.seeds a').getAttribute('href').slice(1)")
    opened = browser.run("location.hash = arguments[0];"
                         "return new Promise((done) => setTimeout(() => done("
                         "document.getElementById(arguments[0]).getClientRects().length), 200))", anchor)
    check(opened > 0, "a link to a cell opens the table that holds it")
    left = browser.run("const field = document.querySelector('.search input');"
                       "field.value = 'full-quadratic seed'.split(' ')[0];"
                       "field.dispatchEvent(new Event('input'));"
                       "return [...document.querySelectorAll('#cell-table tbody tr')].filter("
                       "(row) => !row.hidden).length")
    check(0 < left < 120, f"the search leaves {left} of 120 cells")
    check(not [entry for entry in browser.driver.get_log("browser")], "the console is silent after all this")


def check_print(browser, page):
    browser.look(800, "dark", "print")
    browser.open(page)
    check(ground(browser) == "rgb(255, 255, 255)", f"in print the ground is {ground(browser)}")
    gone = browser.run("return getComputedStyle(document.getElementById('legend')).display")
    check(gone == "none", "in print there is no legend")
    broken = browser.run("return [...document.querySelectorAll('figure')].filter((one) =>"
                         "getComputedStyle(one).breakInside !== 'avoid').length")
    check(broken == 0, f"in print {broken} figures may break")
    pdf = browser.cdp("Page.printToPDF", {})["data"]
    check(len(pdf) > 10_000, "it prints")


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        published = TREE / "results" / "published" / "published.csv"
        page = report(REFERENCE / "mqar-64", work / "page.html", "--published", published)
        again = report(REFERENCE / "mqar-64", work / "again.html", "--published", published)
        check(page.read_bytes() == again.read_bytes(), "the same results give the same bytes")
        reading = check_text(page, ["Learning curves", "Seed by seed", "Share of seeds that have solved the task",
                                    "Accuracy against length", "Where each variant solves the task",
                                    "Every cell",
                                    "Configurations, provenance, how to make it again"])
        check(reading.figures >= 36, f"it has {reading.figures} figures, and 12 rows in three pictures")
        everything = report(REFERENCE, work / "all.html", "--published", published)
        check_text(everything, ["Beside published figures"])
        check_curves(everything)
        size = everything.stat().st_size
        cells = everything.read_text(encoding="utf-8").count('<tr id="cell-')
        print(f"all reference archives: {size / 1e6:.2f} MB, {cells} cells")
        check(cells > 0 and size < MOST_BYTES_OF_A_CELL * cells,
              f"the page of all reference archives has {size} bytes for {cells} cells")
        kept = [weights for weights in REFERENCE.glob("*/weights/*.safetensors")
                if weights.stem not in ("gated-linear", "full-quadratic")]  # which have no levels
        maps = (work / "all.html").read_text(encoding="utf-8").count('lambda-map" tabindex')
        expected = len(kept) if shutil.which("gnuplot") else 0
        check(maps == expected, f"{maps} maps of lambda of {expected}")
        hostile = report(write_table(work / "hostile.csv", HOSTILE, 6), work / "hostile.html")
        check_text(hostile)
        one = report(write_table(work / "one.csv", ["fixed-decay"], 1, (64,)), work / "one.html")
        check_text(one)
        many = report(write_table(work / "many.csv", [f"variant {i}" for i in range(200)], 5), work / "many.html")
        check_text(many)
        bare = work / "bare.html"
        text = page.read_text(encoding="utf-8")
        bare.write_text(text[: text.index("<script>")] + text[text.index("</script>") + 9 :], encoding="utf-8")

        try:
            import selenium  # noqa: F401
        except ImportError:
            selenium = None
        if not (selenium and shutil.which("chromium") and shutil.which("chromedriver")):
            print("skipped: chromium is not installed (apt-get install chromium chromium-driver python3-selenium)")
            return 1 if failures else 77
        browser = Browser()
        try:
            for each in (page, hostile, one, many):
                check_looks(browser, each)
            check_sorting(browser, page)
            check_filter(browser, page, "with its script")
            check_filter(browser, bare, "without a script")
            check_filter(browser, hostile, "hostile labels")
            check_script(browser, page)
            check_print(browser, page)
            browser.look(1280, "light")
            browser.open(bare)
            check(not browser.run("return document.querySelectorAll('button, .search input').length"),
                  "without a script nothing is there that needs it")
        finally:
            browser.driver.quit()
    print("page: opened, read, sorted, filtered and printed" if not failures else f"{len(failures)} checks failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
