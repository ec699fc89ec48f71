package melanomaedge.app

import android.app.Activity
import android.content.Intent
import android.net.Uri
import android.view.View
import android.view.ViewGroup
import android.widget.TextView
import java.io.ByteArrayInputStream
import melanomaedge.app.check.CheckActivity
import melanomaedge.app.home.Statement
import melanomaedge.app.model.ModelState
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController

/** The app on a phone of a test. */
internal class Phone(val services: TestServices = TestServices()) {
    val app = (RuntimeEnvironment.getApplication() as MelanomaApp).also { it.services = services }
    private var photos = 0

    /** Opens the model, and accepts its statement of intended use. */
    fun ready(): Phone = apply {
        app.models.open()
        app.settings.accept(Statement.of((app.models.state as ModelState.Ready).model.bundle))
    }

    fun <A : Activity> open(screen: Class<A>, intent: Intent? = null): A = start(screen, intent).get()

    fun <A : Activity> start(screen: Class<A>, intent: Intent? = null): ActivityController<A> =
        Robolectric.buildActivity(screen, intent).setup()

    /** Returns the address of a photo in another app. */
    fun photo(bytes: ByteArray): Uri {
        val uri = Uri.parse("content://gallery/photo/${photos++}")
        shadowOf(app.contentResolver).registerInputStreamSupplier(uri) { ByteArrayInputStream(bytes) }
        return uri
    }

    /** Has a photo checked, and returns the id of its answer. */
    fun check(bytes: ByteArray): String {
        val screen = start(CheckActivity::class.java, CheckActivity.of(app, photo(bytes)))
        return checkNotNull(next(screen.get())?.getStringExtra("answer")) { "no answer" }
    }

    /** Returns what a screen started next. */
    fun next(screen: Activity): Intent? = shadowOf(screen).nextStartedActivity
}

/** All views that can be seen, parents before children. */
internal fun View.seen(): List<View> = when {
    visibility != View.VISIBLE -> emptyList()
    this is ViewGroup -> listOf(this) + (0 until childCount).flatMap { getChildAt(it).seen() }
    else -> listOf(this)
}

internal val Activity.content: View get() = findViewById(android.R.id.content)

/** All text that can be seen. */
internal val Activity.text: String
    get() = content.seen().filterIsInstance<TextView>().joinToString("\n") { it.text }.replace("\u00AD", "")

internal fun Activity.press(id: Int) = check(findViewById<View>(id).performClick())

/** Presses the button with this text. */
internal fun Activity.pressText(text: Int) =
    check(content.seen().filterIsInstance<android.widget.Button>().single { it.text == getString(text) }.performClick())
