"""Both sides of live service, as they ask the hall."""
import http.client
import json
import os
import secrets
import ssl
import threading

import api
import tap


class Party:
    """Somebody who speaks in conversations: with a conversation's own token, or with a session's."""

    def __init__(self, client, token=None):
        self.client = client
        self.token = token
        self.id = None

    def path(self, tail=""):
        return f"/v1/conversations/{self.id}{tail}"

    def ask(self, tail, value):
        return self.client.post(self.path(tail), value, token=self.token)

    def say(self, body, kind="text", message=None):
        return self.ask("/messages", {"id": message or secrets.token_hex(16), "kind": kind, "body": body})

    def history(self, after=0):
        messages = []
        while True:
            page = self.ask("/history", {"after": messages[-1]["seq"] if messages else after}).is_ok()
            messages += page["messages"]
            if not page["messages"] or messages[-1]["seq"] >= page["last_seq"]:
                return messages

    def mark(self, **marks):
        return self.ask("/marks", marks).is_ok(204)

    def state(self):
        return self.client.get(self.path(), token=self.token).is_ok()

    def close(self, **rating):
        return self.ask("/close", rating)


class Customer(Party):
    def begin(self, session=None, request=None, **more):
        return self.client.post("/v1/conversations", {"request": request or secrets.token_hex(16), **more}, token=session)

    def begun(self, session=None, **more):
        conversation = self.begin(session, **more).is_ok(201)
        self.id, self.token = conversation["id"], conversation["token"]
        return conversation


class Agent(Party):
    """An agent with a certificate of the hall's, registered by the operator."""

    def __init__(self, client, name="测试客服甲", role="agent", most=5, days=(-30, 300), known=True):
        self.certificate = api.Certificate(client.hall, days=days, name=name)
        self.name = name
        if known:
            client.hall.run([tap.built("certhalld"), "agent", "add", "--config", os.path.join(client.hall.dir, "certhalld.conf"), "--certificate", self.certificate.file, "--role", role, "--most", str(most), name])
        super().__init__(client, self.login(client))

    def login(self, client):
        challenge = client.challenge("service")
        text = api.statement("service", challenge, "-", self.certificate.der)
        session = client.post("/v1/sessions", {"purpose": "service", "challenge": challenge["id"], "certificate": api.b64(self.certificate.der),
            "algorithm": self.certificate.key.signature_algorithm, "signature": api.b64(self.certificate.key.sign(text))}).is_ok(201)
        return session["token"]

    def be(self, state):
        return self.client.post("/v1/desk/state", {"state": state}, token=self.token)

    def desk(self):
        return self.client.get("/v1/desk", token=self.token).is_ok()

    def take(self, conversation=""):
        return self.client.post("/v1/desk/take", {"conversation": conversation}, token=self.token)

    def taken(self, conversation=""):
        now = self.take(conversation).is_ok()
        self.id = now["id"]
        return now


class Events(threading.Thread):
    """Reads a stream of live service until it ends; wait_for looks at what has come."""

    def __init__(self, client, path, token):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPSConnection("127.0.0.1", client.hall.port, timeout=60, context=ssl.create_default_context(cafile=client.hall.ca_file))
        self.connection.request("GET", path, headers={"Authorization": "Bearer " + token, "Accept": "text/event-stream"})
        self.response = self.connection.getresponse()
        client.take("GET", path, self.response, b"" if self.response.status == 200 else None).is_ok()
        self.events = []
        self.changed = threading.Condition()
        self.ended = False
        self.start()

    def run(self):
        kind = None
        try:
            for line in iter(self.response.readline, b""):
                line = line.decode().rstrip("\n")
                if line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: "):
                    with self.changed:
                        self.events.append((kind, json.loads(line[6:])))
                        self.changed.notify_all()
        except (OSError, ValueError, AttributeError, http.client.HTTPException):  # closed by us while it was read, too
            pass
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_for(self, holds, limit=20):
        """The first event, kind and data, for which it holds, and forgets those before it."""
        def found():
            return next((i for i, (kind, data) in enumerate(self.events) if holds(kind, data)), None) is not None or self.ended
        with self.changed:
            tap.check(self.changed.wait_for(found, limit), f"no such event among {[kind for kind, _ in self.events]}")
            at = next((i for i, (kind, data) in enumerate(self.events) if holds(kind, data)), None)
            tap.check(at is not None, "the stream ended before it")
            event = self.events[at]
            del self.events[:at + 1]
            return event

    def close(self):
        self.connection.close()
