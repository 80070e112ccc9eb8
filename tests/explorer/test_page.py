"""The page of an execution, in a real browser: edges on hover and on focus, calls, dark mode, its size, no errors."""

import importlib
import importlib.util
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from rusted_ring.verify.explorer.page import LIMIT, PageError, render
from rusted_ring.verify.explorer.trace import Trace, parse
from rusted_ring.verify.support.clauses import load_clauses

Sample = Callable[[str], dict[str, Any]]


# --- the text of the page


def embedded(page: str) -> dict[str, Any]:
    """The execution that a page holds."""
    (text,) = re.findall(r'<script type="application/json" id="trace">(.*?)</script>', page, flags=re.DOTALL)
    content: dict[str, Any] = json.loads(text)
    return content


def test_the_page_holds_the_execution(race: Trace) -> None:
    content = embedded(render(race, title="mp"))
    assert [event["id"] for event in content["events"]] == [0, 1, 2, 3, 4, 5]
    assert content["fault"]["events"] == [2, 5]
    assert content["lines"]["0"]["10"].strip() == "data = 42;"
    assert content["replay"] == "mp:1.0.1"


def test_nothing_in_an_execution_can_leave_its_script_element(calls: Trace) -> None:
    title = "</title><script>alert(1)</script> @TRACE@"
    page = render(calls, title=title, linearization=["</script><script>", "\u2028 @TITLE@"])
    assert page.count("</script>") == 2
    assert page.count("</title>") == 1
    assert "\u2028" not in page
    assert embedded(page)["linearization"] == ["</script><script>", "\u2028 @TITLE@"]
    assert "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt; @TRACE@" in page


