"""Every setting that a program reads stands in its sample and in its man page, and the other way round."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ.get("top_srcdir") or os.path.realpath(os.path.join(os.path.dirname(__file__), "../..")), "tests/lib"))
import tap  # noqa: E402

VALUE = r"\((?:config_)?(?:settings|group|seller)\w*, \"(\w+)\""  # read_text(group, "unit", and its like


def text_of(path):
    with open(os.path.join(tap.top_srcdir, path), encoding="utf-8") as file:
        return file.read()


def found(path, pattern, group=""):
    names = {group + name for name in re.findall(pattern, text_of(path))}
    tap.check(names, f"nothing like {pattern} in {path}")
    return names


def read_by_certhalld():
    names = found("src/service/settings.c", r'\{ "([\w.]+)", &s->') | found("src/service/settings.c", r'&s->config, "(\w+)"') - {"projects"}
    names |= found("src/service/settings.c", r'\(group, "(\w+)"', "projects.") | found("src/service/hall.c", r'"(ca\.\w+)"')
    names |= found("src/service/ca/ca.c", VALUE, "ca.") | found("src/service/ca/embedded.c", VALUE, "ca.")
    names |= found("src/service/payment/payment.c", VALUE, "payment.") | found("src/service/payment/chinaums_settings.c", VALUE, "payment.")
    names |= found("src/service/payment/chinaums_settings.c", r'\{ "(\w+)", ums->', "payment.")
    names |= found("src/service/invoice/issuer.c", VALUE, "invoice.") | found("src/service/invoice/embedded.c", r'\(seller, "(\w+)"', "invoice.seller.")
    return names | found("src/service/invoice/embedded.c", r'\(group, "(\w+)"', "invoice.") - {"invoice.seller"}


def in_sample(path):
    """Also those that are commented out."""
    names, groups = set(), []
    for line in text_of(path).splitlines():
        line = re.sub(r'"[^"]*"', '""', line).strip()
        opened = re.match(r"(\w+) = [{(]$", line)
        if opened:
            groups.append(opened[1])
        elif re.match(r"[})];?$", line):
            groups = groups[:-1] if line != "}" else groups
        else:
            names |= {".".join([*groups, name]) for name in re.findall(r"(?<![\w.])(\w+) = [^=;]*;", line.split("; ")[0] + ";" if not line.startswith("#") else line)}
    return names


def in_page(path):
    names = set()
    for group, text in re.findall(r"\.TP\n\.B (\S+)\n(.*?)(?=\n\.)", re.search(r"\.SH SETTINGS\n(.*?)\.SH ", text_of(path), re.S)[1] + "\n.", re.S):
        names |= {name.strip() if group == "top" else f"{group}.{name.strip()}" for name in text.replace("\n", " ").split(",")}
    return names


def same(read, sample, page):
    tap.equal(sorted(read ^ in_sample(sample)), [], f"read, or in {sample}, and not both")
    tap.equal(sorted(read ^ in_page(page)), [], f"read, or in {page}, and not both")


@tap.test("certhalld")
def _():
    same(read_by_certhalld(), "config/certhalld.conf.sample", "docs/certhalld.8")


@tap.test("certhall")
def _():
    same(found("src/hall/settings.c", r'ROW(?:_INT)?\("([\w.]+)"'), "config/certhall.conf.sample", "docs/certhall.1")


@tap.test("certhall-bank")
def _():
    read = found("src/bank/main.c", r'\{ "(\w+)", merchant->')
    tap.equal(sorted(read ^ in_sample("config/bank.conf.sample")), [])


tap.run()
