"""A PIN that nobody could mistake goes through whole renewals, and is looked for where none may be: the memory of both programs once it is
no longer needed (and while it is, outside of locked memory), their environment and arguments, logs, files, the terminal's queue, a core.

Needs root, to look into programs that let nobody look, and a build without a sanitizer, whose own memory cannot be told apart.
"""
import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests", "renewal"))
from walk import Walk, hall, tap  # noqa: E402
import key as keys  # noqa: E402
from renewals import DETAILS, certs  # noqa: E402

PIN = "Zq7!vX3#kP9@wJ5%"
WRONG = "Hd4$tN8&mR2*cB6+"
GROUP = 4   # not root's
PIECE = 5  # characters that are looked for together: twice as many in a row are always found
HOLDERS = [f"测试{number}号（样票）有限公司" for number in "一二三"]


def pieces(secret):
    parts = [secret[i:i + PIECE] for i in (*range(0, len(secret) - PIECE, PIECE), len(secret) - PIECE)]
    return [part.encode(encoding) for part in parts for encoding in ("ascii", "utf-16-le", "utf-32-le")]


NEEDLES = pieces(PIN) + pieces(WRONG)


def holds(data):
    return any(needle in data for needle in NEEDLES)


def mappings(pid):
    """(start, end, name, locked) of all that can be written."""
    found = []
    with open(f"/proc/{pid}/smaps") as file:
        for line in file:
            words = line.split()
            if "-" in words[0] and not words[0].endswith(":"):
                start, end = (int(part, 16) for part in words[0].split("-"))
                found.append([start, end, words[1], words[5] if len(words) > 5 else "anonymous", False])
            elif words[0] == "VmFlags:":
                found[-1][4] = "lo" in words
    return [(start, end, name, locked) for start, end, rights, name, locked in found if rights[:2] == "rw"]


