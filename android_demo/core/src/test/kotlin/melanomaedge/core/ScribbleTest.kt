package melanomaedge.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import org.junit.jupiter.api.Assertions.assertEquals
import java.util.Random

/** Put anything anywhere into the documents of a bundle, hashes repaired where possible: it is taken or refused. */
class ScribbleTest {
    private val good = ToyBundle.files()
    private val documents = good.keys.filter { it.endsWith(".json") }.sorted()
    private val verifier = BundleVerifier(null, VolatileReleaseMemory())

    @Property(tries = 1000)
    fun `nothing but a refusal comes of a scribbled document`(@ForAll seed: Long) {
        val random = Random(seed)
        val name = documents[random.nextInt(documents.size)]
        val forge = BundleForge(good)
        forge.edit(name) { scribbled(it, random) }
        if (name != Manifest.FILE) runCatching { forge.repairManifest() }
        try {
            assertEquals("toy", verifier.verify(MemoryFiles(forge.files)).manifest.name)
        } catch (refused: Refused) {
            assertEquals(refused.reason.code, refused.message?.substringBefore(':'))
        }
    }

    @Property(tries = 600)
    fun `nothing but a refusal comes of a scribbled model`(@ForAll seed: Long) {
        val random = Random(seed)
        val forge = BundleForge(good)
        forge.editArtifact("tflite") { fitting(it, scribbled(it, random)) }
        try {
            Seal.read(forge.files.getValue("model.tflite"), "model")
        } catch (refused: Refused) {
            assertEquals(refused.reason.code, refused.message?.substringBefore(':'))
        }
    }

    /** Return the scribbled document where it can stand in the place of the old one. */
    private fun fitting(old: Json, new: Json): Json {
        val fits = new is Json.Object && new.members["schema"] == old.at("schema") && "sha256" in new.members
        return if (fits && new.write(false).length <= old.write(false).length) new else old
    }

    private fun scribbled(json: Json, random: Random): Json {
        val places = places(json)
        val place = places[random.nextInt(places.size)].toTypedArray()
        if (place.isEmpty()) return anything(random)
        return if (random.nextInt(4) == 0) json.without(*place) else json.with(*place, value = anything(random))
    }

    private fun places(json: Json): List<List<Any>> = listOf(emptyList<Any>()) + when (json) {
        is Json.Object -> json.members.flatMap { (key, value) -> places(value).map { listOf<Any>(key) + it } }
        is Json.Array -> json.items.flatMapIndexed { i, item -> places(item).map { listOf<Any>(i) + it } }
        else -> emptyList()
    }

    private fun anything(random: Random): Json {
        val things = listOf(
            Json.Null, Json.Flag(true), Json.Flag(false), Json.of(0), Json.of(-1), Json.of(Int.MAX_VALUE), Json.of(0.5),
            Json.Number("99999999999999999999"), Json.Number("1e300"), Json.Number("-0"),
            Json.of(""), Json.of("melanoma-edge/bundle/9"), Json.of("golden/01.rgb"), Json.of("\u0000"),
            Json.of(sha256(byteArrayOf(1))), Json.of("x".repeat(70_000)),
            Json.of(emptyList()), Json.of(), Json.of(listOf(Json.of(1))), Json.of("a" to Json.of(1)),
        )
        return things[random.nextInt(things.size)]
    }
}
