/* Rings while processes die, and beside one that writes nonsense. usage: ring_storm senders|receivers|hostile [SEED
   [ROUNDS]]

   senders    children send, and are killed at any moment; others take their places. Of each child what it sent is received
              from its beginning, in order, each message once: all whose publish returned, and perhaps the one after.
   receivers  children receive and are killed. The numbers they saw go up by one; the first of a child may be the last of the
              one before it, which died before it released that.
   hostile    a child writes any bytes anywhere into the ring while both sides are used: every call comes back, with a status
              that it may have, and what it gives lies in a slot.

   Everything is derived from the seed, but for the moments themselves, and how many rounds a machine with much else to
   do has time for: a round waits several times until the system lets a process run that has just been made. */
#include "native.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define CHILDREN_MAX 512
#define SENDERS      3
#define SLOTS        8
#define BYTES        200

/* Shared with the children apart from the ring. */
static struct board {
    unsigned published[CHILDREN_MAX]; /* senders: messages whose publish has returned */
    unsigned attached, seen, wrong;   /* receivers */
} * board;

static uint64_t state_of_random;

#define ROUNDS_MIN 5
#define KILLING_NS (10000 * MS) /* of each kind of ring */

/* Another round? */
static bool goes_on(unsigned round, unsigned rounds, uint64_t began)
{
    return round < rounds && (round < ROUNDS_MIN || moirai_now_ns() < began + KILLING_NS);
}

static unsigned any(unsigned below)
{
    state_of_random = state_of_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(state_of_random >> 33) % below;
}

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                              \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* A message: who, which, and bytes that follow from both. */
struct message {
    unsigned child, number, sum;
    unsigned char filler[];
};

static size_t length_of(unsigned child, unsigned number)
{
    return sizeof(struct message) + (child * 7 + number * 13) % (BYTES - sizeof(struct message));
}

static void write_message(void *room, unsigned child, unsigned number)
{
    struct message *m = room;
    *m = (struct message){child, number, ~(child ^ number)};
    memset(m->filler, (int)(child + number), length_of(child, number) - sizeof *m);
}

static bool is_whole(const struct message *m, size_t bytes)
{
    if (bytes < sizeof *m || m->sum != ~(m->child ^ m->number) || bytes != length_of(m->child, m->number))
        return false;
    for (size_t i = 0; i < bytes - sizeof *m; i++)
        if (m->filler[i] != (unsigned char)(m->child + m->number))
            return false;
    return true;
}

static void reap(pid_t child)
{
    int status;
    kill(child, SIGKILL);
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* ---- Senders die. */
static pid_t start_sender(int fd, unsigned child)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    moirai_ring_t *ring;
    void *room;
    REQUIRE(moirai_ring_attach(&ring, fd, NULL, MOIRAI_RING_SENDER) == MOIRAI_OK);
    for (unsigned i = 0;; i++) {
        REQUIRE(moirai_ring_loan(ring, &room) == MOIRAI_OK);
        write_message(room, child, i);
        if (i % 5 == 4) { /* changes its mind: nobody may see that */
            ((struct message *)room)->sum ^= 1;
            REQUIRE(moirai_ring_drop(ring) == MOIRAI_OK);
            REQUIRE(moirai_ring_loan(ring, &room) == MOIRAI_OK);
            write_message(room, child, i);
        }
        REQUIRE(moirai_ring_publish(ring, length_of(child, i)) == MOIRAI_OK);
        SET(&board->published[child], i + 1);
    }
}

static unsigned received[CHILDREN_MAX], children;

static int receive_one(moirai_ring_t *ring, uint64_t deadline)
{
    const void *message;
    size_t bytes;
    int status = moirai_ring_receive_until(ring, &message, &bytes, deadline);
    if (status != MOIRAI_OK)
        return status;
    const struct message *m = message;
    REQUIRE(is_whole(m, bytes));
    REQUIRE(m->child < children && m->number == received[m->child]);
    received[m->child]++;
    REQUIRE(moirai_ring_release(ring) == MOIRAI_OK);
    return MOIRAI_OK;
}

