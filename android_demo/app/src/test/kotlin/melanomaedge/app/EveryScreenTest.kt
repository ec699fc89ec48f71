package melanomaedge.app

import android.graphics.Bitmap
import org.junit.AfterClass
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.ParameterizedRobolectricTestRunner
import org.robolectric.ParameterizedRobolectricTestRunner.Parameters
import org.robolectric.annotation.Config

/** Every screen in every state, by day and night, in both languages and with text of twice the size; with pictures. */
@RunWith(ParameterizedRobolectricTestRunner::class)
@Config(sdk = [34])
class EveryScreenTest(private val scene: Scene, private val look: Variant) {
    @Test
    fun `everything can be read, touched and heard`() {
        look.apply()
        val screen = scene.open()
        try {
            ScreenExam(screen, "${scene.name}, ${look.name}", hyphens = true).pass()
        } finally {
            pictures.getOrPut(look.name) { ArrayList() } += Shots.take(screen, "${look.name} ${scene.name}")
        }
    }

    companion object {
        private val pictures = HashMap<String, MutableList<Bitmap>>()

        @JvmStatic
        @Parameters(name = "{0}, {1}")
        fun all(): List<Array<Any>> = Variant.of(Variant.ALL)

        private var left = all().size

        /** Called after each pair of scene and look. */
        @JvmStatic
        @AfterClass
        fun sheets() {
            if (--left == 0) pictures.forEach { (name, all) -> Shots.sheet(all, name) }
        }
    }
}
