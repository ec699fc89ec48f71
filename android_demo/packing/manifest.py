"""Read the compiled XML of an APK, as aapt2 prints it, and say what is wrong with the manifest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element

_ON_DEVICE = ("root", "file", "database", "sharedpref")
DOMAINS = frozenset([*_ON_DEVICE, "external", *(f"device_{name}" for name in _ON_DEVICE)])
"""Every place of an app's files that Android may copy to a cloud or to another phone."""
TRANSFERS = ("cloud-backup", "device-transfer")
COMPONENTS = ("activity", "activity-alias", "service", "receiver", "provider")
LAUNCHER = "android.intent.category.LAUNCHER"

_LINE = re.compile(r"^(?P<indent> *)(?P<kind>[NEA]): (?P<text>.*)$")
_ELEMENT = re.compile(r"^(?P<name>\S+) \(line=\d+\)$")
_ATTRIBUTE = re.compile(r'^(?:(?P<space>.*/)android:)?(?P<name>[^:(=]+)(?:\(0x\w+\))?=(?P<value>"[^"]*"|\S+)')


def parse_xmltree(text: str) -> Element:
    """Return the tree that ``aapt2 dump xmltree`` printed; Android's attributes begin with ``android:``."""
    above: list[tuple[int, Element]] = []
    root: Element | None = None
    for line in filter(None, map(_LINE.match, text.splitlines())):
        depth = len(line["indent"])
        if line["kind"] == "E" and (found := _ELEMENT.match(line["text"])):
            above = [(at, element) for at, element in above if at < depth]
            element = Element(found["name"])
            if above:
                above[-1][1].append(element)
            above.append((depth, element))
            root = element if root is None else root
        elif line["kind"] == "A" and (found := _ATTRIBUTE.match(line["text"])):
            above[-1][1].set(("android:" if found["space"] else "") + found["name"], found["value"].strip('"'))
    if root is None:
        raise ValueError("aapt2 printed no element")
    return root


def manifest_faults(manifest: Element, package: str, min_sdk: int, target_sdk: int) -> Iterator[str]:
    """Say what the manifest declares and must not, or does not and must."""
    yield from _different("package", manifest.get("package"), package)
    sdk = _only(manifest, "uses-sdk")
    yield from _different("minSdkVersion", sdk.get("android:minSdkVersion"), str(min_sdk))
    yield from _different("targetSdkVersion", sdk.get("android:targetSdkVersion"), str(target_sdk))
    application = _only(manifest, "application")
    for name in ("allowBackup", "usesCleartextTraffic", "extractNativeLibs"):
        yield from _different(name, application.get(f"android:{name}"), "false")
    for name in ("debuggable", "testOnly", "sharedUserId"):
        for element in (manifest, application):
            if element.get(f"android:{name}", "false") != "false":
                yield f"{name} is {element.get(f'android:{name}')}"


def permissions(manifest: Element) -> set[str]:
    """Return every permission that the app asks for or defines."""
    return {
        element.get("android:name", element.tag)
        for element in manifest
        if element.tag.startswith("uses-permission") or element.tag.startswith("permission")
    }


def export_faults(application: Element) -> Iterator[str]:
    """Say which components other apps can reach; only the one with the launcher's icon may be."""
    launchers = 0
    for component in (element for element in application if element.tag in COMPONENTS):
        name = f"{component.tag} {component.get('android:name')}"
        exported, filters = component.get("android:exported"), component.findall("intent-filter")
        launches = any(item.get("android:name") == LAUNCHER for item in component.iter("category"))
        launchers += launches
        if launches and exported != "true":
            yield f"{name} is the launcher's and not exported"
        if not launches and (exported == "true" or (filters and exported is None)):
            yield f"{name} is exported"
    if launchers != 1:
        yield f"{launchers} components are the launcher's"


def extraction_faults(rules: Element) -> Iterator[str]:
    """Say which of the app's files could leave the phone in a backup or a move to another one."""
    for transfer in TRANSFERS:
        sections = rules.findall(transfer)
        if not sections:
            yield f"no <{transfer}>"
        for section in sections:
            if section.find("include") is not None:
                yield f"<{transfer}> includes something"
            missing = DOMAINS - set(_whole_domains(section.findall("exclude")))
            if missing:
                yield f"<{transfer}> does not exclude {', '.join(sorted(missing))}"


def _whole_domains(excludes: Iterable[Element]) -> Iterator[str]:
    for exclude in excludes:
        if exclude.get("path", ".") in ("", ".", "/"):
            yield exclude.get("domain", "")


def _only(parent: Element, tag: str) -> Element:
    found = parent.findall(tag)
    if len(found) != 1:
        raise ValueError(f"the manifest holds {len(found)} <{tag}>")
    return found[0]


def _different(name: str, found: str | None, expected: str) -> Iterator[str]:
    if found != expected:
        yield f"{name} is {found}, not {expected}"
