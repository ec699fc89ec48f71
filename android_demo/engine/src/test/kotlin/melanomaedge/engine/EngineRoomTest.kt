package melanomaedge.engine

import melanomaedge.core.Reason
import melanomaedge.core.Refused
import melanomaedge.core.State
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import java.util.concurrent.Callable
import java.util.concurrent.CountDownLatch
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger

@Timeout(60)
class EngineRoomTest {
    private val source = Fixtures.source()
    private val good = Answer(Fixtures.probabilities(0.25), null, Fixtures.embedding)

    private fun room(timeout: Long = PATIENT, engine: LesionEngine) =
        EngineRoom(timeout) { Assessor(Fixtures.bundle, engine) }

    @Test
    fun `the engine is opened at the first photo and on the room's own thread`() {
        val threads = ArrayList<Thread>()
        val engine = PretendEngine { good.also { threads.add(Thread.currentThread()) } }
        val room = EngineRoom { Assessor(Fixtures.bundle, engine.also { threads.add(Thread.currentThread()) }) }
        assertTrue(threads.isEmpty())
        repeat(2) { assertEquals(State.REFER, room.assess(source).state) }
        assertEquals(3, threads.size)
        assertEquals(1, threads.toSet().size)
        assertFalse(Thread.currentThread() in threads)
        room.close()
    }

    @Test
    fun `opening early names runtime and delegate`() {
        EngineRoom { Assessor(Fixtures.bundle, Engines.open(Fixtures.bundle)) }.use { room ->
            val opened = room.open() as Opened.Ready
            assertEquals("litert", opened.runtime)
            assertTrue(opened.delegate.startsWith("XNNPACK"))
        }
    }

    @Test
    fun `a refused bundle is told with its reason, and tried again when asked again`() {
        val tries = AtomicInteger()
        val refused = Refused(Reason.GOLDEN_MISS, "other numbers")
        val room = EngineRoom {
            if (tries.incrementAndGet() < 3) throw refused
            Assessor(Fixtures.bundle, PretendEngine { good })
        }
        val opened = room.open() as Opened.Failed
        assertEquals(Trouble.REFUSED, opened.trouble)
        assertSame(refused, opened.refused)
        val found = room.assess(source)
        assertEquals(State.NOT_ASSESSABLE to Trouble.REFUSED, found.state to found.trouble)
        assertSame(refused, found.refused)
        assertEquals(State.REFER, room.assess(source).state)
        room.close()
    }

    @Test
    fun `no memory for an engine is not assessable`() {
        val found = EngineRoom { throw OutOfMemoryError("model") }.use { it.assess(source) }
        assertEquals(State.NOT_ASSESSABLE to Trouble.OUT_OF_MEMORY, found.state to found.trouble)
    }

    @Test
    fun `after a time-out the room is poisoned and the late answer is thrown away`() {
        val hold = CountDownLatch(1)
        val engine = PretendEngine { hold.stubbornly().run { good } }
        val room = room(SHORT, engine)
        val late = room.assess(source)
        assertEquals(State.NOT_ASSESSABLE to Trouble.TIME_OUT, late.state to late.trouble)
        assertTrue(room.poisoned)
        val next = room.assess(source)
        assertEquals(State.NOT_ASSESSABLE to Trouble.STUCK, next.state to next.trouble)
        assertFalse(engine.closed)
        hold.countDown()
        eventually { engine.closed }
    }

    @Test
    fun `a decoder that hangs is timed out as well`() {
        val hold = CountDownLatch(1)
        val room = room(SHORT, PretendEngine { good })
        val found = room.assess { hold.stubbornly().run { source.open() } }
        assertEquals(Trouble.TIME_OUT, found.trouble)
        hold.countDown()
    }

    @Test
    fun `who waits in the queue is not timed out by the photos before, but learns that the room is stuck`() {
        val askers = Executors.newFixedThreadPool(3)
        val slow = room(SHORT, PretendEngine { good.also { Thread.sleep(SHORT / 2) } })
        val answers = List(3) { askers.submit(Callable { slow.assess(source) }) }.map { it.get() }
        assertEquals(List(3) { null }, answers.map { it.trouble })
        assertFalse(slow.poisoned)
        slow.close()

        val hold = CountDownLatch(1)
        val begun = CountDownLatch(1)
        val stuck = room(SHORT, PretendEngine { begun.countDown().run { hold.stubbornly().run { good } } })
        val first = askers.submit(Callable { stuck.assess(source) })
        begun.await()
        val second = askers.submit(Callable { stuck.assess(source) })
        assertEquals(listOf(Trouble.TIME_OUT, Trouble.STUCK), listOf(first.get().trouble, second.get().trouble))
        hold.countDown()
        askers.shutdown()
    }

    @Test
    fun `two threads that ask a real engine at once both get their answers`() {
        val askers: ExecutorService = Executors.newFixedThreadPool(2)
        EngineRoom { Assessor(Fixtures.bundle, TfliteEngine(Fixtures.bundle)) }.use { room ->
            val sources = listOf(Fixtures.source(300), Fixtures.source(301))
            val alone = sources.map { room.assess(it).score }
            val found = List(10) { askers.submit(Callable { room.assess(sources[it % 2]).score }) }.map { it.get() }
            assertEquals(List(10) { alone[it % 2] }, found)
        }
        askers.shutdown()
    }

    @Test
    fun `an interrupted asker still watches the engine and stays interrupted`() {
        val room = room(PATIENT, PretendEngine { good })
        Thread.currentThread().interrupt()
        val found = room.assess(source)
        assertTrue(Thread.interrupted())
        assertEquals(State.REFER, found.state)
        room.close()
    }

    @Test
    fun `a closed room closes its engine and answers nothing`() {
        val engine = PretendEngine { good }
        val room = room(PATIENT, engine)
        room.assess(source)
        room.close()
        room.close()
        eventually { engine.closed }
        val found = room.assess(source)
        assertEquals(State.NOT_ASSESSABLE to Trouble.CLOSED, found.state to found.trouble)
        assertEquals(Trouble.CLOSED, (room.open() as Opened.Failed).trouble)
    }

    /** Waits as native code does: no interrupt ends it. */
    private fun CountDownLatch.stubbornly() {
        while (true) {
            try {
                if (await(PATIENT, TimeUnit.MILLISECONDS)) return
            } catch (_: InterruptedException) {
                continue
            }
        }
    }

    private fun eventually(holds: () -> Boolean) {
        val end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENT)
        while (!holds() && System.nanoTime() < end) Thread.sleep(5)
        assertTrue(holds())
    }

    private companion object {
        const val PATIENT = 20_000L
        const val SHORT = 1200L
    }
}
