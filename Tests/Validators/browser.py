"""Opens a report in a browser and uses it as people do.

usage: browser.py PAGE CHECK...

Each check ends with a message where the page does not do what it should. `--pictures FOLDER` before
the page keeps a picture of it in every width and both colours.
"""

import json
import pathlib
import sys
import time

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys


def browser(script=True):
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                     "--window-size=1600,1000"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    if not script:
        options.add_experimental_option(
            "prefs", {"profile.managed_default_content_settings.javascript": 2})
    return webdriver.Chrome(
        options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))


def requests(driver):
    """Addresses that the page asked for, itself left out."""
    addresses = []
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            addresses.append(message["params"]["request"]["url"])
    return [address for address in addresses if not address.startswith("file:")]


def visible_rows(driver, selector):
    return driver.execute_script(
        "return [...document.querySelectorAll(arguments[0])].filter(row => !row.hidden)"
        ".map(row => row.textContent)", selector)


def quiet(driver, page):
    """The page loads with no request and nothing to say in the console."""
    driver.get(page)
    assert driver.execute_script("return document.documentElement.dataset.ready") == "yes"
    assert requests(driver) == [], "no request"
    assert driver.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert driver.get_log("browser") == [], "an empty console"


def tooltips(driver, page):
    driver.get(page)
    bar = driver.find_element(By.CSS_SELECTOR, "svg .bar[data-tip]")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", bar)
    ActionChains(driver).move_to_element(bar).perform()
    tip = driver.find_element(By.CSS_SELECTOR, ".tip")
    assert tip.is_displayed() and tip.text == bar.get_attribute("data-tip"), tip.text
    ActionChains(driver).send_keys(Keys.ESCAPE).perform()
    assert not tip.is_displayed()
    svg = driver.find_element(By.CSS_SELECTOR, ".timeline svg")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", svg)
    ActionChains(driver).move_to_element(svg).perform()
    assert tip.is_displayed() and " to " in tip.text and ": " in tip.text, tip.text


def sorting(driver, page):
    """A click sorts a column of numbers from the most, another from the least; keys do the same."""
    driver.get(page)
    table = driver.find_elements(By.CSS_SELECTOR, "#findings > .scroll > table.data")[-1]
    heads = table.find_elements(By.CSS_SELECTOR, "thead th")
    column = next(at for at, head in enumerate(heads) if "n" in head.get_attribute("class").split())
    button = heads[column].find_element(By.TAG_NAME, "button")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)

    def numbers():
        return driver.execute_script(
            "return [...arguments[0].tBodies[0].rows].map(row => "
            "Number(row.cells[arguments[1]].textContent.replace(/[,%<>]/g, '')))", table, column)

    before = numbers()
    button.click()
    assert heads[column].get_attribute("aria-sort") == "descending"
    assert numbers() == sorted(before, reverse=True), numbers()
    button.send_keys(Keys.ENTER)
    assert heads[column].get_attribute("aria-sort") == "ascending"
    assert numbers() == sorted(before), numbers()


