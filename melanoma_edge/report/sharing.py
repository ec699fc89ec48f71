"""What of a run's documents may leave with a report that hides names: what is known to name nobody, and nothing else.

Sentences are not searched for names, as a name can be any word: texts are left out unless their key says that the
toolkit itself chose their words. Ids become hashes with a salt, and names of files those that exports have.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

LEFT_OUT = "left out"


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_IDS = {"image_id", "group"}
_FILES = {"path", "file", "artifact"}
_EXPORTED = re.compile(r"model-(float32|float16|int8|int8-dynamic|int8-full|int8x16)\.(tflite|onnx|ort)")
"""Names of files that exports choose themselves."""
_OWN_WORDS = words_of(
    """
    schema status verdict runtime version format precision op type activation weights kind split target label first
    second attribute rounding method family tool orientation colour channels crop resize float_class exported_class
    classes target_classes melanoma_classes malignant_classes image_types sources licences outputs layers ranking
    missed kept devices python platform processor sentence caveat note first_large cause intended_use on_conflict
    on_duplicate test_folder split_policy backbone device source prune_pattern prune_schedule image_type
    """
)
"""Keys whose texts are chosen by the toolkit, or by the contract."""
_OWN_NAMES = words_of(
    """
    checks layers splits faults accepted per_class classes runtimes hypotheses packages tools policies
    """
)
"""Keys of objects, and lists of objects, whose names and values are the toolkit's own."""
_OWN_PARTS = {"train", "validation", "test"}
_OWN_VALUES = words_of(
    """
    unknown male female yes no 0-29 30-49 50-69 70+ 1 2 3 4 5 6 i ii iii iv v vi histo histopathology follow_up
    consensus confocal abdomen acral back chest ear face foot genital hand neck scalp trunk torso
    """
) | {"1 darkest", "3 brightest", "lower extremity", "upper extremity", "head/neck", "palms/soles", "oral/genital"}
"""Values of subgroups that name nobody; others, of a user's own table, are replaced by hashes."""
_SHA256 = re.compile("[0-9a-f]{64}")


class Sharing:
    """Leave out of documents what could name a person, an image, a lesion or a place.

    Args:
        salt: for tests; else random and kept nowhere, so that nobody can try out names.
    """

    def __init__(self, salt: bytes | None = None) -> None:
        self._salt = salt or secrets.token_bytes(32)

    def hidden(self, name: str) -> str:
        """Return the hash that stands for a name: 12 hexadecimal digits of HMAC-SHA256."""
        return hmac.new(self._salt, name.encode(), hashlib.sha256).hexdigest()[:12]

    def file(self, path: str) -> str:
        """Return the name of an exported file without its folder; a name that no export gives becomes a hash."""
        name = PurePath(path).name
        return name if _EXPORTED.fullmatch(name) else f"{self.hidden(name)}{_ending(name)}"

    def without_files(self, text: str, names: Iterable[str]) -> str:
        """Return a text of the toolkit's in which the given names of exported files are replaced."""
        for name in sorted(names, key=len, reverse=True):
            text = text.replace(name, self.file(name))
        return text

    def of(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a JSON document with nothing but numbers, hashes, and texts that name nobody."""
        return {key: self._value(value, key, "") for key, value in document.items()}

    def _value(self, value: Any, key: str, above: str) -> Any:
        if isinstance(value, Mapping):
            return self._object(value, key)
        if isinstance(value, list):
            return [self._value(item, key, above) for item in value]
        return self._text(value, key, above) if isinstance(value, str) else value

    def _object(self, value: Mapping[str, Any], key: str) -> dict[str, Any]:
        plain = {name: self._value(item, name, key) for name, item in value.items()}
        if {"why", "value"} <= value.keys():  # a check, whose words may name lesions
            number = value["value"]
            plain["why"] = f"found {number}" if isinstance(number, int | float) else "not defined"
        return plain

    def _text(self, text: str, key: str, above: str) -> str:
        if key in _IDS:
            return self.hidden(text)
        if key in _FILES or (key == "name" and above == "models"):
            return self.file(text)
        if key == "value":
            return text if text.lower() in _OWN_VALUES else self.hidden(text)
        named = key == "name" and (above in _OWN_NAMES or text in _OWN_PARTS)
        if named or key in _OWN_WORDS or above in _OWN_NAMES - {"checks"} or _SHA256.fullmatch(text):
            return text
        return self.hidden(text) if key == "name" else LEFT_OUT


def _ending(name: str) -> str:
    """Return a known ending of an exported file's name."""
    return next((end for end in (".tflite", ".onnx", ".ort") if name.endswith(end)), "")
