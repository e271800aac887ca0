"""Screens, lists, forms, dialogs and QR codes on a real terminal, driven by typed keys."""
import os
import re
import signal
import tempfile

import tap
import vt

DEMO = tap.built("tests/term/term_demo")
LINK = "https://pay.example.cn/bills/qrCode.do?id=101720261122000000000001"
MARK = re.compile(r"^ > +(\d+) ")
LIST_KEY_BYTES, PAGE_BYTES = 60, 1500


def demo(lang="en", env=None, **window):
    return vt.Screen([DEMO], env=vt.environment(lang, **(env or {})), **window)


def started(screen):
    screen.wait("Demo", "1 Form")
    return screen


def open_item(screen, number):
    screen.key(str(number), "Enter")


def selected(screen, number):
    return screen.wait(re.compile(rf"^ > +{number} "))


@tap.test("the frame: project, title, keys of the page, help")
def _():
    with demo() as s:
        started(s)
        tap.equal(s.rows()[0].split(), ["Online", "service", "hall", "-", "Demo", "样票项目"])
        tap.check(s.rows()[23].startswith(" Enter Open  F5 0 Notice"))
        tap.check(s.rows()[23].endswith("F1 ? Help"))
        s.key("F1")
        s.wait("Keys of this page", "Leave the program", re.compile(r"F5 +0 +Notice"))
        s.key("Esc")
        s.wait_gone("Keys of this page")
        s.key("?")
        s.wait("Keys of this page")


@tap.test("a repaint changes no cell that looks the same")
def _():
    with demo() as s:
        started(s)
        before = [s.cells(row) for row in range(24)]
        s.key("Down")
        selected(s, 2)
        s.key("Up")
        selected(s, 1)
        tap.equal([s.cells(row) for row in range(24)], before)
        s.key("C-l")
        s.quiet()
        tap.equal([s.cells(row) for row in range(24)], before)


@tap.test("what is drawn can do nothing to the terminal")
def _():
    with demo() as s:
        started(s)
        row, _ = s.wait("13 bad [31m?31m text?")
        tap.equal(s.rows()[row + 1].strip(), "14 more")
        for cell in s.cells(row):
            tap.equal(cell["fg"], "default")


@tap.test("a wide character is never cut in two, at the window's edge or under a dialog")
def _():
    with demo() as s:
        started(s)
        for cols in range(70, 84):
            s.resize(cols, 24)
            s.wait_for(lambda: vt.columns(s.state["rows"][23].rstrip()) == cols - 1, f"{cols} columns")
            row, _ = s.find("12 一二")
            end = vt.columns(s.rows()[row])
            tap.check(cols - 3 <= end <= cols - 1, f"the row ends at {end} of {cols}")
            tap.check(s.rows()[row + 2].strip() == "14 more")
            s.key("C-c")
            top, left = s.wait("┌")
            for line in range(top + 1, top + 5):
                tap.equal(s.cell(line, left)["text"], "│")
            bottom, _ = s.find("└")
            tap.check(top < row - 1 and row < bottom, "the dialog covers the wide row")
            s.key("Esc")
            s.wait_gone("┌")


@tap.test("a list: arrows, pages, ends, digits; the window follows; a page's own digit comes first")
def _():
    with demo() as s:
        started(s)
        tap.equal(s.cursor(), (2, 1))
        for key, number in (("Down", 2), ("Down", 3), ("Up", 2), ("PageDown", 12), ("End", 30), ("Up", 29), ("Home", 1), ("Up", 1), ("7", 7)):
            s.key(key)
            selected(s, number)
        s.key("End")
        row, col = selected(s, 30)
        tap.equal(s.cursor(), (row, 1))
        s.wait("/30")
        s.key("0")
        s.wait("Noticed")
        selected(s, 30)
        s.type("５")
        selected(s, 5)


@tap.test("a cursor key and a change of page cost few bytes, one write each")
def _():
    with demo() as s:
        started(s)
        s.key("Down")
        selected(s, 2)
        s.quiet()
        for number in range(3, 10):
            s.key("Down")
            selected(s, number)
            s.quiet()
            stats = s.stats()
            tap.equal(stats["reads"], 1)
            tap.check(stats["bytes"] <= LIST_KEY_BYTES, f"{stats['bytes']} bytes for a cursor key")
        s.key("Home")
        selected(s, 1)
        s.quiet()
        s.key("Enter")
        s.wait("Contact")
        s.quiet()
        stats = s.stats()
        tap.equal(stats["reads"], 1)
        tap.diag(f"a change of page takes {stats['bytes']} bytes")
        tap.check(stats["bytes"] <= PAGE_BYTES)


