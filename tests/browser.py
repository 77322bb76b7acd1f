"""A browser for tests: Chromium, driven through a pipe by its own protocol. Standard library only.

Messages are JSON between zero bytes: what we say goes to the browser's file descriptor 3, what it says
comes from 4. There is no port, no driver and no wait by the clock: a page says when it is ready.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-features=IsolateSandboxedIframes",  # a frame in a notebook stays in sight of our one session
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
READY = (
    "!!document.body && (document.body.dataset.ready === '1'"
    " || !!document.querySelector('#trouble:not([hidden])'))"
)
"""What a page says when all of it is drawn, or when it cannot be."""
WAIT_S = 60
"""No answer takes longer than that, however busy the machine is."""


def found() -> str:
    """Return where a browser is; empty where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), "")


class Browser:
    """A browser with one page. `errors` and `requests` hold what the page did that it should not."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True)
        read_by_it, write_to = os.pipe()
        read_from, write_by_it = os.pipe()
        command = [found(), *FLAGS, f"--user-data-dir={self._folder.name}", "about:blank"]
        # the shell puts the two ends where the protocol wants them: 3 to be read, 4 to be written
        script = f'exec "$@" 3<&{read_by_it} 4>&{write_by_it}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", *command],
            pass_fds=(read_by_it, write_by_it),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(read_by_it)
        os.close(write_by_it)
        self._to, self._from, self._rest, self._number = write_to, read_from, b"", 0
        self._session = ""
        self.errors: list[str] = []
        self.requests: list[str] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the browser."""
        with contextlib.suppress(OSError, RuntimeError):
            self._session = ""
            self._send("Browser.close", {})
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._folder.cleanup()

    # --- the pipe ----------------------------------------------------------------------------------------

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask for something and return the answer. Raises RuntimeError where the browser refuses."""
        number = self._send(method, params)
        for message in self._messages():
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)
        raise RuntimeError(f"{method}: the browser is gone")

    def _send(self, method: str, params: dict[str, Any]) -> int:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        return self._number

    def _messages(self) -> Iterator[dict[str, Any]]:
        while True:
            while b"\0" in self._rest:
                line, _, self._rest = self._rest.partition(b"\0")
                yield json.loads(line)
            if not select.select([self._from], [], [], WAIT_S)[0]:
                raise RuntimeError(f"the browser said nothing for {WAIT_S} s")
            read = os.read(self._from, 1 << 20)
            if not read:
                return
            self._rest += read

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                self.errors.append(str(details.get("exception", {}).get("description", details["text"])))
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.errors.append(str([arg.get("value") for arg in params["args"]]))
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.errors.append(params["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])

    # --- what a person does ------------------------------------------------------------------------------

    def open(
        self, page: Path, *, width: int = 1200, height: int = 900, dark: bool = False, address: str = ""
    ) -> None:
        """Open a file, at an `address` in it (`#event=3`), and wait until it says that it is ready."""
        self.errors.clear()
        self.requests.clear()
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.call("Emulation.setEmulatedMedia", features=[scheme, still])
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=page.as_uri() + address)
        for _ in range(600):
            if self.run(f"new Promise(go => setTimeout(() => go({READY}), 50))"):
                return
        raise RuntimeError(f"{page.name} never became ready: {self.errors}")

    def run(self, script: str) -> Any:
        """Run an expression in the page (a promise is waited for) and return its value."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def key(self, key: str) -> None:
        """Press a key and let it go."""
        named = {
            " ": ("Space", 32),
            "ArrowRight": ("", 39),
            "ArrowLeft": ("", 37),
            "Home": ("", 36),
            "End": ("", 35),
        }
        code, number = named.get(key, ("", ord(key[0].upper())))
        common = {"key": key, "code": code or key, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", type="rawKeyDown", **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def tab(self) -> None:
        """Press the tabulator: the focus goes to what comes next."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)

    def text(self, selector: str) -> str:
        """Return the text of an element."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Write a screenshot: of the window, or of the whole page."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))
