"""Every page, as it was agreed to look. To agree anew: GOLDEN=update tests/screens/golden.py, and read the difference."""
import os

import stage
import tap

FOLDER = os.path.join(tap.top_srcdir, "tests/screens/golden")
UPDATE = os.environ.get("GOLDEN") == "update"
PATIENCE = [10.0] # seconds a screen may take; less once several differ, so that a change that touches all of them is told soon
SIZES = [("en", 80, 24), ("zh_CN", 80, 24), ("zh_CN", 60, 20), ("zh_CN", 100, 30)]
SMALLEST = ("zh_CN", 40, 10)
SMALL_TOO = ["pay"] # what must be seen in the smallest window, too

# scenario words, then what is pressed and under which name the screen is kept
WALKS = {
    "home": ([], [("home", []), ("quit", ["Esc"])]),
    "home-no-key": (["no-key"], [("home", [])]),
    "home-empty-key": (["empty-key"], [("home", [])]),
    "home-no-module": (["no-module"], [("home", []), ("check", ["1"]), ("component", ["7"]), ("installed", ["Enter"]), ("checked", ["Enter"])]),
    "home-hall-down": (["hall-down"], [("home", [])]),
    "unfinished": (["unfinished"], [("home", []), ("pin", ["Enter"]), ("install", stage.PIN)]),
    "help": ([], [
        ("menu", ["4"]), ("process", ["Enter"]), ("step", ["End", "Down", "Enter"]), ("menu-2", ["Esc"]), ("questions", ["3", "Enter"]), ("category", ["F6"]),
        ("found", ['"zsgx']), ("answer", ["Enter"]), ("emptied", ["Esc"]), ("nothing", ['"xyzzy']), ("all", ["Esc"]), ("menu-3", ["Esc"]), ("service", ["4", "Enter"])]),
    "help-from-page": (["hall-down"], [("certs", ["2"]), ("keys", ["F1"]), ("of-page", ["F1"]), ("certs-2", ["Esc"]), ("home", ["Esc"]), ("error", ["3"]), ("of-error", ["F1"])]),
    "invoices": (["exists"], [
        ("query", ["3"]), ("wrong", stage.UNIT + ['"1', "Enter"]), ("again", ["Enter"]), ("found", ['"12345', "Enter"]), ("waiting", ["Down", "Enter"]), ("found-2", ["Enter", "Home"]),
        ("confirm", ["Enter"]), ("how", ["Enter"]), ("sheet", ["Enter"]), ("sheet-2", ["PageDown"]), ("found-3", ["Esc"]), ("chosen", [" ", "End", " ", "Home"]),
        ("several", ["F2"]), ("format", ["Enter", "2", "Enter"]), ("exists", ["3", "Enter"]), ("saved", ["3", "Enter"])]),
    "invoices-one": (["disk-full", "logged-in"], [
        ("by-key", ["3"]), ("found", stage.UNIT), ("save-as", ["Enter", "Enter", "3", "Enter", "Enter"]), ("full", ["Enter"])]),
    "invoices-many": (["many"], [("query", ["3"]), ("found", stage.UNIT + ['"12345', "Enter"]), ("end", ["End"]), ("sorted", ["F7"]), ("page", ["6"])]),
    "invoices-down": (["hall-down"], [("query", ["3"]), ("query-2", ["Enter"])]),
    "downloads": ([], [
        ("list", ["4", "2", "Enter"]), ("last", ["End"]), ("how-component", ["Home", "Enter"]), ("how-driver", ["Esc", "Down", "Down", "Enter"]),
        ("save-as", ["2", "Enter"]), ("list-2", ["Esc"]), ("saved", ["Enter", "Enter"]), ("list-3", ["Enter"])]),
    "downloads-slow": (["slow"], [("list", ["4", "2", "Enter"]), ("under-way", ["Down", "Down", "Enter", "Enter"]), ("stopped", ["Esc"])]),
    "downloads-down": (["hall-down"], [("list", ["4", "2", "Enter"])]),
    "lock": ([], [("home", []), ("lock", ["9"]), ("home-2", ["Enter"])]),
    "slow-key": (["slow-key"], [("slow", []), ("home", ["Enter"])]),
    "chat": ([], [
        ("agents", ["F4"]), ("away", ["4", "Enter"]), ("talking", ["1", "Enter"]), ("said", ['"您好，测试', "Enter"]), ("masked", ['"我的手机 13812345678', "Enter"]),
        ("pin", ['"密码是12345678', "Enter"]), ("typing", ["C-u", '"types', "Enter"]), ("question", ['"question', "Enter"]), ("question-open", ["F9"]), ("question-2", ["Esc"]),
        ("report", ["F5"]), ("report-2", ["PageDown"]), ("report-sent", ["Enter"]), ("long", ['"' + "测试长消息，样票。" * 30]), ("many", ["C-u", '"many', "Enter"]), ("scrolled", ["PageUp"]), ("oldest", ["Home"]),
        ("newest", ["End"]), ("end", ['"away', "Enter", "PageUp", "F8"]), ("below", ["Esc"]), ("newest-2", ["PageDown", "PageDown"]), ("lost", ['"lose', "Enter"]), ("sending", ['"还在吗', "Enter"]), ("keys", ["F1"])]),
    "chat-aside": (["unfinished"], [
        ("agents", ["F4"]), ("talking", ["Enter"]), ("home", ['"away', "Enter", "Esc"]), ("certs", ["2"]), ("home-2", ["Esc"]), ("pin", ["0"]), ("login", ["Esc"]), ("chat", ["C-o"]), ("login-2", ["Esc"]),
        ("home-3", ["Esc"]), ("quit", ["Esc"])]),
    "chat-end": (["unfinished"], [
        ("agents", ["F4"]), ("talking", ["Enter"]), ("order", ["F6"]), ("order-sent", ["Enter"]), ("transferred", ['"transfer', "Enter"]), ("end", ["F8"]), ("ended", ["2", "Enter"]),
        ("rated", ["5"]), ("save", ["F7"]), ("ended-2", ["Esc"]), ("home", ["Esc"]), ("agents-2", ["F4"]), ("talking-2", ["Enter"]), ("closed", ['"close', "Enter"])]),
    "chat-nobody": (["nobody"], [
        ("agents", ["F4"]), ("form", ["Enter"]), ("missing", ["F2"]), ("pin", ['"13800000000', "Enter", '"PIN 是 12345678', "Enter"]), ("left", ["C-u", '"测试留言', "Enter"]), ("agents-2", ["Enter"])]),
    "chat-queue": (["queue"], [("agents", ["F4"]), ("waiting", ["Enter"]), ("home", ["Esc"]), ("help", ["4"]), ("message", ["F4", "F3"]), ("left", ['"13800000000', "Enter", '"测试留言', "Enter"]), ("help-2", ["Enter"])]),
    "chat-key": ([], [("agents", ["F4"]), ("which", ["7"]), ("pin", ["Enter"]), ("wrong", ['"1111', "Enter"]), ("agents-2", ["Enter"]), ("which-2", ["F7"]), ("pin-2", ["Enter"]), ("shown", stage.PIN)]),
    "chat-gone": (["gone"], [("agents", ["F4"]), ("nobody", ["Enter"]), ("form", ["Enter"])]),
    "chat-down": (["hall-down"], [("agents", ["F4"])]),
    "desk": (["desk", "offered", "read"], [
        ("choose", []), ("pin", ["Enter"]), ("pin-wrong", ['"1111', "Enter"]), ("desk", stage.PIN), ("talk", ["Enter"]), ("waiting", ["Down", "Down"]), ("left", ["End", "Down", "Down"]),
        ("taken", ["Up", "Up", "F2"]), ("written", ['"您好，请稍等 one moment']), ("said", ["Enter"]), ("answers", ["F4"]), ("found", ['"qsd']), ("answer", ["C-u", '"PIN']), ("put", ["Enter"]),
        ("questions", ["F5", '"PIN']), ("question", ["Enter"]), ("attached", ["Up", "Up", "F6"]), ("hand-over", ["Enter", "F7"]), ("note", ["Esc", "F9"]), ("noted", ['"已核对付款', "Enter"]),
        ("close", ["F8"]), ("closed", ["2", "Enter"]), ("state", ["F3"]), ("away", ["3", "Enter"]), ("keys", ["F1"]), ("back", ["PageUp", "Enter", "PageUp"]), ("leave", ["F10"])]),
    "desk-supervisor": (["desk", "supervisor"], [("choose", []), ("desk", ["Enter"] + stage.PIN), ("talk", ["Enter"]), ("agents", ["F3"])]),
    "desk-refused": (["desk", "stranger"], [("choose", []), ("refused", ["Enter"] + stage.PIN)]),
    "unfinished-check": (["unfinished", "clock"], [("home", []), ("check", ["1"])]),
    "reading": ([], [("home", []), ("certs", ["2"]), ("detail", ["Enter"]), ("certs-2", ["Esc"]), ("home-2", ["Esc"]), ("help", ["?"])]),
    "renew": (["fail"], [
        ("home", []), ("check", ["1"]), ("choose", ["Enter"]), ("not-yet", ["Down", "Down", "Enter"]), ("choose-2", ["Enter", "Home"]),
        ("pin", ["Enter"]), ("pin-wrong", ['"1111', "Enter"]), ("details", stage.PIN), ("details-bad", ["F2"]),
        ("details-filled", stage.FORM[:-1]), ("terms", ["F6"]), ("details-2", ["Enter"]), ("pay", ["Enter"]), ("pay-keys", ["?"]), ("pay-2", ["Enter"]),
        ("pay-cancel", ["8"]), ("pay-3", ["Esc"]), ("install", ["Enter"]), ("install-pin", ["Enter"]), ("failed", stage.PIN),
        ("recovered", ["Enter"]), ("install-pin-2", ["Enter"]), ("done", stage.PIN), ("receipt", ["6"]), ("done-2", ["Esc"]), ("home-2", ["Enter"])]),
    "pay": (["code-expired", "reconnecting"], [
        ("home", []), ("check", ["1"]), ("choose", ["Enter"]), ("pin", ["Enter"]), ("details", stage.PIN),
        ("leave", ["Esc"]), ("details-2", ["Enter"]), ("details-more", ["Tab"] * 6 + ["Right", "Tab"]), ("details-3", ["S-Tab", "Left"] + ["S-Tab"] * 6),
        ("pay", stage.FORM), ("pay-fresh", ["6"]), ("cancel", ["8"]), ("refused", ["2", "Enter"])]),
    "pin-low": (["pin-low"], [("home", []), ("check", ["1"]), ("choose", ["Enter"]), ("pin", ["Enter"])]),
    "pin-final": (["pin-final"], [("home", []), ("check", ["1"]), ("choose", ["Enter"]), ("sure", ["Enter"]), ("pin", ["2", "Enter"])]),
    "pin-locked": (["pin-locked"], [("home", []), ("check", ["1"]), ("choose", ["Enter"]), ("pin", ["Enter"])]),
    "pin-pad": (["pin-pad"], [("home", []), ("check", ["1"]), ("choose", ["Enter"]), ("pin", ["Enter"]), ("details", ["Enter"])]),
}