@tap.test("a form: normalised and judged on leaving, Enter confirms a warning, the hidden stays hidden")
def _():
    with demo() as s:
        open_item(started(s), 1)
        s.wait("a person")
        tap.check("[Details]" in s.rows()[1])
        s.type("王小样")
        s.wait("王小样")
        tap.equal(s.cursor(), (3, s.find("王小样")[1] + 6))
        s.key("Left", "Backspace")
        s.wait("王样")
        s.type("大")
        s.wait("王大样")
        s.key("Enter")
        s.type("１３８abc")
        s.wait("１３８abc")
        s.key("Tab")
        s.wait("phone must be 11 digits", "138abc")
        s.key("Up", "C-u")
        s.wait_gone("phone must be")
        s.type("13800000000")
        s.key("Enter", "Right")
        s.wait("< paper >")
        s.key("Down", " ")
        s.wait("[x] with details", "Address")
        s.key(" ")
        s.wait_gone("Address")
        s.key("Enter")
        s.type("91140100MA0TEUT14X")
        s.wait("TEUT14X")
        s.key("Enter")
        s.wait("check digit does not fit", "press Enter on the field to confirm")
        s.key("Enter")
        s.wait("Submitted", "name=王大样 phone=13800000000 kind=1 tax=91140100MA0TEUT14X")


@tap.test("a form is not submitted while a field is missing; the focus goes there")
def _():
    with demo() as s:
        open_item(started(s), 1)
        s.wait("a person")
        s.key("Down", "Down", "Down", "Down")
        s.wait_for(lambda: s.state["cursor"][0] == 7, "the last field")
        s.key("F8")
        s.wait("Not complete", "This must be filled in")
        tap.equal(s.cursor()[0], 3)
        s.key("Esc")
        selected(s, 1)


@tap.test("a long value scrolls in its field by whole characters")
def _():
    with demo(cols=50) as s:
        open_item(started(s), 1)
        s.wait("a person")
        s.key("Down", "Down", "Down")
        s.key(" ")
        s.wait("Address")
        s.key("Tab")
        s.type("山西省太原市样票街一号测试大厦二层三零一室山西省太")
        s.wait("山西省太", rows=(7, 8))
        row, col = s.cursor()
        tap.equal(row, 7)
        tap.check(col < 49)
        s.key("Home")
        s.wait(re.compile("Address +山西省太原市"))
        tap.check("�" not in s.text())


@tap.test("a draft grows to the rows it has, and keeps the lines of a paste")
def _():
    with demo() as s:
        started(s).key("F9")
        s.wait("write here")
        s.paste("证书更新\n第二行\t完")
        s.wait("证书更新", "第二行 完")
        s.key("Enter")
        s.wait("[证书更新|第二行 完]")
        s.key("C-u")
        s.wait("write here")
        s.type("一二三四五六七八九十")
        s.wait("一二三四五六七八九十")
        tap.equal(s.cursor(), (4, 1)) # behind a full row
        s.key("Left", "Left")
        s.wait_for(lambda: s.state["cursor"] == [3, 17], "the cursor to go back a row")
        s.type("a")
        s.wait("一二三四五六七八a九", "十")
        s.paste("\r\nx\ry\n\nz")
        s.wait_gone("一二三四五六七八a")
        s.key("Enter")
        s.wait("[一二三四五六七八a|x|y||z九十]")
        s.type("测" * 30)
        s.wait("full")
        s.key("Backspace")
        s.wait("room")


@tap.test("a paste into one line is one line, and none of it is a key")
def _():
    with demo() as s:
        open_item(started(s), 5)
        s.wait("/home/样票.txt")
        s.key("C-u")
        s.paste("/tmp/a\nb\x1b[201c\x03c\n")
        s.wait("/tmp/ab[201cc")
        s.key("Enter")
        s.wait("text /tmp/ab[201cc")


@tap.test("dialogs: choice, text, message; Esc is no choice")
def _():
    with demo() as s:
        open_item(started(s), 3)
        s.wait("Which one?")
        s.key("Down", "Enter")
        s.wait("chosen 1")
        open_item(s, 3)
        s.wait("Which one?")
        s.key("Esc")
        s.wait("chosen -1")
        open_item(s, 5)
        s.wait("/home/样票.txt")
        s.key("Backspace", "Backspace", "Backspace", "Backspace", "Backspace")
        s.type("证")
        s.key("Enter")
        s.wait("text /home/样证")
        open_item(s, 2)
        s.wait("标点不在行首")
        s.key("Enter")
        s.wait_gone("标点不在行首")