static void kill_senders(int kind, unsigned rounds)
{
    const moirai_ring_shape_t shape = {kind, SLOTS, BYTES};
    unsigned many = kind == MOIRAI_RING_MPSC ? SENDERS : 1;
    pid_t alive[SENDERS];
    moirai_ring_t *ring;
    int fd, status;
    uint64_t began = moirai_now_ns();
    children = 0;
    memset(board, 0, sizeof *board);
    memset(received, 0, sizeof received);
    REQUIRE(moirai_ring_new(&ring, &shape, MOIRAI_RING_RECEIVER) == MOIRAI_OK);
    REQUIRE(moirai_ring_fd(ring, &fd) == MOIRAI_OK);
    for (unsigned i = 0; i < many; i++, children++)
        alive[i] = start_sender(fd, children);
    for (unsigned i = 0; goes_on(i, rounds, began); i++) {
        for (uint64_t until = moirai_now_ns() + any(3000000); moirai_now_ns() < until;) {
            status = receive_one(ring, until);
            REQUIRE(status == MOIRAI_OK || status == MOIRAI_ETIMEDOUT || status == MOIRAI_EPEER);
        }
        unsigned which = any(many);
        reap(alive[which]);
        alive[which] = start_sender(fd, children++);
    }
    for (unsigned i = 0; i < many; i++)
        reap(alive[i]);
    while ((status = receive_one(ring, MOIRAI_FOREVER)) == MOIRAI_OK)
        ;
    REQUIRE(status == MOIRAI_EPEER);
    unsigned messages = 0;
    for (unsigned i = 0; i < children; i++) {
        REQUIRE(received[i] == board->published[i] || received[i] == board->published[i] + 1);
        messages += received[i];
    }
    printf("%u senders were killed, %u messages of theirs received\n", children, messages);
    moirai_ring_close(ring);
    close(fd);
}

/* ---- Receivers die. */
static pid_t start_receiver(int fd)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    moirai_ring_t *ring;
    const void *message;
    size_t bytes;
    REQUIRE(moirai_ring_attach(&ring, fd, NULL, MOIRAI_RING_RECEIVER) == MOIRAI_OK);
    ADD(&board->attached, 1);
    for (bool first = true;; first = false) {
        REQUIRE(moirai_ring_receive(ring, &message, &bytes) == MOIRAI_OK);
        const struct message *m = message;
        unsigned seen = board->seen;
        if (!is_whole(m, bytes) || !(m->number == seen || (first && seen > 0 && m->number == seen - 1)))
            ADD(&board->wrong, 1);
        SET(&board->seen, m->number + 1);
        REQUIRE(moirai_ring_release(ring) == MOIRAI_OK);
    }
}

static void kill_receivers(int kind, unsigned rounds)
{
    const moirai_ring_shape_t shape = {kind, SLOTS, BYTES};
    moirai_ring_t *ring;
    unsigned sent = 0, killed = 0;
    uint64_t began = moirai_now_ns();
    int fd;
    memset(board, 0, sizeof *board);
    REQUIRE(moirai_ring_new(&ring, &shape, MOIRAI_RING_SENDER) == MOIRAI_OK);
    REQUIRE(moirai_ring_fd(ring, &fd) == MOIRAI_OK);
    for (; goes_on(killed, rounds, began); killed++) {
        pid_t child = start_receiver(fd);
        for (uint64_t until = moirai_now_ns() + any(3000000); moirai_now_ns() < until;) {
            void *room;
            int status = moirai_ring_loan_until(ring, &room, until);
            REQUIRE(status == MOIRAI_OK || status == MOIRAI_ETIMEDOUT || status == MOIRAI_EPEER);
            if (status != MOIRAI_OK)
                continue;
            write_message(room, 0, sent);
            REQUIRE(moirai_ring_publish(ring, length_of(0, sent)) == MOIRAI_OK);
            sent++;
        }
        reap(child);
        REQUIRE(GET(&board->wrong) == 0);
    }
    pid_t child = start_receiver(fd);
    AWAIT(GET(&board->seen) == sent || GET(&board->wrong) > 0);
    REQUIRE(board->wrong == 0);
    reap(child);
    printf("%u receivers were killed, %u messages received\n", killed + 1, sent);
    moirai_ring_close(ring);
    close(fd);
}

/* ---- Nonsense. */
#define SLOTS_AT 1024
#define STRIDE   256

static _Noreturn void write_nonsense(int fd, unsigned seed)
{
    size_t bytes = SLOTS_AT + SLOTS * STRIDE;
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    REQUIRE(memory != MAP_FAILED);
    state_of_random = seed;
    for (;;) {
        /* Mostly what could pass for a state, the bells, the tail, lengths. */
        uint64_t value = any(3) ? (uint64_t)any(64) << 8 | any(256) : (uint64_t)any(1u << 30) << 34 | any(1u << 30);
        size_t slot = SLOTS_AT + any(SLOTS) * STRIDE;
        size_t at = any(2) ? slot : any(2) ? slot + 8 : any(3) ? any(SLOTS_AT / 8) * 8 : 128 + any(4) * 128;
        if (at == slot + 8 || any(2))
            *(volatile uint32_t *)(memory + at) = (uint32_t)value;
        else
            *(volatile uint64_t *)(memory + at) = value;
        for (unsigned i = any(400); i > 0; i--)
            __asm__ volatile("" ::: "memory");
    }
}

static uintptr_t first_slot;

static void is_in_slot(const void *p, size_t bytes)
{
    uintptr_t at = (uintptr_t)p - 16;
    if (!first_slot)
        first_slot = at; /* of the first loan, before the nonsense begins */
    REQUIRE(at >= first_slot && at < first_slot + SLOTS * STRIDE && (at - first_slot) % STRIDE == 0 && bytes <= BYTES);
}

