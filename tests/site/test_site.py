"""The built site: its links lead somewhere, a stranger finds the code in few clicks, a browser shows it."""

import functools
import html.parser
import http.server
import importlib
import importlib.util
import os
import re
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from page_blocks import ROOT  # type: ignore[import-not-found, unused-ignore]

from rusted_ring.verify.specification.places import places
from rusted_ring.verify.support.clauses import load_clauses


class Page(html.parser.HTMLParser):
    """The ids and the links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.add(str(given["id"]))
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))


class Site:
    """The pages of a built site, by their paths."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @functools.cached_property
    def pages(self) -> dict[str, Page]:
        """Every page."""
        found = {}
        for path in sorted(self.folder.rglob("*.html")):
            name = path.relative_to(self.folder).as_posix()
            if not name.startswith(("_static/", "witnesses/")):
                found[name] = Page(path.read_text(encoding="utf-8"))
        return found

    def targets(self, name: str) -> Iterator[tuple[str, str, str]]:
        """Yield the links of a page that stay within the site: the link, the page and the id that it leads to."""
        for link in self.pages[name].links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            page = os.path.normpath(os.path.join(os.path.dirname(name), unquote(parts.path))) if parts.path else name
            yield link, page, unquote(parts.fragment)


@pytest.fixture(scope="module")
def built(site: Path) -> Site:
    return Site(site)


def test_every_link_within_the_site_leads_to_a_page_and_a_place_there(built: Site) -> None:
    broken = []
    count = 0
    for name in built.pages:
        for link, page, place in built.targets(name):
            count += 1
            if page in built.pages:
                if place and place not in built.pages[page].ids:
                    broken.append(f"{name}: {link}: no such place")
            elif not (built.folder / page).is_file():
                broken.append(f"{name}: {link}: no such page")
    assert broken == []
    assert count > 10_000


def test_below_each_clause_stands_where_it_is_implemented_and_tested(built: Site) -> None:
    clauses = load_clauses(ROOT / "spec")
    for clause in clauses.values():
        page = built.pages[f"{clause.chapter}.html"]
        assert {clause.id, f"{clause.id}-places"} <= page.ids, clause.id
    found = places(ROOT, ["RING-11", "ORDER-7"])
    links = set(built.pages["rings.html"].links)
    for place in [*found["RING-11"].core, *found["RING-11"].reference, *found["RING-11"].tests]:
        assert f"sources/{place.path}.html#line-{place.line}" in links
    links = set(built.pages["memory-orders.html"].links)
    for order in found["ORDER-7"].orders:
        assert f"necessity.html#{order.anchor}" in links


def clicks(built: Site, start: str, wanted: str) -> list[str]:
    """Return the shortest way from a page to a target, given as a page and an id, as the links to click."""
    ways: dict[str, list[str]] = {start: []}
    waiting = deque([start])
    while waiting:
        page = waiting.popleft()
        for link, target, place in built.targets(page):
            if f"{target}#{place}" == wanted:
                return [*ways[page], link]
            if target in built.pages and target not in ways:
                ways[target] = [*ways[page], link]
                waiting.append(target)
    raise AssertionError(f"no way leads from {start} to {wanted}")


def test_a_stranger_goes_from_the_readme_to_the_line_that_publishes_an_event(built: Site) -> None:
    """The README's first link is to a page of the specification; what follows are links of the site."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = next(link for link in re.findall(r"\]\(spec/([^)#]+)\.md\)", readme))
    store = re.compile(r"atomic_store_explicit\(.*write_cursor.*memory_order_release")
    published = None
    for place in places(ROOT, ["ORDER-7"])["ORDER-7"].core:
        lines = (ROOT / place.path).read_text(encoding="utf-8").splitlines()
        if any(store.search(line) for line in lines[place.line - 1 : place.line + 3]):
            published = place
    assert published is not None
    way = clicks(built, f"{first}.html", f"sources/{published.path}.html#line-{published.line}")
    assert 1 + len(way) <= 6, way
    assert 1 + len(way) <= 3, "the README, the specification, the chapter with the clause, the line"


def test_a_failing_clause_leads_to_its_test(built: Site) -> None:
    """`diff` names a clause; the list of all clauses leads to it, and what stands below it to the test."""
    (test, *_) = places(ROOT, ["RING-11"])["RING-11"].tests
    way = clicks(built, "clauses.html", f"sources/{test.path}.html#line-{test.line}")
    assert len(way) <= 2, way
    line = (ROOT / test.path).read_text(encoding="utf-8").splitlines()[test.line - 1]
    assert test.name.rpartition(".")[2] in line


# --- in a browser


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The site, served: the search of a page that was opened from a file may not load its index."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the names of the base
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def show(browser: Any, address: str, *, width: int = 1280, scheme: str = "light") -> None:
    """Open a page at a width and in a colour scheme."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get_log("browser")
    browser.get(address)


