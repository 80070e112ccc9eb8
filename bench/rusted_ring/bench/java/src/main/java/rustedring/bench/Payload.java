package rustedring.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.SplittableRandom;

/** The payload that every peer carries: 64 bytes, copied in by the writer and out by the reader. */
final class Payload {
    static final int BYTES = 64;

    /**
     * After so many events the payloads repeat. Prime to the capacity, so that a slot that was overwritten, or was not
     * yet, holds another payload than the reader should find; and few, so that they stay in the first cache.
     */
    private static final int PERIOD = 67;

    private static final byte[][] SOURCES = new byte[PERIOD][BYTES];

    private static final VarHandle LONGS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    static {
        SplittableRandom random = new SplittableRandom(0);
        for (byte[] source : SOURCES) {
            random.nextBytes(source);
        }
    }

    private Payload() {}

    /** Made ahead: the event of this number. */
    static byte[] source(int number) {
        return SOURCES[number % PERIOD];
    }

    static void copy(byte[] from, byte[] to) {
        System.arraycopy(from, 0, to, 0, BYTES);
    }

    /** A sum over the first and last word of each event that changes with their order. */
    static long sum(long before, byte[] payload) {
        long both = (long) LONGS.get(payload, 0) ^ Long.rotateLeft((long) LONGS.get(payload, BYTES - 8), 1);
        return Long.rotateLeft(before, 5) + both;
    }

    /** The sum over the first events. */
    static long sumOfSources(int events) {
        long sum = 0;
        for (int number = 0; number < events; number++) {
            sum = sum(sum, source(number));
        }
        return sum;
    }
}
