"""A kiosk: certhall --kiosk before a hostile hall, in an environment full of traps, and watched."""
import os
import re
import shutil
import socket
import sys
import threading

for folder in ("journey", "renewal"):
    sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests", folder))
import hall
import hostile_hall
import key
import tap
import vt
import walk

ALLOWED = {"HOME", "TERM", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "COLORTERM", "NO_COLOR", "ESCDELAY", "PATH"}
PROGRAMS = re.compile("certhall(-token)?|gone") # what a kiosk consists of
ASKS_FOR_A_FILE = re.compile("The file to save|Tab completes|Save as|Save receipt|F2 Enter Download|Choose all shown|Download and install|Remember this query")
PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
PROGRAM_NAMES = ("SHELL", "EDITOR", "VISUAL", "PAGER", "LESSOPEN", "BROWSER", "BASH_ENV", "ENV")
FILE_NAMES = ("SOFTHSM2_CONF", "OPENSSL_CONF", "OPENSC_CONF", "CERTHALL_CONFIG", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
FOLDER_NAMES = ("TERMINFO", "TERMINFO_DIRS", "LOCPATH", "GCONV_PATH", "NLSPATH", "OPENSSL_MODULES", "OPENSSL_ENGINES", "P11_KIT_CONFIG_DIR", "TMPDIR", "XDG_DATA_HOME",
                "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DOWNLOAD_DIR", "LD_LIBRARY_PATH")


class Snare:
    """A port nobody has any business at. caught: how often somebody came."""

    def __init__(self):
        self.caught = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        while True:
            self.listener.accept()[0].close()
            self.caught += 1


class House:
    """The hall (.hall), what stands before it (.proxy), the account's .home and the folder of traps."""

    def __init__(self, certs, settings=None):
        self.hall = hall.Hall(certs=certs, settings={
            'algorithms = "rsa:2048,rsa:3072,ec:P-256"': 'algorithms = "ec:P-256"',
            "log = {": "sweep = { every = 1; first = 1; };\nchat = { rate = 0; };\nlimits = { query_rate = 0; address_rate = 0; certificate_rate = 0; };\nlog = {", **(settings or {})})
        self.dir, self.home, self.trap = self.hall.dir, self.hall.new_home(), os.path.join(self.hall.dir, "trap")
        self.mark, self.snare, self.proxy = os.path.join(self.trap, "was-here"), Snare(), hostile_hall.Proxy(self.hall, timeout=30)
        os.makedirs(os.path.join(self.home, ".config/softhsm2"))
        os.makedirs(self.trap)
        shutil.copy(os.path.join(self.dir, "key/softhsm2.conf"), os.path.join(self.home, ".config/softhsm2/softhsm2.conf"))
        for name in ("sh", "less", "vi", "xdg-open", "viewer"):
            self.write(f"trap/{name}", f'#!/bin/sh\necho "$0" >>{self.mark}\n', 0o755)
        self.write("trap/evil.conf", "openssl_conf = nothing_here\n.include /nothing\n")
        self.config = self.configure("kiosk.conf")
        tap.on_failure(self.log)

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.dir, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def configure(self, name, more="", module=None):
        """A kiosk's configuration; its path."""
        with open(os.path.join(self.dir, "certhall-with-module.conf")) as file:
            text = file.read()
        if module is not None:
            text = re.sub(r'(\bmodule = )"[^"]*"', rf'\1"{module}"', text)
        return self.write(name, text + f'download = {{ viewer = "{self.trap}/viewer"; folder = "{self.trap}/downloads"; }};\n{more}')

    def log(self):
        try:
            with open(os.path.join(self.home, ".local/state/certhall/certhall.log"), errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def environment(self, **more):
        """What a person may have brought along."""
        brought = {**{name: os.path.join(self.trap, "sh") for name in PROGRAM_NAMES}, **{name: os.path.join(self.trap, "evil.conf") for name in FILE_NAMES},
                   **{name: self.trap for name in FOLDER_NAMES}, **{name: f"http://127.0.0.1:{self.snare.port}" for name in PROXIES},
                   "SSLKEYLOGFILE": os.path.join(self.trap, "keys"), "RESOLV_HOST_CONF": self.mark, "SSH_ORIGINAL_COMMAND": "sh -i", "LD_PRELOAD": ""}
        return vt.environment("en", HOME=self.home, PATH=self.trap + ":" + self.hall.path, **{**brought, **more})

    def files(self):
        """All but what belongs to others: the hall, the key, the account's own .local."""
        others = [os.path.join(self.home, ".local"), *(os.path.join(self.dir, name) for name in ("hall", "run", "key/tokens"))]
        return {os.path.join(at, name) for at, _, names in os.walk(self.dir) for name in names if not any(at.startswith(folder) for folder in others)}


class Key(key.Key):
    """A fault module whose knobs lie beside it: no environment leads to them."""

    def __init__(self, house):
        super().__init__(house.hall)
        module = shutil.copy(tap.built(key.MODULE), self.folder)
        self.config = house.configure(os.path.join(self.folder, "kiosk.conf"), module=module)


class Watch:
    """Every program that a process and its children start, and every host they connect to, while the block runs: looked at again and again."""

    def __init__(self, pid):
        self.pid, self.seen, self.hosts, self.environment, self.over = pid, {}, set(), set(), threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)

    def _look(self):
        times = 0
        while not self.over.wait(0.002):
            pids = self._family(self.pid)
            if (times := times + 1) % 10 == 0: # this takes longer to look at
                self._note_hosts(pids)

    def _family(self, pid):
        pids = [pid]
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as file:
                    for child in file.read().split():
                        self._note(child)
                        pids += self._family(child)
        except OSError:
            pass # it is gone
        return pids

    def _note(self, pid):
        try:
            self.seen[pid] = name = os.readlink(f"/proc/{pid}/exe")
            if os.path.basename(name) != "certhall-token": # not yet: until then it shares what certhall was given
                return
            with open(f"/proc/{pid}/environ", "rb") as file:
                self.environment |= {part.split(b"=")[0].decode() for part in file.read().split(b"\0") if part}
        except OSError:
            self.seen.setdefault(pid, "gone")

    def _note_hosts(self, pids):
        """The other ends of their internet sockets, as the kernel writes them: 0100007F:01BB."""
        inodes, rows = set(), []
        for pid in pids:
            try:
                links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            except OSError:
                continue
            inodes |= {link[8:-1] for link in links if link.startswith("socket:[")}
        for kind in ("tcp", "tcp6", "udp", "udp6", "raw"):
            try:
                with open(f"/proc/{self.pid}/net/{kind}") as file:
                    rows += [(kind, line.split()) for line in file]
            except OSError:
                continue
        self.hosts |= {(kind, words[2]) for kind, words in rows if len(words) > 9 and words[9] in inodes}

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.over.set()
        self.thread.join()


class Kiosk(walk.Walk):
    """Somebody at the kiosk, watched: each page that is waited for by its title is looked over, and all of it at the end."""

    def __init__(self, house, config=None, options=None, env=None, cols=80, rows=24, before=()):
        self.house, self.hall, self.lang, self.say = house, house.hall, "en", str
        options = ("--kiosk", "--config", config or house.config) if options is None else options
        self.files, self.programs = house.files(), PROGRAMS
        self.screen = vt.Screen([*before, tap.built("certhall"), *options], env=env or house.environment(), cols=cols, rows=rows, cwd=house.trap)
        self.watch = Watch(self.screen.pid)

    def __enter__(self):
        self.watch.__enter__()
        return self

    def __exit__(self, kind, *error):
        self.watch.__exit__()
        super().__exit__(kind, *error)
        if kind is None:
            self.look_round()
            hosts = {("tcp", f"0100007F:{self.house.proxy.port:04X}"), ("tcp", "00000000:0000")} # the second: a socket that is not connected yet
            tap.equal(self.watch.hosts - hosts, set(), "connections")
            tap.check(self.watch.environment <= ALLOWED, self.watch.environment)

    def title(self, text):
        super().title(text)
        self.look_over()

    def home(self):
        super().home()
        self.look_over()

    def look_over(self):
        asked = [row for row in self.screen.rows() if ASKS_FOR_A_FILE.search(row)]
        tap.equal(asked, [], "asked for a file")
        self.look_round()

    def look_round(self):
        """No program, no file, no other host so far."""
        names = {os.path.basename(path.removesuffix(" (deleted)")) for path in self.watch.seen.values()}
        tap.equal({name for name in names if not self.programs.fullmatch(name)}, set(), "programs started")
        tap.equal(self.house.files() - self.files, set(), "files made")
        tap.check(not os.path.exists(self.house.mark), "a snare went off")
        tap.equal(self.house.snare.caught, 0, "connected where the hall or the person led to")
