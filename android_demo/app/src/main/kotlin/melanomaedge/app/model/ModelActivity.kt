package melanomaedge.app.model

import android.content.Intent
import melanomaedge.app.R
import melanomaedge.app.home.HomeActivity
import melanomaedge.app.ui.Blocks
import melanomaedge.app.ui.banners
import melanomaedge.app.ui.className
import melanomaedge.app.ui.identity
import melanomaedge.app.ui.number
import melanomaedge.app.ui.scoreText
import melanomaedge.core.Bundle

/** Shows all that the bundle says of its model, and takes another bundle. */
class ModelActivity : ModelScreen() {
    private val offer = BundleOffer(this)

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        super.onActivityResult(request, result, data)
        offer.arrived(request, result == RESULT_OK, data)
    }

    override fun show(state: ModelState) {
        val outcome = offer.settle()
        when (state) {
            is ModelState.Opening -> fill { card { row(R.layout.waiting) } }
            is ModelState.NotTrusted -> {
                startActivity(Intent(this, HomeActivity::class.java))
                finish()
            }
            is ModelState.Ready -> fill {
                if (outcome is Installed.Done) installed(outcome.model.bundle)
                content(state.model)
            }
        }
    }

    private fun Blocks.installed(bundle: Bundle) {
        val line = getString(R.string.model_installed, bundle.manifest.name, bundle.manifest.release)
        card { title(line).accessibilityLiveRegion = android.view.View.ACCESSIBILITY_LIVE_REGION_POLITE }
    }

    private fun Blocks.content(model: Trusted) {
        val bundle = model.bundle
        banners(bundle)
        card { identity(bundle) }
        card { trust(model) }
        card { facts(bundle) }
        card { offerAnother() }
        card { hashes(bundle) }
        card {
            title(getString(R.string.model_card))
            code(bundle.modelCard.trim())
        }
    }

    private fun Blocks.trust(model: Trusted) {
        val bundle = model.bundle
        title(getString(R.string.model_trust))
        if (bundle.signed) bullet(getString(R.string.model_signed)) else bullet(getString(R.string.banner_unsigned))
        bullet(getString(R.string.model_verified, bundle.manifest.files.size, bundle.golden.vectors.size))
        bullet(getString(R.string.details_runtime, model.runtime))
        bullet(getString(R.string.details_delegate, model.delegate))
    }

    private fun Blocks.facts(bundle: Bundle) {
        val manifest = bundle.manifest
        val contract = bundle.contract
        title(getString(R.string.model_facts))
        fact(R.string.fact_name, manifest.name)
        fact(R.string.fact_release, "${manifest.release}")
        fact(R.string.fact_tool, manifest.tool)
        fact(R.string.fact_target, getString(if (manifest.target == "melanoma") R.string.class_mel else R.string.class_malignant))
        fact(R.string.fact_threshold, scoreText(contract.threshold))
        fact(R.string.fact_classes, contract.classes.joinToString { className(it) })
        fact(R.string.fact_input, "${contract.inputSize} x ${contract.inputSize}, ${contract.imageTypes.joinToString()}")
        fact(R.string.fact_precision, manifest.artifacts.getValue("tflite").precision)
        fact(R.string.fact_verdict, manifest.verdict.name)
        fact(R.string.fact_limits_changed, yesNo(manifest.limitsChanged))
        fact(R.string.fact_lesions, number(manifest.lesions))
        fact(R.string.fact_melanomas, number(manifest.melanomas))
        fact(R.string.fact_synthetic, yesNo(manifest.synthetic))
        fact(R.string.fact_sources, contract.provenance.sources.joinToString())
        fact(R.string.fact_licences, contract.provenance.licences.joinToString())
    }

    private fun Blocks.offerAnother() {
        title(getString(R.string.model_install))
        body(getString(R.string.model_install_note))
        if (app.models.installing) {
            row(R.layout.waiting)
            findViewById<android.widget.TextView>(R.id.waiting_text).setText(R.string.model_installing)
        } else {
            first(R.drawable.icon_install, R.string.model_install) { if (!offer.ask()) say(R.string.no_files) }
        }
    }

    private fun Blocks.hashes(bundle: Bundle) {
        val manifest = bundle.manifest
        title(getString(R.string.model_hashes))
        small(getString(R.string.model_manifest))
        code(bundle.sha256)
        small(getString(R.string.model_chain))
        (manifest.chain + ("sha256" to manifest.chainSha256)).forEach { (link, hash) -> code("$link\n$hash") }
        small(getString(R.string.model_files))
        manifest.files.forEach { (name, file) -> code("$name, ${number(file.bytes)} B\n${file.sha256}") }
    }

    private fun Blocks.fact(name: Int, value: String) = small(getString(R.string.model_fact, getString(name), value))

    private fun yesNo(value: Boolean) = getString(if (value) R.string.yes else R.string.no)
}
