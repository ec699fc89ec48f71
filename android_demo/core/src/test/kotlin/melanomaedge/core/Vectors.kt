package melanomaedge.core

import java.math.BigInteger
import java.security.MessageDigest

/** The vectors that `tests/android/vectors.py` wrote: what Python makes of the same pictures, files and answers. */
object Vectors {
    /** Returns one group of vectors. */
    fun read(name: String): Json {
        val stream = checkNotNull(Vectors::class.java.getResourceAsStream("/vectors/$name.json")) { "no vectors $name" }
        return Json.parse(stream.use { it.readBytes() }, name)
    }

    fun cases(name: String): List<Json> = read(name)["cases"].list

    fun sha256(bytes: ByteArray): String = hex(MessageDigest.getInstance("SHA-256").digest(bytes))

    fun hex(bytes: ByteArray): String = bytes.joinToString("") { "%02x".format(it) }
}

operator fun Json.get(key: String): Json = (this as Json.Object).members.getValue(key)

fun Json.has(key: String): Boolean = key in (this as Json.Object).members

val Json.list: List<Json> get() = (this as Json.Array).items
val Json.text: String get() = (this as Json.Text).value
val Json.int: Int get() = (this as Json.Number).text.toInt()
val Json.texts: List<String> get() = list.map { it.text }

/** Floats written as their bits, and null for null. */
val Json.floats: FloatArray?
    get() = if (this == Json.Null) null else FloatArray(list.size) { Float.fromBits(list[it].text.toLong(16).toInt()) }

/** A double written as its bits. */
val Json.double: Double get() = Double.fromBits(BigInteger(text, 16).toLong())

val Json.orientation: Orientation get() = Orientation.of(int)

val Json.quality: QualityMeasures
    get() = QualityMeasures(
        this["short_side"].int, this["aspect_percent"].int, this["sharpness"].int,
        this["brightness"].int, this["clipped_permille"].int, this["colour"].int,
    )

val Json.limits: QualityLimits
    get() = QualityLimits(
        this["smallest_side"].int, this["largest_aspect_percent"].int, this["least_sharpness"].int,
        this["least_brightness"].int, this["most_brightness"].int, this["most_clipped_permille"].int,
        this["least_colour"].int,
    )

val Json.bitmap: Drawn
    get() = Drawn(
        this["kind"].text, this["width"].int, this["height"].int, this["seed"].int,
        this["low"].list.map { it.int }, this["span"].list.map { it.int },
    )
