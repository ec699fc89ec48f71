package melanomaedge.app.history

import melanomaedge.core.AuditRecord
import melanomaedge.core.Bundle
import melanomaedge.core.Json
import melanomaedge.core.QualityLimits
import melanomaedge.core.QualityMeasures
import melanomaedge.core.Verdict
import melanomaedge.engine.Trouble
import melanomaedge.app.photo.PhotoProblem

/** One class of a model, the probability it was given, and whether it counts towards referral. */
internal data class ClassShare(val name: String, val probability: Double, val target: Boolean)

/** What a screen says of the model that gave an answer, which may not be the one in use any more. */
internal data class ModelFacts(val target: String, val verdict: Verdict, val lesions: Int, val limitsChanged: Boolean) {
    companion object {
        fun of(bundle: Bundle): ModelFacts =
            bundle.manifest.run { ModelFacts(target, verdict, lesions, limitsChanged) }
    }
}

/** Why there is no answer, where the photo's quality is not the reason. */
internal data class Failure(val trouble: Trouble, val problem: PhotoProblem?, val detail: String?)

/**
 * All that an answer's screens show and that the history keeps: no picture, nobody's name.
 *
 * @property classes empty where the model gave no answer; [quality] is null where nothing was measured.
 * @property fhir the Observation, made when the answer was given and never changed.
 */
internal data class Answer(
    val id: String,
    val audit: AuditRecord,
    val model: ModelFacts,
    val failure: Failure?,
    val classes: List<ClassShare>,
    val quality: QualityMeasures?,
    val limits: QualityLimits,
    val delegate: String?,
    val fhir: Json,
)