def test_the_page_loads_nothing(calls: Trace) -> None:
    page = render(calls, title="calls")
    assert "default-src 'none'" in page
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)|url\((?!#)|@import|https?://(?!www\.w3\.org/)""", page) == []


def test_a_clause_is_shown_with_its_text(calls: Trace) -> None:
    identifier, clause = next(iter(load_clauses().items()))
    assert embedded(render(calls, title="", clause=identifier))["clause"]["text"] == clause.text
    assert embedded(render(calls, title="", clause="NONE-1"))["clause"] == {"id": "NONE-1"}
    assert embedded(render(calls, title=""))["clause"] is None


def long(folder: Path, *, plain: int, atomic: int) -> Trace:
    """An execution of two threads in turn, whose last two events race."""
    source = folder / "long.c"
    source.write_text("\n".join(f"    atomic_fetch_add(&counter_{number}, 1);" for number in range(5_000)))
    events: list[dict[str, Any]] = []
    for number in range(plain + atomic):
        thread, dull = 1 + number % 2, number < plain
        hb = [0, number // 2 + (thread == 1), number // 2 + (thread == 2)]
        hb[2] += thread == 1 and number % 2
        event = {"id": number, "thread": thread, "kind": "write" if dull else "store", "hb": hb, "written": number}
        events.append(event | {"file": str(source), "line": 1 + number % 5_000, "location": "counter", "size": 4})
        if not dull:
            events[-1] |= {"order": "rlx", "mo": number - plain + 1}
    error = {"kind": "data-race", "message": "", "events": [0, len(events) - 1]}
    return parse({"threads": ["main", "T1", "T2"], "events": events, "error": error, "replay": ""})


@pytest.mark.parametrize(("plain", "atomic"), [(20, 20), (400, 400), (3_000, 60), (10, 3_000), (2_000, 2_000)])
def test_a_page_stays_small_and_says_what_it_left_out(plain: int, atomic: int, tmp_path: Path) -> None:
    trace = long(tmp_path, plain=plain, atomic=atomic)
    page = render(trace, title="long")
    assert len(page.encode()) < LIMIT
    content = embedded(page)
    shown = {event["id"] for event in content["events"]}
    assert set(trace.fault.events if trace.fault else ()) <= shown, "the events of the error are never left out"
    assert content["count"] == plain + atomic
    assert bool(content["left_out"]) == (len(shown) < plain + atomic)


def test_what_cannot_be_made_small_is_refused(race: Trace) -> None:
    with pytest.raises(PageError, match="shorten the linearization"):
        render(race, title="", linearization=["call"] * LIMIT)


def test_values_beyond_what_a_script_can_count_to_stay_exact(samples: Sample) -> None:
    content = samples("race")
    content["events"][3]["written"] = 2**64 - 1
    written = embedded(render(parse(content), title=""))["events"][3]["written"]
    assert written == "18446744073709551615"


# --- in a browser


class Window:
    """A page in the browser, and what tests ask of it."""

    def __init__(self, driver: Any, folder: Path) -> None:
        self.driver = driver
        self._folder = folder

    def open(self, page: str, *, width: int = 1200, scheme: str = "light") -> None:
        path = self._folder / "page.html"
        path.write_text(page, encoding="utf-8")
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        self.scheme(scheme)
        self.driver.get_log("browser")
        self.driver.get(path.as_uri())

    def scheme(self, name: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(f"return {script}", *arguments)

    def box(self, identity: int) -> Any:
        return self.driver.find_element("id", f"event-{identity}")

    def point_at(self, identity: int) -> None:
        chains = importlib.import_module("selenium.webdriver.common.action_chains")
        self.run("document.getElementById(arguments[0]).scrollIntoView({block: 'center'})", f"event-{identity}")
        chains.ActionChains(self.driver).move_to_element(self.box(identity)).perform()

    def press(self, *names: str) -> None:
        chains = importlib.import_module("selenium.webdriver.common.action_chains")
        keys = importlib.import_module("selenium.webdriver.common.keys").Keys
        for name in names:
            chains.ActionChains(self.driver).send_keys(getattr(keys, name)).perform()

    def tab_to_an_event(self) -> str:
        for _ in range(6):
            self.press("TAB")
            focused: str = self.run("document.activeElement.id")
            if focused.startswith("event-"):
                return focused
        raise AssertionError("six times Tab do not lead to an event")

    def edges(self) -> set[tuple[str, int, int]]:
        """The edges drawn: kind, from, to."""
        found: Sequence[Sequence[Any]] = self.run(
            "[...document.querySelectorAll('#edges path')].map(path => "
            "[path.getAttribute('class'), Number(path.dataset.from), Number(path.dataset.to)])"
        )
        return {(kind, one, other) for kind, one, other in found}

    def of_class(self, name: str) -> set[int]:
        """The ids of the events that bear a class."""
        found: Sequence[str] = self.run(
            "[...document.querySelectorAll(arguments[0])].map(box => box.id)", f".event.{name}"
        )
        return {int(identity.removeprefix("event-")) for identity in found}

    def text(self, identity: str) -> str:
        found: str = self.run("document.getElementById(arguments[0]).innerText", identity)
        return found

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture
def window(browser: Any, tmp_path: Path) -> Iterator[Window]:
    shown = Window(browser, tmp_path)
    yield shown
    assert shown.complaints() == []


def test_the_page_opens_with_the_error_marked(window: Window, race: Trace) -> None:
    window.open(render(race, title="Message passing"))
    assert window.driver.title == "Message passing"
    assert window.text("verdict") == "data-race: data is read by T2 while T1 writes it"
    assert window.of_class("fault") == {2, 5}
    assert window.edges() == {("fault", 2, 5)}
    assert "no order between them" in window.run("document.getElementById('edges').textContent")
    assert window.box(3).text.split("\n")[0] == "#3"
    assert "store flag = 1 rlx" in window.box(3).text
    assert "atomic_store_explicit(&flag" in window.box(3).text


def test_pointing_at_an_event_draws_its_edges_and_shades_what_happens_before_it(window: Window, race: Trace) -> None:
    window.open(render(race, title=""))
    window.point_at(4)
    assert window.edges() == {("rf", 3, 4)}
    assert window.of_class("before") == {0, 1}, "the relaxed store is read, and does not happen before the load"
    assert window.of_class("apart") == {2, 3}
    assert "from\n#3 (T1, mp.c:11)" in window.text("details")
    assert "if (atomic_load_explicit" in window.text("details")
    window.point_at(3)
    assert window.edges() == {("rf", 3, 4)}
    assert "in no order with" not in window.text("details")
    window.point_at(5)
    assert window.edges() == {("rf", 2, 5), ("fault", 2, 5)}
    assert "in no order with\n#2 (T1, mp.c:10)" in window.text("details")


def test_the_keyboard_does_the_same(window: Window, race: Trace) -> None:
    window.open(render(race, title=""))
    assert window.tab_to_an_event() == "event-2", "the first event of the error is where one enters"
    window.press("ARROW_DOWN", "ARROW_DOWN")
    assert window.run("document.activeElement.id") == "event-4"
    assert window.edges() == {("rf", 3, 4)}
    assert window.of_class("chosen") == {4}
    window.press("ARROW_LEFT")
    assert window.run("document.activeElement.id") == "event-3"
    window.press("HOME")
    assert window.run("document.activeElement.id") == "event-0"
    window.press("END", "ARROW_DOWN")
    assert window.run("document.activeElement.id") == "event-5"
    window.press("ESCAPE")
    assert window.of_class("chosen") == set()
    label = window.box(4).get_attribute("aria-label")
    assert label == "T2, event 4: load flag = 1 acq, reads from event 3, mp.c:17"


def test_an_old_value_and_the_modification_order_are_drawn(window: Window, samples: Sample) -> None:
    content = samples("calls")
    content["events"][14] |= {"kind": "store", "order": "rlx", "location": "0x7f0000001040", "written": 5, "mo": 2}
    window.open(render(parse(content), title=""))
    window.point_at(13)
    assert window.edges() == {("over", 13, 10)}
    window.point_at(10)
    assert window.edges() == {("mo", 10, 14), ("rf", 10, 16)}
    dashes = "getComputedStyle(document.querySelector('#edges path.{0}')).strokeDasharray"
    assert window.run(dashes.replace("{0}", "mo")) != "none"
    assert window.run(dashes.replace("{0}", "rf")) == "none"


def test_plain_accesses_can_be_hidden_but_not_those_of_the_error(window: Window, calls: Trace) -> None:
    window.open(render(calls, title=""))
    assert "7 plain accesses" in window.text("plain-label")
    assert window.box(5).is_displayed()
    window.driver.find_element("id", "plain").click()
    assert not window.box(5).is_displayed()
    assert window.box(2).is_displayed()
    assert window.box(17).is_displayed()


def test_calls_and_the_linearization_are_listed(window: Window, calls: Trace) -> None:
    identifier, clause = next((name, it) for name, it in load_clauses().items() if it.chapter == "rings")
    order = ["T1: add(1) -> true", "T2: next() -> nothing"]
    window.open(render(calls, title="", linearization=order, stuck="T2: next() does not fit", clause=identifier))
    attempt = window.text("attempt")
    assert [attempt.index(words) for words in [*order, "T2: next() does not fit", identifier]] == sorted(
        attempt.index(words) for words in [*order, "T2: next() does not fit", identifier]
    )
    assert clause.text.replace("`", "") in attempt
    buttons = window.driver.find_elements("css selector", "#calls button")
    assert [" ".join(button.text.split()) for button in buttons] == [
        'T1 add("</script><b>a") → true',
        "T2 next() → nothing",
        "T2 next() did not return",
    ]
    buttons[2].click()
    assert window.run("document.activeElement.id") == "event-15"


def test_the_replay_string_is_copied_by_a_button(window: Window, race: Trace) -> None:
    window.open(render(race, title=""))
    assert window.text("replay") == "mp:1.0.1"
    window.driver.find_element("id", "copy").click()
    window.driver.implicitly_wait(5)
    words = window.driver.find_element("xpath", "//button[@id='copy'][text()='Copied' or text()='Selected']").text
    assert words in ("Copied", "Selected")


def test_dark_mode_is_dark(window: Window, race: Trace) -> None:
    def brightness(what: str) -> float:
        color = window.run(f"getComputedStyle(document.body).{what}")
        return sum(float(part) for part in re.findall(r"\d+", color)[:3]) / 3

    window.open(render(race, title=""), scheme="light")
    assert brightness("backgroundColor") > 200 > 100 > brightness("color")
    window.scheme("dark")
    assert brightness("backgroundColor") < 60 < 200 < brightness("color")


@pytest.mark.parametrize("width", [360, 768, 1200, 1900])
def test_the_page_fits_a_phone_and_a_screen(width: int, window: Window, calls: Trace) -> None:
    window.open(render(calls, title="A counterexample with a long title " * 4, linearization=["T1: add"]), width=width)
    assert window.run("document.documentElement.scrollWidth") <= width, "no scrolling sideways, but for the lanes"
    assert window.run("[...document.querySelectorAll('.event')].every(box => box.offsetWidth >= 120)")
    window.point_at(10)
    assert window.edges() == {("rf", 10, 16)}


def test_the_largest_page_is_drawn_too(window: Window, tmp_path: Path) -> None:
    window.open(render(long(tmp_path, plain=300, atomic=300), title="long"))
    assert not window.box(5).is_displayed(), "many plain accesses are hidden at first"
    window.point_at(599)
    assert ("mo", 598, 599) in window.edges()


def test_a_passing_execution_has_no_verdict(window: Window, samples: Sample) -> None:
    content = samples("buffering") | {"error": None}
    window.open(render(parse(content), title="passing"))
    assert not window.driver.find_element("id", "verdict").is_displayed()
    assert window.edges() == set()
    assert window.of_class("fault") == set()
