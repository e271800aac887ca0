"""Holds an answer of the service to docs/api.yaml (OpenAPI 3.1, whose schemas are JSON Schema 2020-12)."""
import json
import os
import re

import jsonschema
import yaml


class ContractBroken(AssertionError):
    pass


class Contract:
    def __init__(self, path=None):
        path = path or os.path.join(os.environ["top_srcdir"], "docs", "api.yaml")
        with open(path, encoding="utf-8") as f:
            self.document = yaml.safe_load(f)
        self.covered = set()
        self.routes = []
        for template, item in self.document["paths"].items():
            base = item.get("get", item.get("post", {})).get("servers", [{"url": "/v1"}])[0]["url"].rstrip("/")
            pattern = re.sub(r"\{[a-z]+\}", "[^/]+", base + template)
            self.routes.append((re.compile("^" + pattern + "$"), template, item))

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for part in node["$ref"][2:].split("/"):
                target = target[part]
            node = target
        return node

    def validate(self, schema, value, where):
        whole = {"$ref": "#/components/schemas/_", "components": dict(self.document["components"])}
        whole["components"]["schemas"] = dict(whole["components"]["schemas"], _=schema)
        errors = sorted(jsonschema.Draft202012Validator(whole).iter_errors(value), key=lambda e: list(e.path))
        if errors:
            raise ContractBroken("%s: %s" % (where, "; ".join("/".join(map(str, e.path)) + ": " + e.message for e in errors[:5])))

    def check(self, method, path, status, content_type, body):
        """body: bytes. Raises ContractBroken; gives the operation's id (None for a path the contract does not have)."""
        path = path.split("?")[0]
        content_type = (content_type or "").split(";")[0].strip()
        operation = None
        for pattern, template, item in self.routes:
            if pattern.match(path):
                operation = item.get(method.lower())
                break
        responses = operation["responses"] if operation else {}
        answer = responses.get(str(status)) or (self.document["components"]["responses"]["Problem"] if status >= 400 else None)
        where = "%s %s -> %d" % (method, path, status)
        if answer is None:
            raise ContractBroken(where + ": the contract has no such answer")
        content = self.resolve(answer).get("content", {})
        if not content and body:
            raise ContractBroken(where + ": a body where there is none")
        if content:
            if content_type not in content:
                raise ContractBroken("%s: content type %r, not one of %s" % (where, content_type, list(content)))
            schema = content[content_type].get("schema")
            if schema:
                self.validate(schema, json.loads(body), where)
                if status >= 400 and json.loads(body)["status"] != status:
                    raise ContractBroken(where + ": the problem names another status")
        if operation:
            self.covered.add((operation["operationId"], status if status < 400 else "problem"))
            return operation["operationId"]
        return None

    def check_event(self, data):
        self.validate({"$ref": "#/components/schemas/Order"}, json.loads(data), "event")
        self.covered.add(("followOrder", "event"))

    def check_request(self, method, path, value):
        """What the tests themselves send must be within the contract, unless they mean to break it."""
        for pattern, template, item in self.routes:
            if pattern.match(path) and method.lower() in item:
                body = item[method.lower()].get("requestBody", {}).get("content", {}).get("application/json")
                if body:
                    self.validate(body["schema"], value, "request %s %s" % (method, path))

    def operations(self):
        return {op["operationId"] for item in self.document["paths"].values() for m, op in item.items() if m in ("get", "post", "delete")}
