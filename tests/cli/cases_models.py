"""Bad inputs of runs, exported files and photos."""

from __future__ import annotations

import scenes
import scenes_disks
from cases import EXPORT, PREDICT, Case
from scenes import artifact, edited, file, flipped, folder

MODELS = (
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
        scenes_disks.run_on_a_full_disk,
    ),
    Case(
        "export into a read-only run",
        "export {tmp}/disk/run --format tflite --precision float32",
        8,
        "the file system is read-only",
        scenes_disks.run_on_a_read_only_disk,
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
)
