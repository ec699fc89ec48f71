package melanomaedge.app.check

import android.content.ContentResolver
import android.net.Uri
import java.io.IOException
import java.time.temporal.ChronoUnit
import java.util.UUID
import melanomaedge.app.Services
import melanomaedge.app.history.Answer
import melanomaedge.app.history.ClassShare
import melanomaedge.app.history.Failure
import melanomaedge.app.history.History
import melanomaedge.app.history.ModelFacts
import melanomaedge.app.model.Trusted
import melanomaedge.app.photo.PhotoFile
import melanomaedge.core.AuditRecord
import melanomaedge.core.Bundle
import melanomaedge.core.Decision
import melanomaedge.core.FhirObservation
import melanomaedge.engine.Assessment

/** One photo on its way to an answer. */
internal class Check(val id: String) {
    var cancelled = false

    /** Null until there is an answer. */
    var outcome: Outcome? = null

    /** Called on the main thread when there is an answer. */
    var whenDone: (() -> Unit)? = null
}

/** An answer with what only memory holds: the picture that the model saw. [kept] says whether the history has it. */
internal class Outcome(val answer: Answer, val assessment: Assessment, val bundle: Bundle, val kept: Boolean)

/**
 * Checks one photo at a time, outlives rotation, and deletes the photo as soon as there is an answer.
 *
 * All but the check itself happens on the main thread.
 *
 * @param deletePhotos deletes the camera's files.
 */
internal class Checks(
    private val services: Services,
    private val history: History,
    private val resolver: ContentResolver,
    private val deletePhotos: () -> Unit,
) {
    private var current: Check? = null

    /** Whether a photo is being checked. */
    val running: Boolean get() = current.let { it != null && it.outcome == null && !it.cancelled }

    /** Begins to check a photo; an earlier one that is not done yet is given up. */
    fun begin(photo: Uri, model: Trusted): Check {
        current?.cancelled = true
        val check = Check(UUID.randomUUID().toString()).also { current = it }
        val file = PhotoFile { resolver.openInputStream(photo) }
        services.background.execute {
            val outcome = if (check.cancelled) null else outcome(check.id, file, model)
            services.main.execute { finish(check, outcome) }
        }
        return check
    }

    /** Returns the check of an id, or null when the process that began it is gone. */
    fun find(id: String): Check? = current?.takeIf { it.id == id }

    /** Gives a check up: its answer is thrown away and written nowhere. */
    fun cancel(check: Check) {
        check.cancelled = true
        deletePhotos()
    }

    /** Forgets the picture of an answer whose screen was left. */
    fun forget(id: String) {
        if (current?.id == id) current = null
    }

    private fun finish(check: Check, outcome: Outcome?) {
        if (current === check || current == null) deletePhotos()
        if (outcome == null || check.cancelled) return
        check.outcome = outcome
        check.whenDone?.invoke()
    }

    private fun outcome(id: String, file: PhotoFile, model: Trusted): Outcome {
        val assessment = model.assess(file)
        val answer = answer(id, file, model, assessment)
        return Outcome(answer, assessment, model.bundle, keep(answer))
    }

    private fun keep(answer: Answer): Boolean = try {
        history.add(answer)
        true
    } catch (_: IOException) {
        false
    }

    private fun answer(id: String, file: PhotoFile, model: Trusted, found: Assessment): Answer {
        val bundle = model.bundle
        val time = services.now().truncatedTo(ChronoUnit.SECONDS).toString()
        val decision = Decision(found.state, found.findings, found.score)
        val audit = AuditRecord.of(time, bundle, "tflite", found.runtime ?: model.runtime, file.sha256, decision)
        return Answer(
            id = id,
            audit = audit,
            model = ModelFacts.of(bundle),
            failure = found.trouble?.let { Failure(it, file.problem, found.detail) },
            classes = shares(bundle, found.probabilities),
            quality = found.quality,
            limits = bundle.safeguards.quality,
            delegate = found.delegate ?: model.delegate,
            fhir = FhirObservation.of(bundle, audit, found.probabilities, found.quality),
        )
    }

    private fun shares(bundle: Bundle, probabilities: FloatArray?): List<ClassShare> {
        val contract = bundle.contract
        return probabilities?.takeIf { all -> all.all { it.isFinite() } }?.mapIndexed { i, value ->
            ClassShare(contract.classes[i], value.toDouble(), contract.classes[i] in contract.targetClasses)
        }.orEmpty()
    }
}
