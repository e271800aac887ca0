"""A program in a real terminal emulator: xterm on Xvfb, with screenshots."""
import os
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

import tap
import vt


_FONT = "-gnu-unifont-medium-r-normal-sans-16-160-75-75-c-80-iso10646-1"


class Xterm:
    """argv in an xterm of cols x rows. The font is a bitmap one with Chinese, whose blocks touch: a code drawn with them can be read."""

    def __init__(self, argv, env=None, cols=80, rows=24, options=()):
        self.folder = tempfile.mkdtemp(prefix="certhall-xterm-")
        self.server = self.xterm = None
        self._forget = tap.at_exit(self.close)
        auth = os.path.join(self.folder, "Xauthority")
        open(auth, "w").close()
        read, write = os.pipe()
        self.server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-noreset"],
                                       pass_fds=[write], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as ready:
            number = ready.readline().strip()  # comes when the server takes connections
        if not number:
            raise AssertionError("Xvfb did not start")
        self.display = f":{number}"
        self.env = dict(env or vt.environment(), DISPLAY=self.display, TERM="xterm-256color")
        self.typescript = os.path.join(self.folder, "typescript")
        self._seen = 0
        self.xterm = subprocess.Popen(
            ["xterm", "-u8", "-geometry", f"{cols}x{rows}+0+0", "-b", "0", "-bw", "0", "+sb", "-fa", "", "-fn", _FONT,
             "-xrm", "XTerm*termName: xterm-256color", *options, "-e", "script", "-qfec", shlex.join(argv), self.typescript],
            env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def wait(self, text, timeout=vt.TIMEOUT):
        """Waits until the program has written the text (in one run, without a change of attributes) since the last key."""
        end = time.monotonic() + timeout
        while text.encode() not in self._written():
            if self.xterm.poll() is not None or time.monotonic() > end:
                raise vt.NotSeen(f"not written: {text!r}")
            time.sleep(0.02)

    def _written(self):
        try:
            with open(self.typescript, "rb") as file:
                file.seek(self._seen)
                return file.read()
        except FileNotFoundError:
            return b""

    def _xdotool(self, *arguments):
        # Without a window manager the keys go to the window under the pointer.
        subprocess.run(["xdotool", "mousemove", "4", "4", *arguments], env=self.env, check=True)

    def key(self, *names):
        """Presses keys, named as X names them (Return, Escape, F2, Page_Down, ctrl+x)."""
        self._seen += len(self._written())
        self._xdotool("key", "--delay", "20", *names)

    def type(self, text):
        self._seen += len(self._written())
        self._xdotool("type", "--delay", "20", text)

    def wait_qr(self, timeout=vt.TIMEOUT):
        """Waits until a QR code can be read on the display; its text."""
        end = time.monotonic() + timeout
        while True:
            texts = self.qr()
            if texts:
                return texts[0]
            if time.monotonic() > end:
                raise vt.NotSeen("no QR code")

    def screenshot(self, path):
        """The whole display as PNG."""
        subprocess.run(["import", "-silent", "-display", self.display, "-window", "root", path], env=self.env, check=True)
        return path

    def qr(self, path=None):
        """The texts of the QR codes seen on the display; path: where to leave the screenshot."""
        path = self.screenshot(path or os.path.join(self.folder, "screen.png"))
        done = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", path], capture_output=True, text=True)
        return done.stdout.splitlines()

    def _end_script(self):
        # script(1) outlives its terminal as long as the program does; told to end, it ends the program too.
        with open(f"/proc/{self.xterm.pid}/task/{self.xterm.pid}/children") as file:
            scripts = [os.pidfd_open(int(pid)) for pid in file.read().split()]
        for script in scripts:
            signal.pidfd_send_signal(script, signal.SIGTERM)
            select.select([script], [], [], 10)
            os.close(script)

    def close(self):
        self._forget()
        if self.xterm is not None and self.xterm.poll() is None:
            self._end_script()
        for process in (self.xterm, self.server):
            if process is None:
                continue
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.xterm = self.server = None
        shutil.rmtree(self.folder, ignore_errors=True)
