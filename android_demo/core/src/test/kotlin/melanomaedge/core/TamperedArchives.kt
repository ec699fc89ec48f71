package melanomaedge.core

import java.nio.ByteBuffer
import java.nio.ByteOrder

private const val MEGABYTE = 1 shl 20

internal fun Tampered.archives() {
    names()
    sizes()
    val zip by lazy { ZipForge.zip(good) }
    archive("zip cut off", Reason.BAD_ARCHIVE) { zip.copyOf(zip.size - 10) }
    archive("zip cut in half", Reason.BAD_ARCHIVE) { zip.copyOf(zip.size / 2) }
    archive("empty file", Reason.BAD_ARCHIVE) { ByteArray(0) }
    archive("no zip", Reason.BAD_ARCHIVE) { "hello".toByteArray() }
    archive("garbage behind the zip", Reason.BAD_ARCHIVE) { zip + "hello".toByteArray() }
    archive("garbage before the zip", Reason.BAD_ARCHIVE) { "hello".toByteArray() + zip }
    archive("one zip behind another", Reason.BAD_ARCHIVE) { zip + zip }
    archive("comment in the zip", Reason.BAD_ARCHIVE) { ZipForge.write(entries(), "hello") }
    archive("comment that is not there", Reason.BAD_ARCHIVE) { zip.flipped(zip.size - 2) }
    archive("bytes before the first entry", Reason.BAD_ARCHIVE) {
        first { ZipEntryForge(it.name, it.content, gap = 5) }
    }
    archive("bytes between entries", Reason.BAD_ARCHIVE) {
        ZipForge.write(entries().mapIndexed { i, it -> if (i == 1) ZipEntryForge(it.name, it.content, gap = 5) else it })
    }
    archive("entry that the directory does not count", Reason.BAD_ARCHIVE) { ZipForge.write(entries(), uncounted = 1) }
    archive("entry that is not in the directory", Reason.BAD_ARCHIVE) { withoutRecord(zip) }
    archive("zip inside a zip", Reason.EXTRA_FILE) { with("inner.zip", zip) }
    archive("encrypted entry", Reason.BAD_ARCHIVE) { first { ZipEntryForge(it.name, it.content, flags = 1) } }
    archive("data descriptor", Reason.BAD_ARCHIVE) { first { ZipEntryForge(it.name, it.content, flags = 8) } }
    archive("extra field", Reason.BAD_ARCHIVE) { first { ZipEntryForge(it.name, it.content, extra = ByteArray(4)) } }
    archive("unknown way of packing", Reason.BAD_ARCHIVE) { first { ZipEntryForge(it.name, it.content, method = 12) } }
    archive("link", Reason.BAD_ARCHIVE) { first { ZipEntryForge(it.name, it.content, attributes = 0xA1FF shl 16) } }
    archive("one bit of an entry changed", Reason.BAD_ARCHIVE) { zip.flipped(zip.size / 3) }
}

private fun Tampered.names() {
    val bytes = "hello".toByteArray()
    archive("name with ../", Reason.BAD_NAME) { with("../evil.txt", bytes) }
    archive("name with ../ in the middle", Reason.BAD_NAME) { with("golden/../evil.txt", bytes) }
    archive("absolute name", Reason.BAD_NAME) { with("/data/evil.txt", bytes) }
    archive("name with a backslash", Reason.BAD_NAME) { with("golden\\evil.txt", bytes) }
    archive("name with a drive", Reason.BAD_NAME) { with("c:evil.txt", bytes) }
    archive("upper-case name", Reason.BAD_NAME) { with("MODEL.TFLITE", bytes) }
    archive("name with a NUL", Reason.BAD_NAME) { with("model.tflite\u0000.txt", bytes) }
    archive("hidden file", Reason.BAD_NAME) { with(".hidden.txt", bytes) }
    archive("empty name", Reason.BAD_NAME) { with("", bytes) }
    archive("folder entry", Reason.BAD_NAME) { with("golden/", ByteArray(0)) }
    archive("folder around the bundle", Reason.MISSING_FILE) {
        ZipForge.write(entries().map { ZipEntryForge("bundle/${it.name}", it.content) })
    }
    archive("the same name twice", Reason.DUPLICATE_NAME) { with("manifest.json", bytes) }
    archive("two names of one entry", Reason.BAD_ARCHIVE) {
        first { ZipEntryForge(it.name, it.content, inner = it.name.reversed()) }
    }
}

private fun Tampered.sizes() {
    archive("too many files", Reason.TOO_MANY_FILES) {
        ZipForge.write(entries() + (1..Limits.FILES).map { ZipEntryForge("extra_$it.txt", ByteArray(1)) })
    }
    archive("zip bomb", Reason.TOO_LARGE) {
        ZipForge.write(entries() + ZipEntryForge("bomb.bin", ByteArray(MEGABYTE), method = 8, repeat = 65))
    }
    archive("zip bomb that calls itself small", Reason.TOO_LARGE) {
        ZipForge.write(entries() + ZipEntryForge("bomb.bin", ByteArray(MEGABYTE), method = 8, says = 100, repeat = 65))
    }
    archive("zip bomb of several files", Reason.TOO_LARGE) {
        val bombs = (1..3).map { ZipEntryForge("bomb_$it.bin", ByteArray(MEGABYTE), method = 8, repeat = 43) }
        ZipForge.write(entries() + bombs)
    }
    archive("zip bomb of JSON", Reason.TOO_LARGE) {
        ZipForge.write(entries() + ZipEntryForge("bomb.json", ByteArray(MEGABYTE), method = 8, repeat = 20))
    }
    archive("entry longer than it says", Reason.TOO_LARGE) {
        first { ZipEntryForge(it.name, it.content, method = 8, says = it.content.size - 1) }
    }
    archive("entry shorter than it says", Reason.BAD_ARCHIVE) {
        first { ZipEntryForge(it.name, it.content, method = 8, says = it.content.size + 1) }
    }
}

/** Return a zip whose first entry is still there, its record cut out of the directory. */
private fun Tampered.withoutRecord(zip: ByteArray): ByteArray {
    val record = 46 + good.keys.min().length
    val data = ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN)
    val end = zip.size - 22
    val start = data.getInt(end + 16)
    for (at in listOf(end + 8, end + 10)) data.putShort(at, (data.getShort(at) - 1).toShort())
    data.putInt(end + 12, data.getInt(end + 12) - record)
    return zip.copyOf(start) + zip.copyOfRange(start + record, zip.size)
}

private fun Tampered.entries(): List<ZipEntryForge> =
    good.toSortedMap().map { (name, bytes) -> ZipEntryForge(name, bytes) }

private fun Tampered.with(name: String, content: ByteArray) = ZipForge.write(entries() + ZipEntryForge(name, content))

private fun Tampered.first(change: (ZipEntryForge) -> ZipEntryForge): ByteArray =
    ZipForge.write(entries().mapIndexed { i, entry -> if (i == 0) change(entry) else entry })
