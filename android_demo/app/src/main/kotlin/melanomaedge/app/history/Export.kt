package melanomaedge.app.history

import android.app.Activity
import android.content.ClipData
import android.content.Intent
import java.io.IOException
import melanomaedge.app.R
import melanomaedge.app.files.Handover
import melanomaedge.core.Json

/** Gives answers as FHIR JSON to an app that a person chooses; nothing is sent by this app itself. */
internal object Export {
    /** Opens the share sheet; false when the file cannot be written. */
    fun share(screen: Activity, answers: List<Answer>): Boolean {
        val name = Handover.EXPORT.newName()
        try {
            Handover.EXPORT.file(screen, name).writeText(document(answers).write())
        } catch (_: IOException) {
            return false
        }
        val uri = Handover.EXPORT.uri(screen, name)
        val intent = Intent(Intent.ACTION_SEND).setType("application/json").putExtra(Intent.EXTRA_STREAM, uri)
        intent.clipData = ClipData.newRawUri(null, uri)
        intent.addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
        screen.startActivity(Intent.createChooser(intent, screen.getString(R.string.share_with)))
        return true
    }

    /** Returns the Observation of one answer, or a collection of several. */
    fun document(answers: List<Answer>): Json {
        answers.singleOrNull()?.let { return it.fhir }
        val entries = answers.map { Json.of("fullUrl" to Json.of("urn:uuid:${it.id}"), "resource" to it.fhir) }
        return Json.of(
            "resourceType" to Json.of("Bundle"),
            "type" to Json.of("collection"),
            "entry" to Json.of(entries),
        )
    }
}