def filtering(driver, page):
    driver.get(page)
    rows = "#findings > .scroll > table.data tbody tr"
    every = visible_rows(driver, rows)
    word = every[len(every) // 2].split(";")[0].split()[-1]
    field = driver.find_element(By.CSS_SELECTOR, "#findings input[type=search]")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", field)
    field.send_keys(word)
    wanted = [row for row in every if word.lower() in row.lower()]
    assert 0 < len(wanted) < len(every), f"{word} tells rows apart"
    assert visible_rows(driver, rows) == wanted
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(Keys.DELETE)
    assert visible_rows(driver, rows) == every


def brushing(driver, page):
    """A part of the time line that is dragged over filters findings and sums, and so do its numbers."""
    driver.get(page)
    line = driver.find_element(By.CSS_SELECTOR, ".timeline")
    svg = line.find_element(By.TAG_NAME, "svg")
    unit, end = line.get_attribute("data-unit"), int(line.get_attribute("data-end"))
    left, right, width = (
        float(line.get_attribute(f"data-{name}")) for name in ("left", "right", "width"))
    rows = "#findings > .scroll > table.data tbody tr"
    every = visible_rows(driver, rows)
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", svg)
    box = svg.rect

    def offset(share):
        return int((left + share * (right - left)) / width * box["width"] - box["width"] / 2)

    ActionChains(driver).move_to_element_with_offset(svg, offset(0.25), 0).click_and_hold() \
        .move_to_element_with_offset(svg, offset(0.4), 0) \
        .move_to_element_with_offset(svg, offset(0.5), 0).release().perform()
    first, last = (
        int(field.get_attribute("value"))
        for field in line.find_elements(By.CSS_SELECTOR, "input[type=number]"))
    assert abs(first - end / 4) < end / 50 and abs(last - end / 2) < end / 50, (first, last, end)

    def wanted(first, last):
        return driver.execute_script(
            "return [...document.querySelectorAll(arguments[0])].filter(row => "
            "(row.getAttribute('data-' + arguments[3]) || '').split(' ').some(at => "
            "at !== '' && +at >= arguments[1] && +at <= arguments[2])).map(row => row.textContent)",
            rows, first, last, unit)

    shown = visible_rows(driver, rows)
    assert shown == wanted(first, last) and 0 < len(shown) < len(every), (len(shown), len(every))
    sums = line.find_elements(By.CSS_SELECTOR, "table.sums tbody tr")
    assert sums, "what is in the selection is summed"
    data = json.loads(line.find_element(By.CSS_SELECTOR, "script.data").get_attribute("textContent"))
    starts = [0] + data["ends"][:-1]
    for row, series in zip(sums, data["series"]):
        inside = sum(
            value for start, stop, value in zip(starts, data["ends"], series["values"])
            if stop > first and start < last)
        cells = [cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
        assert cells[0] == f"{inside:,}" and cells[1] == f"{sum(series['values']):,}", cells
    # By keyboard.
    field = line.find_elements(By.CSS_SELECTOR, "input[type=number]")[0]
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys("0", Keys.TAB)
    assert visible_rows(driver, rows) == wanted(0, last)
    line.find_element(By.CSS_SELECTOR, ".filter button").click()
    assert visible_rows(driver, rows) == every
    assert not line.find_elements(By.CSS_SELECTOR, "table.sums")


def without_script(driver, page):
    """Every figure, picture and row is in the page when nothing of it may run."""
    driver.get(page)
    counts = {}
    for name, selector in (("cards", ".cards .value"), ("pictures", "svg"), ("rows", "tbody tr"),
                           ("findings", "#findings tbody tr")):
        counts[name] = len(driver.find_elements(By.CSS_SELECTOR, selector))
    bare = browser(script=False)
    try:
        bare.get(page)
        for name, selector in (("cards", ".cards .value"), ("pictures", "svg"),
                               ("rows", "tbody tr"), ("findings", "#findings tbody tr")):
            assert len(bare.find_elements(By.CSS_SELECTOR, selector)) == counts[name] > 0, name
        for element in bare.find_elements(By.CSS_SELECTOR, ".cards .value, section > h2, svg"):
            assert element.is_displayed()
        assert bare.find_elements(By.CSS_SELECTOR, "button, input") == [], "nothing that does nothing"
    finally:
        bare.quit()


def widths(driver, page, pictures=None):
    """Nothing is wider than the page but what scrolls by itself, and no text is on another."""
    for width in (390, 1600):
        for scheme in ("light", "dark"):
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
                "features": [{"name": "prefers-color-scheme", "value": scheme}]})
            driver.get(page)
            spill = driver.execute_script(
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert spill <= 0, f"{width} px: the page is {spill} px too wide"
            clashes = driver.execute_script("""
              const found = [];
              for (const svg of document.querySelectorAll('svg')) {
                const boxes = [...svg.querySelectorAll('text')].map(text =>
                  [text.getBoundingClientRect(), text.textContent]).filter(([box]) => box.width > 0);
                boxes.forEach(([one, name], at) => boxes.slice(at + 1).forEach(([other, second]) => {
                  const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
                  const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
                  if (wide > 1 && high > Math.min(one.height, other.height) * 0.45)
                    found.push(name + ' | ' + second);
                }));
              }
              return found;""")
            assert clashes == [], f"{width} px: texts on each other: {clashes[:5]}"
            contrast = driver.execute_script("""
              const parts = text => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
              const light = text => parts(text).map(part => part / 255).map(part =>
                part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
                .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
              const page = light(getComputedStyle(document.body).backgroundColor);
              const worst = [];
              for (const query of ['p.muted', 'th', 'td', 'a', '.cards .value', '.severity', '.cards .definition'])
                for (const element of [...document.querySelectorAll(query)].slice(0, 20)) {
                  const ink = light(getComputedStyle(element).color);
                  const ratio = (Math.max(ink, page) + 0.05) / (Math.min(ink, page) + 0.05);
                  if (ratio < 4.5) worst.push(query + ' ' + ratio.toFixed(2));
                }
              return worst;""")
            assert contrast == [], f"{scheme}: too little contrast: {contrast[:5]}"
            if pictures:
                height = driver.execute_script("return document.documentElement.scrollHeight")
                driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                    "width": width, "height": min(height, 9000), "deviceScaleFactor": 1,
                    "mobile": False})
                driver.save_screenshot(f"{pictures}/{width}-{scheme}.png")
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def keyboard(driver, page):
    """Tab reaches what can be used, beginning with the way past the page's head."""
    driver.get(page)
    names = []
    for _ in range(12):
        ActionChains(driver).send_keys(Keys.TAB).perform()
        names.append(driver.execute_script("return document.activeElement.tagName"))
    assert names[0] == "A" and "BODY" not in names[:8], names
    unnamed = driver.execute_script("""
      return [...document.querySelectorAll('button, input, a, svg, [role=region]')].filter(element =>
        !(element.textContent.trim() || element.getAttribute('aria-label') || element.labels?.length))
        .map(element => element.outerHTML.slice(0, 80));""")
    assert unnamed == [], unnamed


