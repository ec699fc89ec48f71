package melanomaedge.app.history

import android.content.res.ColorStateList
import android.view.View
import android.widget.ImageButton
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.TextView
import melanomaedge.app.R
import melanomaedge.app.result.ResultActivity
import melanomaedge.app.ui.Blocks
import melanomaedge.app.ui.Screen
import melanomaedge.app.ui.lookOf
import melanomaedge.app.ui.spoken
import melanomaedge.app.ui.timeText

/** Lists the answers that this device keeps, to be opened, shared and deleted one by one or all at once. */
class HistoryActivity : Screen() {
    override fun onStart() {
        super.onStart()
        show()
    }

    private fun show(): Unit = fill {
        val shelf = app.history.read()
        val answers = shelf.answers
        small(getString(R.string.history_note, History.MOST))
        if (shelf.damaged) notice(getString(R.string.history_damaged))
        if (answers.isEmpty()) card { body(getString(R.string.history_empty)) } else card { answers.forEach { row(it) } }
        if (answers.isEmpty() && !shelf.damaged) return@fill
        if (answers.isNotEmpty()) second(R.drawable.icon_share, R.string.history_share_all) { share(answers) }
        second(R.drawable.icon_delete, R.string.history_delete_all) {
            confirm(R.string.history_delete_all_question, R.string.history_delete_all) {
                app.history.deleteAll()
                show()
            }
        }
    }

    private fun Blocks.row(answer: Answer) {
        val row = row(R.layout.history_row)
        val look = lookOf(answer.audit.state, answer.model.target)
        val time = timeText(answer.audit.time)
        row.findViewById<ImageView>(R.id.row_icon).apply {
            setImageResource(look.icon)
            imageTintList = ColorStateList.valueOf(getColor(look.ink))
        }
        row.findViewById<TextView>(R.id.row_state).text = spoken(look)
        row.findViewById<TextView>(R.id.row_time).text = time
        row.findViewById<LinearLayout>(R.id.row_open).setOnClickListener {
            startActivity(ResultActivity.of(this@HistoryActivity, answer.id))
        }
        row.button(R.id.row_share, R.string.history_share_one, time) { share(listOf(answer)) }
        row.button(R.id.row_delete, R.string.history_delete_one, time) {
            confirm(R.string.history_delete_question, R.string.history_delete) {
                app.history.delete(answer.id)
                show()
            }
        }
    }

    private fun View.button(id: Int, text: Int, time: String, action: () -> Unit) {
        val button = findViewById<ImageButton>(id)
        button.contentDescription = getString(text, time)
        button.setOnClickListener { action() }
    }

    private fun share(answers: List<Answer>) {
        if (!Export.share(this, answers)) say(R.string.share_failed)
    }
}
