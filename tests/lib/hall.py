"""A hall, a bank and a key of a test's own, made and run by the demo's own script (config/demo/hall)."""
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import urllib.request

import tap
import vt

PIN = "12345678"
TOKEN_LABEL = "SimKey 测试 (PIN 12345678)"
MODULE = "/usr/lib/softhsm/libsofthsm2.so"

_SCRIPT = os.path.join(tap.top_srcdir, "config/demo/hall")


class Service:
    """A background program that is ready when its port file appears."""

    def __init__(self, name, argv, env, port_file, log):
        self.name, self.argv, self.env, self.port_file, self.log = name, argv, env, port_file, log
        self.process = None

    def start(self):
        """Starts it and waits until it listens; its port."""
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.argv, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(6000): # until one of the two states there are is reached: it listens, or it has ended
            if os.path.exists(self.port_file):
                with open(self.port_file) as file:
                    text = file.read().strip()
                if text:
                    return int(text)
            try:
                self.process.wait(0.01)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
        raise AssertionError(f"{self.name} does not listen:\n{self.tail()}")

    def stop(self, number=signal.SIGTERM, timeout=30):
        """Ends it; its exit status (minus the signal)."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{self.name} did not end within {timeout} s of signal {int(number)}") from None

    def tail(self, lines=40):
        try:
            with open(self.log, errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except OSError:
            return ""


class Hall:
    """Everything under one temporary folder: .dir. certs: [(name, algorithm, from days, to days)], the demo's four without.

    settings: changes of certhalld.conf, {"text to replace": "by this"}, every key of which must be there. env: more variables for the
    bank and the service.
    """

    def __init__(self, certs=None, settings=None, start=True, env=None):
        self.dir = tempfile.mkdtemp(prefix="certhall-test-")
        self.bank = self.service = None
        self._forget = tap.at_exit(self.close)
        self._unhook = tap.on_failure(self.logs)
        self.path = os.pathsep.join([tap.top_builddir, os.environ["PATH"]])
        self.settings = settings or {}
        argv = ["provision", "--helper", os.path.join(tap.top_builddir, "certhall-token")]
        for cert in certs or []:
            argv += ["--cert", "|".join(str(part) for part in cert)]
        self.script(*argv)
        self._apply()
        run = os.path.join(self.dir, "run")
        self.bank = Service("certhall-bank", [_SCRIPT, "bank", self.dir], dict(self._env(), **(env or {})), f"{run}/bank.port", f"{run}/bank.log")
        self.service = Service("certhalld", [_SCRIPT, "serve", self.dir], dict(self._env(), **(env or {})), f"{run}/hall.port", f"{run}/hall.log")
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            tap.remember(self.logs())
        self.close()

    def _env(self):
        return dict(os.environ, PATH=self.path, LC_ALL="C.UTF-8", LANGUAGE="en")

    def _apply(self):
        path = os.path.join(self.dir, "certhalld.conf")
        with open(path) as file:
            text = file.read()
        for old, new in self.settings.items():
            tap.contains(text, old, "certhalld.conf")
            text = text.replace(old, new)
        with open(path, "w") as file:
            file.write(text)

    def script(self, command, *arguments):
        """Runs config/demo/hall COMMAND on this folder; what it prints."""
        done = subprocess.run([_SCRIPT, command, self.dir, *arguments], env=self._env(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"hall {command}: {done.stderr}")
        return done.stdout

    def start(self):
        """Starts the bank and the service, and waits until both listen."""
        self.bank_port = self.bank.start()
        self.port = self.service.start()

    def stop(self):
        """Ends both; their exit statuses."""
        return self.service.stop(), self.bank.stop()

    def rows(self, text, *values):
        """What a query of the hall's database gives, as tuples."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.dir, "hall/certhall.db"), timeout=30)) as db:
            return db.execute(text, values).fetchall()

    def through(self, port):
        """certhall reaches the hall by that port of loopback from here on: a chaos.Proxy's."""
        for name in ("certhall.conf", "certhall-with-module.conf"):
            path = os.path.join(self.dir, name)
            with open(path) as file:
                text = re.sub(r"(https://127\.0\.0\.1:)\d+", rf"\g<1>{port}", file.read())
            with open(path, "w") as file:
                file.write(text)

    def bank_through(self, port):
        """The service reaches the bank by that port of loopback, when it is started next."""
        path = os.path.join(self.dir, "certhalld.conf")
        with open(path) as file:
            text = re.sub(r'(\burl = "http://127\.0\.0\.1:)\d+', rf"\g<1>{port}", file.read())
        with open(path, "w") as file:
            file.write(text)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca_file(self):
        """What the hall's TLS certificate chains to."""
        return os.path.join(self.dir, "hall/tls.pem")

    def env(self, lang="zh_CN", module=False, home=None, **more):
        """The environment of certhall on this hall. module: the PKCS#11 module is configured already; home: another user's home folder."""
        config = "certhall-with-module.conf" if module else "certhall.conf"
        home = home or os.path.join(self.dir, "home")
        return vt.environment(lang, PATH=self.path, HOME=home, XDG_DATA_HOME=f"{home}/data", XDG_STATE_HOME=f"{home}/state", XDG_CONFIG_HOME=f"{home}/config",
                              **{"CERTHALL_CONFIG": os.path.join(self.dir, config), "SOFTHSM2_CONF": os.path.join(self.dir, "key/softhsm2.conf"),
                                 "CERTHALL_TOKEN_LOCK": os.path.join(self.dir, "key/lock"), **more})

    def new_home(self):
        """An empty home folder: as on another terminal."""
        return tempfile.mkdtemp(prefix="home-", dir=self.dir)

    def certhall(self, *arguments, **screen):
        """certhall on a terminal; env etc. as vt.Screen takes them."""
        screen.setdefault("env", self.env())
        return vt.Screen([tap.built("certhall"), *arguments], **screen)

    def run(self, argv, check=True, input=None, env=None):
        """A command in certhall's environment (module configured), to its end."""
        done = subprocess.run(argv, env=env or self.env("en", module=True), input=input, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL if input is None else None)
        if check and done.returncode != 0:
            raise AssertionError(f"{shlex.join(argv)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def certhalld(self, command, *arguments, check=True):
        """An operator's command of the service."""
        return self.run([tap.built("certhalld"), command, "--config", os.path.join(self.dir, "certhalld.conf"), *arguments], check=check)

    def ledger(self):
        """What the bank has in its books: {"bills": [...], ...}."""
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://127.0.0.1:{self.bank_port}/control/ledger") as answer:
            return json.load(answer)

    # ---- the key, seen by others' tools ----

    def pkcs11(self, *arguments, pin=None, check=True):
        """pkcs11-tool on the key."""
        login = ["--login", "--pin", pin] if pin else []
        done = subprocess.run(["pkcs11-tool", "--module", MODULE, "--token-label", TOKEN_LABEL, *login, *arguments], env=self.env("en"), capture_output=True)
        if check and done.returncode != 0:
            raise AssertionError(f"pkcs11-tool {shlex.join(arguments)}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def key_ids(self, kind="cert"):
        """CKA_IDs in hex of the key's objects of that kind (cert, pubkey, privkey)."""
        text = self.pkcs11("--list-objects", "--type", kind, pin=PIN).decode(errors="replace")
        return sorted(line.split(":", 1)[1].strip() for line in text.splitlines() if line.strip().startswith("ID:"))

    def read_cert(self, key_id):
        """The certificate's DER of that CKA_ID."""
        out = os.path.join(self.dir, "run/read.der")
        self.pkcs11("--read-object", "--type", "cert", "--id", key_id, "--output-file", out)
        with open(out, "rb") as file:
            return file.read()

    def logs(self):
        return "\n".join(f"--- {service.name}\n{service.tail()}" for service in (self.bank, self.service) if service)

    def close(self):
        """Ends everything and removes the folder."""
        self._forget()
        self._unhook()
        running = [service.process for service in (self.service, self.bank) if service and service.process]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
