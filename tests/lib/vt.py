"""A program on a terminal of its own: typed keys in, a screen out. Everything waits for a state; nothing sleeps."""
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import unicodedata

import tap

TIMEOUT = 30  # seconds a wait may take (the sanitizers' builds are slow)
SETTLE_MS = 3

_NAMES = {  # VTermKey
    "Enter": 1, "Tab": 2, "Backspace": 3, "Esc": 4, "Up": 5, "Down": 6, "Left": 7, "Right": 8, "Insert": 9, "Delete": 10,
    "Home": 11, "End": 12, "PageUp": 13, "PageDown": 14,
}
_NAMES.update({f"F{n}": 256 + n for n in range(1, 25)})
_MODS = {"S": 1, "M": 2, "C": 4}


class NotSeen(AssertionError):
    """What was waited for did not come in time."""


def columns(text):
    """Columns the text takes (ambiguous characters one, as libvterm draws them)."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def environment(lang="zh_CN", **more):
    """The test's environment with a terminal's variables set; lang is the catalogue ("en" for none). None as a value unsets."""
    env = dict(os.environ, TERM="xterm-256color", LANG="C.UTF-8", LC_ALL="C.UTF-8", LANGUAGE=lang, ESCDELAY="25")
    for name in ("COLUMNS", "LINES", "TMUX", "NO_COLOR", "COLORTERM"):
        env.pop(name, None)
    for name, value in more.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = str(value)
    return env


_gb18030 = None


def gb18030():
    """Variables for environment() that make a zh_CN.GB18030 locale, made for the test, the program's."""
    global _gb18030
    if _gb18030 is None:
        _gb18030 = tempfile.TemporaryDirectory(prefix="certhall-locale-")
        tap.at_exit(_gb18030.cleanup)
        subprocess.run(["localedef", "-i", "zh_CN", "-f", "GB18030", os.path.join(_gb18030.name, "zh_CN.GB18030")], check=True)
    return {"LOCPATH": _gb18030.name, "LANG": "zh_CN.GB18030", "LC_ALL": "zh_CN.GB18030"}


