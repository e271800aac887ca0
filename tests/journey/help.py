"""帮助中心 as the hall serves it: a changed answer reaches the terminal, stays when the hall is away, and nobody else's takes its place."""
import base64
import json
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import walk  # noqa: E402
from walk import Walk, hall, tap  # noqa: E402

folder = tempfile.mkdtemp(prefix="certhall-help-")
tap.at_exit(lambda: shutil.rmtree(folder, ignore_errors=True))
for _language in ("zh_CN", "en"):
    shutil.copytree(os.path.join(tap.top_srcdir, "config/help", _language), os.path.join(folder, _language))
FILE = os.path.join(folder, "zh_CN/cert.md")
with open(FILE, encoding="utf-8") as _file:
    OURS = _file.read()
SETTINGS = {"packages = {": f'help = {{ folder = "{folder}"; }};\npackages = {{'}
where = hall.Hall(certs=[("测试样票有限公司", "ec:P-256", -345, 20)], settings=SETTINGS)
HOME = where.new_home()
KEPT = os.path.join(HOME, "data/certhall/help/zh_CN.json")
LOG = os.path.join(HOME, "state/certhall/certhall.log")


def answer_is(words):
    """The first answer of 证书类 becomes these words, as staff would write them."""
    head, rest = OURS.split("\n\n在首页选", 1)
    with open(FILE + ".new", "w", encoding="utf-8") as file:
        file.write(f"{head}\n\n{words}\n\n在首页选{rest}")
    os.rename(FILE + ".new", FILE)


def kept():
    try:
        with open(KEPT, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def until(holds, what):
    """Waits for a state that no screen shows."""
    for _ in range(6000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError(f"not seen within 60 s: {what}")


def until_kept(other_than):
    until(lambda: kept() not in (None, other_than), "another bundle to be kept")


class Reader(Walk):
    """A person without a key at the help centre."""

    def __init__(self, home=HOME):
        super().__init__(where, "zh_CN", home=home)
        self.home()

    def read_first(self, words):
        """问题解答, the first question opened."""
        self.key("4")
        self.title("Help centre")
        self.key("3", "Enter")
        self.title("Questions and answers")
        self.key("Enter")
        self.screen.wait("在首页选", words)

    def back(self):
        self.key("Esc")
        self.title("Help centre")
        self.key("Esc")
        self.home()


@tap.test("what staff change is what is read, of this start and of the next change while the program runs")
def _():
    answer_is("大厅的第一个测试答案。")
    with Reader() as person:
        until_kept(None)
        first = kept()
        person.read_first("大厅的第一个测试答案。")
        tap.equal(os.stat(KEPT).st_mode & 0o777, 0o600)
        person.back()
        answer_is("大厅的第二个测试答案。")
        person.key("4") # the help centre asks whether there is something newer
        person.title("Help centre")
        until_kept(first)
        person.key("Esc")
        person.home()
        person.read_first("大厅的第二个测试答案。")
        tap.equal(os.listdir(os.path.dirname(KEPT)), ["zh_CN.json"])


@tap.test("a page that shows the old answer goes on with it until it is opened again")
def _():
    before = kept()
    with Reader() as person:
        person.read_first("大厅的第二个测试答案。")
        answer_is("大厅的第三个测试答案。")
        person.key("Esc")
        person.title("Help centre")
        person.key("Esc")
        person.home()
        person.key("4")
        person.title("Help centre")
        person.key("3", "Enter")
        until_kept(before)
        person.key("Enter", "F1") # the page's keys, over the page itself
        person.see("Keys of this page")
        person.key("Enter")
        person.screen.wait("在首页选")
        person.back()
        person.read_first("大厅的第三个测试答案。")


@tap.test("without the hall it is still the hall's answer")
def _():
    where.service.stop()
    with Reader() as person:
        person.read_first("大厅的第三个测试答案。")
    with Reader(where.new_home()) as other: # who has never seen the hall has what was installed
        other.read_first("每张证书都有起止日期和剩余天数")
        tap.equal(other.screen.find("测试答案"), None)


@tap.test("signed by somebody else it is refused, and the old one stays")
def _():
    before = kept()
    config = os.path.join(where.dir, "certhalld.conf")
    stranger = os.path.join(where.dir, "hall/stranger")
    walk.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=stranger",
                 "-keyout", stranger + ".key", "-out", stranger + ".pem")
    os.chmod(stranger + ".key", 0o600)
    with open(config, encoding="utf-8") as file:
        text = file.read()
    with open(config, "w", encoding="utf-8") as file:
        file.write(text.replace("/hall/signer.", "/hall/stranger."))
    answer_is("不是大厅的测试答案。")
    where.port = where.service.start()
    with open(LOG, encoding="utf-8") as log:
        log.seek(0, os.SEEK_END)
        with Reader() as person:
            said = [""]

            def refused():
                said[0] += log.read()
                return "package-signature" in said[0]

            until(refused, "the refusal")
            person.read_first("大厅的第三个测试答案。")
    tap.equal(kept(), before)
    where.service.stop()
    with open(config, "w", encoding="utf-8") as file:
        file.write(text)


@tap.test("what was kept and then changed on this computer is not shown")
def _():
    signed = json.loads(kept())
    text = base64.b64decode(signed["manifest"]).decode().replace("第三个", "第四个")
    with open(KEPT, "w", encoding="utf-8") as file:
        json.dump(dict(signed, manifest=base64.b64encode(text.encode()).decode()), file)
    with Reader() as person:
        person.read_first("每张证书都有起止日期和剩余天数")
        tap.equal(person.screen.find("测试答案"), None)


tap.run()
