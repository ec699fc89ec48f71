package melanomaedge.app.home

import android.content.Context

/** Remembers which statement of intended use was accepted. */
class Settings(context: Context) {
    private val store = context.getSharedPreferences("settings", Context.MODE_PRIVATE)

    internal fun hasAccepted(statement: Statement): Boolean = store.getString(ACCEPTED, null) == statement.id

    internal fun accept(statement: Statement) = store.edit().putString(ACCEPTED, statement.id).apply()

    private companion object {
        const val ACCEPTED = "accepted_statement"
    }
}
