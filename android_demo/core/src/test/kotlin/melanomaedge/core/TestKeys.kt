package melanomaedge.core

import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.spec.ECGenParameterSpec

/** Hold keys made anew in every run of the tests: the one that an app trusts, and a stranger's. */
object TestKeys {
    val trusted: KeyPair by lazy { make("secp256r1") }
    val stranger: KeyPair by lazy { make("secp256r1") }

    fun make(curve: String): KeyPair =
        KeyPairGenerator.getInstance("EC").apply { initialize(ECGenParameterSpec(curve)) }.generateKeyPair()

    /** Return the signature that `melanoma-edge bundle --sign` would write. */
    fun sign(data: ByteArray, keys: KeyPair): ByteArray =
        java.security.Signature.getInstance("SHA256withECDSA").run {
            initSign(keys.private)
            update(data)
            sign()
        }
}
