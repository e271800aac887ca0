"""Starts the pages on their stage (tests/screens/stage.c), in a language of this source tree."""
import atexit
import gettext
import glob
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("top_srcdir", "."), "tests/lib"))
import tap  # noqa: E402
import vt  # noqa: E402

_catalogue = tempfile.TemporaryDirectory(prefix="certhall-catalogue-")
atexit.register(_catalogue.cleanup)
_mo = os.path.join(_catalogue.name, "zh_CN/LC_MESSAGES/certhall.mo")
os.makedirs(os.path.dirname(_mo))
_sources = sorted(glob.glob(os.path.join(tap.top_srcdir, "po/parts/*.po"))) + [os.path.join(tap.top_srcdir, "po/zh_CN.po")]
subprocess.run(["sh", "-c", 'out=$1; shift; msgcat --use-first "$@" | msgfmt -o "$out" -', "sh", _mo, *_sources], check=True)


def translator(lang):
    """The function that gives a message of the programs in that language ("zh_CN", "en")."""
    return gettext.translation("certhall", _catalogue.name, [lang], fallback=True).gettext


def screen(*words, lang="en", cols=80, rows=24, **more):
    env = vt.environment(lang, STAGE_CATALOGUE=_catalogue.name, STAGE_ANSWERS=os.path.join(tap.top_srcdir, "config/answers"), STAGE_HELP=os.path.join(tap.top_srcdir, "config/help"), HOME="/home/someone", **more.pop("env", {}))
    return vt.Screen([tap.built("tests/screens/stage"), *words], env=env, cols=cols, rows=rows, **more)


def press(terminal, keys):
    """Keys as a list: names as vt knows them, or a text to type after a quote."""
    for key in keys:
        if key.startswith('"'):
            terminal.type(key[1:])
        else:
            terminal.key(key)


FORM = ['"张测试', "Enter", '"13812345678', "Enter", "Enter", "Enter", '"91350100M000100Y43', "Enter", "Enter", "Enter", '" ', "Enter"]
PIN = ['"12345678', "Enter"]
UNIT = ["C-u", '"测试煤业（样票）有限公司', "Enter", '"91350100M000100Y43', "Enter", '"13812345678', "Enter", "Enter"]
