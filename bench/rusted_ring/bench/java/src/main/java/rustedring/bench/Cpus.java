package rustedring.bench;

import java.util.BitSet;
import net.openhft.affinity.Affinity;

/** The first CPUs that the process may use, to which the threads of a work are pinned. */
final class Cpus {
    private static final int[] FIRST = Affinity.getAffinity().stream().limit(2).toArray();

    private Cpus() {}

    static int[] first() {
        return FIRST.clone();
    }

    static boolean areTwo() {
        return FIRST.length == 2;
    }

    /** Pins the calling thread to the first CPU (0) or the second (1). */
    static void pin(int thread) {
        BitSet one = new BitSet();
        one.set(FIRST[thread]);
        Affinity.setAffinity(one);
        if (!Affinity.getAffinity().equals(one)) {
            throw new IllegalStateException("a thread cannot be pinned to CPU " + FIRST[thread]);
        }
    }
}
