"""The data of a page as one island in it: JSON that cannot end its own element, or the same, compressed."""

from __future__ import annotations

import base64
import gzip
import json

from mutualize.report.figures import Data

PLAIN_MAX = 16_000
"""Up to so many bytes the island stands as it is, and can be read with the eye; beyond, it is compressed."""
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def island(data: Data) -> tuple[str, str]:
    """Return (type of the element, its text). The same data give the same bytes: no time is written in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if len(text) <= PLAIN_MAX:
        return "application/json", "".join(_ESCAPES.get(c, c) for c in text)
    return "application/gzip", packed(text)


def packed(text: str) -> str:
    """Return a text compressed, in base64: the same bytes each time, by the same version of zlib."""
    data = gzip.compress(text.encode(), compresslevel=9, mtime=0)
    # the header's byte for the system is not the same everywhere: it is set to 'unknown'
    return base64.b64encode(data[:9] + b"\xff" + data[10:]).decode()
