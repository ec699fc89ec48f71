package melanomaedge.core

import java.io.File

/** Hold the bundle that the app carries, as it is and signed with [TestKeys.trusted]; modules stand side by side. */
object DemoBundle {
    val file = File("../app/src/main/assets/bundle.zip")

    val files: Map<String, ByteArray> by lazy {
        val read = file.inputStream().use { ZipBundle.read(it) }
        read.names.associateWith { read.read(it) }
    }

    val signed: Map<String, ByteArray> by lazy { BundleForge(files).sign().files }
}
