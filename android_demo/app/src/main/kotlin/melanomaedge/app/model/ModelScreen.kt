package melanomaedge.app.model

import melanomaedge.app.ui.Screen

/** What screens share that show the model: they have it opened, and follow what becomes of it while they are seen. */
abstract class ModelScreen : Screen() {
    private val listener: (ModelState) -> Unit = { show(it) }

    override fun onStart() {
        super.onStart()
        app.models.open()
        app.models.listen(listener)
    }

    override fun onStop() {
        app.models.forget(listener)
        super.onStop()
    }

    /** Called with what is known of the model, and whenever that changes. */
    protected abstract fun show(state: ModelState)
}
