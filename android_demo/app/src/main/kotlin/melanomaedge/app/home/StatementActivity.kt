package melanomaedge.app.home

import android.content.Intent
import android.os.Bundle
import melanomaedge.app.R
import melanomaedge.app.model.ModelState
import melanomaedge.app.ui.Screen
import melanomaedge.app.ui.banners

/** The statement of intended use: at first and after every change of it to be accepted, later to be read again. */
class StatementActivity : Screen() {
    private val model get() = (app.models.state as? ModelState.Ready)?.model

    override val hasWayBack get() = model?.let { app.settings.hasAccepted(Statement.of(it.bundle)) } ?: true

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        val bundle = model?.bundle ?: return restart()
        val statement = Statement.of(bundle)
        fill {
            banners(bundle)
            card {
                title(getString(R.string.statement_use_heading))
                body(statement.use(context))
                if (statement.use(context) != statement.original) {
                    small(getString(R.string.statement_original))
                    small(statement.original)
                }
            }
            card {
                title(getString(R.string.statement_limits_heading))
                Statement.limits.forEach { bullet(getString(it)) }
            }
            card {
                title(getString(R.string.statement_privacy_heading))
                body(getString(R.string.statement_privacy))
            }
            if (!hasWayBack) {
                first(0, R.string.statement_accept) { accept(statement) }
                second(0, R.string.statement_decline) { finish() }
            }
        }
    }

    private fun accept(statement: Statement) {
        app.settings.accept(statement)
        restart()
    }

    /** Goes to the start, which checks the model first if Android had ended the app. */
    private fun restart() {
        startActivity(Intent(this, HomeActivity::class.java))
        finish()
    }
}
