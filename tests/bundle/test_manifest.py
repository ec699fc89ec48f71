"""What the manifest lists, and the chain in it."""

from __future__ import annotations

import hashlib

from toys import toy_contract

from melanoma_edge.bundle.manifest import Listed, chain, listed

FILES = {
    "manifest.json": b"m",
    "manifest.sig": b"s",
    "model.tflite": b"t",
    "contract.json": b"c",
    "parity/tflite.json": b"p",
}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_everything_but_the_manifest_and_its_signature_is_listed() -> None:
    found = listed(FILES)
    assert list(found) == ["contract.json", "model.tflite", "parity/tflite.json"]
    assert found["model.tflite"] == Listed(digest(b"t"), 1)


def test_the_chain_goes_from_the_images_to_the_files() -> None:
    links = chain(toy_contract(), FILES)
    lines = [
        f"catalog {'a' * 64}",
        f"weights {'b' * 64}",
        f"reference {'b' * 64}",
        f"contract {digest(b'c')}",
        f"tflite {digest(b't')}",
        f"parity_tflite {digest(b'p')}",
    ]
    assert [f"{name} {value}" for name, value in links.items()][:-1] == lines
    assert links["sha256"] == digest("".join(f"{line}\n" for line in lines).encode())


def test_an_onnx_model_adds_two_links() -> None:
    links = chain(toy_contract(), {**FILES, "model.onnx": b"o", "parity/onnx.json": b"q"})
    assert list(links)[-3:] == ["onnx", "parity_onnx", "sha256"]
    assert (links["onnx"], links["parity_onnx"]) == (digest(b"o"), digest(b"q"))
