package melanomaedge.app

import android.app.Activity
import android.content.Intent
import android.graphics.Bitmap
import java.io.ByteArrayOutputStream
import java.io.File
import melanomaedge.app.check.CheckActivity
import melanomaedge.app.history.HistoryActivity
import melanomaedge.app.home.HomeActivity
import melanomaedge.app.home.StatementActivity
import melanomaedge.app.model.ModelActivity
import melanomaedge.app.model.RefusedActivity
import melanomaedge.app.model.Refusal
import melanomaedge.app.result.DetailsActivity
import melanomaedge.app.result.ResultActivity
import melanomaedge.core.Json
import melanomaedge.core.TestKeys
import melanomaedge.core.with
import org.robolectric.Shadows.shadowOf

/** One screen in one state, as a test or a picture needs it. */
class Scene(val name: String, val open: () -> Activity) {
    override fun toString() = name
}

/** Photos and bundles that bring the app into every state. */
internal object Scenes {
    /** A JPEG of the demo bundle that passes the quality gate. */
    val good: ByteArray by lazy { Demo.files.getValue("golden/01.jpg") }

    /** A photo of nothing: small, without detail, without colour. */
    val grey: ByteArray by lazy { encoded(Bitmap.CompressFormat.JPEG, 60, 200) { 0xFF909090.toInt() } }

    /** A photo of nothing, too dark and not sharp, but large and coloured. */
    val dark: ByteArray by lazy { encoded(Bitmap.CompressFormat.JPEG, 300, 300) { 0xFF301008.toInt() } }

    /** A photo without colour, but sharp. */
    val print: ByteArray by lazy { encoded(Bitmap.CompressFormat.PNG, 512, 512) { if (it / 8 % 2 == 0) 0xFF404040.toInt() else 0xFFA0A0A0.toInt() } }

    fun encoded(format: Bitmap.CompressFormat, width: Int, height: Int, colour: (Int) -> Int): ByteArray {
        val bitmap = Bitmap.createBitmap(IntArray(width * height, colour), width, height, Bitmap.Config.ARGB_8888)
        return ByteArrayOutputStream().also { bitmap.compress(format, 90, it) }.toByteArray()
    }

    val signed by lazy {
        Demo.changed(sign = true) {
            editContract { it.with("provenance", "synthetic", value = Json.Flag(false)) }
            put("manifest.json", "synthetic", value = Json.Flag(false))
            formats.forEach { put("parity/$it.json", "synthetic", value = Json.Flag(false)) }
        }
    }

    val uncertain by lazy {
        Demo.changed {
            editContract { it.with("safeguards", "uncertain_from", value = Json.of(uncertainFrom)) }
            put("manifest.json", "safeguards", "uncertain_from", value = Json.of(uncertainFrom))
        }
    }

    /** From which score on the demo bundle is made to call itself uncertain. */
    val uncertainFrom by lazy { Demo.threshold / 4 }

    val all: List<Scene> = listOf(
        Scene("home") { Phone().ready().open(HomeActivity::class.java) },
        Scene("home signed") { Phone(TestServices(signed, TestKeys.trusted.public)).ready().open(HomeActivity::class.java) },
        Scene("home opening") { Phone().apply { services.background.holding = true }.open(HomeActivity::class.java) },
        Scene("home without camera") { Phone().ready().open(HomeActivity::class.java).also { it.tell(R.string.no_camera) }.settled() },
        Scene("statement") { Phone().apply { app.models.open() }.open(StatementActivity::class.java) },
        Scene("statement again") { Phone().ready().open(StatementActivity::class.java) },
        Scene("check") { checking() },
        Scene("check lost") { Phone().ready().open(CheckActivity::class.java, Intent()) },
        Scene("result refer") { result(good, 0.62) },
        Scene("result uncertain") { result(good, uncertainFrom * 1.1, uncertain) },
        Scene("result retake") { result(grey, 0.5) },
        Scene("result not assessable") { result(print, 0.5) },
        Scene("result no sign") { result(good, Demo.threshold / 100) },
        Scene("result no sign signed") { result(good, Demo.threshold / 100, signed, signed = true) },
        Scene("result damaged photo") { result(good.copyOf(good.size / 2), 0.5) },
        Scene("result engine crash") { crash() },
        Scene("details") { details(good) },
        Scene("details without answer") { details(ByteArray(9)) },
        Scene("details retake") { details(grey) },
        Scene("history reading") { Phone().ready().apply { services.background.holding = true }.open(HistoryActivity::class.java) },
        Scene("history empty") { Phone().ready().open(HistoryActivity::class.java) },
        Scene("history") { history() },
        Scene("history damaged") { history { it.appendText("{\"broken\": 1}\n") } },
        Scene("model") { Phone().ready().open(ModelActivity::class.java) },
        Scene("model signed") { Phone(TestServices(signed, TestKeys.trusted.public)).ready().open(ModelActivity::class.java) },
        Scene("model installing") { installing() },
        Scene("refused") { refused() },
        Scene("refused offer") { offer() },
    )

    /** Lays out what was changed after the screen had opened. */
    private fun <A : Activity> A.settled(): A = apply { shadowOf(mainLooper).idle() }

    private fun phone(target: Double, bundle: ByteArray = Demo.zip, signed: Boolean = false): Phone {
        val services = TestServices(bundle, TestKeys.trusted.public.takeIf { signed }, { FakeEngine(it, target, map = true) })
        return Phone(services).ready()
    }

    private fun result(photo: ByteArray, target: Double, bundle: ByteArray = Demo.zip, signed: Boolean = false): Activity {
        val phone = phone(target, bundle, signed)
        return phone.open(ResultActivity::class.java, ResultActivity.of(phone.app, phone.check(photo)))
    }

    private fun crash(): Activity {
        val phone = Phone(TestServices(engine = { FakeEngine(it) { throw IllegalStateException("native code failed") } })).ready()
        return phone.open(ResultActivity::class.java, ResultActivity.of(phone.app, phone.check(good)))
    }

    private fun details(photo: ByteArray): Activity {
        val phone = phone(0.31)
        return phone.open(DetailsActivity::class.java, DetailsActivity.of(phone.app, phone.check(photo)))
    }

    private fun checking(): Activity {
        val phone = Phone().ready()
        phone.services.background.holding = true
        return phone.open(CheckActivity::class.java, CheckActivity.of(phone.app, phone.photo(good)))
    }

    private fun history(change: (File) -> Unit = {}): Activity {
        val phone = phone(Demo.threshold / 100)
        for (photo in listOf(good, grey, print)) phone.check(photo)
        change(File(phone.app.noBackupFilesDir, "history.jsonl"))
        return phone.open(HistoryActivity::class.java)
    }

    private fun installing(): Activity {
        val phone = Phone().ready()
        phone.services.background.holding = true
        phone.app.models.install { error("never read") }
        return phone.open(ModelActivity::class.java)
    }

    private fun refused(): Activity =
        Phone(TestServices(Demo.zip.copyOf(1000))).apply { app.models.open() }.run { open(RefusedActivity::class.java, RefusedActivity.atStart(app)) }

    private fun offer(): Activity {
        val refusal = Refusal("older-release", "synthetic-demo: release 1 offered, release 2 was accepted before")
        return Phone().ready().run { open(RefusedActivity::class.java, RefusedActivity.ofOffer(app, refusal)) }
    }
}
