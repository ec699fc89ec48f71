package melanomaedge.app

import melanomaedge.app.model.ModelState
import melanomaedge.app.photo.PhotoFile
import melanomaedge.engine.Engines
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner

/** The whole way with nothing replaced but the gallery: real bundle, real decoder, real runtime. */
@RunWith(RobolectricTestRunner::class)
class RealEngineTest {
    @Test
    fun `golden photos get their states from the real model`() {
        val phone = Phone(TestServices(engine = { Engines.open(it, PhotoFile::decode) })).ready()
        val bundle = (phone.app.models.state as ModelState.Ready).model.bundle
        for (vector in bundle.golden.vectors) {
            val id = phone.check(bundle.photo(vector))
            val answer = phone.app.history.find(id)!!
            assertEquals(vector.id, vector.state, answer.audit.state)
        }
    }
}
