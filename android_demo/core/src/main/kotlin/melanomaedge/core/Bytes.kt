package melanomaedge.core

/** Bytes read as unsigned, big-endian numbers and as Latin-1; what lies behind the end reads as nothing. */
internal class Bytes(private val data: ByteArray) {
    val size: Int get() = data.size

    operator fun get(at: Int): Int = data[at].toInt() and 255

    fun short(at: Int): Int = (this[at] shl 8) or this[at + 1]

    fun int(at: Int): Long = (short(at).toLong() shl 16) or short(at + 2).toLong()

    /** Return a copy of the part that exists. */
    fun part(from: Int, to: Int): ByteArray = data.copyOfRange(minOf(from, size), minOf(to, size))

    fun text(from: Int, to: Int): String = String(part(from, to), Charsets.ISO_8859_1)

    fun startsWith(wanted: IntArray, at: Int = 0): Boolean {
        if (at + wanted.size > size) return false
        for (i in wanted.indices) if (this[at + i] != wanted[i]) return false
        return true
    }

    /** Return where [wanted] next begins at or behind [from], or -1. */
    fun find(wanted: IntArray, from: Int): Int {
        for (at in from..size - wanted.size) if (startsWith(wanted, at)) return at
        return -1
    }
}
