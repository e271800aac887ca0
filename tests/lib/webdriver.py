"""Headless Chromium through chromedriver, by the W3C's WebDriver protocol: opens a page as a phone would, reads it, presses a button."""
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import tap

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--force-device-scale-factor=1"]
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Browser:
    """A fresh profile in a window of width x height; insecure accepts any TLS certificate."""

    def __init__(self, width=390, height=844, insecure=False):
        self.folder = tempfile.mkdtemp(prefix="certhall-browser-")
        self.session = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = open(f"{self.folder}/chromedriver.log", "w+", errors="replace")
        self.driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        self._forget = tap.at_exit(self.close)
        self._wait(lambda: self._call("GET", "/status")["ready"], "chromedriver is not ready")
        options = {"binary": "/usr/bin/chromium", "args": [*_FLAGS, f"--user-data-dir={self.folder}/profile", f"--window-size={width},{height}"]}
        answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "acceptInsecureCerts": insecure, "goog:chromeOptions": options}}})
        self.session = answer["sessionId"]

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            tap.remember(self.dump())
        self.close()

    def _call(self, method, path, body=None):
        data = None if method == "GET" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers={"Content-Type": "application/json"})
        try:
            with _direct.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {json.load(error)['value'].get('message', '')}") from None

    def _in_session(self, method, path, body=None):
        return self._call(method, f"/session/{self.session}{path}", body)

    @staticmethod
    def _wait(holds, what, timeout=30):
        end = time.monotonic() + timeout
        while True:
            try:
                value = holds()
            except (OSError, AssertionError) as error:
                value, last = None, error
            else:
                last = value
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"{what}: {last}")
            time.sleep(0.02)

    def open(self, url):
        """Opens the page and waits until it has loaded."""
        self._in_session("POST", "/url", {"url": url})

    def _element(self, selector):
        return self._in_session("POST", "/element", {"using": "css selector", "value": selector})[_ELEMENT]

    def click(self, selector):
        """Presses the element."""
        self._in_session("POST", f"/element/{self._element(selector)}/click")

    def type(self, selector, text):
        self._in_session("POST", f"/element/{self._element(selector)}/value", {"text": text})

    def text(self, selector="body"):
        """What a person reads there."""
        return self._in_session("GET", f"/element/{self._element(selector)}/text")

    def wait_text(self, text, selector="body"):
        """Waits until the text is to be read there."""
        return self._wait(lambda: text in self.text(selector), f"{text!r} is not in {selector}")

    def title(self):
        return self._in_session("GET", "/title")

    def current_url(self):
        return self._in_session("GET", "/url")

    def script(self, text, *arguments):
        """What the script returns."""
        return self._in_session("POST", "/execute/sync", {"script": text, "args": list(arguments)})

    def screenshot(self):
        """The window as PNG, base64."""
        return self._in_session("GET", "/screenshot")

    def dump(self):
        try:
            return f"browser at {self.current_url()}\n{self.text()}"
        except (OSError, AssertionError) as error:
            self.log.seek(0)
            return f"browser: {error}\n" + "".join(self.log.readlines()[-20:])

    def close(self):
        if self.driver is None:
            return
        self._forget()
        try:
            if self.session is not None:
                self._in_session("DELETE", "")
        except (OSError, AssertionError):
            pass
        driver, self.driver = self.driver, None
        driver.terminate()
        try:
            driver.wait(10)
        except subprocess.TimeoutExpired:
            driver.kill()
            driver.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