def found_in(pid):
    """Where in the process's memory: names of mappings, with "locked" behind those that cannot be swapped."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, name, locked in mappings(pid):
            try:
                if holds(os.pread(memory.fileno(), end - start, start)):
                    found.append(f"{name}{' locked' if locked else ''}")
            except OSError:
                pass  # not there after all, as a guard page
    return found


def only_locked(pid, what):
    found = found_in(pid)
    tap.check(found and all(name.endswith(" locked") for name in found), f"{what}: {found}")


def nowhere(screen, what):
    """In neither program, and not waiting on the terminal."""
    programs = [screen.pid, *keys.helpers(screen.pid)]
    for pid in programs:
        tap.equal(found_in(pid), [], f"{what}: memory of {pid}")
        for part in ("environ", "cmdline"):
            with open(f"/proc/{pid}/{part}", "rb") as file:
                tap.check(not holds(file.read()), f"{what}: {part} of {pid}")
        with open(f"/proc/{pid}/limits") as file:
            tap.contains(" ".join(next(line for line in file if line.startswith("Max core")).split()), "size 0 0")
    with open(os.readlink(f"/proc/{screen.pid}/fd/0"), "rb", buffering=0) as terminal:
        waiting = struct.unpack("i", fcntl.ioctl(terminal, termios.FIONREAD, b"\0\0\0\0"))[0]
        tap.equal(waiting, 0, f"{what}: typed and not read")
    return len(programs)


def not_in_files(place):
    for folder, _, names in os.walk(place.dir):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    tap.check(not holds(file.read()), path)


def can_look():
    if os.getuid() != 0:
        raise tap.Skip("only root may look into the programs")
    with open(tap.built("certhall"), "rb") as file:
        if b"libasan" in file.read():
            raise tap.Skip("under a sanitizer nothing can be told")


def provision():
    can_look()
    place = hall.Hall(certs=[(name, "ec:P-256", -345, 20) for name in HOLDERS], settings={'"rsa:2048,rsa:3072,ec:P-256"': '"ec:P-256"'})
    place.pkcs11("--login", "--pin", hall.PIN, "--change-pin", "--new-pin", PIN)
    return place


@tap.test("where no memory can be locked the log says so")
def _():
    can_look()
    with hall.Hall(certs=[(HOLDERS[0], "ec:P-256", -345, 20)]) as place:
        log = os.path.join(place.dir, "home/state/certhall/certhall.log")
        for limit, said in (("-l unlimited", False), ("-l 0", True)):
            subprocess.run(["setpriv", "--inh-caps=-ipc_lock", "--bounding-set=-ipc_lock", "sh", "-c", f'ulimit {limit}; exec "$@"', "sh",
                            tap.built("certhall"), "certs"], env=place.env("en", module=True), capture_output=True, check=True)
            with open(log) as file:
                tap.equal("memory cannot be locked" in file.read(), said, limit)


@tap.test("neither program can be dumped or traced, not even into a pipe, where the limit of a core's size does not count")
def _():
    can_look()
    def group_of(command, env, programs, wanted):
        """Who owns its files in /proc: root alone once it cannot be dumped. The helper sees to that first of all, but has to be started before."""
        with subprocess.Popen(["setpriv", f"--regid={GROUP}", "--clear-groups", *command], env=env, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            keys.wait_for(lambda: os.readlink(f"/proc/{process.pid}/exe").endswith(os.path.basename(command[0])), "the program")
            keys.wait_for(lambda: len(keys.helpers(process.pid)) + 1 >= programs, "the helper")
            try:
                keys.wait_for(lambda: {os.stat(f"/proc/{pid}/environ").st_gid for pid in (process.pid, *keys.helpers(process.pid))} == wanted, f"group {wanted}")
            finally:
                process.kill()

    with hall.Hall(certs=[(HOLDERS[0], "ec:P-256", -345, 20)]) as place:
        env = place.env("en", module=True)
        group_of(["sleep", "60"], env, 1, {GROUP})
        group_of([tap.built("certhall"), "renew", "--pin-fd", "0", "--acknowledge"], env, 2, {0})


@tap.test("a renewal in the full-screen program")
def _():
    with provision() as place:
        key = keys.Key(place)
        empty = os.path.join(place.dir, "empty")
        os.mkdir(empty)
        with Walk(place, "en", cwd=empty, **key.env) as person:
            screen = person.screen
            person.home()
            screen.wait("Serial")
            person.check_environment()
            person.choose(HOLDERS[0])
            person.see("Enter the key's PIN")
            screen.type(PIN)
            screen.wait("*" * len(PIN))
            only_locked(screen.pid, "typed")  # the search finds what there is
            screen.key("C-u")
            screen.wait_gone("*")
            tap.equal(found_in(screen.pid), [], "emptied")
            screen.key("Esc")
            screen.wait_gone("Enter the key's PIN")
            screen.key("F2")
            person.pin(WRONG)
            screen.wait("The PIN is wrong")
            nowhere(screen, "refused")
            key.plan("C_Login * sleep 3")
            screen.type(PIN)
            screen.key("Enter")
            screen.wait("Checking the PIN")
            keys.wait_for(lambda: not os.path.getsize(key.path("plan")), "C_Login")
            only_locked(keys.helpers(screen.pid)[0], "being checked")
            tap.equal(found_in(screen.pid), [], "handed on")
            person.title("Confirm details")
            tap.equal(nowhere(screen, "logged in"), 2, "programs")
            person.details()
            number, _ = person.payment()
            place.certhalld("pay", number)
            screen.wait("F2 Enter Install certificate")
            screen.key("Enter")
            person.pin(PIN)
            person.title("Renewal complete")
            tap.equal(nowhere(screen, "renewed"), 2, "programs")
            not_in_files(place)
            helper = int(keys.helpers(screen.pid)[0])
            os.kill(helper, signal.SIGSEGV)
            keys.wait_gone([helper])
            screen.signal(signal.SIGABRT)
            tap.equal(screen.exit_status(), -signal.SIGABRT)
            tap.equal(os.listdir(empty), [], "a core")
        not_in_files(place)


@tap.test("renewals line by line, the PIN typed and from a descriptor")
def _():
    with provision() as place:
        key = keys.Key(place)
        env = place.env("en", **key.env)
        found = {one["holder"]: one["fingerprint"] for one in certs(place)}

        def run(holder):
            arguments = ["renew", "--acknowledge", "--yes", "--no-qr", "--cert", found[holder], *DETAILS]
            return place.certhall(*arguments, env=env, rows=50, cols=120)

        def pay(screen):
            place.certhalld("pay", screen.wait_for(lambda: screen.match(r"Order (AZT\w+), to pay"), "the order").group(1))

        with run(HOLDERS[1]) as screen:
            screen.wait("PIN of the key:")
            screen.type(PIN)
            screen.key("Enter")
            screen.wait("Scan the code")
            tap.equal(nowhere(screen, "logged in"), 2, "programs")
            key.plan("C_GenerateKeyPair * sleep 3")
            pay(screen)
            screen.wait_for(lambda: sum("PIN of the key:" in row for row in screen.state["rows"]) == 2, "the second PIN")
            screen.type(PIN)
            screen.key("Enter")
            screen.wait("[ 1/10] Check the PIN: done")
            tap.equal(nowhere(screen, "installing"), 2, "programs")
            screen.wait("is finished")
            tap.equal(screen.exit_status(), 0)
        path = os.path.join("/dev/shm", f"certhall-pin-{os.getpid()}")  # not in the folder that is searched
        with open(path, "w") as file:
            file.write(PIN + "\n")
        arguments = [tap.built("certhall"), "renew", "--acknowledge", "--yes", "--no-qr", "--cert", found[HOLDERS[2]], "--pin-fd", "9", *DETAILS]
        try:
            with vt_shell(place, env, path, arguments) as screen:
                screen.wait("Scan the code")
                only_locked(screen.pid, "needed again")
                for pid in keys.helpers(screen.pid):
                    tap.equal(found_in(pid), [], "the helper's")
                pay(screen)
                screen.wait("is finished")
                tap.equal(screen.exit_status(), 0)
        finally:
            os.unlink(path)
        not_in_files(place)


def vt_shell(place, env, path, arguments):
    """certhall with the file on descriptor 9, in place of the shell."""
    import vt
    return vt.Screen(["sh", "-c", 'exec 9<"$1"; shift; exec "$@"', "sh", path, *arguments], env=env, rows=50, cols=120)


tap.run()