def responsive(driver, page):
    """The page of very many findings opens, sorts and filters without a wait."""
    start = time.monotonic()
    driver.get(page)
    assert driver.execute_script("return document.documentElement.dataset.ready") == "yes"
    loaded = time.monotonic() - start
    spent = driver.execute_script("""
      const began = performance.now();
      const head = [...document.querySelectorAll('#findings table.data th.n button')].at(0);
      head.click();
      document.body.offsetHeight;
      const field = document.querySelector('#findings input[type=search]');
      field.value = 'write';
      field.dispatchEvent(new Event('input'));
      document.body.offsetHeight;
      return performance.now() - began;""")
    size = pathlib.Path(page.removeprefix("file://")).stat().st_size
    print(f"responsive: {size} bytes, loaded in {loaded:.2f} s, sorted and filtered in {spent:.0f} ms")
    assert loaded < 5 and spent < 1000 and size <= 1 << 20, (loaded, spent, size)


def main():
    arguments = sys.argv[1:]
    pictures = None
    if arguments[0] == "--pictures":
        pictures = arguments[1]
        arguments = arguments[2:]
    page = "file://" + str(pathlib.Path(arguments[0]).resolve())
    driver = browser()
    try:
        for name in arguments[1:]:
            check = globals()[name.replace("-", "_")]
            if check is widths:
                check(driver, page, pictures)
            else:
                check(driver, page)
            print(name, "holds")
    finally:
        driver.quit()


if __name__ == "__main__":
    main()
