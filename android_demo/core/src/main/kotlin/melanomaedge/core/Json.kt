package melanomaedge.core

import com.google.gson.Strictness
import com.google.gson.stream.JsonReader
import com.google.gson.stream.JsonToken
import com.google.gson.stream.JsonWriter
import java.io.IOException
import java.io.StringReader
import java.io.StringWriter
import java.math.BigDecimal
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.nio.charset.CodingErrorAction

/**
 * Hold one value of a JSON document.
 *
 * Numbers keep their text, so that nothing is rounded between reading and comparing; two documents are equal when their
 * values are, in whatever order the keys of their objects stand.
 */
sealed class Json {
    /** Hold an object, its keys in the order of the document. */
    data class Object(val members: Map<String, Json>) : Json()

    /** Hold a list. */
    data class Array(val items: List<Json>) : Json()

    /** Hold a text. */
    data class Text(val value: String) : Json()

    /** Hold a finite number as it was written. */
    data class Number(val text: String) : Json()

    /** Hold true or false. */
    data class Flag(val value: Boolean) : Json()

    /** Stand for null. */
    object Null : Json()

    /** Return the document as text, keys in given order, with two spaces of indent, or on one line. */
    fun write(indented: Boolean = true): String {
        val text = StringWriter()
        val writer = JsonWriter(text)
        writer.isHtmlSafe = false
        if (indented) writer.setIndent("  ")
        write(writer)
        return if (indented) "$text\n" else "$text"
    }

    private fun write(writer: JsonWriter) {
        when (this) {
            is Object -> {
                writer.beginObject()
                for ((key, value) in members) value.write(writer.name(key))
                writer.endObject()
            }
            is Array -> {
                writer.beginArray()
                items.forEach { it.write(writer) }
                writer.endArray()
            }
            is Text -> writer.value(value)
            is Number -> writer.jsonValue(text)
            is Flag -> writer.value(value)
            Null -> writer.nullValue()
        }
    }

    companion object {
        /** Return a finite number as JSON, in decimal places without exponent. */
        fun of(value: Double): Json = Number(BigDecimal(value.toString()).toPlainString())

        /** Return a whole number as JSON. */
        fun of(value: Int): Json = Number(value.toString())

        /** Return a text as JSON. */
        fun of(value: String): Json = Text(value)

        /** Return a list as JSON. */
        fun of(items: List<Json>): Json = Array(items)

        /** Return an object with the members that are not null, in their order. */
        fun of(vararg members: Pair<String, Json?>): Json {
            val found = LinkedHashMap<String, Json>()
            for ((key, value) in members) if (value != null) found[key] = value
            return Object(found)
        }

        /**
         * Read a whole document, without leniency.
         *
         * Refused with [Reason.BAD_JSON] are bytes that are not UTF-8, a byte order mark, duplicate keys, NaN and
         * infinity, numbers beyond a double, text after the document, comments, and more than [Limits.DEPTH] levels.
         */
        fun parse(bytes: ByteArray, where: String): Json {
            if (bytes.size > Limits.JSON_BYTES) throw Refused(Reason.TOO_LARGE, "$where: ${bytes.size} bytes of JSON")
            return parse(decode(bytes, where), where)
        }

        private fun parse(text: String, where: String): Json {
            if (text.startsWith('\uFEFF')) throw Refused(Reason.BAD_JSON, "$where: begins with a byte order mark")
            val reader = JsonReader(StringReader(text))
            reader.strictness = Strictness.STRICT
            try {
                val document = read(reader, where, 1)
                if (reader.peek() != JsonToken.END_DOCUMENT) throw Refused(Reason.BAD_JSON, "$where: text at the end")
                return document
            } catch (error: IOException) {
                throw malformed(reader, where, error)
            } catch (error: IllegalStateException) {
                throw malformed(reader, where, error)
            } catch (error: NumberFormatException) {
                throw malformed(reader, where, error)
            }
        }

        /** Say where reading ended; what Gson says is advice for programmers. */
        private fun malformed(reader: JsonReader, where: String, error: Exception) =
            Refused(Reason.BAD_JSON, "$where: not strict JSON at ${reader.path}", error)

        private fun decode(bytes: ByteArray, where: String): String {
            val decoder = Charsets.UTF_8.newDecoder()
            decoder.onMalformedInput(CodingErrorAction.REPORT).onUnmappableCharacter(CodingErrorAction.REPORT)
            try {
                return decoder.decode(ByteBuffer.wrap(bytes)).toString()
            } catch (error: CharacterCodingException) {
                throw Refused(Reason.BAD_JSON, "$where: not UTF-8", error)
            }
        }

        private fun read(reader: JsonReader, where: String, depth: Int): Json {
            return when (reader.peek()) {
                JsonToken.BEGIN_OBJECT -> readObject(reader, where, depth)
                JsonToken.BEGIN_ARRAY -> readArray(reader, where, depth)
                JsonToken.STRING -> Text(whole(reader.nextString(), where))
                JsonToken.NUMBER -> Number(finite(reader.nextString(), where))
                JsonToken.BOOLEAN -> Flag(reader.nextBoolean())
                JsonToken.NULL -> Null.also { reader.nextNull() }
                else -> throw Refused(Reason.BAD_JSON, "$where: ends too early")
            }
        }

        private fun readObject(reader: JsonReader, where: String, depth: Int): Json {
            checkDepth(where, depth)
            val members = LinkedHashMap<String, Json>()
            reader.beginObject()
            while (reader.hasNext()) {
                val key = whole(reader.nextName(), where)
                if (members.put(key, read(reader, where, depth + 1)) != null) {
                    throw Refused(Reason.BAD_JSON, "$where: key $key stands twice")
                }
            }
            reader.endObject()
            return Object(members)
        }

        private fun readArray(reader: JsonReader, where: String, depth: Int): Json {
            checkDepth(where, depth)
            val items = ArrayList<Json>()
            reader.beginArray()
            while (reader.hasNext()) items += read(reader, where, depth + 1)
            reader.endArray()
            return Array(items)
        }

        private fun checkDepth(where: String, depth: Int) {
            if (depth > Limits.DEPTH) throw Refused(Reason.BAD_JSON, "$where: deeper than ${Limits.DEPTH} levels")
        }

        private fun finite(text: String, where: String): String {
            val value = text.toDouble()
            if (value.isNaN() || value.isInfinite()) throw Refused(Reason.BAD_JSON, "$where: $text is no number")
            return text
        }

        /** Refuse halves of surrogate pairs, which escapes can write although no UTF-8 can. */
        private fun whole(text: String, where: String): String {
            if (!Charsets.UTF_8.newEncoder().canEncode(text)) throw Refused(Reason.BAD_JSON, "$where: half a character")
            return text
        }
    }
}
