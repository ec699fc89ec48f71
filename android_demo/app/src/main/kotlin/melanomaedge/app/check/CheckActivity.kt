package melanomaedge.app.check

import android.content.Context
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.view.View
import melanomaedge.app.R
import melanomaedge.app.home.HomeActivity
import melanomaedge.app.model.ModelState
import melanomaedge.app.result.ResultActivity
import melanomaedge.app.ui.Screen

/**
 * Waits for the answer to one photo; going back gives it up.
 *
 * Rotation goes on with the same check. When Android ended the process meanwhile, the photo is gone and this screen says
 * so: no answer is made up for it.
 */
class CheckActivity : Screen() {
    private var check: Check? = null

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        layoutInflater.inflate(R.layout.check, column)
        findViewById<View>(R.id.cancel).setOnClickListener { finish() }
        findViewById<View>(R.id.again).setOnClickListener {
            startActivity(Intent(this, HomeActivity::class.java).addFlags(Intent.FLAG_ACTIVITY_CLEAR_TOP))
            finish()
        }
        check = if (state == null) begin() else state.getString(CHECK)?.let(app.checks::find)
        findViewById<View>(R.id.working).visibility = if (check == null) View.GONE else View.VISIBLE
        findViewById<View>(R.id.lost).visibility = if (check == null) View.VISIBLE else View.GONE
    }

    override fun onStart() {
        super.onStart()
        val check = check ?: return
        if (check.outcome != null) return show(check)
        check.whenDone = { show(check) }
    }

    override fun onStop() {
        check?.whenDone = null
        super.onStop()
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putString(CHECK, check?.id)
    }

    override fun onDestroy() {
        if (isFinishing) check?.takeIf { it.outcome == null }?.let(app.checks::cancel)
        super.onDestroy()
    }

    private fun begin(): Check? {
        val photo = intent.data ?: return null
        val model = (app.models.state as? ModelState.Ready)?.model ?: return null
        return app.checks.begin(photo, model)
    }

    private fun show(check: Check) {
        startActivity(ResultActivity.of(this, check.id))
        finish()
    }

    companion object {
        private const val CHECK = "check"

        /** Returns the way to the answer for a photo. */
        fun of(context: Context, photo: Uri): Intent = Intent(context, CheckActivity::class.java).setData(photo)
    }
}
