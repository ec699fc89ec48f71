package melanomaedge.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.Size
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.math.BigInteger
import java.security.KeyPairGenerator

class SignatureTest {
    private val data = "melanoma-edge\n".toByteArray()

    /** Made by Python's cryptography, as `melanoma-edge bundle --new-key` and `--sign` do. */
    private val pem = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAElbv9x+bWrOYjKjrF7mc18flXxz1M
        YfGwQewGJw0NPHkdqTTY2fsYXGQuvExz0xJ1I+J3Yz5qMFWSsvN4ySKA5g==
        -----END PUBLIC KEY-----
    """.trimIndent() + "\n"
    private val signature = bytes(
        "3045022019153519d9339b71ecc3c8610533b61854ab541f331cd13a60beff2ae42fb06b" +
            "022100e0a41604ace32e1a0f2e20151131ba016cddf95ebdd020979c51e90ca75ccded",
    )

    private fun bytes(hex: String) = hex.chunked(2).map { it.toInt(16).toByte() }.toByteArray()

    private fun refusal(key: ByteArray): Reason = assertThrows(Refused::class.java) { TrustedKey.read(key) }.reason

    @Test
    fun `a signature made by Python holds`() {
        val key = TrustedKey.read(pem.toByteArray())
        assertTrue(Signature.holds(key, data, signature))
        assertFalse(Signature.holds(key, data.flipped(), signature))
        assertFalse(Signature.holds(TestKeys.stranger.public, data, signature))
    }

    @Test
    fun `PEM with any line ends and DER give the same key`() {
        val key = TrustedKey.read(pem.toByteArray())
        assertEquals(key, TrustedKey.read(key.encoded))
        assertEquals(key, TrustedKey.read(pem.replace("\n", "\r\n").toByteArray()))
    }

    @Test
    fun `signatures written in another way do not hold`() {
        val key = TrustedKey.read(pem.toByteArray())
        val r = signature.copyOfRange(4, 36)
        val s = signature.copyOfRange(38, 71)
        assertTrue(Signature.holds(key, data, der(r, s)))
        val twisted = BigInteger(1, s).negate().mod(ORDER).toByteArray()
        val others = listOf(
            der(byteArrayOf(0) + r, s), der(r, byteArrayOf(0) + s), der(r, s) + 0, der(r, s).copyOf(70),
            der(ByteArray(0), s), der(byteArrayOf(0), byteArrayOf(0)), der(ORDER.toByteArray(), s),
            der(r, BigInteger(1, s).add(ORDER).toByteArray()), der(BigInteger(1, r).negate().toByteArray(), s),
            byteArrayOf(0x30, 0x81.toByte()) + der(r, s).drop(1), byteArrayOf(0x31) + der(r, s).drop(1),
            ByteArray(0), byteArrayOf(0x30), byteArrayOf(0x30, 0),
        )
        others.forEachIndexed { i, other ->
            assertFalse(Signature.isStrict(other), "number $i")
            assertFalse(Signature.holds(key, data, other), "number $i")
        }
        assertTrue(Signature.holds(key, data, der(r, twisted)), "the other root is ECDSA's, and no other bundle")
    }

    private fun der(r: ByteArray, s: ByteArray): ByteArray =
        byteArrayOf(0x30, (4 + r.size + s.size).toByte(), 2, r.size.toByte()) + r + byteArrayOf(2, s.size.toByte()) + s

    @Test
    fun `only points of P-256 are keys`() {
        val good = TrustedKey.read(pem.toByteArray()).encoded
        val rsa = KeyPairGenerator.getInstance("RSA").apply { initialize(2048) }.generateKeyPair().public.encoded
        assertEquals(Reason.BAD_KEY, refusal(TestKeys.make("secp384r1").public.encoded))
        assertEquals(Reason.BAD_KEY, refusal(rsa))
        assertEquals(Reason.BAD_KEY, refusal(TestKeys.trusted.private.encoded))
        assertEquals(Reason.BAD_KEY, refusal(good.flipped(good.size - 1)))
        assertEquals(Reason.BAD_KEY, refusal(good.copyOf(good.size - 1)))
        assertEquals(Reason.BAD_KEY, refusal(good + 0))
        assertEquals(Reason.BAD_KEY, refusal(good.copyOf(27) + ByteArray(64)))
        assertEquals(Reason.BAD_KEY, refusal(ByteArray(0)))
        assertEquals(Reason.BAD_KEY, refusal(pem.replace("PUBLIC", "PRIVATE").toByteArray()))
        assertEquals(Reason.BAD_KEY, refusal((pem + pem).toByteArray()))
        assertEquals(Reason.BAD_KEY, refusal(pem.replace("MFkw", "MF*w").toByteArray()))
    }

    @Test
    fun `a verifier is not made with a key of another kind`() {
        val key = TestKeys.make("secp384r1").public
        val refused = assertThrows(Refused::class.java) { BundleVerifier(key, VolatileReleaseMemory()) }
        assertEquals(Reason.BAD_KEY, refused.reason)
    }

    @Property(tries = 1000)
    fun `random bytes are no signature and no key`(@ForAll @Size(max = 100) bytes: ByteArray) {
        assertFalse(Signature.holds(TestKeys.trusted.public, data, bytes))
        assertEquals(Reason.BAD_KEY, refusal(bytes))
    }

    private companion object {
        val ORDER = BigInteger("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
    }
}
