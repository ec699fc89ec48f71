"""What is wrong in each case of ``test_bad_inputs.py``: one function per way to spoil a folder, a run or a file."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from exporters import flatbuffer
from melanoma_edge.bundle.container import zip_bytes
from melanoma_edge.runtime.artifact import seal

TABLE = "lesion_id,image_id,dx\n"


@dataclass(frozen=True, eq=False)
class Scene:
    """Hold a case's own folder, the run it may copy from, and what is put right afterwards."""

    tmp: Path
    run: Path
    data: Path
    after: ExitStack = field(default_factory=ExitStack)

    def copy_run(self) -> Path:
        """Copy the run, without its files for people, to ``{tmp}/run``."""
        copy = self.tmp / "run"
        shutil.copytree(self.run, copy, ignore=shutil.ignore_patterns("plots"))
        return copy

    def artifact(self, name: str = "model-int8.tflite") -> bytes:
        return (self.run / "artifacts" / name).read_bytes()

    def put(self, name: str, data: bytes | str) -> Path:
        """Write ``{tmp}/name``."""
        path = self.tmp / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def picture(self, name: str, seed: int, mode: str = "RGB") -> Path:
        """Draw noise to ``{tmp}/name``."""
        path = self.tmp / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (40, 40, len(mode)), np.uint8)
        Image.fromarray(pixels, mode).save(path)
        return path

    def fresh_cache(self) -> None:
        """Let nothing decoded before be found."""
        patch = self.after.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("MELANOMA_EDGE_CACHE", str(self.tmp / "cache"))


Spoil = Callable[[Scene], Any]


def class_folders(**counts: int) -> Spoil:
    """Draw so many pictures per class below ``{tmp}/data``."""

    def make(scene: Scene) -> None:
        for place, (name, count) in enumerate(counts.items()):
            (scene.tmp / "data" / name).mkdir(parents=True)
            for number in range(count):
                scene.picture(f"data/{name}/{name}_{number}.png", 1000 * place + number)

    return make


def folders_and(name: str, data: bytes | str) -> Spoil:
    """Draw two good classes, and put a file among them."""

    def make(scene: Scene) -> None:
        class_folders(mel=4, nv=4)(scene)
        scene.put(f"data/nv/{name}", data)

    return make


