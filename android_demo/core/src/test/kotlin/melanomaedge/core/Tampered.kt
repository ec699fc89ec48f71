package melanomaedge.core

import java.security.PublicKey

/**
 * Hold a bundle that an app must refuse, and why.
 *
 * [withKey] is the reason in an app built with [TestKeys.trusted], [withoutKey] in one without a key; null where the
 * core takes it. [byEngine] says that then the golden vectors must refuse it, with [Reason.GOLDEN_MISS]; where both are
 * null nothing but the signature can tell. [accepted] is what the app took before.
 */
class TamperedBundle(
    val name: String,
    val withKey: Reason?,
    val withoutKey: Reason?,
    val byEngine: Boolean = false,
    val accepted: AcceptedRelease? = null,
    private val bundleName: String = "",
    private val make: () -> ByteArray,
) {
    /** The bundle as one zip, made anew each time: all together are large. */
    val zip: ByteArray get() = make()

    /** Return the memory of an app that has taken what this one has. */
    fun memory(): ReleaseMemory = VolatileReleaseMemory().apply {
        accepted?.let { accept(bundleName, it.release, it.manifestSha256) }
    }

    /** Offer the bundle to the core of an app with this key or none, and return why it is refused, or null. */
    fun refusal(key: PublicKey?, bytes: ByteArray = zip): Reason? = try {
        BundleVerifier(key, memory()).verify(ZipBundle.read(bytes.inputStream()))
        null
    } catch (refused: Refused) {
        refused.reason
    }

    override fun toString(): String = name
}

/** Make bad bundles of a good one, which is signed with [TestKeys.trusted]. */
class Tampered(internal val good: Map<String, ByteArray>) {
    internal val cases = ArrayList<TamperedBundle>()
    private val bundleName = (BundleForge(good).json(Manifest.FILE).at("name") as Json.Text).value

    /** Add a bundle whose manifest was left alone: every app notices the same. */
    internal fun clumsy(name: String, reason: Reason, change: BundleForge.() -> Unit) =
        add(name, reason, reason) { ZipForge.zip(BundleForge(good).apply(change).files) }

    /** Add a bundle whose signature is wrong: the rest of it is as it should be. */
    internal fun badlySigned(name: String, reason: Reason, change: BundleForge.() -> Unit) =
        add(name, reason, null) { ZipForge.zip(BundleForge(good).apply(change).files) }

    /** Add a bundle whose hashes were made to fit: the signature tells, and without key [otherwise] does. */
    internal fun repaired(name: String, otherwise: Reason?, byEngine: Boolean = false, change: BundleForge.() -> Unit) =
        add(name, Reason.BAD_SIGNATURE, otherwise, byEngine) { ZipForge.zip(BundleForge(good).apply(change).files) }

    /** Add a bundle that the holder of the key signed as it is. */
    internal fun resigned(
        name: String,
        reason: Reason,
        accepted: AcceptedRelease? = null,
        change: BundleForge.() -> Unit,
    ) =
        add(name, reason, reason, accepted = accepted) { ZipForge.zip(BundleForge(good).apply(change).sign().files) }

    /** Add bytes that are no plain zip of a bundle. */
    internal fun archive(name: String, reason: Reason, make: () -> ByteArray) = add(name, reason, reason, make = make)

    private fun add(
        name: String,
        withKey: Reason?,
        withoutKey: Reason?,
        byEngine: Boolean = false,
        accepted: AcceptedRelease? = null,
        make: () -> ByteArray,
    ) {
        cases += TamperedBundle(name, withKey, withoutKey, byEngine, accepted, bundleName, make)
    }

    companion object {
        /** Return all bad bundles that are made of a good one. */
        fun cases(good: Map<String, ByteArray>): List<TamperedBundle> = Tampered(good).apply {
            touchedFiles()
            signatures()
            documents()
            contracts()
            models()
            parityReports()
            goldenVectors()
            archives()
        }.cases
    }
}

/** Change the lowest bit of a byte in the middle. */
internal fun ByteArray.flipped(at: Int = size / 2): ByteArray =
    copyOf().also { it[at] = (it[at].toInt() xor 1).toByte() }
