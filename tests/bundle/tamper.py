"""The table of tampered bundles: what was done, and what finds it. The names are shared with the phone's tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from forge import (
    Files,
    Spoil,
    both,
    check,
    edit,
    flip,
    in_models,
    judged,
    keys,
    manifest,
    parity_follows,
    put,
    repair,
    repaired,
    vector,
    without,
)


class By(StrEnum):
    """Name what finds a tampering: reading the bundle, running its golden vectors, or its signature alone."""

    READING = "reading"
    GOLDEN = "golden"
    SIGNATURE = "signature"


@dataclass(frozen=True)
class Tampering:
    """Name a tampering; ``says`` is a part of the refusal."""

    name: str
    spoil: Spoil
    says: str
    by: By = By.READING


def _swap_labels(document: Any) -> None:
    document["classes"][:2] = reversed(document["classes"][:2])


def _swap_models(files: Files) -> Files:
    return {**files, "model.tflite": files["model.onnx"], "model.onnx": files["model.tflite"]}


def _twice(data: bytes) -> bytes:
    return data.replace(b'"release"', b'"release": 1,\n  "release"')


def _other_order(document: Any) -> Any:
    document["chain"] = dict(reversed(document["chain"].items()))


def _backwards(document: Any) -> None:
    document["files"] = dict(reversed(document["files"].items()))


def _break_chain(document: Any) -> None:
    document["chain"]["weights"] = "0" * 64


def _all_pass(document: Any) -> None:
    """Let a record say PASS throughout, with numbers that fit."""
    document["verdict"] = "PASS"
    for one in document["artifacts"]:
        one["verdict"] = "PASS"
        for found in one["checks"]:
            found["status"] = "PASS"


def _failing(document: Any) -> None:
    """Let a record say that no decision is the same, by its numbers, and FAIL."""
    change = check("decision_agreement", value=0.5, would_pass_at=0.45, status="FAIL")
    change(document["artifacts"][0])
    document["verdict"] = document["artifacts"][0]["verdict"] = "FAIL"


def _claimed_pass(document: Any) -> None:
    _failing(document)
    _all_pass(document)


def _loosened(document: Any) -> None:
    document["limits"]["decision_agreement"] = 0.1
    check("decision_agreement", limit=0.1)(document["artifacts"][0])


def _drop_check(one: Any) -> None:
    one["checks"].pop(0)


def _repeat_check(one: Any) -> None:
    one["checks"].append(one["checks"][0])


def _weaken(document: Any) -> None:
    document["safeguards"]["quality"]["smallest_side"] = 1


def _contradict(document: Any) -> None:
    document["safeguards"]["quality"] |= {"least_brightness": 200, "most_brightness": 100}


def _strange(document: Any) -> None:
    document["safeguards"]["outlier"] = {"centre": [0.0], "directions": ["fw=="], "steps": [0.0078], "limit": 1.0}


def _misdirected(**keys: Any) -> Any:
    def change(document: Any) -> None:
        _strange(document)
        document["safeguards"]["outlier"] |= keys

    return change


def _wrong_size(document: Any) -> None:
    document["files"]["contract.json"]["bytes"] += 1


def _first_photo(document: Any) -> None:
    document["vectors"][1] = document["vectors"][0]


def _deep(data: bytes) -> bytes:
    return b'{"schema": ' + b"[" * 40 + b"]" * 40 + b"}"


def _darker(files: Files) -> Files:
    """Take another expected byte, as a phone that resizes otherwise would make."""
    data = bytearray(files["golden/09.rgb"])
    data[0] ^= 1
    return {**files, "golden/09.rgb": bytes(data)}


def _letters(files: Files) -> Files:
    """Give the first vector letters for a number."""
    names = {"golden/01.jpg": "golden/aa.jpg", "golden/01.rgb": "golden/aa.rgb"}
    moved = {names.get(name, name): data for name, data in files.items()}
    return vector(0, id="aa", photo="golden/aa.jpg", pixels="golden/aa.rgb")(moved)


def _other_answer(files: Files) -> Files:
    document = json.loads(files["golden/golden.json"])
    answers = document["vectors"][0]["answers"]["litert"]
    answers[0], answers[1] = answers[1], answers[0]
    return {**files, "golden/golden.json": json.dumps(document).encode()}


def _other_decision(files: Files) -> Files:
    found = json.loads(files["golden/golden.json"])["vectors"][0]["decision"]
    return vector(0, decision="no-sign" if found == "refer" else "refer")(files)


def _exchange_photos(files: Files) -> Files:
    return {**files, "golden/01.jpg": files["golden/03.jpg"], "golden/03.jpg": files["golden/01.jpg"]}


PARITY = "parity/tflite.json"
LISTED = "files changed since they were listed"
UNFIT = "does not fit the rest of the bundle"
UNSOUND = "not a sound record"
MISDIRECTED = "outlier limits must be"
SWAPPED = ('"classes": ["MEL","NV",', '"classes": ["NV","MEL",')

TAMPERINGS = (
    # One bit of each kind of file
    Tampering("bit of the contract", flip("contract.json"), LISTED),
    Tampering("bit of the TFLite model", flip("model.tflite"), LISTED),
    Tampering("bit of the ONNX model", flip("model.onnx"), LISTED),
    Tampering("bit of the model card", flip("model_card.md"), LISTED),
    Tampering("bit of a parity record", flip(PARITY), LISTED),
    Tampering("bit of the golden vectors", flip("golden/golden.json"), LISTED),
    Tampering("bit of a golden photo", flip("golden/01.jpg"), LISTED),
    Tampering("bit of expected bytes", flip("golden/01.rgb"), LISTED),
    Tampering(
        "bit of a hash in the manifest", put("manifest.json", lambda d: d[:-9] + b"f" + d[-8:]), "not strict JSON"
    ),
    # Files missing and added
    Tampering("manifest missing", without("manifest.json"), "not a bundle"),
    Tampering("contract missing", without("contract.json"), "files missing: contract.json"),
    Tampering("model missing", without("model.tflite"), "files missing: model.tflite"),
    Tampering("model missing, hashes repaired", repaired(without("model.tflite")), "files missing: model.tflite"),
    Tampering("parity record missing, hashes repaired", repaired(without(PARITY)), "files missing: parity/tflite.json"),
    Tampering("model card missing, hashes repaired", repaired(without("model_card.md")), "missing: model_card.md"),
    Tampering("golden photo missing, hashes repaired", repaired(without("golden/02.jpg")), "missing: golden/02.jpg"),
    Tampering("extra file", put("more.txt", b"text"), "files that the manifest does not list: more.txt"),
    Tampering("extra file, hashes repaired", repaired(put("more.txt", b"text")), "files of no bundle: more.txt"),
    Tampering("extra golden file", repaired(put("golden/99.jpg", b"")), "files of no vector: golden/99.jpg"),
    # The manifest
    Tampering("newer schema", manifest(keys(schema="melanoma-edge/bundle/2")), "newer schema"),
    Tampering("older schema", manifest(keys(schema="melanoma-edge/bundle/0")), "reads 'melanoma-edge/bundle/1'"),
    Tampering("unknown key", manifest(keys(colour="red")), "unknown key colour"),
    Tampering("missing key", manifest(lambda d: d.pop("verdict") and None), "missing key verdict"),
    Tampering("key of another type", manifest(keys(release="1")), "must be a int"),
    Tampering("key twice", put("manifest.json", _twice), "a key stands twice"),
    Tampering("trailing text", put("manifest.json", lambda d: d + b"{}"), "Extra data"),
    Tampering(
        "not a number", put("manifest.json", lambda d: d.replace(b'"release": 1', b'"release": NaN')), "no number"
    ),
    Tampering("nested too deeply", put("manifest.json", _deep), "nested deeper"),
    Tampering("too much JSON", put("manifest.json", lambda d: d + b" " * (1 << 20)), "at most"),
    Tampering("not UTF-8", put("manifest.json", lambda d: b"\xff" + d), "not strict JSON"),
    Tampering("release of zero", manifest(keys(release=0)), "out of range"),
    Tampering("release beyond 31 bits", manifest(keys(release=2**31)), "out of range"),
    Tampering("words that a terminal obeys", manifest(keys(tool="\x1b[2J")), "control characters"),
    Tampering("files in another order", manifest(_backwards), "not listed in order"),
    Tampering("another name", manifest(keys(name="better")), f"name is better, which {UNFIT}"),
    Tampering("not synthetic any more", manifest(keys(synthetic=False)), "synthetic is False"),
    Tampering("another target", manifest(keys(target="malignant")), "target is malignant"),
    Tampering("fewer lesions", manifest(keys(lesions=9)), UNFIT),
    Tampering("limits changed unsaid", manifest(keys(limits_changed=True)), "limits_changed is True"),
    Tampering("contradictory safeguards", manifest(_contradict), "brightness must rise"),
    Tampering("outlier limits without an embedding", manifest(_strange), "models without the embedding"),
    Tampering("outlier direction that is no base64", manifest(_misdirected(directions=["f*=="])), MISDIRECTED),
    Tampering("outlier direction with bits left over", manifest(_misdirected(directions=["fx=="])), MISDIRECTED),
    Tampering("outlier direction of another length", manifest(_misdirected(directions=["f38="])), MISDIRECTED),
    Tampering("outlier direction without a step", manifest(_misdirected(steps=[])), MISDIRECTED),
    Tampering("outlier step below zero", manifest(_misdirected(steps=[-1.0])), MISDIRECTED),
    Tampering("wrong size", manifest(_wrong_size), LISTED),
    Tampering("chain broken", manifest(_break_chain), "chain of hashes is broken: weights"),
    Tampering("chain in another order", manifest(_other_order), "chain of hashes is broken"),
    # Contract and models
    Tampering("labels swapped", repaired(edit("contract.json", _swap_labels)), "contract is"),
    Tampering(
        "threshold raised", repaired(edit("contract.json", lambda d: d["operating_point"].update(threshold=0.9))), UNFIT
    ),
    Tampering(
        "newer contract", repaired(edit("contract.json", keys(schema="melanoma-edge/contract/2"))), "newer schema"
    ),
    Tampering("unknown key in the contract", repaired(edit("contract.json", keys(mean=0.5))), "unknown key mean"),
    Tampering("model changed", repaired(flip("model.tflite")), "its seal does not match"),
    Tampering("models exchanged", repaired(_swap_models), "content says"),
    Tampering("another precision", manifest(lambda d: d["artifacts"]["tflite"].update(precision="float32")), UNFIT),
    Tampering(
        "labels swapped in models, too",
        repaired(edit("contract.json", _swap_labels), in_models(*SWAPPED)),
        UNSOUND,
    ),
    # Parity
    Tampering("FAIL", both(edit(PARITY, _failing), manifest(keys(verdict="FAIL")), repair), "decides worse"),
    Tampering("FAIL edited to PASS in the manifest", repaired(edit(PARITY, _failing)), "verdict is PASS"),
    Tampering("FAIL edited to PASS in the record", repaired(edit(PARITY, _claimed_pass)), UNSOUND),
    Tampering("limits loosened", repaired(edit(PARITY, _loosened)), "limits_changed is False"),
    Tampering("check left out", repaired(judged(_drop_check)), UNSOUND),
    Tampering("record of another model", repaired(judged(lambda d: d.update(sha256="0" * 64))), UNSOUND),
    Tampering("record of the validation split", repaired(edit(PARITY, keys(split="validation"))), UNSOUND),
    Tampering(
        "record against another reference", repaired(edit(PARITY, keys(reference="0" * 64))), "reference is 0000"
    ),
    Tampering("record at another threshold", repaired(edit(PARITY, keys(threshold=0.9))), "threshold is 0.9"),
    Tampering("record of another target", repaired(edit(PARITY, keys(target="malignant"))), "target is malignant"),
    Tampering("record of real images", repaired(edit(PARITY, keys(synthetic=False))), "synthetic is False"),
    Tampering("record of another precision", repaired(judged(lambda d: d.update(precision="float32"))), UNFIT),
    Tampering("record of fewer bytes", repaired(judged(lambda d: d.update(bytes=1))), "bytes is 1"),
    Tampering("record with a check twice", repaired(judged(_repeat_check)), "a check stands there twice"),
    Tampering("record with an unknown key", repaired(judged(lambda d: d.update(note=""))), "unknown key note"),
    Tampering("true for a number", repaired(edit(PARITY, keys(seed=True))), "must be a int"),
    # Golden vectors
    Tampering("vectors of another size", repaired(edit("golden/golden.json", keys(input_size=64))), "input_size is 64"),
    Tampering("no vectors", repaired(edit("golden/golden.json", keys(vectors=[]))), "vectors missing or double"),
    Tampering("vector twice", repaired(edit("golden/golden.json", _first_photo)), "vectors missing or double"),
    Tampering("generous tolerance", repaired(edit("golden/golden.json", keys(tolerance=1.0))), "proves nothing"),
    Tampering("tolerance of zero", repaired(edit("golden/golden.json", keys(tolerance=0))), "proves nothing"),
    Tampering("vector without a number", repaired(_letters), "not a vector's number: aa"),
    Tampering("expected bytes cut off", repaired(put("golden/01.rgb", lambda d: d[:-1])), "bytes is"),
    Tampering("photo elsewhere", repaired(vector(0, photo="golden/02.jpg")), "photo is golden/02.jpg"),
    Tampering("orientation 9", repaired(vector(0, orientation=9)), "unknown orientation"),
    Tampering("unknown state", repaired(vector(0, state="benign")), "unknown orientation, decision or state"),
    Tampering("answers of one runtime", repaired(vector(0, answers={"litert": [1.0, 0.0, 0.0]})), "answers is"),
    Tampering("expected bytes changed", repaired(_darker), "gives other bytes", By.GOLDEN),
    Tampering("expected answer changed", repaired(_other_answer), "differs by", By.GOLDEN),
    Tampering("expected decision changed", repaired(_other_decision), "decides", By.GOLDEN),
    Tampering("photos exchanged", repaired(_exchange_photos), "the photo is", By.GOLDEN),
    # What hashes cannot find, nor golden vectors when a forger makes them anew
    Tampering(
        "labels swapped everywhere",
        repaired(edit("contract.json", _swap_labels), in_models(*SWAPPED), parity_follows),
        "signature",
        By.SIGNATURE,
    ),
    Tampering("safeguards weakened", manifest(_weaken), "signature", By.SIGNATURE),
    Tampering("release raised", manifest(keys(release=7)), "signature", By.SIGNATURE),
    Tampering(
        "FAIL edited to PASS with its numbers",
        repaired(
            edit(PARITY, _failing),
            edit(PARITY, _all_pass),
            judged(check("decision_agreement", value=1, would_pass_at=1)),
        ),
        "signature",
        By.SIGNATURE,
    ),
    Tampering("signature missing", without("manifest.sig"), "not signed", By.SIGNATURE),
    Tampering("bit of the signature", flip("manifest.sig"), "signature", By.SIGNATURE),
    Tampering("signature empty", put("manifest.sig", b""), "signature", By.SIGNATURE),
)
