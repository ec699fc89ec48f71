"""Names of images, lesions and patients replaced by salted hashes, for places that pictures and names may not leave."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Any

_PATH = re.compile(r"(?<![\w.:/])(?:~|\.{1,2})?(?:/[^\s,;:'\")]+)+")
_ODD = re.compile(r"[\s,;()]")
"""What ends a name in a sentence, unless it stands in the name."""
_WHOLE = 4
"""Letters from which on a name is looked for inside sentences, too; a shorter one is replaced where it stands alone."""


class Names:
    """Replace names by hashes with a salt that is drawn once and kept nowhere.

    Args:
        known: names of images, lesions and patients.
        salt: for tests; else random, so that nobody can try out names.
    """

    def __init__(self, known: Iterable[str], salt: bytes | None = None) -> None:
        self._salt = salt or secrets.token_bytes(32)
        self._known = {name for name in known if name}
        longest = sorted((name for name in self._known if len(name) >= _WHOLE), key=len, reverse=True)
        first = "|".join(sorted({re.escape(name[:_WHOLE]) for name in longest}))
        odd = "|".join(re.escape(name) for name in longest if _ODD.search(name))
        self._odd = re.compile(rf"(?<!\w)(?:{odd})(?!\w)") if odd else None
        self._starts = re.compile(rf"(?<![\w])(?:{first})[^\s,;()]*") if longest else None

    def hidden(self, name: str) -> str:
        """Return the hash that stands for a name: 12 hexadecimal digits of HMAC-SHA256."""
        return hmac.new(self._salt, name.encode(), hashlib.sha256).hexdigest()[:12]

    def without(self, value: Any) -> Any:
        """Return a JSON value with every known name hidden, and folders of this machine left out."""
        if isinstance(value, dict):
            return {self._text(key): self.without(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.without(item) for item in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        if text in self._known:
            return self.hidden(text)
        plain = self._odd.sub(lambda found: self.hidden(found.group()), text) if self._odd else text
        plain = _PATH.sub("(folder left out)", plain)
        return self._starts.sub(self._candidate, plain) if self._starts else plain

    def _candidate(self, found: re.Match[str]) -> str:
        """Hide the longest known name that a run of letters begins with."""
        text = found.group()
        for end in range(len(text), _WHOLE - 1, -1):
            if text[:end] in self._known:
                return self.hidden(text[:end]) + text[end:]
        return text
