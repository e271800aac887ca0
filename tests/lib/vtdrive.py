"""vtdrive shows what a terminal would show."""
import re
import signal

import tap
import vt

PAINT = tap.built("tests/lib/vtpaint")
LINK = "https://pay.example.test/qr/AZT112217NR3QT?amount=36000"


@tap.test("Chinese text stands in the right columns, with its attributes")
def _():
    with vt.Screen([PAINT]) as screen:
        tap.equal(screen.wait("证书更新"), (1, 2))
        tap.equal(screen.wait("（样票） ok"), (3, 2))
        screen.wait("red")
        tap.equal([cell["width"] for cell in screen.cells(1)[2:6]], [2, 2, 2, 2])
        tap.check(screen.cell(1, 3).get("bold") and screen.cell(1, 3)["text"] == "证")
        tap.check("bold" not in screen.cell(2, 2))
        tap.check(screen.cell(3, 10).get("reverse"))
        tap.equal(screen.cell(2, 2)["fg"], "default")
        red = screen.cell(4, 2)
        tap.check(red.get("underline") and red["fg"] != "default" and red["bg"] != "default" and red["fg"] != red["bg"])


@tap.test("line drawing shows as lines")
def _():
    with vt.Screen([PAINT]) as screen:
        tap.equal(screen.wait("─" * 10), (5, 2))


@tap.test("keys arrive under their names")
def _():
    with vt.Screen([PAINT]) as screen:
        screen.wait("plain")
        for key, name in (("Up", "KEY_UP"), ("F1", "KEY_F(1)"), ("F10", "KEY_F(10)"), ("PageDown", "KEY_NPAGE"), ("Backspace", "KEY_BACKSPACE"),
                          ("S-Tab", "KEY_BTAB"), ("Enter", "^M"), ("Esc", "^["), ("C-x", "^X"), ("Home", "KEY_HOME"), ("Delete", "KEY_DC"), ("7", "7")):
            screen.key(key)
            screen.wait(re.compile(rf"^  key {re.escape(name)} *$"))


@tap.test("the program hears of a new window size and fills it")
def _():
    with vt.Screen([PAINT]) as screen:
        screen.wait("size 80x24")
        screen.resize(120, 40)
        screen.key("x")  # curses may have missed the signal between its look and its read
        screen.wait("size 120x40")
        tap.equal(len(screen.rows()), 40)
        screen.resize(40, 12)
        screen.key("x")
        screen.wait("size 40x12")


@tap.test("a QR code in half blocks is read off the screen")
def _():
    with vt.Screen([PAINT, LINK]) as screen:
        screen.wait("plain")
        tap.equal(screen.qr(), [])
        screen.key("F2")
        tap.equal(screen.wait_qr(), LINK)


@tap.test("where ambiguous characters are wide, half blocks are not a code and shift what follows")
def _():
    with vt.Screen([PAINT, LINK], ambiguous=2, cols=160) as screen:
        tap.equal(screen.wait("● |"), (6, 2))
        screen.key("F2")
        screen.wait_gone("plain")
        tap.equal(screen.qr(), [])


@tap.test("a GB18030 program is shown in Chinese, and typed to in it")
def _():
    env = vt.environment(**vt.gb18030())
    with vt.Screen([PAINT], env=env, encoding="GB18030", ambiguous=2) as screen:
        tap.equal(screen.wait("证书更新"), (1, 2))
    with vt.Screen(["cat"], env=env, encoding="GB18030") as screen:
        screen.type("票堃\n")
        screen.wait_for(lambda: screen.state["rows"][1].startswith("票堃"))


@tap.test("the terminal answers where the cursor is")
def _():
    with vt.Screen(["sh", "-c", r"stty raw -echo; printf '\033[5;7H\033[6n'; head -c 6 | od -An -c; stty sane; echo end"]) as screen:
        screen.wait("end")
        screen.wait(re.compile(r"033 +\[ +5 +; +7 +R"))


@tap.test("exit status and signal are told, and the last screen stays")
def _():
    with vt.Screen([PAINT]) as screen:
        screen.wait("plain")
        tap.check(screen.look()["altscreen"])
        screen.key("q")
        tap.equal(screen.exit_status(), 3)
        tap.check(not screen.look()["altscreen"])
    with vt.Screen([PAINT]) as screen:
        screen.wait("plain")
        screen.key("C-d")
        tap.equal(screen.exit_status(), -signal.SIGUSR1)
    with vt.Screen(["sh", "-c", "echo last words; exit 5"]) as screen:
        tap.equal(screen.exit_status(), 5)
        screen.wait("last words")


@tap.test("a closed window hangs up the program")
def _():
    with vt.Screen([PAINT]) as screen:
        screen.wait("plain")
        screen.hangup()
        tap.equal(screen.exit_status(), -signal.SIGHUP)


@tap.test("what is not there is said with the screen")
def _():
    with vt.Screen([PAINT]) as screen:
        screen.wait("plain")
        try:
            screen.wait("never", timeout=0.1)
        except vt.NotSeen as error:
            tap.contains(str(error), "证书更新")
        else:
            raise AssertionError("seen what is not there")


@tap.test("bytes since the last key are counted")
def _():
    with vt.Screen([PAINT]) as screen:
        screen.wait("plain")
        screen.quiet()
        screen.key("7")
        screen.wait("key 7")
        stats = screen.stats()
        tap.check(0 < stats["bytes"] < 200 and stats["reads"] >= 1 and 0 < stats["first_us"] <= stats["last_us"], stats)


tap.run()