@tap.test("a PIN shows as stars only")
def _():
    with demo() as s:
        open_item(started(s), 4)
        s.wait("Key of 测试样票有限公司", "Two tries are left.")
        s.type("证")
        s.wait("Switch the input method off to type a PIN.")
        s.type("Ａb1x")
        s.wait("****")
        s.key("Backspace")
        s.type("2*")
        s.wait("*****")
        tap.check("b12" not in s.text())
        s.key("Enter")
        s.wait("pin right")
        open_item(s, 4)
        s.wait("Two tries")
        s.key("Esc")
        s.wait("pin none")


@tap.test("nothing of a PIN stays in the program's memory")
def _():
    with demo() as s:
        open_item(started(s), 4)
        s.wait("Two tries")
        s.type("abcdefghPIN77xyzzy")  # a later key may overwrite the first bytes
        s.wait("*" * 18)
        s.key("Enter")
        s.wait("pin wrong")
        s.key("Down")
        selected(s, 5)
        try:
            memory = open(f"/proc/{s.pid}/mem", "rb")
        except PermissionError:
            raise tap.Skip("the memory of other processes cannot be read here")
        with memory, open(f"/proc/{s.pid}/maps") as maps:
            for line in maps:
                span, rights = line.split()[:2]
                if not rights.startswith("rw"):
                    continue
                start, end = (int(part, 16) for part in span.split("-"))
                if end - start > 1 << 26:
                    continue  # a sanitizer's own
                memory.seek(start)
                try:
                    tap.check(b"PIN77xyzzy" not in memory.read(end - start), f"found in {line}")
                except OSError:
                    pass  # guard pages


@tap.test("a burst of characters is one paint")
def _():
    with demo() as s:
        open_item(started(s), 5)
        s.wait("/home/样票.txt")
        s.key("C-u")
        s.wait_gone("/home")
        s.quiet()
        s.type("证书更新测试样票" + "x" * 15)
        s.wait("证书更新测试样票" + "x" * 15)
        s.quiet()
        tap.check(s.stats()["reads"] <= 3, f"{s.stats()['reads']} writes for a burst")


@tap.test("locked work shows a spinner, cannot be left, and a signal waits for its end")
def _():
    with demo() as s:
        open_item(started(s), 6)
        s.wait("Doing something slow")
        s.key("Esc", "C-c")
        s.wait("Work is over", "1 Form")
        open_item(s, 6)
        s.wait("Doing something slow")
        s.signal(signal.SIGTERM)
        s.wait("Doing something slow")
        tap.equal(s.exit_status(), 128 + signal.SIGTERM)


@tap.test("leaving: Ctrl-C asks, staying is the default")
def _():
    with demo() as s:
        started(s).key("C-c")
        s.wait("Leave the program?")
        s.key("Enter")
        s.wait_gone("Leave the program?")
        s.key("C-c")
        s.wait("Leave the program?")
        s.key("2", "Enter")
        tap.equal(s.exit_status(), 0)
        tap.check(not s.look()["altscreen"])


@tap.test("signals and a closed window end the program with the terminal given back")
def _():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        with demo() as s:
            started(s).signal(number)
            tap.equal(s.exit_status(), 128 + number)
            tap.check(not s.look()["altscreen"] and s.look()["cursor_visible"])
    with demo() as s:
        started(s).hangup()
        tap.equal(s.exit_status(), 128 + signal.SIGHUP)


@tap.test("a crash gives the terminal back too")
def _():
    with demo() as s:
        started(s).signal(signal.SIGABRT)
        tap.equal(s.exit_status(), -signal.SIGABRT)
        tap.check(not s.look()["altscreen"])


@tap.test("a lone Esc goes back; a sequence in pieces is still one key")
def _():
    with demo(env={"ESCDELAY": "1000"}) as s:
        open_item(started(s), 1)
        s.wait("Contact")
        for piece in ("\x1b", "[", "2", "0", "~"):
            s.type(piece)
        s.type("\x1b")
        s.type("O")
        s.type("P")
        s.wait("Keys of this page")
        s.key("Enter")
        s.wait_gone("Keys of this page")
        s.key("Esc")
        selected(s, 1)


