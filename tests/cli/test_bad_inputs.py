"""The table of bad inputs: what goes in, the exit code, and what is said; nothing half-written is ever left.

With MELANOMA_EDGE_TABLE naming a file, the table is written there as Markdown with the messages of this version.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import scenes
from scenes import TABLE, Scene, Spoil, artifact, class_folders, edited, file, flipped, folder, folders_and, table


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

CASES = (
    # Folders and images
    Case("no such folder", DATA, 3, "no such folder"),
    Case("file in place of a folder", DATA, 3, "not a folder", file("data")),
    Case("empty folder", DATA, 3, "no source recognises this folder", folder("data")),
    Case("one class", DATA, 3, "one class only: NV", class_folders(nv=4)),
    Case("nothing malignant", DATA, 3, "none of the classes NV, BKL is malignant", class_folders(nv=4, bkl=4)),
    Case("a class that includes another", DATA, 3, "two right answers", class_folders(mel=4, malignant=4, nv=4)),
    Case("unknown label", DATA, 3, "nearest: melanoma", class_folders(melanomma=4, nv=4)),
    Case("class without an image", DATA, 3, "class folders without an image: mel", class_folders(mel=0, nv=4)),
    Case("too few groups in a class", DATA, 3, "MEL has 2", class_folders(mel=2, nv=4)),
    Case("text file named .jpg", DATA, 3, "notes.jpg", folders_and("notes.jpg", "no image\n")),
    Case("random bytes named .png", DATA, 3, "noise.png", folders_and("noise.png", bytes(range(256)))),
    Case("file of zero bytes", DATA, 3, "empty.jpg", folders_and("empty.jpg", b"")),
    Case("truncated JPEG", DATA, 3, "cut.jpg", scenes.cut_off_image),
    Case("transparent image", DATA, 3, "glass.png", scenes.see_through_image),
    Case("link that leads nowhere", DATA, 3, "link.png", scenes.link_to_nowhere),
    Case(
        "same image under two labels", DATA, 3, "stand under two labels (MEL and NV 1)", scenes.image_under_two_labels
    ),
    Case("another source's layout", f"{DATA} --source ham10000", 3, "one metadata table expected, 0 found", TWO),
    Case("synthetic set without its marker", f"{DATA} --source synthetic", 3, "marker of the synthetic set", TWO),
    Case(
        "copies, asked not to be there", f"{DATA} --on-duplicate error", 3, "byte-identical copies", scenes.two_copies
    ),
    Case("no Test folder to keep", f"{DATA} --test-folder keep", 3, "no Test folder to keep", TWO),
    Case("prefer without a table", f"{DATA} --on-conflict prefer", 2, "is not whole", TWO),
    Case("preferred table missing", f"{DATA} --on-conflict prefer {{tmp}}/none.csv", 3, "labels not found", TWO),
    Case("unknown policy", f"{DATA} --on-conflict ignore", 2, "choose error, drop or prefer", TWO),
    Case("legacy and another policy", f"{DATA} --split-policy legacy --on-conflict drop", 2, "as it lies", TWO),
    Case("copies without legacy", f"{DATA} --legacy-copies 5", 2, "with --split-policy legacy alone", TWO),
    Case("the tutorials' network pruned", f"{DATA} --backbone tutorial-cnn --prune 0.5", 2, "MobileNets only", TWO),
    Case("folds without a fold", f"{DATA} --folds 5", 2, "folds and fold go together", TWO),
    Case("fold that does not exist", f"{DATA} --folds 5 --fold 6", 2, "fold 6 of 5 does not exist", TWO),
    Case("more folds than groups", f"{DATA} --folds 5 --fold 1", 3, "MEL has 4, NV has 4", TWO),
    Case("half the columns of a table", f"{DATA} --path-column file", 2, "column go together", TWO),
    Case("a column that is not there", f"{DATA} --source csv --path-column file --label-column d", 3, "0 found", TWO),
    Case("image type of a known set", f"{GOOD} --image-type clinical", 2, "says itself what kind of images"),
    # Tables
    Case("CSV with a missing column", DATA, 3, "table lacks the column dx", table("lesion_id,image_id\nL1,a\n")),
    Case("image in the CSV but not on disk", DATA, 3, "zzz (row 3)", table(TABLE + "L1,a,mel\nL2,zzz,nv\n")),
    Case("unknown label in the CSV", DATA, 3, "'wart' in row 3", table(TABLE + "L1,a,mel\nL2,b,wart\n")),
    Case("image twice in the CSV", DATA, 3, "a in rows 2, 3", table(TABLE + "L1,a,mel\nL1,a,mel\n")),
    Case("lesion with two labels", DATA, 3, "MEL (row 2) and NV (row 3)", table(TABLE + "L1,a,mel\nL1,b,nv\n")),
    Case("CSV of zero bytes", f"{DATA} --source ham10000", 3, "one metadata table expected, 0 found", table("")),
    Case("CSV with a header alone", DATA, 3, "no images found", table(TABLE)),
    Case("CSV that is not UTF-8", DATA, 3, "not UTF-8 text", table(TABLE.encode() + b"L1,a,mel\n" * 9999 + b"\xe9")),
    Case("CSV with rows of another length", DATA, 3, "row 2 has 2", table(TABLE + "L1,a\n")),
    Case("CSV with an empty cell", DATA, 3, "row 2 dx", table(TABLE + "L1,a,\n")),
    Case("two tables", DATA, 3, "one metadata table expected, 2 found", scenes.two_tables),
    # Options of training
    Case("unknown source", f"{GOOD} --source isic", 2, "'isic' is not one of"),
    Case("unknown preset", f"{GOOD} --preset huge", 2, "'huge' is not one of"),
    Case("unknown backbone", f"{GOOD} --backbone resnet", 2, "'resnet' is not one of"),
    Case("width without ImageNet weights", f"{GOOD} --init imagenet", 2, "no ImageNet weights for"),
    Case("width out of range", f"{GOOD} --width 9", 2, "width 9.0 is outside"),
    Case("image size 100", f"{GOOD} --image-size 100", 2, "Fix: use 96"),
    Case("init file missing", f"{GOOD} --width 0.25 --init {{tmp}}/w.h5", 3, "weights file not found"),
    Case("init file damaged", f"{GOOD} --width 0.25 --init {{tmp}}/w.h5", 7, "does not fit", file("w.h5")),
    Case(
        "init file of another network",
        f"{GOOD} --backbone mobilenet_v2 --width 0.35 --init {{tmp}}/weights.h5",
        7,
        "does not fit mobilenet_v2",
        scenes.weights_of_another_network,
    ),
    Case("no epochs", f"{GOOD} --epochs 0", 2, "epochs must be 1 to 10000, not 0"),
    Case("batches of nothing", f"{GOOD} --batch-size 0", 2, "batch size must be 1 to 4096, not 0"),
    Case("learning rate of zero", f"{GOOD} --learning-rate 0", 2, "learning rate must be above 0"),
    Case("sparsity of 2", f"{GOOD} --prune 2", 2, "prune must lie between 0 and 0.95, not 2.0"),
    Case("sensitivity of 2", f"{GOOD} --target-sensitivity 2", 2, "target sensitivity must lie between"),
    Case("negative seed", f"{GOOD} --seed -1", 2, "-1 is not in the range"),
    Case("GPU where there is none", f"{GOOD} --device gpu", 8, "no GPU that TensorFlow can use"),
    # Where a run goes
    Case("out is a file", GOOD, 2, "the run's path is a file", file("out")),
    Case("out below a file", "train --data {data} --out {tmp}/out/run", 2, "a file stands where", file("out")),
    Case("out exists", GOOD, 2, "choose another --out or add --force", file("out/notes.txt")),
    Case("out is no run, with --force", f"{GOOD} --force", 2, "refusing to clear a folder", file("out/notes.txt")),
    Case("out is everything", "train --data {data} --out / --force", 2, "refusing to clear a folder"),
    Case(
        "out of another tool, with --force",
        f"{GOOD} --force",
        2,
        "refusing to clear a folder that is not a run",
        file("out/config.json", '{"colour": "red"}'),
    ),
    Case("out held by another training", GOOD, 2, "another training writes into this run", scenes.held_run),
    Case("nothing to resume", f"{GOOD} --resume", 7, "nothing to resume"),
    Case(
        "resume with other options",
        "train --preset tiny --epochs 7 --out {tmp}/run --resume",
        2,
        "epochs: 8 in the run, 7 asked",
        scenes.unfinished_run,
    ),
    Case(
        "resume a finished run",
        "train --preset tiny --out {tmp}/run --resume",
        2,
        "this run has finished",
        scenes.finished_run,
    ),
    Case("disk full while caching", GOOD, 8, "free some space", scenes.full_cache),
    Case(
        "read-only folder",
        "train --preset tiny --data {data} --out {tmp}/disk/out",
        8,
        "the file system is read-only",
        scenes.read_only_disk,
    ),
    Case("pruning to nothing", "prune {run} --sparsity 0 --out {tmp}/out", 2, "prune must lie between 0 and 0.95"),
    Case("pruning without a sparsity", "prune {run} --out {tmp}/out", 2, "no sparsity asked for"),
    Case("2:4 of seven tenths", "prune {run} --pattern 2:4 --sparsity 0.7 --out {tmp}/out", 2, "2:4 means half zeros"),
    Case("unknown pattern", "prune {run} --pattern 3:4 --out {tmp}/out", 2, "'3:4' is not one of"),
    Case(
        "pruning into itself",
        "prune {tmp}/run --sparsity 0.5 --out {tmp}/run",
        2,
        "replace its parent",
        scenes.finished_run,
    ),
    Case("thinning to nothing", "thin {run} --keep 0.001 --out {tmp}/out", 2, "no network of this shape has"),
    Case("thinning that keeps all", "thin {run} --keep 1 --out {tmp}/out", 2, "keep must lie between 0 and 1"),
    Case("thinning without a target", "thin {run} --out {tmp}/out", 2, "exactly one of keep, target_macs"),
    Case("thinning to a word", "thin {run} --target-macs many --out {tmp}/out", 2, "is not a number such as 20M"),
    Case("thinning to more", "thin {run} --target-macs 20G --out {tmp}/out", 2, "multiplications already"),
    Case("thinning by luck", "thin {run} --keep 0.5 --importance luck --out {tmp}/out", 2, "'luck' is not one of"),
    Case(
        "thinning into itself",
        "thin {tmp}/run --keep 0.6 --out {tmp}/run --force",
        2,
        "replace its parent",
        scenes.finished_run,
    ),
    Case(
        "thinning of a pruned run",
        "thin {tmp}/run --keep 0.6 --out {tmp}/out",
        2,
        "would undo the pruning",
        scenes.record(compression={"kind": "magnitude pruning"}),
    ),
    Case("teacher missing", f"{GOOD} --teacher {{tmp}}/nowhere", 7, "not a run"),
    Case("teacher of another image size", f"{GOOD} --teacher {{run}}", 2, "the teacher looks at 64 pixels a side"),
    Case(
        "teacher that saw this run's test",
        f"{GOOD} --teacher {{run}} --image-size 64 --seed 7",
        2,
        "leak: the teacher saw",
    ),
    Case(
        "teacher replaced by its pupil",
        "train --data {data} --preset tiny --teacher {tmp}/run --out {tmp}/run --force",
        2,
        "would replace its teacher",
        scenes.finished_run,
    ),
    # Runs
    Case("run missing", "export {tmp}/run --format tflite", 7, "not a run"),
    Case("run is a file", "export {tmp}/run --format tflite", 7, "not a run", file("run")),
    Case("run unfinished", "export {tmp}/run --format tflite", 7, "has not finished", scenes.unfinished_run),
    Case("run.json cut off", "inspect {tmp}/run", 7, "run.json is damaged", edited("run.json", lambda data: data[:99])),
    Case("run.json with another key", "inspect {tmp}/run", 7, "unknown key colour", scenes.record(colour="red")),
    Case(
        "run.json of a newer schema",
        "inspect {tmp}/run",
        7,
        "upgrade melanoma-edge",
        scenes.record(schema="melanoma-edge/run/2"),
    ),
    Case("weights changed", "inspect {tmp}/run", 7, "missing or was changed", edited("weights/model.npz", flipped)),
    Case("catalog changed", "inspect {tmp}/run", 7, "missing or was changed", edited("catalog.csv", flipped)),
    Case("contract changed", "inspect {tmp}/run", 7, "missing or was changed", edited("contract.json", flipped)),
    Case(
        "ORT in half precision", "export {run} --format ort --precision float16", 2, "ort float16: onnxruntime unpacks"
    ),
    Case("TFLite in batches", "export {run} --format tflite --batch 8", 2, "takes one image at a time"),
    # Exported files
    Case("a map that is not there", f"{PREDICT} --cam {{tmp}}/maps", 2, "answers no class activation map"),
    Case("maps where something is", f"{PREDICT} --cam {{tmp}}", 2, "refusing to overwrite"),
    Case("artifact cut by one byte", "predict {model} {photo}", 7, "seal does not match", artifact(lambda d: d[:-1])),
    Case("artifact with one bit changed", "predict {model} {photo}", 7, "changed or damaged", artifact(flipped)),
    Case(
        "ONNX artifact with one bit changed",
        "predict {tmp}/model.onnx {photo}",
        7,
        "changed or damaged",
        artifact(flipped, "model-int8.onnx", "model.onnx"),
    ),
    Case("artifact with one byte more", "inspect {model}", 7, "changed or damaged", artifact(lambda d: d + b"\0")),
    Case("artifact of zero bytes", "predict {model} {photo}", 7, "no contract inside", artifact(lambda d: b"")),
    Case(
        "TFLite file without a contract",
        "predict {model} {photo}",
        7,
        "no contract inside",
        artifact(scenes.without_contract),
    ),
    Case(
        "ONNX file without a contract",
        "predict {tmp}/model.onnx {photo}",
        7,
        "no contract inside",
        artifact(scenes.without_contract, "model-int8.onnx", "model.onnx"),
    ),
    Case("text file named .tflite", "inspect {model}", 7, "no contract inside", file("model.tflite")),
    Case("artifact with two contracts", "inspect {model}", 7, "two contracts inside", artifact(lambda d: d + d)),
    Case("artifact missing", "predict {model} {photo}", 7, "artifact missing"),
    Case("file that is no model", "predict {photo} {photo}", 2, "cannot tell what kind of model"),
    Case(
        "ONNX file named .tflite",
        "predict {model} {photo}",
        7,
        "file name says .tflite, content says onnx",
        artifact(bytes, "model-int8.onnx"),
    ),
    Case(
        "contract of a newer schema in an artifact",
        "predict {model} {photo}",
        7,
        "upgrade melanoma-edge",
        artifact(scenes.resealed(b"melanoma-edge/contract/1", b"melanoma-edge/contract/2")),
    ),
    Case(
        "artifact of a newer schema",
        "predict {model} {photo}",
        7,
        "upgrade melanoma-edge",
        artifact(scenes.resealed(b"melanoma-edge/artifact/1", b"melanoma-edge/artifact/2")),
    ),
    Case(
        "contradictory contract in an artifact",
        "predict {model} {photo}",
        7,
        "input_range must be 0 and 255",
        artifact(scenes.resealed(b'"input_range": [0,255]', b'"input_range": [1,255]')),
    ),
    Case("artifact of another model", "parity {run} {model}", 7, "belongs to another", scenes.of_another_model),
    Case("nothing to judge", "parity {tmp}/run", 2, "no artifact to compare", scenes.bare_run),
    # Export and its limits
    Case("unknown format", "export {run} --format coreml", 2, "unknown format 'coreml'"),
    Case("unknown precision", "export {run} --format tflite --precision int4", 2, "unknown precision 'int4'"),
    Case("no format", "export {run}", 2, "Missing option '--format'"),
    Case("what a format cannot do", "export {run} --format tflite --batch 4 --force", 2, "cannot be written"),
    Case("unknown rounding", "export {run} --format tflite --rounding up --force", 2, "unknown rounding 'up'"),
    Case("unknown loss", "export {run} --format tflite --max-loss luck=1 --force", 2, "unknown limits: luck"),
    Case("loss that is no pair", "export {run} --format tflite --max-loss 0.99 --force", 2, "--max-loss sensitivity"),
    Case("search without int8", f"{EXPORT} --max-loss class_agreement=0.9 --force", 2, "a search without int8"),
    Case(
        "search beside int8-full",
        "export {run} --format tflite --precision int8 --precision int8-full --max-loss class_agreement=0.9 --force",
        2,
        "would keep no layer in float",
    ),
    Case("int16 in ONNX", "export {run} --format onnx --precision int8x16", 2, "quantizes to 8 bits only"),
    Case("sparse int8", "export {run} --format tflite --sparse", 2, "with int8 sparse tensors cost time"),
    Case("sparse without zeros", f"{EXPORT} --sparse", 2, "0% of the weights of 1x1 convolutions are zero"),
    Case("negative batch", "export {run} --format onnx --batch -1 --force", 2, "batch of -1 images"),
    Case("export exists", EXPORT, 2, "refusing to overwrite"),
    Case("unknown limit", "parity {run} --limit luck=0.1", 2, "luck"),
    Case("limit without a number", "parity {run} --limit sensitivity_loss=much", 2, "is not NAME=VALUE"),
    Case("limit out of range", "parity {run} --limit sensitivity_loss=7", 2, "must lie between"),
    Case("unknown split", "parity {run} --split all", 2, "'all' is not one of"),
    Case("reference missing", "parity {run} --reference {tmp}/nowhere", 7, "not a run"),
    Case("images moved since training", "parity {run}", 3, "images are no longer there", scenes.images_moved),
    Case("images changed since training", "parity {run}", 3, "other bytes than catalogued", scenes.image_changed),
    Case(
        "images for calibration moved",
        "export {run} --format tflite --force",
        3,
        "images are no longer there",
        scenes.images_moved,
    ),
    Case(
        "disk full while exporting",
        "export {tmp}/disk/run --format tflite --precision float32",
        8,
        "the disk is full",
        scenes.run_on_a_full_disk,
    ),
    Case(
        "export into a read-only run",
        "export {tmp}/disk/run --format tflite --precision float32",
        8,
        "the file system is read-only",
        scenes.run_on_a_read_only_disk,
    ),
    # Photos
    Case("photo missing", "predict {int8} {tmp}/nowhere.jpg", 3, "image does not exist"),
    Case("photo with a name that is too long", f"predict {{int8}} {{tmp}}/{'x' * 300}.jpg", 3, "File name too long"),
    Case("folder without a photo", "predict {int8} {tmp}/photos", 3, "folder holds no image", folder("photos")),
    Case("one bad photo among good ones", "predict {int8} {tmp}/photos", 3, "b.png", scenes.one_bad_photo),
    Case("photo that is text", "predict {int8} {tmp}/photo.jpg", 3, "photo.jpg", file("photo.jpg")),
    Case("no photo", "predict {int8}", 2, "Missing argument 'IMAGES...'"),
    Case("column of no table", f"{PREDICT} --group-by lesion", 2, "is a column of no table"),
    Case("image column of no table", f"{PREDICT} --group-by folder --image-column f", 2, "is a column of no table"),
    Case(
        "table that groups nothing", f"{PREDICT} --table {{tmp}}/t.csv", 2, "--table is for --group-by", file("t.csv")
    ),
    Case("table of groups missing", f"{PREDICT} --group-by lesion --table {{tmp}}/t.csv", 3, "t.csv"),
    Case(
        "photo that the table of groups lacks",
        f"{PREDICT} --group-by lesion --table {{tmp}}/t.csv",
        3,
        "table has no row for 1 images",
        file("t.csv", "image,lesion\nother,L1\n"),
    ),
    Case("artifact to judge missing", "parity {run} {tmp}/model.tflite", 7, "artifact missing"),
    Case("too few images for calibration", f"{EXPORT} --calibration-images 3", 2, "3 is not in the range"),
    Case("no threads", f"{PREDICT} --threads 0", 2, "0 is not in the range"),
    # Audit
    Case("nothing to audit", "audit", 2, "Missing argument 'PATHS...'"),
    Case("audit of a missing folder", "audit {tmp}/nowhere {data}", 3, "nowhere"),
    Case("audit of a file", "audit {tmp}/file", 3, "not a folder", file("file")),
    Case("audit of an unknown layout", "audit {data} --source dicom", 2, "'dicom' is not one of"),
    Case("audit by half a table", "audit {data} --label-column dx", 2, "path column and label column go together"),
    Case("audit with an unknown label", "audit {tmp}/data", 3, "nearest: melanoma", class_folders(melanomma=4, nv=4)),
    Case("audit by no process", "audit {data} --workers 0", 2, "0 processes cannot do any work"),
    Case("page exists", "audit {data} --html {tmp}/page", 2, "refusing to overwrite", file("page")),
    Case("page in place of a folder", "audit {data} --html {tmp}/a/page", 2, "a file stands where a folder", file("a")),
    # Evaluation
    Case("nothing to evaluate", "evaluate", 2, "Missing argument"),
    Case("evaluation of what is not there", "evaluate {tmp}/none", 7, "no such run or artifact"),
    Case("evaluation of a changed file", "evaluate {model}", 7, "changed or damaged", artifact(flipped)),
    Case("file beside no run, no images", "evaluate {model}", 2, "is not at hand", artifact(lambda data: data)),
    Case("two runs that are no folds", "evaluate {run} {tmp}/run", 2, "is no fold", scenes.finished_run),
    Case("a model named twice", "evaluate {run} {run}", 2, "named twice"),
    Case("split and other images", "evaluate {run} --split test --data {data}", 2, "--split is of a run's own images"),
    Case("how to read no images", "evaluate {run} --source folder", 2, "are for --data"),
    Case("evaluation on no images", "evaluate {int8} --data {tmp}/none", 3, "no such folder"),
    Case("classes the model does not know", "evaluate {int8} --data {tmp}/data", 3, "SCC (4 images)", OTHER_CLASSES),
    Case("images without a target", "evaluate {int8} --data {tmp}/data", 3, "no melanoma image left", NO_MELANOMA),
    Case(
        "evaluation over a file", "evaluate {int8} --out {tmp}/mine.txt", 2, "refusing to overwrite", file("mine.txt")
    ),
    Case("two measurements at once", "evaluate {run} --rejection --robustness", 2, "one thing at a time"),
    Case("a measurement with a split", "evaluate {run} --rejection --split test", 2, "for the plain evaluation"),
    Case("a measurement with a layout", "evaluate {run} --robustness --source csv", 2, "for the plain evaluation"),
    # Benchmark and the list of operators
    Case("nothing to benchmark", "benchmark", 2, "Missing argument 'ARTIFACTS...'"),
    Case("benchmark of a run", "benchmark {run}", 2, "exported files, not folders"),
    Case("benchmark of missing files", "benchmark {tmp}/a.onnx {tmp}/b.onnx", 7, "b.onnx: artifact missing"),
    Case("benchmark of a changed file", "benchmark {model}", 7, "changed or damaged", artifact(flipped)),
    Case("unknown runtime", "benchmark {int8} --runtime coreml", 2, "unknown runtime coreml"),
    Case("runtime of another format", "benchmark {int8} --runtime onnxruntime", 2, "cannot run this format"),
    Case("threads that are no numbers", "benchmark {int8} --threads one", 2, "is no list of numbers"),
    Case("more threads than cores", "benchmark {int8} --threads 100000", 2, "cannot time 100000 threads"),
    Case("two lengths of a benchmark", "benchmark {int8} --seconds 1 --repeats 1", 2, "both given"),
    Case("benchmark of no length", "benchmark {int8} --seconds 0", 2, "cannot measure for 0.0 seconds"),
    Case("layers of a run", "inspect {run} --layers", 2, "--layers is for an exported file"),
    Case(
        "graph that contradicts itself",
        "inspect {model}",
        4,
        "tflite file's graph contradicts itself",
        artifact(scenes.contradicting),
    ),
    # Bundles
    Case("bundle of no run", "bundle {tmp}/nowhere --out {tmp}/b", 7, "not a run"),
    Case("bundle without a place", "bundle {run}", 2, "RUN or --out missing"),
    Case("bundle of files never judged", "bundle {run} --out {tmp}/b", 7, "it is unverified"),
    Case("bundle of files never exported", "bundle {run} --out {tmp}/b --precision float16", 7, "no float16 tflite"),
    Case("bundle without TFLite", "bundle {run} --out {tmp}/b --format onnx", 2, "needs a TFLite model"),
    Case("bundle of a format that phones lack", "bundle {run} --out {tmp}/b --format ort", 2, "models of format ort"),
    Case("two ways to choose", "bundle {run} --out {tmp}/b --format tflite --artifact {int8}", 2, "--artifact beside"),
    Case("key and place without a run", "bundle --new-key {tmp}/a.pem --out {tmp}/b", 2, "RUN or --out missing"),
    Case("bundle over other files", "bundle {run} --out {tmp}/b", 2, "refusing to overwrite", file("b/notes")),
    Case(
        "bundle over other files, with --force", "bundle {run} --out {tmp}/b --force", 2, "no bundle", file("b/notes")
    ),
    Case("bundle named like a zip", "bundle {run} --out {tmp}/b.zip", 2, "--out names the folder"),
    Case("release of zero", "bundle {run} --out {tmp}/b --release 0", 2, "0 is not in the range"),
    Case("key missing", "bundle {run} --out {tmp}/b --sign {tmp}/key.pem", 7, "key missing"),
    Case("key that is none", "bundle {run} --out {tmp}/b --sign {tmp}/k", 7, "not a private key", file("k")),
    Case("old and new key", "bundle --new-key {tmp}/a.pem --sign {tmp}/b.pem", 2, "--sign and --new-key together"),
    Case("unknown precision of a bundle", "bundle {run} --out {tmp}/b --precision int9", 2, "use one of float32"),
    Case("key without a name", "bundle --new-key .", 2, "needs the name of a file"),
    Case("release of a key", "bundle --new-key {tmp}/a.pem --release 3", 2, "no bundle to make"),
    Case("key inside the bundle", "bundle {run} --out {tmp}/b --new-key {tmp}/b/a.pem", 2, "does not belong into"),
    Case("new key over a file", "bundle --new-key {tmp}/a.pem", 2, "refusing to overwrite", file("a.pem")),
    Case("bundle missing", "inspect {tmp}/b.zip", 7, "bundle missing"),
    Case("bundle that is text", "predict {tmp}/b.zip {photo}", 7, "not a whole zip", file("b.zip")),
    Case("zip of something else", "predict {tmp}/b.zip {photo}", 7, "not a bundle", scenes.zip_of_text),
    Case("manifest of something else", "inspect {tmp}/b", 7, "schema None", file("b/manifest.json", "{}")),
    Case("key for what is no bundle", "inspect {int8} --key {tmp}/key.pem", 2, "--key is for a bundle"),
    Case("operators of a bundle", "inspect {tmp}/b.zip --layers", 2, "--layers is for", file("b.zip")),
    Case(
        "disk full while bundling",
        "bundle {tmp}/run --out {tmp}/disk/b",
        8,
        "the disk is full",
        scenes.bundle_on_full_disk,
    ),
    # Reports, releases, sites
    Case("report of what is no run", "report {tmp}", 7, "not a run"),
    Case("report over a file", "report {run} --out {tmp}/page.html", 2, "refusing to overwrite", file("page.html")),
    Case("report of strange documents", "report {tmp}/run", 7, "kind robustness", scenes.strange_document),
    Case("chain with a link missing", "inspect {tmp}/run --verify", 7, "without their records", scenes.lost_record),
    Case("runs of no folder", "runs {tmp}/none", 7, "no such folder"),
    Case("comparing one release", "runs compare {run}", 2, "compare takes two"),
    Case("comparing with nothing", "runs compare {run} {tmp}/none.tflite", 7, "no such run or artifact"),
    Case("comparing with itself", "runs compare {run} {run}", 2, "named twice"),
    Case("limit of a list", "runs {tmp} --limit sensitivity_loss=0.1", 2, "are for compare"),
    Case("site without images", "recalibrate {int8} --data {tmp}/none --out {tmp}/r.json", 3, "none"),
    Case("site's sensitivity of 2", "recalibrate {int8} --data {data} --sensitivity 2 --out {tmp}/r.json", 2, "not"),
    Case("site's document over a file", "recalibrate {int8} --data {data} --out {tmp}/r", 2, "overwrite", file("r")),
    Case("site's threshold missing", "predict {int8} {photo} --recalibration {tmp}/r.json", 7, "missing"),
    Case("site's threshold of text", "predict {int8} {photo} --recalibration {tmp}/r", 7, "JSON", file("r")),
    # The command line itself
    Case("unknown command", "trian", 2, "no such command 'trian'"),
    Case("unknown option", "train --speed 9", 2, "--speed"),
    Case("missing option", "train", 2, "Missing option '--out'"),
    Case("text for a number", f"{GOOD} --epochs many", 2, "'many' is not a valid integer"),
    Case("quickstart into other files", "quickstart --out {tmp} --force", 2, "other files: notes", file("notes")),
    Case("quickstart into a project", "quickstart --out {tmp} --force", 2, "other files: .git", file(".git/HEAD")),
    Case("quickstart into data", "quickstart --out {tmp} --force", 2, "not the synthetic set: a", file("data/a.jpg")),
    Case("quickstart into a file", "quickstart --out {tmp}/file", 2, "the output path is a file", file("file")),
    Case("quickstart where something is", "quickstart --out {tmp}", 2, "refusing to overwrite", file("notes")),
)


@pytest.fixture(scope="module")
def rows() -> Iterator[list[tuple[str, int, str]]]:
    """Collect name, exit code and message of each case, and write them where MELANOMA_EDGE_TABLE says."""
    found: list[tuple[str, int, str]] = []
    yield found
    if place := os.environ.get("MELANOMA_EDGE_TABLE"):
        lines = [
            f"| {name} | {code} | {' '.join(message.split()).replace('|', '/')} |" for name, code, message in found
        ]
        Path(place).write_text("\n".join(["| input | exit code | message |", "|---|---|---|", *lines, ""]), "utf-8")


@pytest.fixture
def scene(trained: Any, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path, trained.run, trained.data)
    with made.after:
        yield made


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input(case: Case, scene: Scene, trained: Any, run: Any, rows: list[tuple[str, int, str]]) -> None:
    names = {"tmp": scene.tmp, "run": scene.run, "data": scene.data, "photo": trained.photo()}
    names |= {"int8": trained.artifact("model-int8.tflite"), "model": scene.tmp / "model.tflite"}
    case.spoil(scene)
    before, in_run = _files(scene.tmp), _files(scene.run)
    answer = run(*(part.format(**names) for part in shlex.split(case.command)))
    rows.append((case.name, answer.code, _short(answer.err, scene)))
    assert (answer.code, case.says in answer.err) == (case.code, True), answer.err
    lines = answer.err.splitlines()
    assert any(line.startswith("Error: ") for line in lines) and any(line.startswith("Fix: ") for line in lines)
    assert "Traceback" not in answer.err
    assert _files(scene.run) == in_run
    left = _files(scene.tmp) - before
    # What was decoded before the mistake was met is kept in the cache, for the next attempt.
    assert not [name for name in left if not name.startswith("cache/")]


def _short(text: str, scene: Scene) -> str:
    for path, name in ((scene.run, "RUN"), (scene.data, "DATA"), (scene.tmp, "TMP")):
        text = text.replace(str(path), name)
    return text[text.find("Error: ") :]


def test_there_are_enough_cases_with_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 45
