package melanomaedge.core

import java.security.PublicKey

/**
 * Decide whether a bundle may be used.
 *
 * With [trustedKey], the key that the app was built with, only bundles with its signature are; without, every bundle
 * that is whole and does not contradict itself is, as a development bundle.
 */
class BundleVerifier(private val trustedKey: PublicKey?, private val memory: ReleaseMemory) {
    init {
        trustedKey?.let { TrustedKey.check(it) }
    }

    /**
     * Check everything about a bundle that needs no engine, and return it.
     *
     * The engine's golden vectors remain; [accept] belongs after them.
     */
    fun verify(files: BundleFiles): Bundle {
        val own = MemoryFiles(files.names.associateWith { files.read(it) })
        val text = own.read(Manifest.FILE)
        if (trustedKey != null) checkSignature(trustedKey, text, own)
        val json = Json.parse(text, Manifest.FILE)
        val manifest = Manifest.read(json)
        val sha256 = sha256(text)
        ReleaseMemory.check(memory.newest(manifest.name), manifest.name, manifest.release, sha256)
        return Verification(manifest, json, own).bundle(trustedKey != null, sha256)
    }

    /** Remember a bundle whose golden vectors have passed: from now on no older one of its name is taken. */
    fun accept(bundle: Bundle) = memory.accept(bundle.manifest.name, bundle.manifest.release, bundle.sha256)

    private fun checkSignature(key: PublicKey, manifest: ByteArray, files: BundleFiles) {
        if (Manifest.SIGNATURE !in files.names) throw Refused(Reason.UNSIGNED, "the bundle is not signed")
        if (!Signature.holds(key, manifest, files.read(Manifest.SIGNATURE))) {
            throw Refused(Reason.BAD_SIGNATURE, "the signature is not of this manifest by the trusted key")
        }
    }
}

