#!/bin/sh
# Makes the bundle that the demo app carries. Needs melanoma-edge on the path.
#
#   android_demo/refresh_bundle.sh               train on synthetic images, export, judge, bundle: some minutes
#   android_demo/refresh_bundle.sh --same-model  bundle the models that are there again, as the tool does it now
set -eu

assets=$(cd "$(dirname "$0")" && pwd)/app/src/main/assets
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

case "${1-}" in
"")
  # The threshold of 95 % sensitivity would lie at a probability of half a percent, which shows little on a screen.
  melanoma-edge train --preset tiny --target-sensitivity 0.8 --out "$place/synthetic-demo"
  melanoma-edge export "$place/synthetic-demo" --format tflite --format onnx --with-cam
  source=$place/synthetic-demo
  ;;
--same-model) source=$assets/bundle.zip ;;
*)
  echo "unknown option $1" >&2
  exit 2
  ;;
esac

melanoma-edge bundle "$source" --out "$place/bundle"
mkdir -p "$assets"
cp "$place/bundle.zip" "$assets/.bundle.zip.part"
mv "$assets/.bundle.zip.part" "$assets/bundle.zip"