def cut_off_image(scene: Scene) -> None:
    class_folders(mel=4, nv=4)(scene)
    whole = next(iter(sorted((scene.data / "images").iterdir()))).read_bytes()
    scene.put("data/nv/cut.jpg", whole[: len(whole) // 2])


def see_through_image(scene: Scene) -> None:
    class_folders(mel=4, nv=4)(scene)
    scene.picture("data/nv/glass.png", 9, "RGBA")


def image_under_two_labels(scene: Scene) -> None:
    class_folders(mel=4, nv=4)(scene)
    shutil.copy(scene.tmp / "data/nv/nv_0.png", scene.tmp / "data/mel/other_name.png")


def two_copies(scene: Scene) -> None:
    class_folders(mel=4, nv=4)(scene)
    shutil.copy(scene.tmp / "data/nv/nv_0.png", scene.tmp / "data/nv/again.png")


def link_to_nowhere(scene: Scene) -> None:
    class_folders(mel=4, nv=4)(scene)
    (scene.tmp / "data/nv/link.png").symlink_to(scene.tmp / "nowhere.png")


def table(text: str | bytes) -> Spoil:
    """Write a metadata table and the images a to f beside it."""

    def make(scene: Scene) -> None:
        scene.put("data/metadata.csv", text)
        for seed, name in enumerate("abcdef"):
            scene.picture(f"data/images/{name}.png", seed)

    return make


def two_tables(scene: Scene) -> None:
    table(TABLE + "L1,a,mel\n")(scene)
    scene.put("data/second.csv", TABLE)


def file(name: str, data: bytes | str = "text\n") -> Spoil:
    return lambda scene: scene.put(name, data)


def folder(name: str) -> Spoil:
    return lambda scene: (scene.tmp / name).mkdir()


def weights_of_another_network(scene: Scene) -> None:
    from melanoma_edge.model.legacy_keras import load_tensorflow

    _, keras = load_tensorflow()
    model = keras.applications.MobileNet((32, 32, 3), alpha=0.25, include_top=False, weights=None)
    model.save_weights(str(scene.tmp / "weights.h5"))


def unfinished_run(scene: Scene) -> None:
    run = scene.tmp / "run"
    run.mkdir()
    shutil.copy(scene.run / "config.json", run)


def finished_run(scene: Scene) -> None:
    scene.copy_run()


def bare_run(scene: Scene) -> None:
    shutil.rmtree(scene.copy_run() / "artifacts")


def strange_document(scene: Scene) -> None:
    scene.copy_run()
    scene.put("run/report/robustness.json", "[]")


def lost_record(scene: Scene) -> None:
    (scene.copy_run() / "artifacts/model-int8.tflite.json").unlink()


def held_run(scene: Scene) -> None:
    """Hold the lock of ``{tmp}/out`` as another training would."""
    lock = scene.after.enter_context(open(scene.tmp / ".out.lock", "w"))
    fcntl.flock(lock, fcntl.LOCK_EX)


def edited(name: str, change: Callable[[bytes], bytes]) -> Spoil:
    """Copy the run and change one of its files."""

    def make(scene: Scene) -> None:
        path = scene.copy_run() / name
        path.write_bytes(change(path.read_bytes()))

    return make


def record(**changes: Any) -> Spoil:
    """Copy the run with keys of ``run.json`` changed."""
    return edited("run.json", lambda data: json.dumps({**json.loads(data), **changes}).encode())


def flipped(data: bytes) -> bytes:
    """Change one bit in the middle."""
    place = len(data) // 2
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def artifact(change: Callable[[bytes], bytes], name: str = "model-int8.tflite", to: str = "model.tflite") -> Spoil:
    """Write a changed copy of an exported file to ``{tmp}``."""
    return lambda scene: scene.put(to, change(scene.artifact(name)))


def resealed(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Replace text inside an exported file by as many bytes, and seal the file again, as a forger could."""

    def change(data: bytes) -> bytes:
        assert len(old) == len(new) and old in data
        return seal(data.replace(old, new))

    return change


def without_contract(data: bytes) -> bytes:
    return data.replace(b'{"schema": "melanoma-edge/artifact/', b'{"schema": "another-tool/made-that/')


def contradicting(data: bytes) -> bytes:
    """Let an operator read a tensor that the file does not have, and seal the file again."""
    model = flatbuffer.load(data)
    model.subgraphs[0].operators[4].inputs[1] = 10_000
    return seal(flatbuffer.pack(model))


def of_another_model(scene: Scene) -> None:
    data = scene.artifact()
    digest = json.loads((scene.run / "run.json").read_text())["weights_sha256"].encode()
    scene.put("model.tflite", resealed(digest, b"f" * 64)(data))


def images_moved(scene: Scene) -> None:
    scene.fresh_cache()
    away = scene.data.with_name("moved")
    scene.data.rename(away)
    scene.after.callback(away.rename, scene.data)


def image_changed(scene: Scene) -> None:
    scene.fresh_cache()
    for path in sorted((scene.data / "images").iterdir()):
        whole = path.read_bytes()
        path.write_bytes(whole + b"\0")
        scene.after.callback(path.write_bytes, whole)


def one_bad_photo(scene: Scene) -> None:
    scene.picture("photos/a.png", 1)
    scene.put("photos/b.png", b"\x89PNG\r\n\x1a\n")
    scene.picture("photos/c.png", 2)


def zip_of_text(scene: Scene) -> None:
    scene.put("b.zip", zip_bytes({"notes.txt": b"text"}))