/** Check that the files are those of the manifest, and that all they say fits together. */
private class Verification(
    private val manifest: Manifest,
    private val manifestJson: Json,
    private val files: BundleFiles,
) {
    fun bundle(signed: Boolean, sha256: String): Bundle {
        checkFiles()
        val json = json(Bundle.CONTRACT)
        val contract = Contract.read(json, Bundle.CONTRACT)
        checkContract(contract)
        checkSafeguards(json, contract)
        val models = manifest.artifacts.mapValues { (format, artifact) -> model(format, artifact, json) }
        val parity = manifest.artifacts.mapValues { (format, artifact) -> parity(format, artifact, contract) }
        checkVerdict(parity.values)
        checkChain(contract)
        val golden = Golden.read(json(Golden.FILE), "onnx" in models)
        checkNames(golden)
        golden.vectors.forEach { checkVector(it, golden, contract) }
        return Bundle(manifest, contract, golden, parity, models, signed, sha256, files)
    }

    private fun checkFiles() {
        val there = files.names - Manifest.FILE - Manifest.SIGNATURE
        val missing = manifest.files.keys - there
        if (missing.isNotEmpty()) throw Refused(Reason.MISSING_FILE, "missing: ${missing.joinToString()}")
        val extra = there - manifest.files.keys
        if (extra.isNotEmpty()) throw Refused(Reason.EXTRA_FILE, "not in the manifest: ${extra.joinToString()}")
        for ((name, entry) in manifest.files) {
            val bytes = files.read(name)
            if (bytes.size != entry.bytes || sha256(bytes) != entry.sha256) {
                throw Refused(Reason.CHANGED_FILE, "$name is not the file that the manifest names")
            }
        }
    }

    /** Refuse a bundle that has less or more than a bundle is made of. */
    private fun checkNames(golden: Golden) {
        val models = manifest.artifacts.flatMap { (format, model) -> listOf(model.path, Bundle.parityFile(format)) }
        val vectors = golden.vectors.flatMap { listOf(it.photo, it.pixels) }
        val wanted = models + vectors + listOf(Bundle.CONTRACT, Bundle.CARD, Golden.FILE)
        val missing = wanted - manifest.files.keys
        if (missing.isNotEmpty()) throw Refused(Reason.MISSING_FILE, "a bundle needs ${missing.joinToString()}")
        val extra = manifest.files.keys - wanted.toSet()
        if (extra.isNotEmpty()) throw Refused(Reason.EXTRA_FILE, "a bundle has no ${extra.joinToString()}")
    }

    private fun checkContract(contract: Contract) {
        val what = when {
            contract.name != manifest.name -> "name"
            contract.target != manifest.target -> "target"
            contract.provenance.synthetic != manifest.synthetic -> "mark of synthetic data"
            else -> return
        }
        throw Refused(Reason.CONTRACT_MISMATCH, "manifest and contract name another $what")
    }

    private fun checkSafeguards(json: Json, contract: Contract) {
        val own = (json as Json.Object).members["safeguards"]
        if (contract.safeguards != null && own != (manifestJson as Json.Object).members["safeguards"]) {
            throw Refused(Reason.CONTRACT_MISMATCH, "the manifest's safeguards are not the contract's")
        }
        val problem = manifest.safeguards.problem(contract.threshold) ?: return
        throw Refused(Reason.BAD_DOCUMENT, "${Manifest.FILE}: $problem")
    }

    private fun model(format: String, artifact: Artifact, contract: Json): SealedModel {
        val bytes = files.read(artifact.path)
        val listed = manifest.files.getValue(artifact.path)
        if (listed.sha256 != artifact.sha256 || listed.bytes != artifact.bytes) {
            throw Refused(Reason.CHANGED_FILE, "${artifact.path} is not the model that the manifest names")
        }
        val sealed = Seal.read(bytes, artifact.path)
        if (sealed.format != format || sealed.precision != artifact.precision) {
            throw Refused(Reason.CONTRACT_MISMATCH, "${artifact.path} is ${sealed.format} ${sealed.precision}")
        }
        if (sealed.contract != contract) {
            throw Refused(Reason.CONTRACT_MISMATCH, "the contract inside ${artifact.path} is another")
        }
        if (lacksEmbedding(sealed)) {
            throw Refused(Reason.CONTRACT_MISMATCH, "${artifact.path} has no embedding that the outlier limits are of")
        }
        return sealed
    }

    /** Tell whether strange photos would pass: the model answers no embedding of the length that limits are of. */
    private fun lacksEmbedding(model: SealedModel): Boolean {
        val outlier = manifest.safeguards.outlier ?: return false
        return model.outputs.none { it.name == EMBEDDING && it.shape.drop(1) == listOf(outlier.centre.size) }
    }

    private fun parity(format: String, artifact: Artifact, contract: Contract): ParityReport {
        val name = Bundle.parityFile(format)
        val report = ParityReport.read(json(name), name)
        val model = report.model
        val what = when {
            model.sha256 != artifact.sha256 || model.bytes != artifact.bytes || model.path != artifact.path -> "model"
            model.format != format || model.precision != artifact.precision -> "format or precision"
            report.run != contract.name -> "name"
            report.split != "test" -> "split"
            report.reference != contract.provenance.referenceSha256 -> "reference"
            report.threshold != contract.threshold -> "threshold"
            report.target != contract.target -> "target"
            report.lesions != manifest.lesions || report.melanomas != manifest.melanomas -> "count of lesions"
            else -> return report
        }
        throw Refused(Reason.PARITY_MISMATCH, "$name is about another $what")
    }

    private fun checkVerdict(reports: Collection<ParityReport>) {
        val found = Verdict.worst(reports.map { it.verdict })
        if (found == Verdict.FAIL) throw Refused(Reason.PARITY_FAILED, "the verdict of parity is FAIL")
        if (found != manifest.verdict || reports.any { it.limitsChanged } != manifest.limitsChanged) {
            throw Refused(Reason.PARITY_MISMATCH, "manifest says ${manifest.verdict}, the reports say $found")
        }
    }

    private fun checkChain(contract: Contract) {
        val provenance = contract.provenance
        val links = mutableMapOf(
            "catalog" to provenance.catalogSha256,
            "weights" to provenance.weightsSha256,
            "reference" to provenance.referenceSha256,
            "contract" to manifest.files.getValue(Bundle.CONTRACT).sha256,
        )
        for ((format, artifact) in manifest.artifacts) {
            links[format] = artifact.sha256
            links["parity_$format"] = manifest.files.getValue(Bundle.parityFile(format)).sha256
        }
        val text = manifest.chain.entries.joinToString("") { (key, value) -> "$key $value\n" }
        if (manifest.chain != links || sha256(text.toByteArray(Charsets.US_ASCII)) != manifest.chainSha256) {
            throw Refused(Reason.BROKEN_CHAIN, "the chain of hashes is not that of the files")
        }
    }

    private fun checkVector(vector: GoldenVector, golden: Golden, contract: Contract) {
        val what = when {
            golden.inputSize != contract.inputSize -> "input size"
            manifest.files.getValue(vector.pixels).bytes != 3 * golden.inputSize * golden.inputSize -> "count of pixels"
            vector.answers.values.any { it.size != contract.classes.size } -> "count of classes"
            vector.answers.values.any { refers(it, contract) != vector.refers } -> "decision"
            vector.state == State.REFER && !vector.refers -> "state"
            vector.state in BELOW && vector.refers -> "state"
            else -> return
        }
        throw Refused(Reason.GOLDEN_MISMATCH, "golden vector ${vector.id} contradicts the contract: $what")
    }

    private fun refers(answer: List<Double>, contract: Contract): Boolean =
        contract.refers(contract.targetScore { answer[it] })

    private fun json(name: String): Json {
        if (name !in files.names) throw Refused(Reason.MISSING_FILE, "a bundle needs $name")
        return Json.parse(files.read(name), name)
    }

    private companion object {
        const val EMBEDDING = "embedding"
        val BELOW = setOf(State.NO_SIGN, State.REFER_UNCERTAIN)
    }
}