@tap.test("resizing: a storm ends in one good screen, small windows say so")
def _():
    with demo() as s:
        open_item(started(s), 7)
        s.wait("[Payment]")
        for step in range(60):
            s.resize(60 + step % 37, 12 + step % 29)
        s.resize(100, 30)
        s.wait_for(lambda: s.state["size"] == [30, 100] if "size" in s.state else len(s.state["rows"]) == 30, "the size")
        tap.equal(s.wait_qr(), LINK)
        s.wait("Install > Done")
        s.resize(39, 9)
        s.wait("too small")
        s.resize(60, 15)
        s.wait("5/7 Payment", "needs ")
        s.resize(80, 24)
        tap.equal(s.wait_qr(), LINK)


@tap.test("a page that cannot be opened says why")
def _():
    with demo() as s:
        open_item(started(s), 9)
        s.wait("did not answer in time")
        s.key("Enter")
        s.wait_gone("did not answer in time")
        selected(s, 9)


@tap.test("a long text scrolls, by pages and to its end")
def _():
    with demo() as s:
        open_item(started(s), 8)
        s.wait("line 1:")
        s.key("End")
        s.wait("line 60:")
        s.wait_gone("line 40:")
        s.key("Home", "PageDown")
        s.wait("line 20:")
        s.wait_gone("line 1:")


@tap.test("a terminal that draws ambiguous characters wide is found out")
def _():
    with demo(ambiguous=2) as s:
        started(s)
        s.wait('11 " quoted"  names')
        s.resize(100, 50)
        s.wait("Dump")
        open_item(s, 7)
        tap.equal(s.wait_qr(), LINK)
        s.wait("Install > Done")


@tap.test("a GB18030 terminal: Chinese typed and drawn, the QR code in coloured spaces")
def _():
    with demo("zh_CN", env=vt.gb18030(), encoding="GB18030", ambiguous=2, rows=50, cols=100) as s:
        started(s)
        s.wait("10 宽字符「￥」", "样票项目")
        open_item(s, 5)
        s.wait("/home/样票.txt")
        s.type("昞億㛃")
        s.wait(".txt昞億㛃")
        s.key("Backspace", "Enter")
        s.wait("text /home/样票.txt昞億")
        s.key("Home")
        open_item(s, 7)
        tap.equal(s.wait_qr(), LINK)
        s.key("Esc")
        s.wait("10 宽字符")


@tap.test("a GBK terminal shows a question mark for what it has not")
def _():
    with tempfile.TemporaryDirectory() as folder:
        locale = os.path.join(folder, "zh_CN.GB2312")
        if os.system(f"localedef -i zh_CN -f GB2312 {locale} >/dev/null 2>&1") != 0:
            raise tap.Skip("no GB2312 locale")
        env = {"LOCPATH": folder, "LANG": "zh_CN.GB2312", "LC_ALL": "zh_CN.GB2312"}
        with demo("zh_CN", env=env, encoding="GB18030", ambiguous=2) as s:
            open_item(started(s), 5)
            s.wait("/home/样票.txt")
            s.key("Enter")
            s.wait("text /home/样票.txt")


@tap.test("without colours, and with NO_COLOR, nothing is coloured but the QR code")
def _():
    for env in ({"NO_COLOR": "1"}, {"TERM_DEMO_THEME": "mono"}, {"TERM": "vt100"}):
        with demo(env=env) as s:
            started(s)
            for row in range(24):
                for cell in s.cells(row):
                    tap.equal((cell["fg"], cell["bg"]), ("default", "default"))
            tap.check(s.cell(0, 1).get("reverse"))
            tap.check(s.cell(2, 1).get("bold"))
            open_item(s, 7)
            s.wait("[Payment]")
            if "TERM" not in env:
                tap.equal(s.wait_qr(), LINK)


@tap.test("the program's own dump is what the terminal shows")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "dump")
        with demo(env={"TERM_DEMO_DUMP": path}) as s:
            started(s).key("Down")
            selected(s, 2)
            before = s.rows()
            s.key("F12")
            s.wait("Dumped")
            with open(path, encoding="utf-8") as dump:
                tap.equal(dump.read().splitlines(), before)


@tap.test("it says plainly when there is no terminal to use")
def _():
    for term in ("no-such-terminal", "dumb"):
        with demo(env={"TERM": term}, cols=100) as s:
            s.wait(f'the terminal type "{term}" (TERM)', "cannot be used")
            tap.equal(s.exit_status(), 2)


tap.run()
