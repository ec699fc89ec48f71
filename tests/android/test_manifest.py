"""What is wrong with a manifest, told from what aapt2 prints."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, canonicalize, fromstring, tostring

import pytest

from packing import manifest

ANDROID = "http://schemas.android.com/apk/res/android"
PRINTED = f"""\
N: android={ANDROID} (line=2)
  E: manifest (line=2)
    A: {ANDROID}:versionName(0x0101021c)="0.1.0" (Raw: "0.1.0")
    A: package="melanomaedge.app" (Raw: "melanomaedge.app")
      E: uses-sdk (line=3)
        A: {ANDROID}:minSdkVersion(0x0101020c)=26
      E: application (line=4)
        A: {ANDROID}:label(0x01010001)=@0x7f010000
          E: activity (line=10)
            A: {ANDROID}:name(0x01010003)="a b: (c)=d" (Raw: "a b: (c)=d")
          E: service (line=11)
"""

LAUNCHER = """
<activity name=".Home" exported="true">
  <intent-filter><category name="android.intent.category.LAUNCHER"/></intent-filter>
</activity>"""


def element(text: str) -> Element:
    """Return XML whose every attribute, but package, domain and path, is of Android's namespace."""
    root = fromstring(text)
    for item in root.iter():
        for name in set(item.attrib) - {"package", "domain", "path"}:
            item.set(f"android:{name}", item.attrib.pop(name))
    return root


def declared(attributes: str = "", target: int = 36) -> Element:
    """Return a manifest without a fault, but for what is given."""
    given = dict(pair.split("=") for pair in attributes.split())
    flags = {"allowBackup": "false", "usesCleartextTraffic": "false", "extractNativeLibs": "false"} | given
    written = " ".join(f'{name}="{value}"' for name, value in flags.items())
    sdk = f'<uses-sdk minSdkVersion="26" targetSdkVersion="{target}"/>'
    return element(f'<manifest package="melanomaedge.app">{sdk}<application {written}/></manifest>')


def faults(root: Element) -> list[str]:
    return list(manifest.manifest_faults(root, "melanomaedge.app", 26, 36))


def test_the_printed_tree_is_read() -> None:
    expected = (
        '<manifest android:versionName="0.1.0" package="melanomaedge.app"><uses-sdk android:minSdkVersion="26"/>'
        '<application android:label="@0x7f010000"><activity android:name="a b: (c)=d"/><service/></application>'
        "</manifest>"
    )
    printed = tostring(manifest.parse_xmltree(PRINTED), encoding="unicode")
    named = f'<manifest xmlns:android="{ANDROID}"'
    assert canonicalize(printed.replace("<manifest", named)) == canonicalize(expected.replace("<manifest", named))


def test_nothing_printed_is_no_tree() -> None:
    with pytest.raises(ValueError, match="no element"):
        manifest.parse_xmltree("ERROR: not found\n")


def test_a_good_manifest_has_no_fault() -> None:
    assert faults(declared()) == []


@pytest.mark.parametrize(
    "attributes",
    ["allowBackup=true", "usesCleartextTraffic=true", "extractNativeLibs=true", "debuggable=true", "testOnly=true"],
)
def test_a_wrong_flag_is_a_fault(attributes: str) -> None:
    (fault,) = faults(declared(attributes))
    assert fault.startswith(attributes.split("=")[0] + " is true")


def test_a_flag_left_out_is_a_fault() -> None:
    root = declared()
    for application in root.iter("application"):
        del application.attrib["android:allowBackup"]
    assert faults(root) == ["allowBackup is None, not false"]


def test_another_sdk_is_a_fault() -> None:
    assert faults(declared(target=34)) == ["targetSdkVersion is 34, not 36"]


@pytest.mark.parametrize("tag", ["uses-permission", "uses-permission-sdk-23", "permission"])
def test_every_kind_of_permission_is_seen(tag: str) -> None:
    root = element(f'<manifest><{tag} name="android.permission.INTERNET"/><application/></manifest>')
    assert manifest.permissions(root) == {"android.permission.INTERNET"}


def test_the_launcher_alone_may_be_exported() -> None:
    hidden = '<provider name="P" exported="false"/><activity name="A"/>'
    assert list(manifest.export_faults(element(f"<application>{LAUNCHER}{hidden}</application>"))) == []


@pytest.mark.parametrize(
    "component",
    [
        '<activity name="A" exported="true"/>',
        '<provider name="A" exported="true"/>',
        '<service name="A"><intent-filter/></service>',
    ],
)
def test_another_exported_component_is_a_fault(component: str) -> None:
    (fault,) = manifest.export_faults(element(f"<application>{LAUNCHER}{component}</application>"))
    assert fault.endswith("A is exported")


@pytest.mark.parametrize("count", [0, 2])
def test_there_is_one_launcher(count: int) -> None:
    assert list(manifest.export_faults(element(f"<application>{LAUNCHER * count}</application>"))) != []


def rules(
    domains: frozenset[str] = manifest.DOMAINS, sections: tuple[str, ...] = manifest.TRANSFERS, extra: str = ""
) -> Element:
    def written() -> Iterator[str]:
        for section in sections:
            excludes = "".join(f'<exclude domain="{domain}" path="."/>' for domain in sorted(domains))
            yield f"<{section}>{excludes}{extra}</{section}>"

    return element(f"<data-extraction-rules>{''.join(written())}</data-extraction-rules>")


def test_rules_that_keep_everything_have_no_fault() -> None:
    assert list(manifest.extraction_faults(rules())) == []


@pytest.mark.parametrize("domain", sorted(manifest.DOMAINS))
def test_a_domain_that_may_leave_is_a_fault(domain: str) -> None:
    found = list(manifest.extraction_faults(rules(manifest.DOMAINS - {domain})))
    assert found == [f"<{transfer}> does not exclude {domain}" for transfer in manifest.TRANSFERS]


def test_a_missing_section_is_a_fault() -> None:
    assert list(manifest.extraction_faults(rules(sections=("cloud-backup",)))) == ["no <device-transfer>"]


def test_an_excluded_folder_is_not_its_domain() -> None:
    partly = rules(manifest.DOMAINS - {"file"}, extra='<exclude domain="file" path="photos"/>')
    assert len(list(manifest.extraction_faults(partly))) == 2


def test_an_inclusion_is_a_fault() -> None:
    found = list(manifest.extraction_faults(rules(extra='<include domain="file" path="."/>')))
    assert found == [f"<{transfer}> includes something" for transfer in manifest.TRANSFERS]
