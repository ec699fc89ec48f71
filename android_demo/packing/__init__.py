"""Packs the demo's APK with the command-line tools of the Android SDK, and inspects what came out."""
