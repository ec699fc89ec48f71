package melanomaedge.core

/**
 * Hold a verified bundle: its documents read, its files as they were when they were checked.
 *
 * [sha256] is of `manifest.json` and names the bundle with all it holds. [signed] is true only when the app's own key
 * vouches for it; otherwise it is a development bundle, whatever signature lies in it.
 */
class Bundle internal constructor(
    val manifest: Manifest,
    val contract: Contract,
    val golden: Golden,
    val parity: Map<String, ParityReport>,
    val models: Map<String, SealedModel>,
    val signed: Boolean,
    val sha256: String,
    private val files: BundleFiles,
) {
    /** The model for TFLite. */
    val tflite: ByteArray get() = model("tflite")

    /** The model for ONNX, where the bundle has one. */
    val onnx: ByteArray? get() = if ("onnx" in manifest.artifacts) model("onnx") else null

    /** The model card, as Markdown. */
    val modelCard: String get() = String(read(CARD), Charsets.UTF_8)

    /** What keeps an answer from being given; the contract's own where it has some. */
    val safeguards: Safeguards get() = manifest.safeguards

    /** Return the bytes of a file of the bundle, as they were checked. */
    fun read(name: String): ByteArray = files.read(name)

    /** Return the photo of a golden vector, as a file. */
    fun photo(vector: GoldenVector): ByteArray = read(vector.photo)

    /** Return the `N * N * 3` bytes that the pixel recipe must make of a golden vector's photo. */
    fun pixels(vector: GoldenVector): ByteArray = read(vector.pixels)

    /** Decide on one photo by this bundle's contract and safeguards. */
    fun decide(findings: List<Finding>, probabilities: FloatArray?, embedding: FloatArray?): Decision =
        decide(contract, safeguards, findings, probabilities, embedding)

    private fun model(format: String): ByteArray = read(manifest.artifacts.getValue(format).path)

    internal companion object {
        const val CONTRACT = "contract.json"
        const val CARD = "model_card.md"

        fun parityFile(format: String) = "parity/$format.json"
    }
}
