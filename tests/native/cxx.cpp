// The header in C++: its example, all initialisers, what an exception does to a call that happens once, and exceptions in fibers.
#include <moirai/moirai.h>

#include <exception>
#include <stdexcept>
#include <thread>

static moirai_mutex_t mutex = MOIRAI_MUTEX_INIT, asymmetric = MOIRAI_MUTEX_INIT_ASYMMETRIC;
static moirai_cond_t filled = MOIRAI_COND_INIT;
static moirai_sem_t sem = MOIRAI_SEM_INIT(1);
static moirai_rwlock_t lock = MOIRAI_RWLOCK_INIT;
static moirai_once_t once = MOIRAI_ONCE_INIT;
static int items, attempts;

static void put()
{
    moirai_mutex_lock(&mutex);
    items++;
    moirai_mutex_unlock(&mutex);
    moirai_cond_signal(&filled);
}

static void take()
{
    moirai_mutex_lock(&mutex);
    while (items == 0)
        moirai_cond_wait(&filled, &mutex);
    items--;
    moirai_mutex_unlock(&mutex);
}

static void throws_first(void *)
{
    if (++attempts == 1)
        throw std::runtime_error("first");
}

static bool call_once()
{
    try {
        moirai_once(&once, throws_first, nullptr);
        return true;
    } catch (const std::runtime_error &) {
        return false;
    }
}

static void square(void *data)
{
    *static_cast<long *>(data) *= *static_cast<long *>(data);
}

static void add(void *context, size_t from, size_t to)
{
    __atomic_add_fetch(static_cast<size_t *>(context), to - from, __ATOMIC_RELAXED);
}

static moirai_channel_t *jobs;

static void *work(void *total)
{
    long job;
    while (moirai_channel_recv(jobs, &job) == MOIRAI_OK)
        *static_cast<long *>(total) += job;
    return nullptr;
}

static bool channels()
{
    long total = 0, got = 0;
    moirai_oneshot_t oneshot = MOIRAI_ONESHOT_INIT;
    if (moirai_channel_new(&jobs, sizeof(long), 64, 0) != MOIRAI_OK)
        return false;
    std::thread worker(work, &total);
    for (long job = 1; job <= 100; job++)
        moirai_channel_send(jobs, &job);
    moirai_channel_close(jobs);
    worker.join();
    moirai_case_t none = {jobs, &got, MOIRAI_RECV, 0};
    return total == 5050 && moirai_select(&none, 1, 0, 0) == 0 && none.status == MOIRAI_ECLOSED &&
           moirai_channel_free(jobs) == MOIRAI_OK && moirai_oneshot_send(&oneshot, &total, sizeof total) == MOIRAI_OK &&
           moirai_oneshot_recv(&oneshot, &got) == MOIRAI_OK && got == 5050;
}

static bool tasks()
{
    moirai_task_t task;
    long n = 12;
    size_t sum = 0;
    return moirai_spawn(nullptr, &task, square, &n, sizeof n) == MOIRAI_OK && moirai_join(&task, &n) == MOIRAI_OK &&
           n == 144 && moirai_for(nullptr, 0, 1000, 0, add, &sum) == MOIRAI_OK && sum == 1000;
}

// Exceptions that a fiber is handling, or that are in flight, go where it goes: two workers run them in turns.
struct yields_when_unwound {
    int *in_flight;
    ~yields_when_unwound()
    {
        moirai_fiber_yield();
        *in_flight = std::uncaught_exceptions();
        moirai_fiber_yield();
    }
};

static void nest(int *me, int *right)
{
    int in_flight = 0;
    try {
        throw me;
    } catch (int *outer) {
        moirai_fiber_yield();
        try {
            yields_when_unwound guard = {&in_flight};
            throw std::runtime_error("inner");
        } catch (const std::exception &) {
            moirai_fiber_yield();
            try {
                throw; // the inner one
            } catch (const std::runtime_error &) {
                *right += in_flight == 1 && outer == me;
            }
        }
        moirai_fiber_yield();
        try {
            throw; // the outer one
        } catch (int *again) {
            *right += again == me && std::uncaught_exceptions() == 0;
        }
    }
    *right += std::current_exception() == nullptr;
}

static void throw_in_turns(void *right)
{
    int me = 0;
    for (int i = 0; i < 20; i++)
        nest(&me, static_cast<int *>(right));
}

static bool fibers()
{
    constexpr int count = 20;
    moirai_executor_attr_t attr;
    moirai_executor_t *executor;
    moirai_task_t tasks[count];
    int right[count] = {}, sum = 0;
    moirai_executor_attr_init(&attr);
    moirai_executor_attr_set_workers(&attr, 2);
    if (moirai_executor_new(&executor, &attr) != MOIRAI_OK)
        return false;
    for (int i = 0; i < count; i++)
        if (moirai_fiber_spawn(executor, &tasks[i], nullptr, throw_in_turns, &right[i]) != MOIRAI_OK)
            return false;
    for (int i = 0; i < count; i++)
        if (moirai_join(&tasks[i], nullptr) == MOIRAI_OK)
            sum += right[i];
    return moirai_executor_shutdown(executor, MOIRAI_SHUTDOWN_DRAIN, 0) == MOIRAI_OK &&
           moirai_executor_free(executor) == MOIRAI_OK && sum == count * 20 * 3;
}

int main()
{
    std::thread other(take);
    put();
    other.join();
    bool right = !call_once() && call_once() && call_once() && attempts == 2;
    right = right && moirai_mutex_lock(&asymmetric) == MOIRAI_OK && moirai_mutex_unlock(&asymmetric) == MOIRAI_OK;
    right = right && moirai_sem_wait(&sem) == MOIRAI_OK && moirai_rwlock_read_lock(&lock) == MOIRAI_OK;
    return right && tasks() && channels() && fibers() ? 0 : 1;
}
