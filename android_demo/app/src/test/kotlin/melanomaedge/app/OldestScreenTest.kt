package melanomaedge.app

import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.ParameterizedRobolectricTestRunner
import org.robolectric.ParameterizedRobolectricTestRunner.Parameters
import org.robolectric.annotation.Config

/** Every screen in every state on the oldest Android that the app installs on; its hyphens are not simulated. */
@RunWith(ParameterizedRobolectricTestRunner::class)
@Config(sdk = [26])
class OldestScreenTest(private val scene: Scene, private val look: Variant) {
    @Test
    fun `everything can be read, touched and heard`() {
        look.apply()
        ScreenExam(scene.open(), "${scene.name}, ${look.name}", hyphens = false).pass()
    }

    companion object {
        @JvmStatic
        @Parameters(name = "{0}, {1}")
        fun all(): List<Array<Any>> = Variant.of(Variant.OLDEST)
    }
}
