package melanomaedge.engine.jvm

import melanomaedge.engine.Kernels
import java.io.File

/** Hold what the command line was asked for. */
internal class Command(
    val bundle: File,
    val engine: EngineChoice,
    val key: File?,
    val pixelsOut: File?,
    val bench: Boolean,
    val files: List<File>,
) {
    companion object {
        val USAGE = """
            usage: MainKt BUNDLE [--engine ${EngineChoice.names}] [--key PEM] [--pixels-out DIR] [--bench] FILE...

            Prints one JSON object a line for each picture: .jpg and .png by the JVM's decoders, .ppm as a bitmap that
            another program has decoded. BUNDLE is a folder or a zip; the engine must pass its golden vectors first.
              --engine      tflite (XNNPACK where it gives the right answers), tflite-plain, onnx
              --key         take only bundles signed by this key
              --pixels-out  also write what the model saw of the n-th file to DIR/000n.rgb
              --bench       print a table of times and memory instead
        """.trimIndent()

        /**
         * Read arguments.
         *
         * @throws IllegalArgumentException for what is not in [USAGE].
         */
        fun of(arguments: Array<String>): Command {
            val rest = ArrayDeque(arguments.toList())
            val named = HashMap<String, String>()
            val plain = ArrayList<String>()
            while (rest.isNotEmpty()) {
                val word = rest.removeFirst()
                when {
                    word == BENCH -> named[word] = word
                    word in VALUED -> named[word] = requireNotNull(rest.removeFirstOrNull()) { "$word needs a value" }
                    else -> plain.add(word.also { require(!it.startsWith("--")) { "unknown option $it" } })
                }
            }
            require(plain.size >= 2) { "a bundle and at least one picture are needed" }
            return Command(
                bundle = File(plain.first()),
                engine = EngineChoice.of(named[ENGINE] ?: EngineChoice.TFLITE.text),
                key = named[KEY]?.let(::File),
                pixelsOut = named[PIXELS]?.let(::File),
                bench = BENCH in named,
                files = plain.drop(1).map(::File),
            )
        }

        private const val ENGINE = "--engine"
        private const val KEY = "--key"
        private const val PIXELS = "--pixels-out"
        private const val BENCH = "--bench"
        private val VALUED = setOf(ENGINE, KEY, PIXELS)
    }
}

/** Name the engines of the command line. */
internal enum class EngineChoice(val text: String, val kernels: Kernels?) {
    TFLITE("tflite", Kernels.XNNPACK),
    PLAIN("tflite-plain", Kernels.PLAIN),
    ONNX("onnx", null);

    companion object {
        val names = values().joinToString("|") { it.text }

        /** Return the engine of that name; an unknown one is an [IllegalArgumentException]. */
        fun of(text: String): EngineChoice =
            requireNotNull(values().find { it.text == text }) { "unknown engine $text; known are $names" }
    }
}
