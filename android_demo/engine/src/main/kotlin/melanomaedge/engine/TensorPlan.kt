package melanomaedge.engine

import melanomaedge.core.Bundle
import melanomaedge.core.Reason
import melanomaedge.core.Refused
import kotlin.math.abs

/** Name the kinds of numbers that a model's tensors may hold. */
internal enum class Kind { FLOAT32, UINT8, OTHER }

/** Hold what was found of a tensor in an opened model; [scale] is 0 where it is not quantized. */
internal data class TensorFacts(
    val kind: Kind,
    val shape: List<Int>,
    val scale: Float = 0f,
    val zeroPoint: Int = 0,
)

/**
 * Hold what a model's tensors must be.
 *
 * [outputs] has the shapes by name, without the batch, as the document inside the model says.
 */
internal class TensorPlan(val inputSize: Int, val classes: Int, val outputs: Map<String, List<Int>>) {
    /** How many bytes an image has. */
    val bytes: Int get() = inputSize * inputSize * CHANNELS

    init {
        val fits = outputs.all { (name, shape) -> fits(name, shape) }
        if (!fits || Names.PROBABILITIES !in outputs) refuse("the model's document names outputs $outputs")
    }

    /**
     * Refuse a model whose tensors are others: names, kinds of numbers, shapes or quantization.
     *
     * @throws Refused with [Reason.MODEL_UNUSABLE].
     */
    fun check(inputs: Map<String, TensorFacts>, found: Map<String, TensorFacts>) {
        val image = inputs[Names.IMAGE]
        if (inputs.size != 1 || image == null || !takes(image)) refuse("inputs are $inputs, for $inputSize pixels")
        val wanted = outputs.mapValues { (_, shape) -> TensorFacts(Kind.FLOAT32, listOf(1) + shape) }
        if (found != wanted) refuse("outputs are $found instead of $wanted")
    }

    private fun takes(image: TensorFacts): Boolean {
        val plain = image.scale == 0f && image.zeroPoint == 0
        val bytes = abs(image.scale - BYTE_SCALE) < SCALE_TOLERANCE && image.zeroPoint == BYTE_ZERO
        val kind = image.kind == Kind.FLOAT32 && plain || image.kind == Kind.UINT8 && (plain || bytes)
        return kind && image.shape == listOf(1, inputSize, inputSize, CHANNELS)
    }

    private fun fits(name: String, shape: List<Int>): Boolean = when (name) {
        Names.PROBABILITIES -> shape == listOf(classes)
        Names.CAM -> shape.size == CAM_SIDES && shape.last() == classes && shape.all { it in 1..MOST }
        Names.EMBEDDING -> shape.size == 1 && shape[0] in 1..MOST
        else -> false
    }

    private fun refuse(found: String): Nothing =
        throw Refused(Reason.MODEL_UNUSABLE, "the model's tensors are not those of its contract: $found")

    companion object {
        private const val CHANNELS = 3
        private const val CAM_SIDES = 3
        private const val MOST = 4096

        /** The bytes 0 to 255 as an int8 network takes them: (x - 128) / 127.5. */
        private const val BYTE_SCALE = 1f / 127.5f
        private const val BYTE_ZERO = 128
        private const val SCALE_TOLERANCE = 1e-7f

        /**
         * Return the plan of one of a verified bundle's models.
         *
         * @param format `tflite` or `onnx`.
         * @throws Refused with [Reason.MODEL_UNUSABLE] when the bundle has no such model.
         */
        fun of(bundle: Bundle, format: String): TensorPlan {
            val model = bundle.models[format] ?: throw Refused(Reason.MODEL_UNUSABLE, "the bundle has no $format model")
            val outputs = model.outputs.associate { it.name to it.shape.drop(1) }
            return TensorPlan(bundle.contract.inputSize, bundle.contract.classes.size, outputs)
        }
    }
}
