"""Bad inputs of all other commands, and of the command line itself."""

from __future__ import annotations

import scenes
import scenes_disks
from cases import GOOD, NO_MELANOMA, OTHER_CLASSES, Case
from scenes import artifact, class_folders, file, flipped

COMMANDS = (
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
        scenes_disks.bundle_on_full_disk,
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
