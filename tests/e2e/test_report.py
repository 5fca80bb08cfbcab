"""The page in a real browser: Chromium, opened from disk, with no network."""

import json
import shutil
import time

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from tests.results import TEN, made_up

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver (Debian: chromium chromium-driver)"
)

ODD = [
    "a \"quoted\" 'label'",
    "<script>document.title = 'broken'</script>",
    "😀 emoji",
    "w" * 200,
    "$x & y</pre>",
]
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--window-size=1200,1600",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(executable_path=DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    results = {
        "ten": made_up(TEN, diverged={"ones": 5, "zeros": 2}, failed={"orthogonal": 1}),
        "odd": made_up(ODD, replicates=2),
        "one": made_up(TEN[:2], replicates=1),
        "large": made_up([f"scheme {index}" for index in range(30)], replicates=10, steps=2000),
    }
    for name, result in results.items():
        result.to_html(folder / f"{name}.html")
    return folder


@pytest.fixture
def visit(browser, pages):
    """Opens a page; afterwards nothing may have been logged, and nothing asked of the network."""

    def opened(name):
        browser.get((pages / f"{name}.html").as_uri())
        return browser

    browser.get_log("browser")
    browser.get_log("performance")
    yield opened
    assert browser.get_log("browser") == []
    asked = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [
        event["params"]["request"]["url"] for event in asked if event["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in urls if not url.startswith(("file:", "data:", "blob:"))] == []


def traces(driver):
    return driver.execute_script(
        "return document.getElementById('curves').data.map(t => [t.name, t.y.length, t.line.width])"
    )


def names(driver):
    return {name for name, *_ in traces(driver)}


def test_the_conclusion_comes_first_and_the_table_is_ranked(visit):
    driver = visit("ten")
    verdict = driver.find_element(By.ID, "verdict").text
    assert verdict.startswith("After 5 replicates he_normal")
    rows = driver.find_elements(By.CSS_SELECTOR, "#ranking tbody tr")
    assert [row.find_elements(By.TAG_NAME, "td")[1].text for row in rows][-1] == "ones"
    assert len(rows) == 10


def test_a_click_toggles_a_curve(visit):
    driver = visit("ten")
    assert "he_normal (N=5)" in names(driver)
    box = driver.find_element(By.CSS_SELECTOR, "#legend label")
    box.click()
    assert "he_normal (N=5)" not in names(driver)
    assert len(names(driver)) == 9
    box.click()
    assert len(names(driver)) == 10
    driver.find_element(By.ID, "nobody").click()
    assert names(driver) == set()
    driver.find_element(By.ID, "everyone").click()
    assert len(names(driver)) == 10


def test_the_scale_and_the_view_change(visit):
    driver = visit("ten")
    scale = "return document.getElementById('curves').layout.yaxis.type"
    assert driver.execute_script(scale) == "log"
    driver.find_element(By.ID, "log").click()
    assert driver.execute_script(scale) == "linear"
    view = Select(driver.find_element(By.ID, "view"))
    assert [option.text for option in view.options][:2] == ["Loss, first 100 batches", "Loss, all batches"]
    last = "return Math.max(...document.getElementById('curves').data.flatMap(t => t.x))"
    assert driver.execute_script(last) == 100
    view.select_by_index(1)
    assert driver.execute_script(last) == 200
    view.select_by_visible_text("val_accuracy")
    assert driver.execute_script(last) == 2
    before = len(traces(driver))
    driver.find_element(By.ID, "replicates").click()
    assert len(traces(driver)) < before


def test_hovering_shows_a_value(visit):
    driver = visit("ten")
    plot = driver.find_element(By.CSS_SELECTOR, "#curves .nsewdrag")
    driver.execute_script("Plotly.Fx.hover('curves', [{curveNumber: 3, pointNumber: 5}])")
    text = driver.find_element(By.CSS_SELECTOR, "#curves .hoverlayer").text
    assert plot.is_displayed()
    assert "at batch 6" in text


def test_odd_labels_break_nothing(visit):
    driver = visit("odd")
    assert driver.title == "Initializers compared"
    cells = [cell.text for cell in driver.find_elements(By.CSS_SELECTOR, "#ranking tbody td:nth-child(2)")]
    assert set(ODD) - set(cells) == {"w" * 200}  # shortened, and in full among the runs
    assert driver.execute_script("return document.getElementById('runs').textContent").count("w" * 200) == 2
    assert "<script>document" in driver.find_element(By.ID, "legend").text
    assert len(traces(driver)) == 2 * len(ODD)  # no bands from two replicates


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(visit, browser, scheme):
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    driver = visit("ten")
    colours = driver.execute_script(
        "const s = getComputedStyle(document.body);"
        "return [s.backgroundColor, s.color, document.getElementById('curves').layout.font.color]"
    )
    light = ["rgb(255, 255, 255)", "rgb(27, 27, 27)", "#1b1b1b"]
    assert colours == (light if scheme == "light" else ["rgb(22, 24, 28)", "rgb(232, 232, 232)", "#e8e8e8"])
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("name", ["ten", "odd", "large"])
def test_a_phone_sized_window_scrolls_only_downwards(visit, browser, name):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True},
    )
    driver = visit(name)
    width = driver.execute_script("return document.documentElement.scrollWidth")
    plot = driver.execute_script("return document.getElementById('curves').getBoundingClientRect().width")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width <= 390
    assert 250 < plot <= 390


def test_without_javascript_pictures_and_tables_remain(visit, browser):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    driver = visit("ten")
    pictures = driver.find_elements(By.CSS_SELECTOR, "figure img")
    shown = [picture.get_attribute("alt") for picture in pictures if picture.is_displayed()]
    interactive = driver.find_element(By.ID, "interactive").is_displayed()
    rows = len(driver.find_elements(By.CSS_SELECTOR, "#ranking tbody tr"))
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert shown[0] == "Training loss of the first 100 batches"
    assert (len(shown), rows, interactive) == (3, 10, False)


def test_thirty_initializers_ten_replicates_and_2000_steps_stay_responsive(visit, pages):
    assert (pages / "large.html").stat().st_size < 6e6
    start = time.perf_counter()
    driver = visit("large")
    assert len(names(driver)) == 30
    assert time.perf_counter() - start < 10
    toggle = driver.execute_async_script(
        "const done = arguments[0], start = performance.now();"
        "document.querySelector('#legend input').click();"
        "requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)))"
    )
    assert toggle < 2000  # milliseconds