class Screen:
    """argv on a terminal of rows x cols. encoding is the program's; ambiguous=2 draws ambiguous characters in two columns;
    raw names a file that gets every byte it writes."""

    def __init__(self, argv, env=None, cols=80, rows=24, encoding="UTF-8", ambiguous=1, cwd=None, raw=None):
        self.name = os.path.basename(argv[0])
        self.drive = subprocess.Popen(
            [tap.built("tests/lib/vtdrive"), "-g", f"{cols}x{rows}", "-e", encoding, "-a", str(ambiguous), *(["-r", raw] if raw else []), "--", *argv],
            env=env if env is not None else environment(), cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, encoding="utf-8", bufsize=1)
        self.pid = self._answer()["pid"]
        self.state = None
        self._unhook = tap.on_failure(self.dump)
        self._forget = tap.at_exit(self.close)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            tap.remember(self.dump())
        self.close()

    def _answer(self):
        line = self.drive.stdout.readline()
        if not line:
            raise RuntimeError("vtdrive is gone")
        return json.loads(line)

    def ask(self, do, **request):
        """One request of vtdrive's protocol; its answer."""
        self.drive.stdin.write(json.dumps({"do": do, **request}) + "\n")
        answer = self._answer()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    # ---- keys ----

    def type(self, text):
        """Types the characters as they are."""
        self.ask("text", text=text)

    def key(self, *names):
        """Presses keys: Enter Tab Backspace Esc Up .. PageDown F1 .. F24, one character, each also with S- C- M- before it."""
        for name in names:
            mods, rest = 0, name
            while len(rest) > 2 and rest[1] == "-" and rest[0] in _MODS:
                mods |= _MODS[rest[0]]
                rest = rest[2:]
            if rest in _NAMES:
                self.ask("key", key=_NAMES[rest], mods=mods)
            elif len(rest) == 1:
                text = chr(ord(rest.upper()) & 0x1f) if mods & 4 else rest
                self.ask("text", text=("\x1b" if mods & 2 else "") + text)
            else:
                raise ValueError(f"no key {name}")

    def paste(self, text):
        """Pastes the text, in brackets if the program asked for them."""
        self.ask("paste", start=1)
        self.ask("text", text=text)
        self.ask("paste", start=0)
        self.ask("text", text="")

    # ---- what is seen ----

    def look(self):
        """The screen's state now: rows, cursor, size, cursor_visible, altscreen, title, bells, exited, serial."""
        self.state = self.ask("screen")
        return self.state

    def rows(self):
        return [row.rstrip() for row in self.look()["rows"]]

    def text(self):
        return "\n".join(self.rows())

    def cursor(self):
        return tuple(self.look()["cursor"])

    def cells(self, row):
        """The characters of a row with col, width, fg, bg and attributes (see vtscreen.h)."""
        return self.ask("cells", row=row)["cells"]

    def cell(self, row, col):
        return next(cell for cell in self.cells(row) if cell["col"] <= col < cell["col"] + cell["width"])

    def _find(self, what, rows=None):
        first, last = rows if rows is not None else (0, len(self.state["rows"]))
        for number, row in enumerate(self.state["rows"][first:last], first):
            if isinstance(what, str):
                at = row.find(what)
                if at >= 0:
                    return number, columns(row[:at])
            else:
                match = what.search(row)
                if match:
                    return number, columns(row[:match.start()])
        return None

    def find(self, what, rows=None):
        """(row, column) of the text or compiled regular expression on the screen now, in rows [first, last); None if it is not there."""
        self.look()
        return self._find(what, rows)

    def match(self, pattern):
        """The match object of the regular expression in the first row that has one, now."""
        self.look()
        return next(filter(None, (re.search(pattern, row) for row in self.state["rows"])), None)

    # ---- waiting ----

    def wait_for(self, holds, what="a state", timeout=TIMEOUT):
        """Waits until holds() of the screen's state is true, and returns that; NotSeen after the time or when the program ended first."""
        end = time.monotonic() + timeout
        self.look()
        while True:
            value = holds()
            if value or value == 0 and value is not False:
                self._settle()
                return value
            left = end - time.monotonic()
            if left <= 0 or self.state["exited"]:
                raise NotSeen(f"{what} {'before the program ended' if self.state['exited'] else f'within {timeout} s'}\n{self.dump()}")
            self.state = self.ask("change", since=self.state["serial"], timeout=int(left * 1000) + 1)

    def _settle(self):
        """A terminal may have half a paint: what is looked at next is there, too."""
        self.ask("quiet", **{"for": SETTLE_MS}, timeout=10 * SETTLE_MS)
        self.look()

    def wait(self, *whats, rows=None, timeout=TIMEOUT):
        """Waits until every text (or compiled regular expression) is on the screen; (row, column) of the first."""
        return self.wait_for(lambda: all(self._find(what, rows) for what in whats) and self._find(whats[0], rows),
                             f"not seen: {whats!r}", timeout)

    def wait_any(self, *whats, rows=None, timeout=TIMEOUT):
        """Waits until one of them is on the screen; its index."""
        return self.wait_for(lambda: next((i for i, what in enumerate(whats) if self._find(what, rows)), None),
                             f"none seen of {whats!r}", timeout)

    def wait_gone(self, what, rows=None, timeout=TIMEOUT):
        """Waits until it is not on the screen."""
        self.wait_for(lambda: not self._find(what, rows), f"still there: {what!r}", timeout)

    def quiet(self, span=0.05, timeout=TIMEOUT):
        """Waits until nothing was written for span seconds (for measuring; to test, wait for a text)."""
        tap.check(self.ask("quiet", **{"for": int(span * 1000)}, timeout=int(timeout * 1000))["quiet"], "never quiet")

    # ---- the window, the process ----

    def resize(self, cols, rows):
        self.ask("resize", rows=rows, cols=cols)

    def qr(self, path=""):
        """The texts of the QR codes on the screen as drawn now; path: where to leave a PNG of it."""
        return self.ask("raster", path=path)["qr"]

    def wait_qr(self, timeout=TIMEOUT):
        """Waits until a QR code can be read; its text."""
        return self.wait_for(lambda: next(iter(self.qr()), None), "no QR code", timeout)

    def stats(self):
        """bytes, reads, first_us, last_us since the last key, resize or mark()."""
        return self.ask("stats")

    def mark(self):
        self.ask("mark")

    def signal(self, number=signal.SIGTERM):
        self.ask("signal", number=int(number))

    def hangup(self):
        """Closes the window under the program."""
        self.ask("hangup")

    def exit_status(self, timeout=TIMEOUT):
        """Waits for the end; the exit status, or minus the signal."""
        answer = self.ask("exit", timeout=int(timeout * 1000))
        if not answer["exited"]:
            raise NotSeen(f"{self.name} did not end within {timeout} s\n{self.dump()}")
        return answer["status"] if "status" in answer else -answer["signal"]

    def dump(self):
        """The screen in a frame, for a failed test's log."""
        try:
            state = self.look()
        except (RuntimeError, BrokenPipeError, ValueError):
            return f"{self.name}: closed"
        rows, cols = state["size"]
        lines = [f"{self.name} {cols}x{rows} cursor {state['cursor']}{' (ended)' if state['exited'] else ''}", "+" + "-" * cols + "+"]
        lines += [f"|{row}{' ' * (cols - columns(row))}|" for row in state["rows"]]
        return "\n".join(lines + [lines[1]])

    def close(self):
        """Closes the window and waits for the program's end."""
        if self.drive is None:
            return
        drive, self.drive = self.drive, None
        self._unhook()
        self._forget()
        drive.stdin.close()
        try:
            drive.wait(10)
        except subprocess.TimeoutExpired:
            drive.kill()
            drive.wait()
        drive.stdout.close()
