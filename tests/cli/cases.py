"""What a case of the table of bad inputs is, and the commands that many of them begin with."""

from __future__ import annotations

from dataclasses import dataclass

from scenes import Spoil, class_folders


@dataclass(frozen=True)
class Case:
    """Name a bad input; ``code`` is the exit code and ``says`` a part of what stderr must say."""

    name: str
    command: str
    code: int
    says: str
    spoil: Spoil = lambda scene: None


TRAIN = "train --preset tiny --width 0.1 --image-size 32 --epochs 1 --out {tmp}/out"
DATA = f"{TRAIN} --data {{tmp}}/data"
GOOD = f"{TRAIN} --data {{data}}"
EXPORT = "export {run} --format tflite --precision float32"
PREDICT = "predict {int8} {photo}"
TWO = class_folders(mel=4, nv=4)
OTHER_CLASSES = class_folders(mel=4, scc=4)
NO_MELANOMA = class_folders(bcc=4, nv=4)
