package melanomaedge.core

import java.io.File
import java.io.FileInputStream
import java.io.FileOutputStream
import java.io.IOException

/** Name the newest release of a bundle that this installation has accepted. */
data class AcceptedRelease(val release: Int, val manifestSha256: String)

/** Remember which releases were accepted, so that nobody can bring an older one back. */
interface ReleaseMemory {
    /** Return the newest accepted release of the bundles of a name, or null when none was. */
    fun newest(name: String): AcceptedRelease?

    /** Remember a release; refuses one that [check] refuses. */
    fun accept(name: String, release: Int, manifestSha256: String)

    companion object {
        /** Refuse a release older than the newest accepted, and one of the same number with another manifest. */
        fun check(newest: AcceptedRelease?, name: String, release: Int, manifestSha256: String) {
            if (newest == null || release > newest.release) return
            if (release < newest.release) {
                val what = "$name: release $release offered, release ${newest.release} was accepted before"
                throw Refused(Reason.OLDER_RELEASE, what)
            }
            if (manifestSha256 != newest.manifestSha256) {
                throw Refused(Reason.OTHER_CONTENT, "$name: release $release was accepted before with other content")
            }
        }
    }
}

/** Keep accepted releases in memory: for services and tests that begin anew each time. */
class VolatileReleaseMemory : ReleaseMemory {
    private val accepted = HashMap<String, AcceptedRelease>()

    @Synchronized
    override fun newest(name: String): AcceptedRelease? = accepted[name]

    @Synchronized
    override fun accept(name: String, release: Int, manifestSha256: String) {
        ReleaseMemory.check(accepted[name], name, release, manifestSha256)
        accepted[name] = AcceptedRelease(release, manifestSha256)
    }
}

/**
 * Keep accepted releases in a file, replaced as a whole, so that a crash leaves the old one or the new one.
 *
 * A damaged file refuses every bundle until it is removed: what was accepted is not known any more. A missing file
 * means that nothing was accepted yet.
 */
class FileReleaseMemory(private val file: File) : ReleaseMemory {
    @Synchronized
    override fun newest(name: String): AcceptedRelease? = load()[name]

    @Synchronized
    override fun accept(name: String, release: Int, manifestSha256: String) {
        val accepted = load()
        ReleaseMemory.check(accepted[name], name, release, manifestSha256)
        val found = AcceptedRelease(release, manifestSha256)
        if (accepted[name] != found) save(accepted + (name to found))
    }

    private fun load(): Map<String, AcceptedRelease> {
        if (!file.exists()) return emptyMap()
        try {
            val bytes = FileInputStream(file).use { Budget.readUpTo(it, Limits.JSON_BYTES, file.name) }
            val json = Json.parse(bytes, file.name)
            Fields.checkSchema(json, SCHEMA, file.name)
            return Fields.of(json, file.name) {
                text("schema")
                map("accepted") { item, at -> Fields.of(item, at) { entry(this) } }
            }
        } catch (error: IOException) {
            throw Refused(Reason.RELEASE_MEMORY, "accepted releases cannot be read", error)
        } catch (error: Refused) {
            throw Refused(Reason.RELEASE_MEMORY, "accepted releases are damaged: ${error.detail}", error)
        }
    }

    private fun entry(fields: Fields) =
        AcceptedRelease(fields.int("release", 1..Int.MAX_VALUE), fields.sha256("manifest_sha256"))

    private fun save(accepted: Map<String, AcceptedRelease>) {
        val entries = accepted.toSortedMap().mapValues { (_, found) ->
            Json.of("release" to Json.of(found.release), "manifest_sha256" to Json.of(found.manifestSha256))
        }
        val document = Json.of("schema" to Json.of(SCHEMA), "accepted" to Json.Object(entries))
        val part = File(file.parentFile, "${file.name}.part")
        try {
            file.absoluteFile.parentFile?.mkdirs()
            FileOutputStream(part).use {
                it.write(document.write().toByteArray(Charsets.UTF_8))
                it.fd.sync()
            }
            if (!part.renameTo(file)) throw IOException("cannot replace ${file.name}")
        } catch (error: IOException) {
            part.delete()
            throw Refused(Reason.RELEASE_MEMORY, "accepted releases cannot be written", error)
        }
    }

    private companion object {
        const val SCHEMA = "melanoma-edge/releases/1"
    }
}
