"""What the pages promise beyond their looks."""
import re

import stage
import tap


def pay_page(terminal):
    terminal.wait("Renew certificate")
    stage.press(terminal, ["1"])
    terminal.wait("Enter goes on")
    stage.press(terminal, ["Enter"])
    terminal.wait("Choose certificate")
    stage.press(terminal, ["Enter"])
    terminal.wait("Enter the key's PIN")
    stage.press(terminal, stage.PIN)
    terminal.wait("Confirm details")
    stage.press(terminal, stage.FORM)
    terminal.wait("AZT112217NR3QT")


LINK = "https://qr.example.test/bills/qrCode.do?id=319426112201234567890123450000"


@tap.test("the payment's code is read off the screen at 80x24, in colour and without")
def _():
    for env in ({}, {"NO_COLOR": "1"}):
        with stage.screen(env=env) as terminal:
            pay_page(terminal)
            tap.equal(terminal.wait_qr(), LINK)
            tap.contains("".join(row[:36].strip() for row in terminal.rows()), LINK, "the link as text")


@tap.test("a dialog over wide characters leaves the page as it was")
def _():
    with stage.screen(lang="zh_CN") as terminal:
        say = stage.translator("zh_CN")
        terminal.wait(say("Renew certificate"))
        stage.press(terminal, ["1"])
        terminal.wait(say("The environment is in order. Enter goes on."))
        stage.press(terminal, ["Enter"])
        terminal.wait(say("Choose certificate"), rows=(0, 1))
        for cols in (80, 79, 78, 77):  # its edges cut characters at either half
            terminal.resize(cols, 24)
            terminal.quiet()
            before = terminal.rows()
            stage.press(terminal, ["F1"])
            terminal.wait("Ctrl-L")
            stage.press(terminal, ["Enter"])
            terminal.wait_gone("Ctrl-L")
            tap.equal(terminal.rows(), before)


@tap.test("a window too small for the code says so and shows it again when it is not")
def _():
    with stage.screen() as terminal:
        pay_page(terminal)
        terminal.wait_qr()
        terminal.resize(69, 24)
        terminal.wait("too small for the QR code")
        tap.equal(terminal.qr(), [])
        found = re.search(r"at least (\d+) columns by (\d+) rows", " ".join(row.strip() for row in terminal.rows()))
        terminal.resize(int(found[1]), int(found[2]))
        tap.equal(terminal.wait_qr(), LINK)


@tap.test("a GB18030 terminal is shown a code of spaces")
def _():
    import vt
    with stage.screen(env=vt.gb18030(), cols=120, rows=60, encoding="GB18030", ambiguous=2) as terminal:
        pay_page(terminal)
        tap.equal(terminal.wait_qr(), LINK)


@tap.test("nothing is written while nothing happens, and a countdown writes little")
def _():
    with stage.screen() as terminal:
        terminal.wait("Renew certificate", "测试项目")
        terminal.quiet(0.5)
        terminal.mark()
        terminal.quiet(2)
        tap.equal(terminal.stats()["bytes"], 0)


@tap.test("a cursor key writes at most 60 bytes on home, certificates, checks and choice; a new page 1500 on average")
def _():
    with stage.screen() as terminal:
        terminal.wait("Renew certificate", "测试项目")
        pages = []
        for keys, text in ([], "1 Renew certificate"), (["2"], "F3 Enter"), (["Esc"], "1 Renew certificate"), (["1"], "Enter goes on"), (["Enter"], "F2 Enter Renew"):
            terminal.quiet()
            if keys:
                stage.press(terminal, keys)
                terminal.wait(text)
                terminal.quiet()
                if text != "Enter goes on": # that is thirteen results coming in, too
                    pages.append(terminal.stats()["bytes"])
            for key in ["Down", "Down", "Up", "Up"]:
                terminal.key(key)
                terminal.quiet()
                tap.check(0 < terminal.stats()["bytes"] <= 60, f"{text}: {key} {terminal.stats()}")
        tap.check(sum(pages) / len(pages) <= 1500 and max(pages) <= 1900, f"bytes of the pages: {pages}") # four certificates, whole, take the most


