package rustedring.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Peers of rusted-ring that are written in Java, timed with JMH.
 *
 * <p>Build, outside of the source tree (a build that fails means that the peer lmax-disruptor is missing):
 *
 * <pre>mvn -q -B package -DbuildDirectory=OUT</pre>
 *
 * <p>Run once, each case for a short time, those whose class and method a regular expression finds:
 *
 * <pre>
 * java -Djmh.ignoreLock=true -jar OUT/bench-peers.jar -f 1 -wi 2 -w 200ms -i 2 -r 100ms \
 *     -rf json -rff RESULT.json [REGEX]
 * </pre>
 *
 * <p>A case that fails is told on the standard output and is not in RESULT.json. RESULT.json is a list; nanoseconds per
 * event are an entry's {@code primaryMetric.score}. Its name in the form {@code work/peer/key=value/...} comes from
 * {@code benchmark}, which ends in {@code .LmaxDisruptor.ring} or {@code .LmaxDisruptor.stream}: the method is the
 * work, the class in lower case with hyphens is the peer; and from {@code params} in the order payload, batch,
 * capacity, mode.
 *
 * <p>{@code --notes} alone prints JSON: the CPUs that threads are pinned to, the peers, and for beginnings of names
 * what is missing and why ({@code missing}), and what should be known of a figure ({@code notes}).
 *
 * <p>A peer that deadlocks would spin for ever: run it with a time limit.
 */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        if (Arrays.asList(arguments).contains("--notes")) {
            System.out.println(notes());
            return;
        }
        List<String> all = new ArrayList<>(Arrays.asList(arguments));
        if (!Cpus.areTwo()) {
            all.addAll(List.of("-e", "\\.stream$"));
        }
        org.openjdk.jmh.Main.main(all.toArray(new String[0]));
    }

    private static String notes() {
        String missing = Cpus.areTwo()
                ? ""
                : """
                  {"case": "stream/lmax-disruptor/", "reason": "needs two CPUs, and this process may use one"}""";
        return """
               {
                 "cpus": %s,
                 "peers": ["lmax-disruptor"],
                 "missing": [%s],
                 "notes": [
                   {"case": "ring/lmax-disruptor/", "note": "read with an EventPoller"},
                   {"case": "stream/lmax-disruptor/", "note": "read by a BatchEventProcessor, which takes all events \
               that are there, whatever the size in which they were published"}
                 ]
               }""".formatted(Arrays.toString(Cpus.first()), missing);
    }
}
