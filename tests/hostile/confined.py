"""What holds at a kiosk even when somebody else's code runs in it: the key's module has gone bad, and tries to start a program."""
import ctypes
import errno
import os
import re
import shutil
import subprocess
import sys

import stand
import tap
from renewals import DUE, cert

house = stand.House([cert(DUE, "ec:P-256")])
WITHOUT = """
import ctypes, os, struct, sys
code = struct.pack("HBBI" * 4, 0x20, 0, 0, 0, 0x15, 0, 1, 444, 0x06, 0, 0, 0x50000 | int(sys.argv[1]), 0x06, 0, 0, 0x7fff0000)
libc, text = ctypes.CDLL(None, use_errno=True), ctypes.create_string_buffer(code)
filter = struct.pack("HxxxxxxP", 4, ctypes.addressof(text))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, filter, 0, 0):
    sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")
os.execv(sys.argv[2], sys.argv[2:])
""" # landlock_create_ruleset fails with that error


def landlock():
    """The version of Landlock in this kernel; 0 without."""
    return max(0, ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(444), None, ctypes.c_size_t(0), ctypes.c_uint(1)))


def without(error):
    return [sys.executable, "-c", WITHOUT, str(error)]


def bad_module(name):
    """The module in a folder of its own, with what it would like to run."""
    folder = os.path.join(house.dir, name)
    os.mkdir(folder, 0o700)
    shutil.copy(os.path.realpath("/bin/sh"), os.path.join(folder, "copy"))
    house.write(f"{name}/script", "#!/bin/sh\n" + f": >'{folder}/ran-script'\n", 0o700)
    return shutil.copy(tap.built("tests/hostile/module.so"), folder), folder


def ran(folder):
    tap.check(os.path.exists(os.path.join(folder, "tried")), "it tried nothing")
    return sorted(name[4:] for name in os.listdir(folder) if name.startswith("ran-"))


def doctor(config, *options, before=(), env=None):
    done = house.hall.run([*before, tap.built("certhall"), "doctor", *options, "--config", config], check=False, env=env or house.environment())
    tap.check(done.returncode in (0, 1), done.stdout + done.stderr)
    return done.stdout


@tap.test("a module that tries to start the shell, by itself, by the loader, from a script or a copy, or to read it: nothing of it comes about")
def _():
    module, folder = bad_module("anywhere")
    house.hall.run([tap.built("certhall"), "certs", "--config", house.configure("anywhere.conf", module=module)], check=False)
    tap.equal(ran(folder), ["copy", "itself", "loader", "read", "read-env", "script", "shell"]) # where it is no kiosk
    if not landlock():
        raise tap.Skip("this kernel has no Landlock")
    module, folder = bad_module("kiosk")
    inherited = ["/bin/sh", "-c", 'exec 9</etc/passwd; exec "$@"', "sh"] # goes no further than certhall
    with stand.Kiosk(house, house.configure("bad.conf", module=module), before=inherited) as person:
        person.programs = re.compile(stand.PROGRAMS.pattern + r"|ld-.*\.so.*") # the loader is started, and cannot read what it is to load
        person.home()
        person.screen.wait(DUE[0]) # and the key can be used
        person.files |= {os.path.join(folder, name) for name in os.listdir(folder)}
        tap.equal(ran(folder), [])
        with open(os.path.join(folder, "fds")) as file:
            open_files = dict(line.split(None, 1) for line in file.read().splitlines())
        found = {fd: re.sub(r"\d+", "", name) for fd, name in open_files.items() if not re.search("fds?$", name)} # what it reads and writes this by
        tap.equal(found, {"0": "/dev/null", "1": "/dev/null", "2": "/dev/null", "3": "socket:[]", "4": found.get("4") if "/certhall-token" in found.get("4", "") else "its lock"})
    module, folder = bad_module("doctor")
    doctor(house.configure("doctor.conf", module=module), "--kiosk")
    tap.equal(ran(folder), [])


@tap.test("a kernel without Landlock: it goes on, and says so in the log and in the check; when it fails otherwise, nothing starts")
def _():
    said = "this kernel cannot keep it to its own programs"
    if landlock():
        tap.check(said not in doctor(house.config, "--kiosk"))
    for error in (errno.ENOSYS, errno.EOPNOTSUPP):
        before = house.log().count("no Landlock")
        with stand.Kiosk(house, before=without(error)) as person:
            person.home()
            person.screen.wait(DUE[0])
        tap.equal(house.log().count("no Landlock"), before + 1)
        tap.contains(doctor(house.config, "--kiosk", before=without(error)), said)
        tap.check(said not in doctor(house.config, before=without(error), env=house.hall.env("en")))
    for error in (errno.EPERM, errno.EINVAL, errno.ENOMEM):
        with stand.Kiosk(house, before=without(error), cols=200) as person:
            person.screen.wait("This terminal cannot be kept to its own programs")
            tap.equal(person.screen.exit_status(), 1)
    config = house.configure("no-helper.conf")
    with open(config) as file:
        text = re.sub(r'(helper = )"[^"]*"', r'\1"/nowhere/certhall-token"', file.read())
    house.write("no-helper.conf", text)
    with stand.Kiosk(house, config, cols=200) as person:
        person.screen.wait("This terminal cannot be kept to its own programs (/nowhere/certhall-token)")
        tap.equal(person.screen.exit_status(), 1)


LOOK = "import sys\nfor pid in sys.argv[1:]:\n  for name in ('mem', 'environ'):\n    try: print(open(f'/proc/{pid}/{name}', 'rb').fileno() >= 0)\n    except OSError as why: print(why.errno)"


@tap.test("another process of the same account cannot look into it, nor trace it")
def _():
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        raise tap.Skip("no setpriv to take root's rights away")
    plain = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"] if os.getuid() == 0 else []
    with stand.Kiosk(house, before=plain) as person, subprocess.Popen([*plain, "cat"], stdin=subprocess.PIPE) as other:
        person.home()
        person.screen.wait(DUE[0])
        (helper,) = stand.key.helpers(person.screen.pid)
        seen = subprocess.run([*plain, sys.executable, "-c", LOOK, str(other.pid), str(person.screen.pid), helper], capture_output=True, text=True, check=True).stdout.split()
        tap.equal(seen, ["True"] * 2 + [str(errno.EACCES)] * 4)
        other.stdin.close()


tap.run()
