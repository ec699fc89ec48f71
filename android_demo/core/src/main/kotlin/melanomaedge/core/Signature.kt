package melanomaedge.core

import java.math.BigInteger
import java.security.GeneralSecurityException
import java.security.KeyFactory
import java.security.PublicKey
import java.security.spec.X509EncodedKeySpec
import java.util.Base64

/** Read and check the key whose bundles an app trusts: ECDSA on P-256, nothing else. */
object TrustedKey {
    private const val BEGIN = "-----BEGIN PUBLIC KEY-----"
    private const val END = "-----END PUBLIC KEY-----"
    private const val COORDINATE = 32

    /** What stands before the two coordinates of every uncompressed P-256 SubjectPublicKeyInfo. */
    private val HEAD = "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
    private val P = BigInteger("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", 16)
    private val B = BigInteger("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b", 16)
    private val THREE = BigInteger.valueOf(3)

    /** Return the key in PEM or DER SubjectPublicKeyInfo; refuses other kinds and points off the curve. */
    fun read(bytes: ByteArray): PublicKey {
        val text = String(bytes, Charsets.ISO_8859_1).trim()
        val der = if (text.startsWith("-----")) pem(text) else bytes
        checkDer(der)
        try {
            return KeyFactory.getInstance("EC").generatePublic(X509EncodedKeySpec(der))
        } catch (error: GeneralSecurityException) {
            throw Refused(Reason.BAD_KEY, "the public key cannot be read", error)
        }
    }

    /** Refuse a key that [read] would not have given. */
    fun check(key: PublicKey) = checkDer(key.encoded ?: ByteArray(0))

    private fun pem(text: String): ByteArray {
        if (!text.startsWith(BEGIN) || !text.endsWith(END)) {
            throw Refused(Reason.BAD_KEY, "the PEM file does not hold one public key")
        }
        val body = text.substring(BEGIN.length, text.length - END.length).filterNot { it == '\n' || it == '\r' }
        try {
            return Base64.getDecoder().decode(body)
        } catch (error: IllegalArgumentException) {
            throw Refused(Reason.BAD_KEY, "the PEM file is damaged", error)
        }
    }

    private fun checkDer(der: ByteArray) {
        val head = HEAD.length / 2
        val fits = der.size == head + 2 * COORDINATE && hex(der.copyOf(head)) == HEAD
        if (!fits) throw Refused(Reason.BAD_KEY, "not a P-256 public key")
        val x = BigInteger(1, der.copyOfRange(head, head + COORDINATE))
        val y = BigInteger(1, der.copyOfRange(head + COORDINATE, der.size))
        val right = x.pow(3).subtract(THREE.multiply(x)).add(B).mod(P)
        if (x >= P || y >= P || y.pow(2).mod(P) != right) throw Refused(Reason.BAD_KEY, "the point is not on the curve")
    }
}

/** Check signatures as `melanoma-edge bundle` makes them: DER ECDSA over SHA-256. */
object Signature {
    private const val SEQUENCE = 0x30
    private const val INTEGER = 0x02
    private const val LONGEST = 72
    private val ORDER = BigInteger("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)

    /** Tell whether [signature] is the key's over [data]; false for anything that is no signature at all. */
    fun holds(key: PublicKey, data: ByteArray, signature: ByteArray): Boolean {
        TrustedKey.check(key)
        if (!isStrict(signature)) return false
        return try {
            val verifier = java.security.Signature.getInstance("SHA256withECDSA")
            verifier.initVerify(key)
            verifier.update(data)
            verifier.verify(signature)
        } catch (_: GeneralSecurityException) {
            false
        }
    }

    /** Tell whether bytes are two integers from 1 to the order less 1, in the one way in which DER writes them. */
    internal fun isStrict(der: ByteArray): Boolean {
        if (der.size !in 2..LONGEST || der[0].toInt() != SEQUENCE || der[1].toInt() != der.size - 2) return false
        val second = integerEnd(der, 2) ?: return false
        return integerEnd(der, second) == der.size
    }

    private fun integerEnd(der: ByteArray, start: Int): Int? {
        if (start + 2 > der.size || der[start].toInt() != INTEGER) return null
        val from = start + 2
        val end = from + der[start + 1]
        if (end <= from || end > der.size) return null
        val padded = end - from > 1 && der[from].toInt() == 0 && der[from + 1] >= 0
        val value = BigInteger(der.copyOfRange(from, end))
        return end.takeIf { !padded && value.signum() > 0 && value < ORDER }
    }
}
