package melanomaedge.core

import net.jqwik.api.Arbitraries
import net.jqwik.api.Arbitrary
import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.Provide
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

class JsonTest {
    private fun parse(text: String): Json = Json.parse(text.toByteArray(), "test")

    private fun refusal(bytes: ByteArray): Reason? = try {
        Json.parse(bytes, "test")
        null
    } catch (refused: Refused) {
        refused.reason
    }

    @ParameterizedTest
    @ValueSource(
        strings = [
            "", " ", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":1}", "{a:1}", "{'a':1}", "{\"a\"=1}", "[1;2]",
            "[1 2]", "1 2", "NaN", "[Infinity]", "1e999", "-1e999", "01", "+1", ".5", "1.", "0x10", "True", "nul", "{}{}", ")]}'\n{}",
            "// c\n1", "/* c */1", "# c\n1", "\"\\ud800\"", "\"\\x41\"", "\"a\nb\"", "\"\t\"", "\"a",
            "\\u0031", "\u00a01",
        ],
    )
    fun `what is not strict JSON is refused`(text: String) {
        assertEquals(Reason.BAD_JSON, refusal(text.toByteArray()))
    }

    @Test
    fun `a refusal says where reading ended, without advice for programmers`() {
        val refused = assertThrows(Refused::class.java) { parse("{\"a\": [1, nul]}") }
        assertEquals("test: not strict JSON at $.a[1]", refused.detail)
    }

    @Test
    fun `bytes that are not UTF-8, or begin with a mark, are refused`() {
        for (text in listOf("\"\u00C3\"", "\"\u00C0\u00AF\"", "\u00EF\u00BB\u00BF1")) {
            assertEquals(Reason.BAD_JSON, refusal(text.toByteArray(Charsets.ISO_8859_1)))
        }
    }

    @Test
    fun `sixteen levels are read, seventeen are not`() {
        assertEquals(null, refusal(("[".repeat(16) + "]".repeat(16)).toByteArray()))
        assertEquals(Reason.BAD_JSON, refusal(("[".repeat(17) + "]".repeat(17)).toByteArray()))
        assertEquals(Reason.BAD_JSON, refusal(("{\"a\":".repeat(16) + "[]" + "}".repeat(16)).toByteArray()))
    }

    @Test
    fun `a megabyte is read, a byte more is not`() {
        assertEquals(null, refusal(("1" + " ".repeat(Limits.JSON_BYTES - 1)).toByteArray()))
        assertEquals(Reason.TOO_LARGE, refusal(("1" + " ".repeat(Limits.JSON_BYTES)).toByteArray()))
    }

    @Test
    fun `documents are equal whatever the order of their keys`() {
        assertEquals(parse("{\"a\": [1, 2.50], \"b\": null}"), parse("{\"b\":null,\"a\":[1,2.50]}"))
        assertNotEquals(parse("[1,2]"), parse("[2,1]"))
        assertNotEquals(parse("[9007199254740993]"), parse("[9007199254740992]"))
    }

    @Test
    fun `numbers are written in decimal places`() {
        val values = listOf(0.1, 1e-7, 0.30000001192092896, 5.0, 1e21).map { Json.of(it) }
        val written = Json.of(values).write(indented = false)
        assertEquals("[0.1,0.00000010,0.30000001192092896,5.0,1000000000000000000000]", written)
        assertThrows(NumberFormatException::class.java) { Json.of(Double.NaN) }
    }

    @Test
    fun `text beyond ASCII survives`() {
        val text = "Größe \u2028 < > & ' \" \\ \u0001 \uD83D\uDD2C"
        assertEquals(Json.of(text), parse(Json.of(text).write()))
    }

    @Property(tries = 2000)
    fun `random bytes are read or refused, nothing else`(@ForAll bytes: ByteArray) {
        assertTrue(refusal(bytes) in setOf(null, Reason.BAD_JSON))
    }

    @Property(tries = 3000)
    fun `random text of JSON's letters is read or refused, nothing else`(@ForAll("scribbles") text: String) {
        assertTrue(refusal(text.toByteArray()) in setOf(null, Reason.BAD_JSON))
    }

    @Property(tries = 500)
    fun `what was written is read back`(@ForAll("documents") document: Json, @ForAll indented: Boolean) {
        assertEquals(document, parse(document.write(indented)))
    }

    @Provide
    fun scribbles(): Arbitrary<String> =
        Arbitraries.strings().withChars("{}[]\":,.0123456789eE+-truefalsn\\ud8 /*\t\n").ofMaxLength(60)

    @Provide
    fun documents(): Arbitrary<Json> = Arbitraries.lazyOf(
        { Arbitraries.doubles().between(-1e15, 1e15).map { Json.of(it) } },
        { Arbitraries.integers().map { Json.of(it) } },
        { texts().map { Json.of(it) } },
        { Arbitraries.of(Json.Flag(true), Json.Flag(false), Json.Null) },
        { documents().list().ofMaxSize(3).map { Json.of(it) } },
        { Arbitraries.maps(texts(), documents()).ofMaxSize(3).map { Json.Object(it) } },
    ).filter { depth(it) <= Limits.DEPTH }

    private fun texts(): Arbitrary<String> =
        Arbitraries.strings().ofMaxLength(8).filter { Charsets.UTF_8.newEncoder().canEncode(it) }

    private fun depth(json: Json): Int = when (json) {
        is Json.Object -> 1 + (json.members.values.maxOfOrNull { depth(it) } ?: 0)
        is Json.Array -> 1 + (json.items.maxOfOrNull { depth(it) } ?: 0)
        else -> 0
    }
}
