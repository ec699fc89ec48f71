package melanomaedge.app.ui

import android.app.Activity
import android.app.AlertDialog
import android.os.Bundle
import android.view.View
import android.view.Window
import android.view.WindowManager
import android.widget.LinearLayout
import android.widget.TextView
import melanomaedge.app.MelanomaApp
import melanomaedge.app.R

/**
 * What all screens share: a title, a way back, a column that scrolls, and a window that no screenshot and no list of
 * recent apps can show.
 */
abstract class Screen : Activity() {
    /** Where a screen puts its content. */
    protected val column: LinearLayout get() = findViewById(R.id.column)

    protected val app: MelanomaApp get() = application as MelanomaApp

    /** Whether the bar shows the way back; the first screens have none. */
    protected open val hasWayBack: Boolean get() = true

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        window.addFlags(WindowManager.LayoutParams.FLAG_SECURE)
        setContentView(R.layout.screen)
        keepClearOfBars(window, findViewById(R.id.screen))
        findViewById<TextView>(R.id.title).text = title
        findViewById<View>(R.id.back).apply {
            visibility = if (hasWayBack) View.VISIBLE else View.GONE
            setOnClickListener { finish() }
        }
        if (!hasWayBack) {
            val side = resources.getDimensionPixelSize(R.dimen.side)
            (findViewById<View>(R.id.title).layoutParams as LinearLayout.LayoutParams).marginStart =
                side - (findViewById<View>(R.id.title).parent as View).paddingStart
        }
    }

    /** Empty the column and fill it anew; the place to which it was scrolled stays. */
    protected fun fill(content: Blocks.() -> Unit) {
        column.removeAllViews()
        Blocks(column).content()
    }

    /** Say something at the top of the column, where it is seen and, by a screen reader, heard. */
    protected fun say(text: Int) {
        val place = LinearLayout(this).apply { orientation = LinearLayout.VERTICAL }
        column.addView(place, 0)
        Blocks(place).notice(getString(text)).accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_ASSERTIVE
        findViewById<View>(R.id.scroll).scrollTo(0, 0)
    }

    /** Ask before something is lost. */
    protected fun confirm(question: Int, yes: Int, action: () -> Unit): AlertDialog {
        val dialog = AlertDialog.Builder(this)
            .setMessage(question)
            .setPositiveButton(yes) { _, _ -> action() }
            .setNegativeButton(R.string.cancel, null)
            .create()
        dialog.window?.addFlags(WindowManager.LayoutParams.FLAG_SECURE)
        dialog.show()
        return dialog
    }

    private companion object {
        /**
         * Draw behind the system's bars on every Android, as Android 15 demands, and keep the content clear of them.
         *
         * Written with what Android 8 knows, which later Androids still honour.
         */
        @Suppress("DEPRECATION")
        fun keepClearOfBars(window: Window, root: View) {
            var flags = View.SYSTEM_UI_FLAG_LAYOUT_STABLE or View.SYSTEM_UI_FLAG_LAYOUT_FULLSCREEN or
                View.SYSTEM_UI_FLAG_LAYOUT_HIDE_NAVIGATION
            if (root.resources.getBoolean(R.bool.dark_icons_on_bars)) {
                flags = flags or View.SYSTEM_UI_FLAG_LIGHT_STATUS_BAR or View.SYSTEM_UI_FLAG_LIGHT_NAVIGATION_BAR
            }
            window.decorView.systemUiVisibility = flags
            root.setOnApplyWindowInsetsListener { view, insets ->
                view.setPadding(
                    insets.systemWindowInsetLeft,
                    insets.systemWindowInsetTop,
                    insets.systemWindowInsetRight,
                    insets.systemWindowInsetBottom,
                )
                insets.consumeSystemWindowInsets()
            }
        }
    }
}
