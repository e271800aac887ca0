"""certhall help check: the content that goes out, and content with mistakes."""
import os
import shutil
import subprocess
import tempfile

import tap


def check(folder, what="check"):
    done = subprocess.run([tap.built("certhall"), "--lang", "en", "help", what, folder], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout


OURS = os.path.join(tap.top_srcdir, "config/help")


@tap.test("our own content is in order, in both languages, without a hall, a key or a configuration")
def _():
    status, out = check(OURS)
    tap.equal(status, 0, out)
    tap.contains(out, "0 things wrong")


@tap.test("our canned answers are in order too; one that a language lacks is named")
def _():
    ours = os.path.join(tap.top_srcdir, "config/answers")
    status, out = check(ours, "answers")
    tap.equal(status, 0, out)
    tap.contains(out, "0 things wrong")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ours, folder, dirs_exist_ok=True)
        path = os.path.join(folder, "en/answers.md")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("## R07 ", "## R99 ").replace("{hotline}", "{hotlnie}", 1))
        status, out = check(folder, "answers")
        tap.equal(status, 1, out)
        for wrong in ("zh_CN/answers.md:", "this answer is missing in the other language", "no such value in { }"):
            tap.contains(out, wrong)


@tap.test("a question that one language lacks, an error that there is not, an error without a question")
def _():
    with tempfile.TemporaryDirectory() as folder:
        for language in ("zh_CN", "en"):
            shutil.copytree(os.path.join(OURS, language), os.path.join(folder, language))
        path = os.path.join(folder, "en/cert.md")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("## C01", "## C99").replace("errors: renewal-too-early", "errors: no-such-error"))
        status, out = check(folder)
        tap.equal(status, 1)
        for part in ("cert.md:3: this question is missing in the other language", "an error that the program does not have", "differ from the other language"):
            tap.contains(out, part)
        os.unlink(os.path.join(folder, "zh_CN/driver.md"))
        status, out = check(folder)
        tap.equal(status, 1)
        tap.contains(out, "driver.md:0: cannot be read")
        tap.contains(out, 'no question answers the error "token-busy"')
    status, out = check("/nonexistent")
    tap.equal(status, 1)


tap.run()
