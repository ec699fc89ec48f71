package melanomaedge.core

import java.util.Base64

/**
 * Read the keys of a JSON object, each of which must be there, of the right type, and asked for.
 *
 * A document that decides over melanomas must not be half understood: nothing is coerced, defaulted or ignored.
 */
class Fields private constructor(private val members: Map<String, Json>, private val where: String) {
    private val known = HashSet<String>()

    /** Return a value as it stands. */
    fun value(key: String): Json {
        known += key
        return members[key] ?: throw Refused(Reason.BAD_DOCUMENT, "$where: key $key is missing")
    }

    /** Tell whether a key is there; only for keys that older documents lack. */
    fun has(key: String): Boolean = key in members

    /** Return a text. */
    fun text(key: String): String = text(value(key), at(key))

    /** Return a text that is one of those allowed. */
    fun oneOf(key: String, allowed: Collection<String>): String =
        text(key).also { if (it !in allowed) bad(at(key), "one of ${allowed.joinToString()}") }

    /** Return 64 lower-case hexadecimal digits. */
    fun sha256(key: String): String = text(key).also { if (!isSha256(it)) bad(at(key), "a sha256") }

    /** Return a whole number within a range. */
    fun int(key: String, range: IntRange = 0..Int.MAX_VALUE): Int = int(value(key), at(key), range)

    /** Return a number; whole ones will do. */
    fun number(key: String): Double = number(value(key), at(key))

    /** Return true or false. */
    fun flag(key: String): Boolean = (value(key) as? Json.Flag ?: bad(at(key), "true or false")).value

    /** Return a list of texts. */
    fun texts(key: String): List<String> = list(key) { item, at -> text(item, at) }

    /** Return a list of numbers. */
    fun numbers(key: String): List<Double> = numbers(value(key), at(key))

    /** Return what [read] makes of each item of a list. */
    fun <T> list(key: String, read: (Json, String) -> T): List<T> = list(value(key), at(key), read)

    /** Return what [read] makes of each value of an object whose keys are free, in their order. */
    fun <T> map(key: String, read: (Json, String) -> T): Map<String, T> {
        val found = value(key) as? Json.Object ?: bad(at(key), "an object")
        return found.members.mapValues { (name, item) -> read(item, "${at(key)}.$name") }
    }

    /** Return what [read] makes of an object. */
    fun <T> nested(key: String, read: Fields.() -> T): T = of(value(key), at(key), read)

    /** Return null where null stands, else what [read] makes of the key. */
    fun <T> orNull(key: String, read: Fields.(String) -> T): T? = if (value(key) == Json.Null) null else read(key)

    private fun at(key: String) = "$where.$key"

    companion object {
        private val INTEGER = Regex("-?(0|[1-9][0-9]{0,17})")

        /** Return what [read] makes of an object, and refuse the object when a key was not read. */
        fun <T> of(json: Json, where: String, read: Fields.() -> T): T {
            val fields = Fields((json as? Json.Object ?: bad(where, "an object")).members, where)
            val result = fields.read()
            val unknown = fields.members.keys - fields.known
            if (unknown.isNotEmpty()) {
                throw Refused(Reason.BAD_DOCUMENT, "$where: unknown key ${unknown.joinToString()}")
            }
            return result
        }

        /** Return what [read] makes of each item of a list. */
        fun <T> list(json: Json, where: String, read: (Json, String) -> T): List<T> {
            val items = (json as? Json.Array ?: bad(where, "a list")).items
            return items.mapIndexed { i, item -> read(item, "$where[$i]") }
        }

        /** Return a list of numbers. */
        fun numbers(json: Json, where: String): List<Double> = list(json, where) { item, at -> number(item, at) }

        /** Return a text. */
        fun text(json: Json, where: String): String = (json as? Json.Text ?: bad(where, "text")).value

        /** Return the bytes of a text in base64, which must be as an encoder writes it: padded, and no bit left over. */
        fun base64(json: Json, where: String): ByteArray {
            val text = text(json, where)
            val bytes = try {
                Base64.getDecoder().decode(text)
            } catch (error: IllegalArgumentException) {
                throw Refused(Reason.BAD_DOCUMENT, "$where: must be base64", error)
            }
            if (Base64.getEncoder().encodeToString(bytes) != text) bad(where, "base64 as it is written")
            return bytes
        }

        /** Return a number; whole ones will do. */
        fun number(json: Json, where: String): Double = (json as? Json.Number ?: bad(where, "a number")).text.toDouble()

        /** Return a whole number within a range. */
        fun int(json: Json, where: String, range: IntRange = 0..Int.MAX_VALUE): Int {
            val text = (json as? Json.Number)?.text?.takeIf { INTEGER.matches(it) } ?: bad(where, "a whole number")
            val value = text.toLong()
            if (value < range.first || value > range.last) bad(where, "from ${range.first} to ${range.last}")
            return value.toInt()
        }

        /**
         * Refuse a document whose key `schema` is not [wanted], a newer or an older version of it told apart.
         *
         * Comes before all other keys are read: another version may have others.
         */
        fun checkSchema(json: Json, wanted: String, where: String) {
            val found = ((json as? Json.Object)?.members?.get("schema") as? Json.Text)?.value
            if (found == wanted) return
            val kind = wanted.substringBeforeLast('/') + "/"
            val version = found?.takeIf { it.startsWith(kind) }?.substring(kind.length)?.takeIf { INTEGER.matches(it) }
            val newer = version?.let { it.toLong() > wanted.substring(kind.length).toLong() }
            val reason = when (newer) {
                true -> Reason.NEWER_SCHEMA
                false -> Reason.OLDER_SCHEMA
                null -> Reason.BAD_DOCUMENT
            }
            throw Refused(reason, "$where: schema is ${found ?: "missing"}, this version reads $wanted")
        }

        private fun bad(where: String, wanted: String): Nothing =
            throw Refused(Reason.BAD_DOCUMENT, "$where: must be $wanted")
    }
}
