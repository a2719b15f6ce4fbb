"""The page at /upload in a real browser (Debian's Chromium): without scripts, with them, and with the network cut."""

import asyncio
import re
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from support.breaking import BreakingProxy
from support.files import Sender, noise, path_of
from support.waits import patient

pytestmark = pytest.mark.anser_only("it is Anser's own page")

PATIENCE = patient(40)
MB = 1 << 20

# A file that nobody picked, dropped on the element: Selenium drags nothing from outside.
DROP = """
const [target, files] = arguments, data = new DataTransfer();
for (const [name, size] of files) data.items.add(new File([new Uint8Array(size).fill(65)], name, {type: "text/plain"}));
for (const kind of ["dragenter", "dragover", "drop"])
  target.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
"""


class Browser:
    """Blocking calls, one after the other in a thread of their own."""

    def __init__(self, *, scripts: bool = True, size: tuple[int, int] = (1100, 900), language: str = "en"):
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in (
            "headless=new",
            "no-sandbox",
            "disable-gpu",
            "disable-dev-shm-usage",
            f"window-size={size[0]},{size[1]}",
        ):
            options.add_argument(f"--{flag}")
        preferences = {"intl.accept_languages": language}
        if not scripts:
            preferences["profile.managed_default_content_settings.javascript"] = 2
        options.add_experimental_option("prefs", preferences)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 500},
        )

    def until(self, condition, what: str):
        wait = WebDriverWait(self.driver, PATIENCE, ignored_exceptions=[StaleElementReferenceException])
        try:
            return wait.until(lambda _: condition())
        except TimeoutException:
            raise AssertionError(f"no {what}; the page shows: {self.find('body').text!r}") from None

    def find(self, selector: str):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def opens(self, port: int) -> None:
        self.driver.get(f"http://127.0.0.1:{port}/upload")

    def signs_in(self, account, password: str | None = None) -> None:
        self.until(lambda: self.find("#sign-in").is_displayed(), "form to sign in")
        self.find("#user").send_keys(account.local)
        self.find("#password").send_keys(password or account.password)
        self.find("#sign-in button").click()

    def signed_in(self, account) -> None:
        self.signs_in(account)
        self.until(lambda: self.find("#own").is_displayed(), "list of files")

    def enters(self, port: int, account) -> None:
        self.opens(port)
        self.signed_in(account)

    def picks(self, *paths: Path) -> None:
        self.find("#pick").send_keys("\n".join(map(str, paths)))

    def row(self, name: str, where: str = "#uploads"):
        return next(item for item in self.all(f"{where} > li") if item.find_element(By.CLASS_NAME, "name").text == name)

    def state(self, name: str) -> str:
        return self.row(name).find_element(By.CLASS_NAME, "state").get_attribute("data-state")

    def says(self, name: str) -> str:
        return self.row(name).find_element(By.CLASS_NAME, "state").text

    def percent(self, name: str) -> int:
        bar = self.row(name).find_element(By.TAG_NAME, "progress")
        return int(100 * float(bar.get_attribute("value")) / float(bar.get_attribute("max")))

    def begins(self, path: Path, *, percent: int) -> None:
        self.picks(path)
        self.until(lambda: self.percent(path.name) > percent, "progress")

    def until_state(self, name: str, state: str) -> None:
        self.until(lambda: self.state(name) == state, f"state {state} of {name}")

    def sends(self, *paths: Path) -> None:
        self.picks(*paths)
        for path in paths:
            self.until_state(path.name, "done")

    def link(self, name: str) -> str:
        return self.row(name).find_element(By.CSS_SELECTOR, ".state a").get_attribute("href")

    def presses(self, name: str, text: str, where: str = "#uploads") -> None:
        buttons = self.row(name, where).find_elements(By.TAG_NAME, "button")
        next(button for button in buttons if button.text == text).click()

    def complaints(self) -> list[str]:
        """Of the console: violations of the policy, errors of the script. What answers with an error is none."""
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] == "SEVERE" and entry["source"] != "network"
        ]

    def fits(self) -> bool:
        return self.driver.execute_script(
            "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )


@pytest.fixture
async def browse():
    made = []

    async def make(**how) -> Browser:
        made.append(await asyncio.to_thread(lambda: Browser(**how)))
        return made[-1]

    yield make
    for browser in made:
        await asyncio.to_thread(browser.driver.quit)


@pytest.fixture
async def proxy(server):
    made = await BreakingProxy(server.house.settings.http_port, through=1 * MB).start()
    yield made
    await made.close()


@pytest.fixture
def make_file(tmp_path):
    def make(name: str, size: int) -> Path:
        path = tmp_path / name
        path.write_bytes(noise(size))
        return path

    return make


async def _listed(romeo: Sender) -> list[dict]:
    return (await romeo.ask("GET", "/files")).json["files"]


async def _served(romeo: Sender, url: str) -> bytes:
    return (await romeo.gets(path_of(url))).body


async def test_its_files_and_its_policy(romeo):
    page = await romeo.gets("/upload")

    assert page.status == 200 and page["content-type"] == "text/html; charset=utf-8"
    policy = {one.strip() for one in page["content-security-policy"].split(";")}
    assert policy == {
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    }
    for words in (
        "作者:",
        "来自:",
        "文件1:",
        "文件2:",
        "上载",
        'name="author"',
        'name="company"',
        'name="file1"',
        'name="file2"',
    ):
        assert words in page.text
    for path in re.findall(r'(?:href|src)="([^"]+)"', page.text):
        assert path.startswith("/upload/")
        assert (await romeo.gets(path)).status == 200
    assert (await romeo.gets("/upload/nothing.js")).status == 404
    assert (await romeo.gets("/upload/"))["location"] == "/upload"


async def test_the_plain_form_without_scripts(romeo, browse, make_file):
    one, two = make_file("one.bin", 1000), make_file("图 二.txt", 2000)
    browser = await browse(scripts=False)

    def scene() -> list[str]:
        account = romeo.account
        # The browser's own dialogue cannot be typed into from here; what it sends can be given beforehand.
        browser.driver.execute_cdp_cmd("Network.enable", {})
        browser.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": romeo.who})
        browser.opens(romeo.port)
        assert not browser.find("#sending").is_displayed() and browser.find("#plain form").is_displayed(), account
        browser.find("input[name=author]").send_keys("张三")
        browser.find("input[name=company]").send_keys("<Anser & Co>")
        browser.find("input[name=file1]").send_keys(str(one))
        browser.find("input[name=file2]").send_keys(str(two))
        browser.find("#plain form button").click()
        browser.until(lambda: "成功上传的文件" in browser.find("body").text, "answer")
        text = browser.find("body").text
        assert "用户:" in text and "张三" in text and "来自:" in text and "<Anser & Co>" in text
        return [link.get_attribute("href") for link in browser.all("a[href*='/files/']")]

    links = await asyncio.to_thread(scene)

    assert [await _served(romeo, link) for link in links] == [one.read_bytes(), two.read_bytes()]


async def test_several_files_with_scripts(romeo, browse, make_file):
    files = [make_file("图 1.png", 5000), make_file("empty.txt", 0), make_file("large.bin", 20 * MB)]
    browser = await browse()

    def scene() -> list[str]:
        browser.opens(romeo.port)
        assert not browser.find("#plain form").is_displayed()
        browser.until(lambda: "100 MB" in browser.find("#limits").text, "limit")
        browser.signed_in(romeo.account)
        browser.sends(*files)
        browser.until(lambda: len(browser.all("#files > li a")) == 3, "list of three")
        assert "1 GB" in browser.find("#used").text
        assert browser.complaints() == []
        return [browser.link(file.name) for file in files]

    links = await asyncio.to_thread(scene)

    assert [await _served(romeo, link) for link in links] == [file.read_bytes() for file in files]


async def test_drag_and_drop(romeo, browse):
    browser = await browse()

    def scene() -> str:
        browser.enters(romeo.port, romeo.account)
        browser.driver.execute_script(DROP, browser.find("#drop"), [["dropped.txt", 100_000]])
        browser.until_state("dropped.txt", "done")
        browser.driver.execute_script(DROP, browser.find("h1"), [["missed.txt", 10]])  # and the page is still there
        assert [item.text for item in browser.all("#uploads .name")] == ["dropped.txt"]
        return browser.link("dropped.txt")

    assert await _served(romeo, await asyncio.to_thread(scene)) == b"A" * 100_000


async def test_files_wait_for_the_sign_in(romeo, browse, make_file):
    file = make_file("early.bin", 1000)
    browser = await browse()

    def scene() -> str:
        browser.opens(romeo.port)
        browser.picks(file)
        browser.until(lambda: "sign in" in browser.find("#refusal").text, "request to sign in")
        browser.signs_in(romeo.account, "not that one")
        browser.until(lambda: "wrong" in browser.find("#refusal").text, "reason")
        browser.find("#user").clear()
        browser.find("#password").clear()
        browser.signed_in(romeo.account)
        browser.until_state("early.bin", "done")
        assert (
            browser.driver.execute_script("return JSON.stringify({...localStorage, ...sessionStorage})").find("secret")
            < 0
        )
        return browser.link("early.bin")

    assert await _served(romeo, await asyncio.to_thread(scene)) == file.read_bytes()


async def test_pause_and_resume(romeo, proxy, browse, make_file):
    file = make_file("paused.bin", 12 * MB)
    browser = await browse()

    def begin() -> None:
        browser.enters(proxy.port, romeo.account)
        browser.begins(file, percent=5)
        browser.presses(file.name, "Pause")
        browser.until_state(file.name, "paused")
        assert browser.percent(file.name) > 5  # a pause is no loss

    def go_on() -> str:
        browser.presses(file.name, "Resume")
        browser.until_state(file.name, "done")
        return browser.link(file.name)

    await asyncio.to_thread(begin)
    assert await _listed(romeo) == []
    assert await _served(romeo, await asyncio.to_thread(go_on)) == file.read_bytes()


async def test_it_goes_on_after_the_network_was_cut(romeo, proxy, browse, make_file):
    file = make_file("cut.bin", 12 * MB)
    browser = await browse()

    def begin() -> None:
        browser.enters(proxy.port, romeo.account)
        browser.begins(file, percent=10)

    def lost() -> None:
        browser.until_state(file.name, "retrying")
        assert "connection lost" in browser.says(file.name)

    def done() -> str:
        browser.until_state(file.name, "done")
        return browser.link(file.name)

    await asyncio.to_thread(begin)
    for _ in range(2):
        proxy.cut()
        await asyncio.to_thread(lost)
        proxy.mend()
        await asyncio.to_thread(
            lambda: browser.until(lambda: browser.state(file.name) in ("sending", "done"), "return")
        )
    assert await _served(romeo, await asyncio.to_thread(done)) == file.read_bytes()
    assert len(await _listed(romeo)) == 1


async def test_it_goes_on_after_a_reload(romeo, proxy, browse, make_file):
    file = make_file("reloaded.bin", 8 * MB)
    browser = await browse()

    def begin() -> None:
        browser.enters(proxy.port, romeo.account)
        browser.begins(file, percent=30)
        browser.driver.refresh()
        browser.until(lambda: "pick this file again" in browser.says(file.name), "reminder")

    def go_on() -> str:
        browser.signed_in(romeo.account)
        browser.picks(file)
        browser.until(lambda: browser.state(file.name) == "done" or browser.percent(file.name) > 10, "the old offset")
        assert len(browser.all("#uploads > li")) == 1
        browser.until_state(file.name, "done")
        assert browser.driver.execute_script("return localStorage.getItem('anser.uploads')") == "{}"
        return browser.link(file.name)

    await asyncio.to_thread(begin)
    assert await _served(romeo, await asyncio.to_thread(go_on)) == file.read_bytes()
    assert len(await _listed(romeo)) == 1


async def test_a_file_that_is_too_large(romeo, browse, tmp_path):
    path = tmp_path / "large.iso"
    with path.open("wb") as file:
        file.truncate(100 * MB + 1)
    browser = await browse()

    def scene() -> None:
        browser.enters(romeo.port, romeo.account)
        browser.picks(path)
        browser.until_state("large.iso", "failed")
        assert "at most 100 MB" in browser.says("large.iso")

    await asyncio.to_thread(scene)


async def test_a_refusal_of_the_server_in_words(start, browse, make_file):
    server = await start(uploads={"quota_bytes": "1MB"})
    romeo = Sender(server.house.settings.http_port, await server.account("romeo"))
    file = make_file("too much.bin", 2 * MB)
    browser = await browse()

    def scene() -> None:
        browser.enters(romeo.port, romeo.account)
        browser.picks(file)
        browser.until_state(file.name, "failed")
        assert "1 MB" in browser.says(file.name) or "1048576" in browser.says(file.name)

    await asyncio.to_thread(scene)


async def test_copy_and_delete(romeo, browse, make_file):
    file = make_file("gone.bin", 1000)
    browser = await browse()

    def scene() -> str:
        browser.opens(romeo.port)
        browser.driver.execute_cdp_cmd(
            "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
        )
        browser.signed_in(romeo.account)
        browser.sends(file)
        browser.presses(file.name, "Copy link")
        link = browser.link(file.name)
        read = "navigator.clipboard.readText().then(arguments[0])"
        browser.until(lambda: browser.driver.execute_async_script(read) == link, "the link in the clipboard")
        browser.until(lambda: browser.all("#files > li a"), "list")
        browser.presses(file.name, "Delete", "#files")
        browser.driver.switch_to.alert.accept()
        browser.until(lambda: not browser.all("#files > li a"), "empty list")
        return link

    link = await asyncio.to_thread(scene)
    assert (await romeo.gets(path_of(link))).status == 404


async def test_who_has_no_account_can_delete_what_was_sent(start, browse, make_file):
    server = await start(uploads={"anonymous": True})
    nobody = Sender(server.house.settings.http_port)
    file = make_file("nobody's.bin", 1000)
    browser = await browse()

    def sends() -> str:
        browser.opens(nobody.port)
        browser.sends(file)
        return browser.link(file.name)

    def deletes() -> None:
        browser.presses(file.name, "Delete")
        browser.driver.switch_to.alert.accept()
        browser.until(lambda: not browser.all("#uploads > li"), "empty list")

    link = await asyncio.to_thread(sends)
    assert await _served(nobody, link) == file.read_bytes()
    await asyncio.to_thread(deletes)
    assert (await nobody.gets(path_of(link))).status == 404


async def test_markup_in_names_stays_text(romeo, browse):
    await romeo.keeps(b"x", "<img src=x onerror=document.title='hit'>.txt")
    browser = await browse()

    def scene() -> None:
        browser.enters(romeo.port, romeo.account)
        browser.until(lambda: browser.all("#files > li a"), "list")
        assert browser.all("img") == [] and browser.driver.title != "hit"

    await asyncio.to_thread(scene)


@pytest.mark.parametrize("size", [(390, 844), (1100, 900)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_fits(romeo, browse, make_file, size, scheme):
    await romeo.keeps(
        b"x" * 2000, "a rather long name of a file that somebody has sent before and that has no end.tar.gz"
    )
    file = make_file("w" * 90 + ".bin", 3000)
    browser = await browse(size=size, language="zh-CN")

    def scene() -> None:
        browser.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        browser.enters(romeo.port, romeo.account)
        browser.sends(file)
        assert "已完成" in browser.says(file.name)
        browser.find("#plain summary").click()
        assert browser.fits()
        for control in browser.all("button, summary, #drop"):
            assert not control.is_displayed() or control.size["height"] >= 24, control.text
        back = browser.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        light = sum(map(int, re.findall(r"\d+", back)[:3])) > 380
        assert light == (scheme == "light")

    await asyncio.to_thread(scene)


async def test_by_keyboard_and_for_screen_readers(romeo, browse, make_file):
    file = make_file("keys.bin", 1000)
    browser = await browse()

    def scene() -> None:
        browser.opens(romeo.port)
        browser.until(lambda: browser.find("#sign-in").is_displayed(), "form")
        browser.find("#user").send_keys(romeo.account.local, Keys.TAB)
        browser.driver.switch_to.active_element.send_keys(romeo.account.password, Keys.ENTER)
        browser.until(lambda: browser.find("#own").is_displayed(), "list")
        assert browser.driver.switch_to.active_element.get_attribute("id") == "pick"
        browser.sends(file)
        browser.until(lambda: browser.find("#said").get_attribute("textContent") == "keys.bin: done", "announcement")
        for element in browser.all("button, input, progress, a[href]"):
            if element.is_displayed():
                assert element.accessible_name.strip(), element.get_attribute("outerHTML")
        reached = set()
        for _ in range(25):
            ActionChains(browser.driver).send_keys(Keys.TAB).perform()
            reached.add(browser.driver.switch_to.active_element.accessible_name)
        assert {"Copy link: keys.bin", "Delete: keys.bin", "Clear: keys.bin"} <= reached, reached

    await asyncio.to_thread(scene)
