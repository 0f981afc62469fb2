"""A YAML language server, as an editor speaks to one: JSON-RPC over the streams of a process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = "yaml-language-server"


def command() -> list[str] | None:
    """How to start the server; None where node or the npm package is missing.

    ``YAML_LANGUAGE_SERVER`` may name the program of a package that is not on the PATH.
    """
    program = os.environ.get("YAML_LANGUAGE_SERVER") or shutil.which(PACKAGE)
    node = shutil.which("node")
    return [node, program, "--stdio"] if node and program else None


class LanguageServer:
    """A running server, which checks every file named ``pattern`` against ``schema``."""

    def __init__(self, schemas: dict[Path, str]) -> None:
        start = command()
        assert start is not None
        self.process = subprocess.Popen(
            start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.asked = 0
        self.faults: dict[str, list[dict[str, Any]]] = {}
        self.settings = {
            "yaml": {
                "schemas": {path.as_uri(): pattern for path, pattern in schemas.items()},
                "schemaStore": {"enable": False},
                "hover": True,
                "completion": True,
                "validate": True,
            }
        }
        markdown = {"contentFormat": ["markdown"]}
        item = {"documentationFormat": ["markdown"], "snippetSupport": True}
        document = {"hover": markdown, "completion": {"completionItem": item}}
        able = {"textDocument": document, "workspace": {"configuration": True}}
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": able})
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": self.settings})

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()

    def open(self, name: str, text: str) -> list[dict[str, Any]]:
        """Open a file; what the server finds wrong with it."""
        uri = f"file:///{name}"
        self.faults.pop(uri, None)
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        while uri not in self.faults:
            self._handle(self._read())
        return self.faults[uri]

    def hover(self, name: str, line: int, column: int) -> str:
        """What is shown where the pointer rests; empty for nothing."""
        found = self.ask("textDocument/hover", _place(name, line, column))
        return str(found["contents"]["value"]) if found else ""

    def complete(self, name: str, line: int, column: int) -> dict[str, str]:
        """What may be written there, each with what is said of it."""
        found = self.ask("textDocument/completion", _place(name, line, column))
        return {item["label"]: _text(item.get("documentation", "")) for item in found["items"]}

    def ask(self, method: str, params: Any) -> Any:
        self.asked += 1
        self._write({"id": self.asked, "method": method, "params": params})
        for message in self._messages():
            if message.get("id") == self.asked and "method" not in message:
                assert "error" not in message, message
                return message["result"]
        raise AssertionError("the server has ended")

    def tell(self, method: str, params: Any) -> None:
        self._write({"method": method, "params": params})

    def _messages(self) -> Iterator[dict[str, Any]]:
        while True:
            message = self._read()
            self._handle(message)
            yield message

    def _handle(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method == "textDocument/publishDiagnostics":
            self.faults[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif method == "workspace/configuration":
            asked = [item.get("section") for item in message["params"]["items"]]
            answer = [self.settings.get(section) for section in asked]
            self._write({"id": message["id"], "result": answer})
        elif method is not None and "id" in message:
            self._write({"id": message["id"], "result": None})

    def _write(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self.process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        stream = self.process.stdout
        assert stream is not None
        length = 0
        while (line := stream.readline()) != b"\r\n":
            assert line, "the server has ended"
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(stream.read(length))
        return message


def _place(name: str, line: int, column: int) -> dict[str, Any]:
    position = {"line": line, "character": column}
    return {"textDocument": {"uri": f"file:///{name}"}, "position": position}


def _text(documentation: Any) -> str:
    return documentation["value"] if isinstance(documentation, dict) else documentation
