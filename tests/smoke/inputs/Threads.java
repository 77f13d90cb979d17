import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.concurrent.locks.*;
import java.util.stream.*;

/** Threads of Java that wait by monitors, locks, queues and pools, with garbage collected meanwhile. */
public class Threads {
    private static int turn;

    private static long turns(int players, int rounds) throws Exception {
        Object monitor = new Object();
        turn = 0;
        Thread[] threads = new Thread[players];
        AtomicLong sum = new AtomicLong();
        for (int i = 0; i < players; i++) {
            int me = i;
            threads[i] = new Thread(() -> {
                for (int r = 0; r < rounds; r++) {
                    synchronized (monitor) {
                        while (turn % players != me)
                            try {
                                monitor.wait();
                            } catch (InterruptedException e) {
                                throw new RuntimeException(e);
                            }
                        sum.addAndGet((long) turn * me);
                        turn++;
                        monitor.notifyAll();
                    }
                }
            });
            threads[i].start();
        }
        for (Thread thread : threads)
            thread.join();
        return sum.get();
    }

    private static long queues() throws Exception {
        BlockingQueue<Integer> queue = new ArrayBlockingQueue<>(8);
        ExecutorService pool = Executors.newFixedThreadPool(6);
        List<Future<Long>> takers = new ArrayList<>();
        for (int i = 0; i < 3; i++)
            takers.add(pool.submit(() -> {
                long sum = 0;
                for (int item; (item = queue.take()) >= 0;)
                    sum += item;
                return sum;
            }));
        for (int i = 0; i < 5000; i++)
            queue.put(i);
        for (int i = 0; i < 3; i++)
            queue.put(-1);
        long sum = 0;
        for (Future<Long> taker : takers)
            sum += taker.get();
        pool.shutdown();
        return sum + (pool.awaitTermination(60, TimeUnit.SECONDS) ? 1 : 0);
    }

    private static String locks() throws Exception {
        ReentrantLock lock = new ReentrantLock();
        Condition changed = lock.newCondition();
        lock.lock();
        boolean late = changed.await(30, TimeUnit.MILLISECONDS);
        new Thread(() -> {
            lock.lock();
            changed.signal();
            lock.unlock();
        }).start();
        boolean told = changed.await(60, TimeUnit.SECONDS);
        lock.unlock();
        Thread sleeper = new Thread(() -> LockSupport.park());
        sleeper.start();
        LockSupport.unpark(sleeper);
        sleeper.join();
        return late + " " + told;
    }

    private static long garbage() {
        return IntStream.range(0, 200).parallel().mapToLong(i -> {
            Map<Integer, byte[]> map = new HashMap<>();
            for (int k = 0; k < 500; k++)
                map.put(k, new byte[1000]);
            return map.values().stream().mapToLong(b -> b.length).sum();
        }).sum();
    }

    public static void main(String[] args) throws Exception {
        System.out.println(turns(6, 100) + " " + queues() + " " + locks() + " " + garbage());
        long[] numbers = new Random(3).longs(200000).toArray();
        Arrays.parallelSort(numbers);
        System.out.println(numbers[100000] + " " + Arrays.stream(numbers).parallel().sum());
        System.gc();
    }
}
