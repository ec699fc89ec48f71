package melanomaedge.core

/**
 * Say why a bundle, a model or a key is refused.
 *
 * [code] is stable: apps look up the words for their screen by it, and audit records keep it.
 */
enum class Reason(val code: String) {
    UNREADABLE("unreadable"),
    BAD_ARCHIVE("bad-archive"),
    BAD_NAME("bad-name"),
    DUPLICATE_NAME("duplicate-name"),
    TOO_MANY_FILES("too-many-files"),
    TOO_LARGE("too-large"),
    MISSING_FILE("missing-file"),
    EXTRA_FILE("extra-file"),
    CHANGED_FILE("changed-file"),
    BAD_JSON("bad-json"),
    BAD_DOCUMENT("bad-document"),
    NEWER_SCHEMA("newer-schema"),
    OLDER_SCHEMA("older-schema"),
    UNSIGNED("unsigned"),
    BAD_SIGNATURE("bad-signature"),
    BAD_KEY("bad-key"),
    BROKEN_CHAIN("broken-chain"),
    BROKEN_SEAL("broken-seal"),
    CONTRACT_MISMATCH("contract-mismatch"),
    PARITY_MISMATCH("parity-mismatch"),
    PARITY_FAILED("parity-failed"),
    GOLDEN_MISMATCH("golden-mismatch"),
    OLDER_RELEASE("older-release"),
    OTHER_CONTENT("other-content"),
    RELEASE_MEMORY("release-memory"),

    /** The engine's answers or pixels are not those of the bundle's golden vectors. */
    GOLDEN_MISS("golden-miss"),

    /** No runtime can open the model here, or its inputs and outputs are not what the contract says. */
    MODEL_UNUSABLE("model-unusable"),
}

/**
 * Stop the use of what cannot be trusted.
 *
 * [detail] says in English and in technical words what was found, and where; it holds no personal data.
 */
class Refused(val reason: Reason, val detail: String, cause: Throwable? = null) :
    Exception("${reason.code}: $detail", cause)