def click(browser: Any, element: Any) -> None:
    """Click an element in the middle of the window, where the theme's smooth scrolling has ended."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
    element.click()


def complaints(browser: Any) -> list[str]:
    """Return the errors that the browser has logged; that a page has no icon is none."""
    log = browser.get_log("browser")
    return [entry["message"] for entry in log if entry["level"] == "SEVERE" and "favicon" not in entry["message"]]


def samples() -> list[str]:
    """Pages of each kind, and one source in C, whichever has the most to show."""
    counted: dict[str, int] = {}
    for found in places(ROOT, load_clauses(ROOT / "spec")).values():
        for place in found.core:
            counted[place.path] = counted.get(place.path, 0) + 1
    pages = ["index", "tutorial", "faq", "specification", "rings", "slots", "layout", "memory-orders", "necessity"]
    pages += ["performance", "errors", "clauses", "how-to/several-readers", "explanation/orders", "explanation/aba"]
    pages += ["reference/native", "reference/model", "reference/c", "reference/command", "architecture", "contributing"]
    return [*pages, f"sources/{max(counted, key=lambda path: counted[path])}", "sources/index", "search"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_a_phone_and_none_complains(browser: Any, address: str, scheme: str) -> None:
    backgrounds = set()
    for page in samples():
        show(browser, f"{address}/{page}.html", width=390, scheme=scheme)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390, page
        backgrounds.add(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
        assert complaints(browser) == [], page
    (background,) = backgrounds
    brightness = sum(int(part) for part in re.findall(r"\d+", background)[:3]) / 3
    assert brightness > 200 if scheme == "light" else brightness < 60


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_drawings_stand_out_from_what_is_behind_them(browser: Any, address: str, scheme: str) -> None:
    """Contrast of 4.5, as WCAG asks of text."""
    show(browser, f"{address}/slots.html", width=390, scheme=scheme)
    script = """
        const parts = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
        const light = colour => parts(colour).map(part => part / 255)
            .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
            .reduce((sum, part, number) => sum + part * [0.2126, 0.7152, 0.0722][number], 0);
        const behind = light(getComputedStyle(document.body).backgroundColor);
        const contrast = colour => { const both = [light(colour), behind].sort((a, b) => b - a);
            return (both[0] + 0.05) / (both[1] + 0.05); };
        const texts = [...document.querySelectorAll('svg.rr-drawing text')].map(text => getComputedStyle(text).fill);
        return [...texts, getComputedStyle(document.querySelector('article p')).color].map(contrast);
    """
    found = browser.execute_script(script)
    assert len(found) > 10
    assert min(found) >= 4.5


@pytest.mark.parametrize(
    ("words", "clause"), [("RING-11", "RING-11"), ("lapped", "RING-11"), ("WriterTaken", "RING-4")]
)
def test_the_search_finds_a_clause(browser: Any, address: str, words: str, clause: str) -> None:
    wait = importlib.import_module("selenium.webdriver.support.ui").WebDriverWait
    show(browser, f"{address}/search.html?q={words}")
    script = "return [...document.querySelectorAll('#search-results li a')].map(link => link.getAttribute('href'))"
    wait(browser, 30).until(lambda driver: driver.execute_script(script))
    found = browser.execute_script(script)
    chapter = load_clauses(ROOT / "spec")[clause].chapter
    assert any(link.startswith(f"{chapter}.html") for link in found), found
    if words == clause:
        assert found[0].partition("#")[::2] == (f"{chapter}.html", clause)
    assert complaints(browser) == []


def test_what_stands_below_a_clause_opens_and_leads_to_the_line(browser: Any, address: str) -> None:
    show(browser, f"{address}/memory-orders.html#ORDER-7", width=390)
    details = browser.find_element("id", "ORDER-7-places")
    assert details.get_attribute("open") is None
    click(browser, details.find_element("tag name", "summary"))
    link = details.find_element("css selector", "ul.core a")
    target = link.get_attribute("href")
    click(browser, link)
    assert browser.current_url == target
    marked = browser.execute_script("return document.querySelector('.line:target').innerText")
    assert "ORDER-7" in marked
    assert complaints(browser) == []
