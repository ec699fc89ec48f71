package melanomaedge.app.home

import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.view.View
import android.widget.TextView
import melanomaedge.app.R
import melanomaedge.app.check.CheckActivity
import melanomaedge.app.files.Handover
import melanomaedge.app.history.HistoryActivity
import melanomaedge.app.model.ModelActivity
import melanomaedge.app.model.ModelScreen
import melanomaedge.app.model.ModelState
import melanomaedge.app.model.RefusedActivity
import melanomaedge.app.ui.Blocks
import melanomaedge.app.ui.banners
import melanomaedge.app.ui.identity

/**
 * The start: a photo is taken or chosen here, and only once a model was found trustworthy and its intended use accepted.
 */
class HomeActivity : ModelScreen() {
    override val hasWayBack = false

    private val photos = PhotoRequests(this)

    /** A photo that arrived before the model was checked. */
    private var waiting: Uri? = null

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        layoutInflater.inflate(R.layout.home, column)
        photos.restore(state)
        waiting = state?.getString(WAITING)?.let(Uri::parse)
        if (state == null) app.sweep()
        press(R.id.take_photo) { photos.take() }
        press(R.id.pick_photo) { photos.pick() }
        press(R.id.open_model) { startActivity(Intent(this, ModelActivity::class.java)) }
        press(R.id.open_history) { startActivity(Intent(this, HistoryActivity::class.java)) }
        press(R.id.open_statement) { startActivity(Intent(this, StatementActivity::class.java)) }
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        photos.save(state)
        state.putString(WAITING, waiting?.toString())
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        super.onActivityResult(request, result, data)
        when (val found = photos.arrived(request, result == RESULT_OK, data)) {
            is Arrived.Photo -> check(found.uri)
            is Arrived.Nothing -> tell(R.string.no_photo_arrived)
            is Arrived.Cancelled -> tell(null)
        }
    }

    /** Tells what went wrong with the last request for a photo. */
    internal fun tell(problem: Int?) {
        val view = findViewById<TextView>(R.id.photo_problem)
        view.visibility = if (problem == null) View.GONE else View.VISIBLE
        problem?.let(view::setText)
    }

    private fun check(photo: Uri) {
        if (app.models.state is ModelState.Ready) {
            tell(null)
            startActivity(CheckActivity.of(this, photo))
        } else {
            waiting = photo
        }
    }

    override fun show(state: ModelState) {
        findViewById<View>(R.id.opening).visibility = if (state is ModelState.Opening) View.VISIBLE else View.GONE
        findViewById<View>(R.id.ready).visibility = if (state is ModelState.Ready) View.VISIBLE else View.GONE
        when (state) {
            is ModelState.Opening -> return
            is ModelState.NotTrusted -> leaveFor(RefusedActivity.atStart(this))
            is ModelState.Ready -> ready(state)
        }
    }

    private fun ready(state: ModelState.Ready) {
        val bundle = state.model.bundle
        if (!app.settings.hasAccepted(Statement.of(bundle))) return leaveFor(Intent(this, StatementActivity::class.java))
        refill(R.id.banners) { banners(bundle) }
        refill(R.id.model_facts) { identity(bundle) }
        waiting?.let {
            waiting = null
            check(it)
        }
    }

    private fun leaveFor(next: Intent) {
        Handover.CAMERA.sweep(this)
        startActivity(next)
        finish()
    }

    private fun refill(id: Int, content: Blocks.() -> Unit) {
        val place = findViewById<android.widget.LinearLayout>(id)
        place.removeAllViews()
        Blocks(place).content()
    }

    private fun press(id: Int, action: () -> Unit) = findViewById<View>(id).setOnClickListener { action() }

    private companion object {
        const val WAITING = "waiting"
    }
}
