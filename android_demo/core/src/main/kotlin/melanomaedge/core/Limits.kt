package melanomaedge.core

/** Hold what a bundle may at most be; a larger one is refused before it fills the memory. */
object Limits {
    const val FILES = 64
    const val FILE_BYTES = 64 * 1024 * 1024
    const val TOTAL_BYTES = 128 * 1024 * 1024
    const val JSON_BYTES = 1024 * 1024
    const val DEPTH = 16

    private const val NAME_LENGTH = 100
    private val NAME = Regex("[a-z0-9_]+(/[a-z0-9_]+)*\\.[a-z0-9]+")

    /** Refuse names that are not plain, lower-case and relative: they could leave the folder or hide. */
    fun checkName(name: String) {
        if (name.length > NAME_LENGTH || !NAME.matches(name)) {
            throw Refused(Reason.BAD_NAME, "file name ${printable(name)} is not allowed in a bundle")
        }
    }

    private fun printable(name: String): String =
        name.take(NAME_LENGTH).map { if (it in ' '..'~') it else '?' }.joinToString("")
}