def path(walk, lang, cols, rows):
    return os.path.join(FOLDER, f"{walk}.{lang}.{cols}x{rows}.txt")


def read(file):
    """Name of the screen -> its rows."""
    with open(file, encoding="utf-8") as text:
        parts = text.read().split("\f")
    return {part.split("\n", 1)[0]: part.split("\n")[1:-1] for part in parts[1:]}


def agree(walk, lang, cols, rows):
    words, steps = WALKS[walk]
    kept = []
    with stage.screen(*words, lang=lang, cols=cols, rows=rows) as terminal:
        for name, keys in steps:
            stage.press(terminal, keys)
            terminal.quiet(0.2)
            kept.append(f"\f{name}\n" + terminal.text() + "\n")
    with open(path(walk, lang, cols, rows), "w", encoding="utf-8") as text:
        text.write("".join(kept))


def compare(walk, lang, cols, rows):
    words, steps = WALKS[walk]
    wanted = read(path(walk, lang, cols, rows))
    with stage.screen(*words, lang=lang, cols=cols, rows=rows) as terminal:
        for name, keys in steps:
            stage.press(terminal, keys)
            try:
                terminal.wait_for(lambda: [row.rstrip() for row in terminal.state["rows"]] == wanted[name], f"screen {name}", PATIENCE[0])
            except AssertionError as error:
                PATIENCE[0] = max(1.0, PATIENCE[0] / 2)
                rows_now = terminal.rows()
                lines = [f"row {i}: wanted {w!r}\n{'':6}got    {g!r}" for i, (w, g) in enumerate(zip(wanted[name], rows_now)) if w != g]
                raise AssertionError(f"{walk}/{name} differs\n" + "\n".join(lines)) from error


def add(walk, lang, cols, rows):
    @tap.test(f"{walk} in {lang} at {cols}x{rows}")
    def _():
        (agree if UPDATE else compare)(walk, lang, cols, rows)


for _walk in WALKS:
    for _size in SIZES + [SMALLEST] * (_walk in SMALL_TOO):
        add(_walk, *_size)
if UPDATE:
    os.makedirs(FOLDER, exist_ok=True)
tap.run()
