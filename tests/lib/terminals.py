"""The other eyes of the tests see: a real terminal emulator, a phone-sized browser."""
import http.server
import threading

import tap
import webdriver
import xterm

LINK = "https://pay.example.test/qr/AZT112217NR3QT?amount=36000"
PAGE = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>测试</title>
<p id="state">待支付</p><button onclick="document.querySelector('#state').textContent = '已支付 ' + innerWidth">支付</button>"""


@tap.test("xterm shows a QR code of half blocks that zbar reads, and takes keys")
def _():
    with xterm.Xterm([tap.built("tests/lib/vtpaint"), LINK]) as terminal:
        terminal.wait("plain")
        tap.equal(terminal.qr(), [])
        terminal.key("F2")
        tap.equal(terminal.wait_qr(), LINK)
        terminal.key("7")
        terminal.wait("key 7")


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *_):
        pass


@tap.test("Chromium opens a page as a phone, reads it and presses a button")
def _():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with webdriver.Browser() as browser:
            browser.open(f"http://127.0.0.1:{server.server_port}/")
            tap.equal(browser.title(), "测试")
            tap.equal(browser.text("#state"), "待支付")
            browser.click("button")
            browser.wait_text("已支付", "#state")
            tap.check(int(browser.text("#state").split()[1]) <= 500, browser.text("#state"))
    finally:
        server.shutdown()
        server.server_close()


tap.run()
