"""The help centre's content as the hall serves it: signed, told apart by its ETag, made anew when staff change a file."""
import base64
import json
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("top_srcdir") or os.path.realpath(os.path.join(os.path.dirname(__file__), "../..")), "tests/lib"))
import tap  # noqa: E402

os.environ.setdefault("top_srcdir", tap.top_srcdir)
import api  # noqa: E402
import hall  # noqa: E402

folder = tempfile.mkdtemp(prefix="certhall-help-")
tap.at_exit(lambda: shutil.rmtree(folder, ignore_errors=True))
for _language in ("zh_CN", "en"):
    shutil.copytree(os.path.join(tap.top_srcdir, "config/help", _language), os.path.join(folder, _language))
where = hall.Hall(certs=[("测试甲精密机械有限公司（样票）", "ec:P-256", -345, 20)], settings={"packages = {": f'help = {{ folder = "{folder}"; }};\npackages = {{'})
client = api.Client(where)
WHOLE = re.compile(r'"[0-9a-f]{64}"')


def verified(answer):
    """The bundle, its signature checked by the openssl command against the signer's certificate alone."""
    signed = answer.is_ok()
    parts = {name: os.path.join(where.dir, "run", name) for name in ("manifest", "signature")}
    for name, path in parts.items():
        with open(path, "wb") as file:
            file.write(base64.b64decode(signed[name]))
    signer = os.path.join(where.dir, "hall/signer.pem")
    out = api.openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", parts["signature"], "-content", parts["manifest"],
                      "-nointern", "-certfile", signer, "-CAfile", signer, "-purpose", "any")
    with open(parts["manifest"], "rb") as file:
        tap.equal(out, file.read())
    bundle = json.loads(out)
    client.contract.validate({"$ref": "#/components/schemas/HelpBundle"}, bundle, "help bundle")
    tap.equal(answer.headers["ETag"], f'"{bundle["version"]}"')
    return bundle


def change(name, old, new):
    path = os.path.join(folder, name)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    tap.contains(text, old)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new, 1))
    return text


@tap.test("each language is a signed bundle of its files as they are")
def _():
    seen = set()
    for language in ("zh_CN", "en"):
        answer = client.get("/v1/help/" + language)
        bundle = verified(answer)
        tap.equal(bundle["language"], language)
        tap.equal([file["name"] for file in bundle["files"]], ["process.md", "cert.md", "driver.md", "component.md", "other.md"])
        for entry in bundle["files"]:
            with open(os.path.join(folder, language, entry["name"]), encoding="utf-8") as file:
                tap.equal(entry["text"], file.read())
        tap.check(WHOLE.fullmatch(answer.headers["ETag"]), answer.headers["ETag"])
        seen.add(answer.headers["ETag"])
    tap.equal(len(seen), 2)
    for other in ("xx", "zh_cn", "..", "zh_CN.."):
        client.get("/v1/help/" + other).is_problem(404, "not-found")


@tap.test("who has it already is not sent it again")
def _():
    whole = client.get("/v1/help/zh_CN")
    tag = whole.headers["ETag"]
    for known in (tag, "W/" + tag, f'"x", {tag}', f'{tag} , "x"', "*"):
        answer = client.get("/v1/help/zh_CN", If_None_Match=known)
        tap.equal((answer.status, answer.body, answer.headers["ETag"]), (304, b"", tag), known)
    for known in ('"x"', tag.strip('"'), tag[:-2] + '"', "", '"' + "0" * 64 + '"', ", " * 600 + tag):
        tap.equal(client.get("/v1/help/zh_CN", If_None_Match=known).body, whole.body, known)


@tap.test("a changed file is another bundle at once, of its language alone; the same text again is not")
def _():
    before, english = client.get("/v1/help/zh_CN"), client.get("/v1/help/en").headers["ETag"]
    text = change("zh_CN/cert.md", "## C02 ", "## C02 改过的 ")
    answer = client.get("/v1/help/zh_CN", If_None_Match=before.headers["ETag"])
    bundle = verified(answer)
    tap.check(answer.headers["ETag"] != before.headers["ETag"], "the same ETag")
    tap.contains(bundle["files"][1]["text"], "## C02 改过的 ")
    tap.check(bundle["issued"] >= verified(before)["issued"], "issued earlier")
    tap.equal(client.get("/v1/help/en").headers["ETag"], english)
    os.utime(os.path.join(folder, "zh_CN/cert.md"), (1, 1))
    tap.equal(client.get("/v1/help/zh_CN").body, answer.body)
    with open(os.path.join(folder, "zh_CN/cert.md"), "w", encoding="utf-8") as file:
        file.write(text)
    tap.equal(client.get("/v1/help/zh_CN").headers["ETag"], before.headers["ETag"], "the old text has the old ETag")


@tap.test("content with a mistake is not served: what was good before is, and the log says where it is wrong")
def _():
    before = client.get("/v1/help/zh_CN")
    text = change("zh_CN/cert.md", "## C02 ", "{nothing}\n\n## C02 ")
    tap.equal(client.get("/v1/help/zh_CN").body, before.body)
    tap.contains(where.logs(), "no such value in { }")
    tap.contains(where.logs(), "zh_CN/cert.md:")
    check = where.run([tap.built("certhalld"), "help", "check", "--config", os.path.join(where.dir, "certhalld.conf")], check=False)
    tap.equal(check.returncode, 1)
    tap.contains(check.stdout, "no such value in { }")
    os.rename(os.path.join(folder, "zh_CN/driver.md"), os.path.join(folder, "driver.md"))
    tap.equal(client.get("/v1/help/zh_CN").body, before.body)
    os.rename(os.path.join(folder, "driver.md"), os.path.join(folder, "zh_CN/driver.md"))
    with open(os.path.join(folder, "zh_CN/cert.md"), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    tap.check(client.get("/v1/help/zh_CN").headers["ETag"] != before.headers["ETag"], "still the old one")
    check = where.run([tap.built("certhalld"), "help", "check", folder], check=False)
    tap.equal((check.returncode, check.stdout.strip()[-14:]), (0, "0 things wrong"))


@tap.test("what a terminal must not see does not leave the hall")
def _():
    text = change("en/other.md", "# ", "# \x1b[2J\u202e")
    bundle = verified(client.get("/v1/help/en"))
    for entry in bundle["files"]:
        tap.check(not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", entry["text"]), entry["name"])
    with open(os.path.join(folder, "en/other.md"), "w", encoding="utf-8") as file:
        file.write(text)


@tap.test("another start, the same ETag; without a key to sign with there is none")
def _():
    before = client.get("/v1/help/zh_CN")
    where.service.stop()
    where.port = where.service.start()
    again = client.get("/v1/help/zh_CN", If_None_Match=before.headers["ETag"])
    tap.equal(again.status, 304)
    where.service.stop()
    key = os.path.join(where.dir, "hall/signer.key")
    os.rename(key, key + ".away")
    where.port = where.service.start()
    client.get("/v1/help/zh_CN").is_problem(404, "not-found")
    client.get("/v1/hall").is_ok()
    os.rename(key + ".away", key)


tap.run()
