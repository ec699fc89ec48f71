package melanomaedge.app.model

import android.content.Context
import android.content.Intent
import melanomaedge.app.R
import melanomaedge.app.home.HomeActivity
import melanomaedge.app.ui.Look
import melanomaedge.app.ui.state
import melanomaedge.app.ui.wordFor

/**
 * Says why a bundle is not used: the one in use, and then nothing else can be done in this app, or one that was offered.
 */
class RefusedActivity : ModelScreen() {
    private val offer = BundleOffer(this)
    private val offered: Refusal? get() = intent.getStringExtra(CODE)?.let { Refusal(it, intent.getStringExtra(DETAIL).orEmpty()) }

    override val hasWayBack get() = offered != null

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        super.onActivityResult(request, result, data)
        offer.arrived(request, result == RESULT_OK, data)
    }

    override fun show(state: ModelState) {
        val refusal = offered
        if (offer.settle() != null && refusal != null) return finish()
        when {
            app.models.installing -> wait(R.string.model_installing)
            refusal != null -> show(refusal, false)
            state is ModelState.NotTrusted -> show(state.refusal, true)
            state is ModelState.Opening -> wait(R.string.opening_model)
            else -> {
                startActivity(Intent(this, HomeActivity::class.java))
                finish()
            }
        }
    }

    private fun wait(text: Int) = fill {
        card { row(R.layout.waiting) }
        findViewById<android.widget.TextView>(R.id.waiting_text).setText(text)
    }

    private fun show(refusal: Refusal, inUse: Boolean) = fill {
        state(if (inUse) IN_USE else OFFERED)
        card {
            title(getString(R.string.refused_why))
            body(getString(wordFor(refusal)))
        }
        card {
            title(getString(R.string.refused_todo))
            bullet(getString(R.string.refused_todo_install))
            if (inUse) bullet(getString(R.string.refused_todo_start))
            bullet(getString(R.string.refused_todo_report))
        }
        first(R.drawable.icon_install, R.string.model_install) { if (!offer.ask()) say(R.string.no_files) }
        if (inUse) second(R.drawable.icon_history, R.string.refused_again) { app.models.open() }
        card {
            title(getString(R.string.refused_detail))
            code("${refusal.code}: ${refusal.detail}")
        }
    }

    companion object {
        private const val CODE = "code"
        private const val DETAIL = "detail"

        private val IN_USE = Look(
            R.string.refused_heading, R.string.refused_start_note,
            R.drawable.icon_refused, R.color.unassessable, R.drawable.state_unassessable,
        )
        private val OFFERED = Look(
            R.string.refused_offer_heading, R.string.refused_offer_note,
            R.drawable.icon_refused, R.color.unassessable, R.drawable.state_unassessable,
        )

        /** The app has no trusted model; the keeper knows the reason. */
        fun atStart(context: Context): Intent = Intent(context, RefusedActivity::class.java)

        /** A bundle was offered and not taken. */
        fun ofOffer(context: Context, refusal: Refusal): Intent =
            Intent(context, RefusedActivity::class.java).putExtra(CODE, refusal.code).putExtra(DETAIL, refusal.detail)
    }
}
