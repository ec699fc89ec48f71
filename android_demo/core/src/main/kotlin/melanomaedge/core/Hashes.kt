package melanomaedge.core

import java.security.MessageDigest

private const val DIGITS = "0123456789abcdef"
private val SHA256 = Regex("[0-9a-f]{64}")

/** Return the sha256 of bytes as 64 lower-case hexadecimal digits. */
fun sha256(bytes: ByteArray): String = hex(MessageDigest.getInstance("SHA-256").digest(bytes))

/** Tell whether a text is 64 lower-case hexadecimal digits. */
fun isSha256(text: String): Boolean = SHA256.matches(text)

internal fun hex(bytes: ByteArray): String {
    val text = StringBuilder(2 * bytes.size)
    for (byte in bytes) text.append(DIGITS[byte.toInt() shr 4 and 15]).append(DIGITS[byte.toInt() and 15])
    return text.toString()
}