@tap.test("in a conversation a character writes at most 60 bytes, an answer 400; waiting for one writes nothing")
def _():
    with stage.screen() as terminal:
        terminal.wait("Renew certificate", "测试项目")
        stage.press(terminal, ["C-o"])
        terminal.wait("The next free agent")
        stage.press(terminal, ["Enter"])
        terminal.wait("You are talking to")
        for character in "您好a，":
            terminal.quiet()
            terminal.type(character)
            terminal.wait(character)
            terminal.quiet()
            tap.check(0 < terminal.stats()["bytes"] <= 60, f"{character}: {terminal.stats()}")
        terminal.mark()
        terminal.quiet(1)
        tap.equal(terminal.stats()["bytes"], 0)
        terminal.key("Enter")
        terminal.wait("好的，请稍等。")
        terminal.quiet()
        tap.check(terminal.stats()["bytes"] <= 400, terminal.stats())


@tap.test("lines that are pasted are one message, sent by Enter only")
def _():
    with stage.screen() as terminal:
        terminal.wait("Renew certificate")
        stage.press(terminal, ["F4"])
        terminal.wait("The next free agent")
        stage.press(terminal, ["Enter"])
        terminal.wait("You are talking to")
        terminal.paste("第一行\n第二行\n")
        terminal.wait("第一行", "第二行")
        tap.check(not terminal.find(" Me "))
        stage.press(terminal, ["Enter"])
        terminal.wait("Me  sent", "> 第一行", "> 第二行")


@tap.test("full-width digits choose in the menu")
def _():
    with stage.screen() as terminal:
        terminal.wait("Renew certificate")
        terminal.type("２")
        terminal.wait("View certificates", rows=(0, 1))


@tap.test("the installation cannot be left while it writes")
def _():
    with stage.screen("unfinished", "stuck") as terminal:
        terminal.wait("Unfinished order")
        terminal.key("0")
        terminal.wait("Enter the key's PIN")
        stage.press(terminal, stage.PIN)
        terminal.wait("is paid")
        terminal.key("Enter")
        terminal.wait("Enter the key's PIN")
        stage.press(terminal, stage.PIN)
        terminal.wait("cannot be left now")
        terminal.signal()
        terminal.key("Esc", "C-c", "?")
        terminal.wait("Keys of this page") # all of it has been taken, and the program is still there
        terminal.key("Enter")
        terminal.wait_gone("Keys of this page")
        terminal.wait("cannot be left now", "4 under way")


@tap.test("leaving asks, and leaves")
def _():
    with stage.screen() as terminal:
        terminal.wait("Renew certificate")
        terminal.key("Esc")
        terminal.wait("Leave the program?")
        terminal.key("2", "Enter")
        tap.equal(terminal.exit_status(), 0)


@tap.test("help has a plain key also where text is typed")
def _():
    with stage.screen() as terminal:
        pay_page(terminal)
        stage.press(terminal, ["7"])
        terminal.wait("Confirm details", rows=(0, 1))
        terminal.wait("F1 Ctrl-G Help", "Esc Back")
        stage.press(terminal, ["C-g"])
        terminal.wait("Ctrl-L")


@tap.test("a field the hall refuses is marked, and what was typed stays")
def _():
    with stage.screen() as terminal:
        terminal.wait("Renew certificate")
        stage.press(terminal, ["1"])
        terminal.wait("Enter goes on")
        stage.press(terminal, ["Enter"])
        terminal.wait("Choose certificate")
        stage.press(terminal, ["Enter"])
        terminal.wait("Enter the key's PIN")
        stage.press(terminal, stage.PIN)
        terminal.wait("Confirm details")
        stage.press(terminal, ['"refused'] + stage.FORM[1:])
        terminal.wait("(the hall does not take this)", "refused", "13812345678", "91350100M000100Y43")


@tap.test("nothing goes on without the acknowledgement")
def _():
    with stage.screen() as terminal:
        terminal.wait("Renew certificate")
        stage.press(terminal, ["1"])
        terminal.wait("Enter goes on")
        stage.press(terminal, ["Enter"])
        terminal.wait("Choose certificate")
        stage.press(terminal, ["Enter"])
        terminal.wait("Enter the key's PIN")
        stage.press(terminal, stage.PIN)
        terminal.wait("Confirm details")
        stage.press(terminal, stage.FORM[:-2] + ["F2"])
        terminal.wait("This must be confirmed.")
        tap.check(terminal.find("Confirm details"))


tap.run()
