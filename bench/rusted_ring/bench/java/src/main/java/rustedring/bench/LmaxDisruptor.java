package rustedring.bench;

import com.lmax.disruptor.BatchEventProcessor;
import com.lmax.disruptor.BatchEventProcessorBuilder;
import com.lmax.disruptor.BusySpinWaitStrategy;
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.EventPoller;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.Sequence;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.Blackhole;

/** The LMAX Disruptor: one producer, one consumer, slots that hold an array of 64 bytes each. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class LmaxDisruptor {
    /** Events that one invocation of `stream` moves; a multiple of each batch. */
    private static final int EVENTS = 16_384;

    private static final class Slot {
        final byte[] payload = new byte[Payload.BYTES];
    }

    private static RingBuffer<Slot> ringOf(int payload, int capacity) {
        if (payload != Payload.BYTES) {
            throw new IllegalArgumentException("payload: " + payload + ", but only " + Payload.BYTES + " is measured");
        }
        return RingBuffer.createSingleProducer(Slot::new, capacity, new BusySpinWaitStrategy());
    }

    @State(Scope.Thread)
    public static class Ring {
        @Param("64")
        public int payload;

        @Param("1024")
        public int capacity;

        @Param("gated")
        public String mode;

        private final byte[] out = new byte[Payload.BYTES];
        private int number;
        private RingBuffer<Slot> ring;
        private EventPoller<Slot> poller;
        private EventPoller.Handler<Slot> copyOut;

        @Setup(Level.Trial)
        public void setUp() {
            ring = ringOf(payload, capacity);
            poller = ring.newPoller();
            ring.addGatingSequences(poller.getSequence());
            copyOut = (slot, sequence, endOfBatch) -> {
                Payload.copy(slot.payload, out);
                return true;
            };
        }

        @Setup(Level.Iteration)
        public void pin() {
            Cpus.pin(0);
        }

        @TearDown(Level.Iteration)
        public void check() {
            if (!Arrays.equals(out, Payload.source(number - 1))) {
                throw new IllegalStateException("lmax-disruptor did not give back the event that was put in");
            }
        }
    }

    /** One thread puts one event in and takes it out again. */
    @Benchmark
    public void ring(Ring state, Blackhole blackhole) throws Exception {
        RingBuffer<Slot> ring = state.ring;
        long sequence = ring.next();
        Payload.copy(Payload.source(state.number++), ring.get(sequence).payload);
        ring.publish(sequence);
        state.poller.poll(state.copyOut);
        blackhole.consume(state.out);
    }

    /** The reader: copies each event out and sums it. */
    private static final class Reader implements EventHandler<Slot> {
        /** Read and set back by the writer, only while all events that were published have been processed. */
        long sum;

        private final byte[] out = new byte[Payload.BYTES];

        @Override
        public void onEvent(Slot slot, long sequence, boolean endOfBatch) {
            Payload.copy(slot.payload, out);
            sum = Payload.sum(sum, out);
        }
    }

    @State(Scope.Thread)
    public static class Stream {
        @Param("64")
        public int payload;

        @Param({"1", "64"})
        public int batch;

        @Param("1024")
        public int capacity;

        @Param("gated")
        public String mode;

        private final long expected = Payload.sumOfSources(EVENTS);
        private final Reader reader = new Reader();
        private RingBuffer<Slot> ring;
        private BatchEventProcessor<Slot> processor;
        private Sequence processed;
        private Thread thread;

        @Setup(Level.Trial)
        public void start() {
            ring = ringOf(payload, capacity);
            processor = new BatchEventProcessorBuilder().build(ring, ring.newBarrier(), reader);
            processed = processor.getSequence();
            ring.addGatingSequences(processed);
            CompletableFuture<Void> pinned = new CompletableFuture<>();
            thread = new Thread(() -> {
                try {
                    Cpus.pin(1);
                } catch (RuntimeException unpinned) {
                    pinned.completeExceptionally(unpinned);
                    return;
                }
                pinned.complete(null);
                processor.run();
            }, "reader");
            thread.setDaemon(true);
            thread.start();
            pinned.join();
        }

        @Setup(Level.Iteration)
        public void pin() {
            Cpus.pin(0);
        }

        @TearDown(Level.Trial)
        public void stop() throws InterruptedException {
            processor.halt();
            thread.join();
        }
    }

    /** The calling thread writes, the processor's thread reads; over when the last event has been processed. */
    @Benchmark
    @OperationsPerInvocation(EVENTS)
    public void stream(Stream state) {
        RingBuffer<Slot> ring = state.ring;
        int batch = state.batch;
        for (int number = 0; number < EVENTS; number += batch) {
            if (batch == 1) {
                long sequence = ring.next();
                Payload.copy(Payload.source(number), ring.get(sequence).payload);
                ring.publish(sequence);
            } else {
                long last = ring.next(batch);
                long first = last - batch + 1;
                for (int index = 0; index < batch; index++) {
                    Payload.copy(Payload.source(number + index), ring.get(first + index).payload);
                }
                ring.publish(first, last);
            }
        }
        long last = ring.getCursor();
        while (state.processed.get() < last) {
            Thread.onSpinWait();
        }
        if (state.reader.sum != state.expected) {
            throw new IllegalStateException("lmax-disruptor lost, repeated, reordered or tore an event");
        }
        state.reader.sum = 0;
    }
}
