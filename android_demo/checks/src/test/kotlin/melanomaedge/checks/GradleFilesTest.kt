package melanomaedge.checks

import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import org.jetbrains.kotlin.CoreEnvironmentDeprecation
import org.jetbrains.kotlin.cli.extensionsStorage
import org.jetbrains.kotlin.cli.jvm.compiler.EnvironmentConfigFiles
import org.jetbrains.kotlin.cli.jvm.compiler.KotlinCoreEnvironment
import org.jetbrains.kotlin.com.intellij.openapi.util.Disposer
import org.jetbrains.kotlin.com.intellij.psi.PsiErrorElement
import org.jetbrains.kotlin.com.intellij.psi.util.PsiTreeUtil
import org.jetbrains.kotlin.compiler.plugin.CompilerPluginRegistrar
import org.jetbrains.kotlin.compiler.plugin.ExperimentalCompilerApi
import org.jetbrains.kotlin.config.CompilerConfiguration
import org.jetbrains.kotlin.psi.KtPsiFactory
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.w3c.dom.Element

/** Gradle itself does not run here: its files are parsed, and what they repeat of the pom.xml files is compared. */
class GradleFilesTest {
    private val root = File("..").canonicalFile
    private val scripts = root.walk().maxDepth(2).filter { it.name.endsWith(".gradle.kts") }.sorted().toList()
    private val app = File(root, "app/build.gradle.kts").readText()

    @Test
    fun `every script is Kotlin`() {
        assertEquals(5, scripts.size)
        for (script in scripts) assertEquals(emptyList<String>(), errors(script.name, script.readText()), script.path)
    }

    @Test
    fun `a script that is not Kotlin is noticed`() {
        assertTrue(errors("build.gradle.kts", "android { minSdk = }").isNotEmpty())
    }

    @Test
    fun `every library has the version that Maven uses`() {
        val maven = root.walk().maxDepth(2).filter { it.name == "pom.xml" }.flatMap(::dependencies).toMap()
        val gradle = scripts.flatMap { LIBRARY.findAll(it.readText()).map { found -> found.destructured } }
        assertTrue(gradle.size > 15)
        for ((name, version) in gradle) assertEquals(maven[name], version, name)
    }

    @Test
    fun `both build with the same Kotlin`() {
        val plugins = PLUGIN.findAll(File(root, "build.gradle.kts").readText()).map { it.groupValues[1] }.toList()
        assertEquals(List(2) { property("kotlin.version") }, plugins)
    }

    @Test
    fun `both build the same app`() {
        val expected = mapOf(
            "namespace" to "\"${property("android.package")}\"",
            "applicationId" to "\"${property("android.package")}\"",
            "minSdk" to property("android.minSdk"),
            "targetSdk" to property("android.targetSdk"),
            "versionCode" to property("android.versionCode"),
            "versionName" to "\"${element(File(root, "pom.xml")).child("version")}\"",
        )
        assertEquals(expected, expected.mapValues { (name, _) -> Regex("""\b$name = (\S+)""").find(app)?.groupValues?.get(1) })
    }

    @Test
    fun `both leave the same files uncompressed`() {
        val gradle = Regex("""noCompress \+= listOf\((.*)\)""").find(app)!!.groupValues[1].split(", ").map { it.trim('"') }
        val maven = Regex("""<argument>-0</argument><argument>\.(\w+)<""").findAll(File(root, "app/pom.xml").readText())
        assertEquals(maven.map { it.groupValues[1] }.toList(), gradle)
    }

    @OptIn(CoreEnvironmentDeprecation::class, CompilerConfiguration.Internals::class, ExperimentalCompilerApi::class)
    private fun errors(name: String, text: String): List<String> {
        val life = Disposer.newDisposable()
        try {
            val configuration = CompilerConfiguration()
            configuration.extensionsStorage = CompilerPluginRegistrar.ExtensionStorage()
            val files = EnvironmentConfigFiles.JVM_CONFIG_FILES
            val environment = KotlinCoreEnvironment.createForProduction(life, configuration, files)
            val file = KtPsiFactory(environment.project).createFile(name, text)
            return PsiTreeUtil.collectElementsOfType(file, PsiErrorElement::class.java).map { it.errorDescription }
        } finally {
            Disposer.dispose(life)
        }
    }

    private fun dependencies(pom: File): List<Pair<String, String>> =
        listOf("dependency", "artifactItem").flatMap { element(pom).descendants(it) }.mapNotNull { found ->
            found.child("version")?.let { "${found.child("groupId")}:${found.child("artifactId")}" to resolved(it) }
        }

    private fun property(name: String): String = element(File(root, "pom.xml")).descendants(name).single().textContent

    private fun resolved(version: String): String =
        if (version.startsWith("\${project.")) version else version.replace(REFERENCE) { property(it.groupValues[1]) }

    private fun element(file: File): Element =
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file).documentElement

    private fun Element.descendants(name: String): List<Element> =
        getElementsByTagName(name).let { found -> List(found.length) { found.item(it) as Element } }

    private fun Element.child(name: String): String? = descendants(name).firstOrNull { it.parentNode == this }?.textContent

    private companion object {
        val LIBRARY = Regex("""\("([\w.]+:[\w.-]+):([\w.-]+)(?::[\w-]+)?"\)""")
        val PLUGIN = Regex("""id\("org\.jetbrains\.kotlin\.\w+"\) version "([^"]+)"""")
        val REFERENCE = Regex("""\$\{([^}]+)}""")
    }
}
