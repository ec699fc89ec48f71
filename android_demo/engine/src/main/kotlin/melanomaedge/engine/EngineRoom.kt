package melanomaedge.engine

import melanomaedge.core.Refused
import java.io.Closeable
import java.util.concurrent.Callable
import java.util.concurrent.CancellationException
import java.util.concurrent.ExecutionException
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.Future
import java.util.concurrent.FutureTask
import java.util.concurrent.RejectedExecutionException
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException

/** Say what became of opening an engine. */
sealed class Opened {
    /** The engine is there, and its golden vectors were right. */
    data class Ready(val runtime: String, val delegate: String) : Opened()

    /** There is no engine; [refused] says why where the bundle is the reason. */
    data class Failed(val trouble: Trouble, val detail: String?, val refused: Refused?) : Opened()
}

/**
 * Own an engine on one thread: open it when it is first needed, ask it for one photo after the other, and close it.
 * Any number of threads may ask.
 *
 * Native code cannot be stopped. After a time-out this room is [poisoned]: it answers nothing any more, and an app that
 * wants to go on makes another. What the lost thread finds out later is thrown away, and its engine closed.
 *
 * @param timeoutMillis how long one photo may take from when it is its turn, decoding included; the first one opens the
 *     engine as well.
 * @param opener verifies, opens and checks; called on the room's thread, and again after it failed.
 */
class EngineRoom(private val timeoutMillis: Long = DEFAULT_TIMEOUT, private val opener: () -> Assessor) : Closeable {
    private val thread: ExecutorService = Executors.newSingleThreadExecutor { task ->
        Thread(task, "melanoma-edge engine").apply { isDaemon = true }
    }
    private var assessor: Assessor? = null

    /** Whether a photo never came back; see the class. */
    @Volatile
    var poisoned = false
        private set

    /** Open the engine now and waits for it; never throws. */
    fun open(): Opened = when (val found = ask { opened() }) {
        is Outcome.Done -> Opened.Ready(found.value.runtime, found.value.delegate)
        is Outcome.Lost -> Opened.Failed(found.trouble, found.cause?.toString(), found.cause as? Refused)
    }

    /** Assess one photo and waits for it; never throws. Not for an app's main thread. */
    fun assess(source: PictureSource): Assessment = when (val found = ask { opened().assess(source) }) {
        is Outcome.Done -> found.value
        is Outcome.Lost -> Assessment.failed(found.trouble, found.cause)
    }

    /** Close the engine when all that was asked before is answered, without waiting for it. */
    @Synchronized
    override fun close() {
        if (thread.isShutdown) return
        thread.execute { assessor?.close() }
        thread.shutdown()
    }

    private fun opened(): Assessor = assessor ?: opener().also { assessor = it }

    private fun <T> ask(work: () -> T): Outcome<T> {
        val job = Job(work)
        return try {
            job.future = submit(job)
            await(job)
        } catch (error: RejectedExecutionException) {
            Outcome.Lost(if (poisoned) Trouble.STUCK else Trouble.CLOSED, null)
        }
    }

    @Synchronized
    private fun <T> submit(job: Job<T>): Future<T> = thread.submit(job)

    /** Wait for the answer even when the waiting thread is interrupted: somebody has to watch the engine's thread. */
    private fun <T> await(job: Job<T>): Outcome<T> {
        var interrupted = false
        try {
            while (true) {
                try {
                    return Outcome.Done(job.future.get(job.millisLeft(), TimeUnit.MILLISECONDS))
                } catch (_: InterruptedException) {
                    interrupted = true
                } catch (_: CancellationException) {
                    return Outcome.Lost(Trouble.STUCK, null)
                } catch (error: ExecutionException) {
                    return Outcome.Lost(troubleOf(error.cause), error.cause)
                } catch (error: TimeoutException) {
                    if (job.millisLeft() > 0) continue
                    poison()
                    return Outcome.Lost(Trouble.TIME_OUT, error)
                }
            }
        } finally {
            if (interrupted) Thread.currentThread().interrupt()
        }
    }

    @Synchronized
    private fun poison() {
        poisoned = true
        for (waiting in thread.shutdownNow()) (waiting as? FutureTask<*>)?.cancel(false)
    }

    /** Hold one piece of work, which knows since when it is its turn. */
    private inner class Job<T>(private val work: () -> T) : Callable<T> {
        lateinit var future: Future<T>

        @Volatile
        private var began = 0L

        override fun call(): T {
            began = System.nanoTime()
            try {
                return work()
            } finally {
                if (poisoned) assessor?.close()
            }
        }

        fun millisLeft(): Long {
            val since = began
            if (since == 0L) return timeoutMillis
            return maxOf(0, timeoutMillis - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - since))
        }
    }

    private sealed class Outcome<out T> {
        class Done<T>(val value: T) : Outcome<T>()
        class Lost(val trouble: Trouble, val cause: Throwable?) : Outcome<Nothing>()
    }

    private companion object {
        const val DEFAULT_TIMEOUT = 20_000L
    }
}

/** Return what a failure is called. */
internal fun troubleOf(error: Throwable?): Trouble = when (error) {
    is Refused -> Trouble.REFUSED
    is OutOfMemoryError -> Trouble.OUT_OF_MEMORY
    else -> Trouble.ENGINE_FAILED
}
