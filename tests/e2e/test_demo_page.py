"""The page at /demo/ in a real browser (Debian's Chromium): two tabs chat with each other, and with an XMPP client."""

import asyncio

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from support.waits import patient

pytestmark = pytest.mark.anser_only("it is Anser's own page")

PATIENCE = patient(40)  # more than the page waits at most before it tries again


class Browser:
    """Blocking calls, one after the other in a thread of their own."""

    def __init__(self, base: str):
        self.base = base
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "window-size=420,760"):
            options.add_argument(f"--{flag}")
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.tabs: dict[str, str] = {}

    def until(self, condition, what: str):
        wait = WebDriverWait(self.driver, PATIENCE, ignored_exceptions=[StaleElementReferenceException])
        try:
            return wait.until(lambda _: condition())
        except TimeoutException:
            raise AssertionError(f"no {what}; the page shows: {self.find('body').text!r}") from None

    def find(self, selector: str):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def sign_in(self, name: str, password: str, peer: str) -> None:
        if self.tabs:
            self.driver.switch_to.new_window("tab")
        self.driver.get(self.base + "/")
        self.tabs[name] = self.driver.current_window_handle
        for field, text in (("user", name), ("password", password), ("peer", peer)):
            self.find(f"#{field}").send_keys(text)
        self.find("#sign-in button").click()

    def in_tab(self, name: str) -> None:
        self.driver.switch_to.window(self.tabs[name])

    def opened(self) -> None:
        self.until(lambda: self.find("#chat").is_displayed(), "chat")

    def says(self, text: str) -> None:
        self.find("#text").send_keys(text)
        self.find("#compose button").click()
        self.until(lambda: text in self.find("#log li:last-child").text, "own message")

    def marked(self, mark: str) -> None:
        self.until(lambda: mark in self.find("#log li:last-child .mark").text, f"mark {mark}")

    def hears(self, text: str) -> None:
        self.until(lambda: text in self.find("#log").text, f"message {text!r}")


@pytest.fixture
async def browser(server):
    made = await asyncio.to_thread(Browser, f"http://127.0.0.1:{server.house.settings.http_port}")
    yield made
    await asyncio.to_thread(made.driver.quit)


async def test_two_tabs_chat(server, browser):
    romeo, juliet = await server.account("romeo"), await server.account("juliet")

    def scene():
        browser.sign_in(romeo.local, romeo.password, juliet.local)
        browser.opened()
        browser.sign_in(juliet.local, juliet.password, romeo.local)
        browser.opened()

        browser.says("art thou there? 你在吗")
        browser.marked("✓")
        browser.in_tab(romeo.local)
        browser.hears("art thou there? 你在吗")
        browser.says("<b>I take thee</b> at thy word & more")
        browser.marked("✓")
        browser.in_tab(juliet.local)
        browser.hears("<b>I take thee</b> at thy word & more")

    await asyncio.to_thread(scene)


async def test_a_tab_chats_with_slixmpp(server, browser):
    juliet, romeo = await server.login("juliet"), await server.account("romeo")

    def enter():
        browser.sign_in(romeo.local, romeo.password, juliet.account.jid)
        browser.opened()
        browser.says("by whose direction found'st thou out this place?")
        browser.marked("✓")

    await asyncio.to_thread(enter)
    assert await juliet.hears() == "by whose direction found'st thou out this place?"
    await juliet.says(romeo.jid, "by love")
    await asyncio.to_thread(browser.hears, "by love")


async def test_it_comes_back_and_shows_each_message_once(start, browser):
    server = await start()
    romeo, juliet = await server.account("romeo"), await server.account("juliet")
    browser.base = f"http://127.0.0.1:{server.house.settings.http_port}"

    def enter():
        browser.sign_in(romeo.local, romeo.password, juliet.local)
        browser.opened()
        browser.says("before the storm")
        browser.marked("✓")

    def wait_for_loss():
        browser.until(lambda: browser.find("#status").get_attribute("data-state") in ("failed", "connecting"), "loss")
        browser.says("in the storm")

    def come_back():
        browser.until(lambda: browser.find("#status").get_attribute("data-state") == "connected", "return")
        browser.marked("✓")
        text = browser.find("#log").text
        assert text.count("before the storm") == 1
        assert text.count("in the storm") == 1

    await asyncio.to_thread(enter)
    server.house.kill()
    await asyncio.to_thread(wait_for_loss)
    server.house.start()
    await asyncio.to_thread(come_back)


async def test_a_wrong_password_is_said_in_words(server, browser):
    romeo = await server.account("romeo")

    def scene():
        browser.sign_in(romeo.local, "not that one", "juliet")
        browser.until(lambda: "wrong" in browser.find("#error").text, "reason")

    await asyncio.to_thread(scene)
