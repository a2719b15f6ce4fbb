import java.io.ByteArrayInputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.commons.fileupload.MultipartStream;

/**
 * Reads a form's body with the MultipartStream of commons-fileupload, from memory with a buffer of 64 KiB, and prints what one read takes:
 * microseconds of this thread's CPU time, the least of several rounds after some to warm up.
 *
 * <p>Arguments: FILE BOUNDARY ROUNDS.
 */
public final class CommonsFileUpload {
    private static int read(byte[] body, byte[] boundary) throws Exception {
        MultipartStream stream = new MultipartStream(new ByteArrayInputStream(body), boundary, 64 * 1024, null);
        int parts = 0;
        for (boolean more = stream.skipPreamble(); more; more = stream.readBoundary()) {
            stream.readHeaders();
            stream.discardBodyData();
            ++parts;
        }
        return parts;
    }

    public static void main(String[] arguments) throws Exception {
        byte[] body = Files.readAllBytes(Path.of(arguments[0]));
        byte[] boundary = arguments[1].getBytes("ISO-8859-1");
        int rounds = Integer.parseInt(arguments[2]);
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        double least = Double.POSITIVE_INFINITY;
        for (int round = -rounds; round < rounds; ++round) {
            long from = threads.getCurrentThreadCpuTime();
            long took = 0;
            int times = 0;
            while (took < 20_000_000L) {
                if (read(body, boundary) == 0) {
                    throw new IllegalStateException("no part was found");
                }
                ++times;
                took = threads.getCurrentThreadCpuTime() - from;
            }
            if (round >= 0) {
                least = Math.min(least, took / 1e3 / times);
            }
        }
        System.out.println(least);
    }
}