static bool is_status(int status)
{
    return status == MOIRAI_OK || status == MOIRAI_EBUSY || status == MOIRAI_EBROKEN || status == MOIRAI_ETIMEDOUT ||
           status == MOIRAI_ECLOSED || status == MOIRAI_EPEER;
}

static unsigned ok, broken;

static void count(int status)
{
    REQUIRE(is_status(status));
    ok += status == MOIRAI_OK;
    broken += status == MOIRAI_EBROKEN;
}

static void use_sender(moirai_ring_t *ring, unsigned how)
{
    void *room;
    int status = how % 8 == 7 ? moirai_ring_loan_until(ring, &room, moirai_now_ns() + any(100000))
                              : moirai_ring_try_loan(ring, &room);
    count(status);
    if (status != MOIRAI_OK)
        return;
    is_in_slot(room, 0);
    memset(room, (int)how, BYTES);
    count(how % 4 == 3 ? moirai_ring_drop(ring) : moirai_ring_publish(ring, how % (BYTES + 1)));
}

static void use_receiver(moirai_ring_t *ring, unsigned how)
{
    const void *message;
    size_t bytes;
    int status = how % 8 == 7 ? moirai_ring_receive_until(ring, &message, &bytes, moirai_now_ns() + any(100000))
                              : moirai_ring_try_receive(ring, &message, &bytes);
    count(status);
    if (status != MOIRAI_OK)
        return;
    is_in_slot(message, bytes);
    unsigned char sum = 0;
    for (size_t i = 0; i < bytes; i++)
        sum += ((const unsigned char *)message)[i];
    (void)sum;
    count(moirai_ring_release(ring));
}

static void survive(int kind, unsigned seed)
{
    const moirai_ring_shape_t shape = {kind, SLOTS, BYTES};
    moirai_ring_t *out, *in;
    int fd, status;
    void *room;
    first_slot = 0;
    REQUIRE(moirai_ring_new(&out, &shape, MOIRAI_RING_SENDER) == MOIRAI_OK);
    REQUIRE(moirai_ring_fd(out, &fd) == MOIRAI_OK);
    REQUIRE(moirai_ring_loan(out, &room) == MOIRAI_OK && moirai_ring_drop(out) == MOIRAI_OK);
    is_in_slot(room, 0);
    uintptr_t of_sender = first_slot, of_receiver = 0;
    pid_t child = fork();
    if (child == 0)
        write_nonsense(fd, seed);
    /* Attaching, too, meets nonsense. */
    status = moirai_ring_attach(&in, fd, &shape, MOIRAI_RING_RECEIVER);
    REQUIRE(status == MOIRAI_OK || status == MOIRAI_EINVAL || status == MOIRAI_EBROKEN);
    for (unsigned i = 0; i < 300; i++) {
        first_slot = of_sender;
        use_sender(out, i + any(256));
        if (status == MOIRAI_OK) {
            const void *message;
            size_t bytes;
            if (of_receiver ==
                0) { /* learnt from the first message: its slot is that of its ticket, whatever that is */
                int got = moirai_ring_try_receive(in, &message, &bytes);
                count(got);
                if (got == MOIRAI_OK) {
                    REQUIRE((uintptr_t)message % 16 == 0 && bytes <= BYTES);
                    uintptr_t page = ((uintptr_t)message - 16) & ~(uintptr_t)4095;
                    of_receiver = page + SLOTS_AT;
                    first_slot = of_receiver;
                    is_in_slot(message, bytes);
                    count(moirai_ring_release(in));
                }
            } else {
                first_slot = of_receiver;
                use_receiver(in, i + any(256));
            }
        }
    }
    reap(child);
    moirai_ring_close(out);
    if (status == MOIRAI_OK)
        moirai_ring_close(in);
    close(fd);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    unsigned seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 1,
             rounds = argc > 3 ? (unsigned)atoi(argv[3]) : 60;
    REQUIRE(rounds > 0 && rounds < CHILDREN_MAX - SENDERS);
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(board != MAP_FAILED);
    setvbuf(stdout, NULL, _IONBF, 0); /* children print nothing twice */
    for (int kind = MOIRAI_RING_SPSC; kind <= MOIRAI_RING_MPSC; kind++) {
        state_of_random = seed + (unsigned)kind;
        if (!strcmp(what, "senders"))
            kill_senders(kind, rounds);
        else if (!strcmp(what, "receivers"))
            kill_receivers(kind, rounds);
        else if (!strcmp(what, "hostile"))
            for (unsigned i = 0; i < rounds; i++)
                survive(kind, seed + i);
        else
            return fprintf(stderr, "usage: %s senders|receivers|hostile [SEED [ROUNDS]]\n", argv[0]), 2;
    }
    if (!strcmp(what, "hostile")) {
        printf("%u calls went well, %u met nonsense\n", ok, broken);
        REQUIRE(ok > 0 && broken > 0);
    }
    return 0;
}
