"""How a forger changes a bundle: edits of its files, with every hash repaired that can be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from melanoma_edge.files import to_json
from melanoma_edge.runtime.artifact import seal

Files = dict[str, bytes]
Spoil = Callable[[Files], Files]

MODELS = {"tflite": "model.tflite", "onnx": "model.onnx"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def flip(name: str) -> Spoil:
    """Change one bit in the middle of a file."""

    def spoil(files: Files) -> Files:
        data = files[name]
        place = len(data) // 2
        return {**files, name: data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]}

    return spoil


def without(*names: str) -> Spoil:
    return lambda files: {name: data for name, data in files.items() if name not in names}


def put(name: str, data: bytes | Callable[[bytes], bytes]) -> Spoil:
    """Add or replace a file, with other bytes or a change of its own."""
    return lambda files: {**files, name: data if isinstance(data, bytes) else data(files[name])}


def edit(name: str, change: Callable[[Any], Any]) -> Spoil:
    """Change a JSON document; ``change`` may work in place or return another."""

    def spoil(files: Files) -> Files:
        document = json.loads(files[name])
        changed = change(document)
        return {**files, name: to_json(document if changed is None else changed).encode()}

    return spoil


def manifest(change: Callable[[Any], Any]) -> Spoil:
    return edit("manifest.json", change)


def keys(**values: Any) -> Callable[[Any], Any]:
    """Set keys of a document."""
    return lambda document: {**document, **values}


def both(*spoils: Spoil) -> Spoil:
    """Do one after the other."""

    def spoil(files: Files) -> Files:
        for one in spoils:
            files = one(files)
        return files

    return spoil


def repaired(*spoils: Spoil) -> Spoil:
    """Do one after the other, and let the manifest's hashes fit again."""
    return both(*spoils, repair)


def repair(files: Files) -> Files:
    """Write the hashes, sizes and the chain of a manifest anew."""
    document = json.loads(files["manifest.json"])
    listed = sorted(name for name in files if name not in ("manifest.json", "manifest.sig"))
    document["files"] = {name: {"sha256": sha256(files[name]), "bytes": len(files[name])} for name in listed}
    for form, name in MODELS.items():
        if form in document["artifacts"] and name in files:
            document["artifacts"][form] |= {"sha256": sha256(files[name]), "bytes": len(files[name])}
    document["chain"] = _chain(document, files)
    return {**files, "manifest.json": to_json(document).encode()}


def _chain(document: Any, files: Files) -> dict[str, str]:
    places = {"contract": "contract.json"}
    for form in document["artifacts"]:
        places |= {form: MODELS[form], f"parity_{form}": f"parity/{form}.json"}
    links = {name: document["chain"][name] for name in ("catalog", "weights", "reference")}
    links |= {name: sha256(files[place]) for name, place in places.items() if place in files}
    return {**links, "sha256": sha256("".join(f"{name} {digest}\n" for name, digest in links.items()).encode())}


def in_models(old: str, new: str) -> Spoil:
    """Replace text inside both models by as much text, and seal them again."""
    assert len(old) == len(new)

    def spoil(files: Files) -> Files:
        forged = {}
        for name in MODELS.values():
            assert old.encode() in files[name]
            forged[name] = seal(files[name].replace(old.encode(), new.encode()))
        return {**files, **forged}

    return spoil


def parity_follows(files: Files) -> Files:
    """Let the parity records name the models that are there now."""
    for form, name in MODELS.items():
        found = {"sha256": sha256(files[name]), "bytes": len(files[name])}
        files = judged(lambda one, found=found: one.update(found), form)(files)  # type: ignore[misc]
    return files


def judged(change: Callable[[Any], Any], form: str = "tflite") -> Spoil:
    """Change what a parity record says of its model, in place."""

    def inside(document: Any) -> None:
        change(document["artifacts"][0])

    return edit(f"parity/{form}.json", inside)


def check(name: str, **values: Any) -> Callable[[Any], None]:
    """Set keys of one check of a judged model."""

    def change(one: Any) -> None:
        (found,) = [check for check in one["checks"] if check["name"] == name]
        found.update(values)

    return change


def vector(place: int, **values: Any) -> Spoil:
    """Set keys of a golden vector."""

    def change(document: Any) -> None:
        document["vectors"][place].update(values)

    return edit("golden/golden.json", change)
