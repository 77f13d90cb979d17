/* Channels one call at a time: what each kind does, through close and deadlines, and what is refused. */
#include "native.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static moirai_channel_t *make(size_t capacity, int flags)
{
    moirai_channel_t *c = NULL;
    assert_int_equal(moirai_channel_new(&c, sizeof(long), capacity, flags), MOIRAI_OK);
    return c;
}

struct kind {
    size_t capacity;
    int flags;
};

/* Every bounded kind, at sizes around what a ring has trouble with. */
static const struct kind bounded[] = {
    {1, 0}, {2, 0}, {3, 0}, {8, 0}, {1, MOIRAI_CHANNEL_SPSC}, {5, MOIRAI_CHANNEL_SPSC}};
#define KINDS (sizeof bounded / sizeof *bounded)

static void a_bounded_channel_holds_as_many_as_it_says(void **state)
{
    for (size_t k = 0; k < KINDS; k++) {
        moirai_channel_t *c = make(bounded[k].capacity, bounded[k].flags);
        long next_in = 0, next_out = 0, got;
        for (int round = 0; round < 20; round++) {
            for (size_t i = 0; i < bounded[k].capacity; i++, next_in++)
                assert_int_equal(moirai_channel_try_send(c, &next_in), MOIRAI_OK);
            assert_int_equal(moirai_channel_try_send(c, &next_in), MOIRAI_EBUSY);
            assert_int_equal(moirai_channel_send_until(c, &next_in, in_ms(1)), MOIRAI_ETIMEDOUT);
            assert_int_equal(moirai_channel_count(c), bounded[k].capacity);
            assert_int_equal(moirai_channel_free(c), MOIRAI_EBUSY);
            for (size_t i = 0; i < bounded[k].capacity; i++) {
                assert_int_equal(moirai_channel_recv(c, &got), MOIRAI_OK);
                assert_int_equal(got, next_out++);
            }
            assert_int_equal(moirai_channel_try_recv(c, &got), MOIRAI_EBUSY);
            assert_int_equal(moirai_channel_recv_until(c, &got, in_ms(1)), MOIRAI_ETIMEDOUT);
        }
        assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
    }
}

static void what_is_inside_a_closed_channel_is_received(void **state)
{
    const struct kind unbounded = {MOIRAI_UNBOUNDED, 0};
    for (size_t k = 0; k <= KINDS; k++) {
        const struct kind *kind = k < KINDS ? &bounded[k] : &unbounded;
        moirai_channel_t *c = make(kind->capacity, kind->flags);
        long one = 1, got = 0;
        assert_int_equal(moirai_channel_send(c, &one), MOIRAI_OK);
        assert_int_equal(moirai_channel_is_closed(c), 0);
        assert_int_equal(moirai_channel_close(c), MOIRAI_OK);
        assert_int_equal(moirai_channel_close(c), MOIRAI_EALREADY);
        assert_int_equal(moirai_channel_is_closed(c), 1);
        assert_int_equal(moirai_channel_send(c, &one), MOIRAI_ECLOSED);
        assert_int_equal(moirai_channel_send_many(c, &one, 1, MOIRAI_FOREVER), MOIRAI_ECLOSED);
        assert_int_equal(moirai_channel_recv(c, &got), MOIRAI_OK);
        assert_int_equal(got, 1);
        assert_int_equal(moirai_channel_recv(c, &got), MOIRAI_ECLOSED);
        assert_int_equal(moirai_channel_try_recv(c, &got), MOIRAI_ECLOSED);
        assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
    }
}

static void an_unbounded_channel_gives_its_memory_back(void **state)
{
    moirai_channel_t *c = make(MOIRAI_UNBOUNDED, 0);
    long out = 0, got;
    for (int round = 0; round < 50; round++) {
        for (long i = 0; i < 3000; i++)
            assert_int_equal(moirai_channel_send(c, &(long){round * 3000 + i}), MOIRAI_OK);
        assert_int_equal(moirai_channel_count(c), 3000);
        for (long i = 0; i < 3000; i++) {
            assert_int_equal(moirai_channel_recv(c, &got), MOIRAI_OK);
            assert_int_equal(got, out++);
        }
        assert_int_equal(moirai_channel_try_recv(c, &got), MOIRAI_EBUSY);
    }
    assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
}

static void messages_have_any_size(void **state)
{
    static const size_t sizes[] = {0, 1, 3, 8, 12, 100, 5000};
    static const struct kind kinds[] = {{4, 0}, {4, MOIRAI_CHANNEL_SPSC}, {MOIRAI_UNBOUNDED, 0}};
    char in[5000], out[5001];
    for (size_t k = 0; k < 3; k++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            moirai_channel_t *c;
            assert_int_equal(moirai_channel_new(&c, sizes[s], kinds[k].capacity, kinds[k].flags), MOIRAI_OK);
            for (int i = 0; i < 40; i++) {
                memset(in, i, sizeof in);
                memset(out, 99, sizeof out);
                assert_int_equal(moirai_channel_send(c, in), MOIRAI_OK);
                assert_int_equal(moirai_channel_recv(c, out), MOIRAI_OK);
                assert_memory_equal(in, out, sizes[s]);
                assert_int_equal(out[sizes[s]], 99);
            }
            assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
        }
}

/* ---- Waiting. */
struct call {
    moirai_channel_t *channel;
    long message;
    int status, done;
};

static void *sends(void *arg)
{
    struct call *call = arg;
    call->status = moirai_channel_send(call->channel, &call->message);
    SET(&call->done, 1);
    return NULL;
}

static void *receives(void *arg)
{
    struct call *call = arg;
    call->status = moirai_channel_recv(call->channel, &call->message);
    SET(&call->done, 1);
    return NULL;
}

static void who_waits_is_woken_by_a_message_by_room_and_by_the_end(void **state)
{
    static const struct kind kinds[] = {{1, 0}, {1, MOIRAI_CHANNEL_SPSC}, {MOIRAI_RENDEZVOUS, 0}};
    for (size_t k = 0; k < 3; k++) {
        moirai_channel_t *c = make(kinds[k].capacity, kinds[k].flags);
        struct call call = {.channel = c};
        pthread_t t = start(receives, &call);
        usleep(5000);
        assert_int_equal(GET(&call.done), 0);
        assert_int_equal(moirai_channel_send(c, &(long){7}), MOIRAI_OK);
        pthread_join(t, NULL);
        assert_int_equal(call.message, 7);
        if (kinds[k].capacity)
            assert_int_equal(moirai_channel_send(c, &(long){1}), MOIRAI_OK);
        call = (struct call){.channel = c, .message = 2};
        t = start(sends, &call);
        usleep(5000);
        assert_int_equal(GET(&call.done), 0);
        long got;
        if (kinds[k].capacity)
            assert_int_equal(moirai_channel_recv(c, &got), MOIRAI_OK);
        assert_int_equal(moirai_channel_recv(c, &got), MOIRAI_OK);
        assert_int_equal(got, 2);
        pthread_join(t, NULL);
        assert_int_equal(call.status, MOIRAI_OK);
        call = (struct call){.channel = c};
        t = start(receives, &call);
        usleep(5000);
        assert_int_equal(moirai_channel_close(c), MOIRAI_OK);
        pthread_join(t, NULL);
        assert_int_equal(call.status, MOIRAI_ECLOSED);
        assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
    }
}

static void a_sender_that_waits_keeps_its_message_at_the_end(void **state)
{
    static const size_t capacities[] = {1, MOIRAI_RENDEZVOUS};
    for (int k = 0; k < 2; k++) {
        moirai_channel_t *c = make(capacities[k], 0);
        struct call call = {.channel = c, .message = 5};
        long got;
        if (capacities[k])
            assert_int_equal(moirai_channel_send(c, &(long){4}), MOIRAI_OK);
        pthread_t t = start(sends, &call);
        usleep(5000);
        moirai_channel_close(c);
        pthread_join(t, NULL);
        assert_int_equal(call.status, MOIRAI_ECLOSED);
        if (capacities[k])
            assert_int_equal(moirai_channel_recv(c, &got), MOIRAI_OK);
        assert_int_equal(moirai_channel_recv(c, &got), MOIRAI_ECLOSED);
        assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
    }
}

static void without_buffer_both_must_be_there(void **state)
{
    moirai_channel_t *c = make(MOIRAI_RENDEZVOUS, 0);
    long got;
    assert_int_equal(moirai_channel_try_send(c, &(long){1}), MOIRAI_EBUSY);
    assert_int_equal(moirai_channel_try_recv(c, &got), MOIRAI_EBUSY);
    assert_int_equal(moirai_channel_send_until(c, &(long){1}, in_ms(2)), MOIRAI_ETIMEDOUT);
    struct call call = {.channel = c};
    pthread_t t = start(receives, &call);
    while (moirai_channel_try_send(c, &(long){9}) != MOIRAI_OK)
        usleep(100);
    pthread_join(t, NULL);
    assert_int_equal(call.message, 9);
    assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
}

/* In a native task, whose worker waits. */
static void passes_on(void *data)
{
    moirai_channel_t **pair = data;
    long got;
    while (moirai_channel_recv(pair[0], &got) == MOIRAI_OK)
        moirai_channel_send(pair[1], &got);
    moirai_channel_close(pair[1]);
}

static void tasks_and_threads_use_one_channel(void **state)
{
    moirai_channel_t *pair[2] = {make(2, 0), make(MOIRAI_RENDEZVOUS, 0)};
    moirai_task_t task;
    long got;
    assert_int_equal(moirai_spawn(NULL, &task, passes_on, pair, sizeof pair), MOIRAI_OK);
    for (long i = 0; i < 100; i++) {
        assert_int_equal(moirai_channel_send(pair[0], &i), MOIRAI_OK);
        assert_int_equal(moirai_channel_recv(pair[1], &got), MOIRAI_OK);
        assert_int_equal(got, i);
    }
    moirai_channel_close(pair[0]);
    assert_int_equal(moirai_channel_recv(pair[1], &got), MOIRAI_ECLOSED);
    assert_int_equal(moirai_join(&task, NULL), MOIRAI_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(moirai_channel_free(pair[i]), MOIRAI_OK);
}

/* ---- Many. */
static void many_go_as_far_as_there_is_room(void **state)
{
    static const struct kind kinds[] = {{5, 0}, {5, MOIRAI_CHANNEL_SPSC}};
    for (size_t k = 0; k < 2; k++) {
        moirai_channel_t *c = make(kinds[k].capacity, kinds[k].flags);
        long in[8] = {0, 1, 2, 3, 4, 5, 6, 7}, out[8];
        for (int round = 0; round < 7; round++) {
            assert_int_equal(moirai_channel_send_many(c, in, 3, 0), 3);
            assert_int_equal(moirai_channel_send_many(c, in + 3, 5, in_ms(1)), 2);
            assert_int_equal(moirai_channel_send_many(c, in, 1, 0), MOIRAI_ETIMEDOUT);
            assert_int_equal(moirai_channel_recv_many(c, out, 8, MOIRAI_FOREVER), 5);
            assert_memory_equal(in, out, 5 * sizeof *in);
            assert_int_equal(moirai_channel_recv_many(c, out, 8, 0), MOIRAI_ETIMEDOUT);
            moirai_channel_send(c, in); /* the next round wraps around elsewhere */
            assert_int_equal(moirai_channel_recv_many(c, out, 8, 0), 1);
        }
        assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
    }
}

static void *sends_ten(void *channel)
{
    long in[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    return (void *)(long)moirai_channel_send_many(channel, in, 10, MOIRAI_FOREVER);
}

static void many_wait_for_room_in_every_kind(void **state)
{
    static const struct kind kinds[] = {
        {2, 0}, {2, MOIRAI_CHANNEL_SPSC}, {MOIRAI_UNBOUNDED, 0}, {MOIRAI_RENDEZVOUS, 0}};
    for (size_t k = 0; k < 4; k++) {
        moirai_channel_t *c = make(kinds[k].capacity, kinds[k].flags);
        pthread_t t = start(sends_ten, c);
        long out[10], got = 0;
        while (got < 10) {
            int n = moirai_channel_recv_many(c, out, 10, MOIRAI_FOREVER);
            assert_true(n > 0);
            for (int i = 0; i < n; i++)
                assert_int_equal(out[i], got++);
        }
        void *sent;
        pthread_join(t, &sent);
        assert_int_equal((long)sent, 10);
        assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
    }
}

/* ---- Select. */
static void select_takes_what_can_go_on(void **state)
{
    moirai_channel_t *a = make(4, 0), *b = make(1, 0);
    long got = 0, out = 3;
    moirai_case_t cases[] = {{a, &got, MOIRAI_RECV, 1}, {b, &out, MOIRAI_SEND, 1}};
    assert_int_equal(moirai_select(cases, 2, 0, MOIRAI_FOREVER), 1);
    assert_int_equal(cases[1].status, MOIRAI_OK);
    assert_int_equal(moirai_select(cases, 2, 0, 0), MOIRAI_ETIMEDOUT);
    assert_int_equal(moirai_select(cases, 2, 0, in_ms(2)), MOIRAI_ETIMEDOUT);
    moirai_channel_send(a, &(long){8});
    assert_int_equal(moirai_select(cases, 2, 0, MOIRAI_FOREVER), 0);
    assert_int_equal(got, 8);
    moirai_channel_close(a);
    assert_int_equal(moirai_select(cases, 2, 0, MOIRAI_FOREVER), 0);
    assert_int_equal(cases[0].status, MOIRAI_ECLOSED);
    moirai_channel_close(b);
    assert_int_equal(moirai_select(&cases[1], 1, 0, MOIRAI_FOREVER), 0);
    assert_int_equal(cases[1].status, MOIRAI_ECLOSED);
    assert_int_equal(moirai_channel_recv(b, &got), MOIRAI_OK);
    moirai_channel_free(a);
    moirai_channel_free(b);
}

static void a_fair_select_leaves_none_out_and_a_biased_one_takes_the_first(void **state)
{
    moirai_channel_t *c[3];
    moirai_case_t cases[3];
    long got, chosen[3] = {0, 0, 0};
    for (int i = 0; i < 3; i++) {
        c[i] = make(MOIRAI_UNBOUNDED, 0);
        cases[i] = (moirai_case_t){c[i], &got, MOIRAI_RECV, 0};
        for (long k = 0; k < 3000; k++)
            moirai_channel_send(c[i], &k);
    }
    for (int i = 0; i < 3000; i++)
        chosen[moirai_select(cases, 3, 0, MOIRAI_FOREVER)]++;
    for (int i = 0; i < 3; i++)
        assert_true(chosen[i] > 0);
    while (moirai_channel_count(c[0]))
        assert_int_equal(moirai_select(cases, 3, MOIRAI_SELECT_BIASED, MOIRAI_FOREVER), 0);
    assert_int_equal(moirai_select(cases, 3, MOIRAI_SELECT_BIASED, MOIRAI_FOREVER), 1);
    for (int i = 0; i < 3; i++) {
        while (moirai_channel_try_recv(c[i], &got) == MOIRAI_OK) {
        }
        assert_int_equal(moirai_channel_free(c[i]), MOIRAI_OK);
    }
}

static void *selects(void *arg)
{
    moirai_case_t *cases = arg;
    return (void *)(long)moirai_select(cases, 3, 0, MOIRAI_FOREVER);
}

static void select_waits_at_every_kind_at_once(void **state)
{
    moirai_channel_t *ring = make(2, 0), *meet = make(MOIRAI_RENDEZVOUS, 0), *full = make(1, 0);
    long got, out = 6, other = 0;
    moirai_channel_send(full, &out);
    for (int round = 0; round < 30; round++) {
        moirai_case_t cases[] = {
            {ring, &got, MOIRAI_RECV, 1}, {meet, &got, MOIRAI_RECV, 1}, {full, &out, MOIRAI_SEND, 1}};
        pthread_t t = start(selects, cases);
        void *chosen;
        usleep(round % 3 ? 300 : 0);
        if (round % 3 == 0)
            assert_int_equal(moirai_channel_send(ring, &(long){round}), MOIRAI_OK);
        else if (round % 3 == 1)
            assert_int_equal(moirai_channel_send(meet, &(long){round}), MOIRAI_OK);
        else
            assert_int_equal(moirai_channel_recv(full, &other), MOIRAI_OK);
        pthread_join(t, &chosen);
        assert_int_equal((long)chosen, round % 3);
        assert_int_equal(cases[round % 3].status, MOIRAI_OK);
        assert_int_equal(round % 3 == 2 ? other : got, round % 3 == 2 ? 6 : round);
    }
    moirai_channel_recv(full, &other);
    assert_int_equal(moirai_channel_free(ring), MOIRAI_OK);
    assert_int_equal(moirai_channel_free(meet), MOIRAI_OK);
    assert_int_equal(moirai_channel_free(full), MOIRAI_OK);
}

/* ---- Time. */
static void after_comes_once_and_tick_again(void **state)
{
    moirai_channel_t *after, *tick;
    moirai_tick_t got;
    uint64_t before = moirai_now_ns();
    assert_int_equal(moirai_after(&after, 3600000 * MS), MOIRAI_OK);
    assert_int_equal(moirai_channel_recv_until(after, &got, before + MS), MOIRAI_ETIMEDOUT);
    assert_int_equal(moirai_channel_free(after), MOIRAI_OK);
    before = moirai_now_ns();
    assert_int_equal(moirai_after(&after, 3 * MS), MOIRAI_OK);
    assert_int_equal(moirai_channel_recv(after, &got), MOIRAI_OK);
    assert_true(moirai_now_ns() >= before + 3 * MS && got.due_ns >= before + 3 * MS);
    assert_int_equal(moirai_channel_recv(after, &got), MOIRAI_ECLOSED);
    assert_int_equal(moirai_channel_send(after, &got), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_free(after), MOIRAI_OK);

    assert_int_equal(moirai_tick(&tick, 2 * MS), MOIRAI_OK);
    uint64_t first = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(moirai_channel_recv(tick, &got), MOIRAI_OK);
        first = first ? first : got.due_ns;
        assert_int_equal((got.due_ns - first) % (2 * MS), 0);
    }
    usleep(10000);
    assert_int_equal(moirai_channel_recv(tick, &got), MOIRAI_OK);
    assert_true(got.missed >= 3);
    moirai_case_t cases[] = {{tick, &got, MOIRAI_RECV, 0}};
    assert_int_equal(moirai_select(cases, 1, 0, MOIRAI_FOREVER), 0);
    moirai_channel_close(tick);
    assert_int_equal(moirai_channel_recv(tick, &got), MOIRAI_ECLOSED);
    assert_int_equal(moirai_channel_free(tick), MOIRAI_OK);
    assert_int_equal(moirai_after(&after, UINT64_MAX), MOIRAI_OK);
    assert_int_equal(moirai_channel_try_recv(after, &got), MOIRAI_EBUSY);
    assert_int_equal(moirai_channel_free(after), MOIRAI_OK);
}

static void *receives_a_tick(void *channel)
{
    moirai_tick_t got;
    return (void *)(long)moirai_channel_recv(channel, &got);
}

static void of_those_who_wait_for_after_one_gets_it(void **state)
{
    moirai_channel_t *after;
    pthread_t t[3];
    void *status;
    int ok = 0;
    assert_int_equal(moirai_after(&after, 5 * MS), MOIRAI_OK);
    for (int i = 0; i < 3; i++)
        t[i] = start(receives_a_tick, after);
    for (int i = 0; i < 3; i++) {
        pthread_join(t[i], &status);
        ok += (long)status == MOIRAI_OK;
    }
    assert_int_equal(ok, 1);
    assert_int_equal(moirai_channel_free(after), MOIRAI_OK);
}

/* ---- Broadcast. */
static void subscribers_get_all_or_know_what_they_missed(void **state)
{
    moirai_channel_t *b, *quick, *slow;
    long got;
    assert_int_equal(moirai_broadcast_new(&b, sizeof(long), 4), MOIRAI_OK);
    assert_int_equal(moirai_channel_send(b, &(long){-1}), MOIRAI_OK);
    assert_int_equal(moirai_channel_subscribe(b, &quick), MOIRAI_OK);
    assert_int_equal(moirai_channel_subscribe(b, &slow), MOIRAI_OK);
    assert_int_equal(moirai_channel_recv(b, &got), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_send(slow, &got), MOIRAI_EINVAL);
    for (long i = 0; i < 10; i++) {
        assert_int_equal(moirai_channel_send(b, &i), MOIRAI_OK);
        assert_int_equal(moirai_channel_recv(quick, &got), MOIRAI_OK);
        assert_int_equal(got, i);
    }
    assert_int_equal(moirai_channel_missed(quick), 0);
    for (long i = 6; i < 10; i++) {
        assert_int_equal(moirai_channel_recv(slow, &got), MOIRAI_OK);
        assert_int_equal(got, i);
    }
    assert_int_equal(moirai_channel_missed(slow), 6);
    assert_int_equal(moirai_channel_missed(slow), 0);
    assert_int_equal(moirai_channel_try_recv(slow, &got), MOIRAI_EBUSY);
    struct call call = {.channel = slow};
    pthread_t t = start(receives, &call);
    usleep(3000);
    moirai_channel_send(b, &(long){11});
    pthread_join(t, NULL);
    assert_int_equal(call.message, 11);
    assert_int_equal(moirai_channel_free(b), MOIRAI_EBUSY);
    moirai_channel_close(b);
    assert_int_equal(moirai_channel_send(b, &got), MOIRAI_ECLOSED);
    assert_int_equal(moirai_channel_recv(quick, &got), MOIRAI_OK);
    assert_int_equal(moirai_channel_recv(quick, &got), MOIRAI_ECLOSED);
    assert_int_equal(moirai_channel_recv(slow, &got), MOIRAI_ECLOSED);
    assert_int_equal(moirai_channel_free(slow), MOIRAI_OK);
    assert_int_equal(moirai_channel_free(quick), MOIRAI_OK);
    assert_int_equal(moirai_channel_free(b), MOIRAI_OK);
}

static void a_watch_shows_the_newest(void **state)
{
    moirai_channel_t *w, *s;
    long got;
    assert_int_equal(moirai_watch_new(&w, sizeof(long)), MOIRAI_OK);
    moirai_channel_send(w, &(long){1});
    moirai_channel_send(w, &(long){2});
    assert_int_equal(moirai_channel_subscribe(w, &s), MOIRAI_OK);
    assert_int_equal(moirai_channel_recv(s, &got), MOIRAI_OK);
    assert_int_equal(got, 2);
    assert_int_equal(moirai_channel_try_recv(s, &got), MOIRAI_EBUSY);
    for (long i = 3; i < 8; i++)
        moirai_channel_send(w, &i);
    assert_int_equal(moirai_channel_recv(s, &got), MOIRAI_OK);
    assert_int_equal(got, 7);
    assert_int_equal(moirai_channel_missed(s), 4);
    moirai_channel_close(s);
    assert_int_equal(moirai_channel_recv(s, &got), MOIRAI_ECLOSED);
    assert_int_equal(moirai_channel_free(s), MOIRAI_OK);
    assert_int_equal(moirai_channel_free(w), MOIRAI_OK);
}

/* ---- Batching. */
static void a_batch_comes_when_it_is_full_or_late_or_the_end(void **state)
{
    const moirai_batching_attr_t attr = {4, 4, 20 * MS};
    moirai_channel_t *c;
    moirai_batching_stats_t stats;
    long in[5] = {0, 1, 2, 3, 4}, out[8];
    assert_int_equal(moirai_batching_new(&c, sizeof(long), 8, &attr), MOIRAI_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(moirai_channel_try_recv(c, out), MOIRAI_EBUSY);
        assert_int_equal(moirai_channel_send(c, &in[i]), MOIRAI_OK);
    }
    assert_int_equal(moirai_channel_recv_many(c, out, 8, 0), 4);
    assert_memory_equal(in, out, 4 * sizeof *in);
    uint64_t before = moirai_now_ns();
    assert_int_equal(moirai_channel_send(c, &in[4]), MOIRAI_OK);
    assert_int_equal(moirai_channel_recv_many(c, out, 8, MOIRAI_FOREVER), 1);
    assert_true(moirai_now_ns() - before >= 20 * MS);
    assert_int_equal(out[0], 4);
    assert_int_equal(moirai_channel_send(c, &in[1]), MOIRAI_OK);
    assert_int_equal(moirai_channel_close(c), MOIRAI_OK);
    assert_int_equal(moirai_channel_send(c, &in[1]), MOIRAI_ECLOSED);
    assert_int_equal(moirai_channel_free(c), MOIRAI_EBUSY);
    assert_int_equal(moirai_channel_recv_many(c, out, 8, MOIRAI_FOREVER), 1);
    assert_int_equal(moirai_channel_recv_many(c, out, 8, MOIRAI_FOREVER), MOIRAI_ECLOSED);
    assert_int_equal(moirai_batching_stats(c, &stats), MOIRAI_OK);
    assert_int_equal(stats.messages, 6);
    assert_int_equal(stats.batches, 3);
    assert_int_equal(stats.full, 1);
    assert_int_equal(stats.late, 1);
    assert_int_equal(stats.rest, 1);
    assert_int_equal(stats.smallest, 1);
    assert_int_equal(stats.largest, 4);
    assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
}

/* Many at once make the size grow to its bound; a trickle brings it back. */
static void the_size_follows_the_throughput(void **state)
{
    const moirai_batching_attr_t attr = {1, 64, 2 * MS};
    moirai_channel_t *c;
    moirai_batching_stats_t stats;
    long in = 0, out[256];
    assert_int_equal(moirai_batching_new(&c, sizeof(long), 256, &attr), MOIRAI_OK);
    do { /* the size may be caught at any value while the machine does something else */
        for (int i = 0; i < 2000; i++) {
            assert_int_equal(moirai_channel_try_send(c, &in), MOIRAI_OK);
            if (i % 64 == 63)
                while (moirai_channel_recv_many(c, out, 256, 0) > 0) {
                }
        }
        while (moirai_channel_count(c))
            moirai_channel_recv_many(c, out, 256, MOIRAI_FOREVER);
        moirai_batching_stats(c, &stats);
    } while (stats.size < 64);
    assert_true(stats.per_second > 0 && stats.largest <= 256);
    do {
        usleep(3000);
        moirai_channel_send(c, &in);
        assert_int_equal(moirai_channel_recv(c, out), MOIRAI_OK);
        moirai_batching_stats(c, &stats);
    } while (stats.size > 1);
    assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
}

/* ---- One-shot. */
struct shot {
    moirai_oneshot_t *oneshot;
    long message;
    int status;
};

static void *receives_shot(void *arg)
{
    struct shot *s = arg;
    s->status = moirai_oneshot_recv(s->oneshot, &s->message);
    free(s->oneshot);
    return NULL;
}

static void a_oneshot_is_sent_once(void **state)
{
    moirai_oneshot_t o = MOIRAI_ONESHOT_INIT, closed = MOIRAI_ONESHOT_INIT;
    char got[16], long_one[17] = "";
    assert_true(sizeof o <= 32);
    assert_int_equal(moirai_oneshot_try_recv(&o, got), MOIRAI_EBUSY);
    assert_int_equal(moirai_oneshot_recv_until(&o, got, in_ms(2)), MOIRAI_ETIMEDOUT);
    assert_int_equal(moirai_oneshot_send(&o, long_one, 17), MOIRAI_EINVAL);
    assert_int_equal(moirai_oneshot_send(&o, "0123456789abcde", 16), MOIRAI_OK);
    assert_int_equal(moirai_oneshot_send(&o, "x", 1), MOIRAI_EALREADY);
    assert_int_equal(moirai_oneshot_close(&o), MOIRAI_EALREADY);
    assert_int_equal(moirai_oneshot_recv(&o, got), MOIRAI_OK);
    assert_string_equal(got, "0123456789abcde");
    assert_int_equal(moirai_oneshot_recv(&o, got), MOIRAI_ECLOSED);
    assert_int_equal(moirai_oneshot_close(&closed), MOIRAI_OK);
    assert_int_equal(moirai_oneshot_close(&closed), MOIRAI_EALREADY);
    assert_int_equal(moirai_oneshot_send(&closed, "x", 1), MOIRAI_ECLOSED);
    assert_int_equal(moirai_oneshot_recv(&closed, got), MOIRAI_ECLOSED);
}

static void who_received_may_free_a_oneshot(void **state)
{
    for (long i = 0; i < 300; i++) {
        moirai_oneshot_t *o = calloc(1, sizeof *o);
        struct shot s = {.oneshot = o};
        pthread_t t = start(receives_shot, &s);
        usleep((unsigned)(i % 4) * 40);
        bool closes = i % 5 == 0;
        assert_int_equal(closes ? moirai_oneshot_close(o) : moirai_oneshot_send(o, &i, sizeof i), MOIRAI_OK);
        pthread_join(t, NULL);
        assert_int_equal(s.status, closes ? MOIRAI_ECLOSED : MOIRAI_OK);
        assert_int_equal(s.message, closes ? 0 : i);
    }
}

/* ---- What is refused. */
static void wrong_arguments_are_refused(void **state)
{
    moirai_channel_t *c = NULL, *keep = make(2, 0);
    long m = 0;
    assert_int_equal(moirai_channel_new(NULL, 8, 1, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_new(&c, MOIRAI_CHANNEL_BYTES_MAX + 1, 1, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_new(&c, 8, MOIRAI_CHANNEL_CAPACITY_MAX + (size_t)1, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_new(&c, 8, 4, 8), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_new(&c, 8, MOIRAI_UNBOUNDED, MOIRAI_CHANNEL_SPSC), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_new(&c, 8, MOIRAI_RENDEZVOUS, MOIRAI_CHANNEL_SPSC), MOIRAI_EINVAL);
    assert_int_equal(moirai_broadcast_new(&c, 8, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_tick(&c, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_batching_new(&c, 8, 8, NULL), MOIRAI_EINVAL);
    const moirai_batching_attr_t bad[] = {{0, 1, 1}, {2, 1, 1}, {1, 9, 1}, {1, 2, 0}};
    for (int i = 0; i < 4; i++)
        assert_int_equal(moirai_batching_new(&c, 8, 8, &bad[i]), MOIRAI_EINVAL);
    assert_null(c);
    assert_int_equal(moirai_channel_send(NULL, &m), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_send(keep, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_try_recv(keep, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_send_many(keep, &m, 0, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_recv_many(keep, &m, (size_t)1 << 31, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_close(NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_free(NULL), MOIRAI_OK);
    assert_int_equal(moirai_channel_subscribe(keep, &c), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_missed(keep), 0);
    assert_int_equal(moirai_batching_stats(keep, &(moirai_batching_stats_t){0}), MOIRAI_EINVAL);
    moirai_case_t good = {keep, &m, MOIRAI_RECV, 0}, none = {NULL, &m, MOIRAI_RECV, 0}, odd = {keep, &m, 2, 0};
    assert_int_equal(moirai_select(NULL, 1, 0, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_select(&good, 0, 0, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_select(&good, MOIRAI_SELECT_MAX + 1, 0, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_select(&good, 1, 2, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_select(&none, 1, 0, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_select(&odd, 1, 0, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_oneshot_send(NULL, &m, 8), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_free(keep), MOIRAI_OK);
    assert_string_equal(moirai_status_text(MOIRAI_ECLOSED), "the other side has closed it");
}

/* Sanitizers have address space of their own to lose. */
static void without_memory_nothing_is_sent_and_nothing_lost(void **state)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();
#endif
    moirai_channel_t *c = make(MOIRAI_UNBOUNDED, 0), *other = NULL;
    struct rlimit before, none;
    long sent = 0, got, status;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    none = (struct rlimit){.rlim_cur = 1, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    while ((status = moirai_channel_send(c, &sent)) == MOIRAI_OK && sent < 1000000)
        sent++;
    int made = moirai_channel_new(&other, 8, 1000000, 0);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(status, MOIRAI_ENOMEM);
    assert_int_equal(made, MOIRAI_ENOMEM);
    assert_null(other);
    assert_int_equal(moirai_channel_count(c), sent);
    assert_int_equal(moirai_channel_send(c, &sent), MOIRAI_OK);
    for (long i = 0; i <= sent; i++) {
        assert_int_equal(moirai_channel_recv(c, &got), MOIRAI_OK);
        assert_int_equal(got, i);
    }
    assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bounded_channel_holds_as_many_as_it_says),
        cmocka_unit_test(what_is_inside_a_closed_channel_is_received),
        cmocka_unit_test(an_unbounded_channel_gives_its_memory_back),
        cmocka_unit_test(messages_have_any_size),
        cmocka_unit_test(who_waits_is_woken_by_a_message_by_room_and_by_the_end),
        cmocka_unit_test(a_sender_that_waits_keeps_its_message_at_the_end),
        cmocka_unit_test(without_buffer_both_must_be_there),
        cmocka_unit_test(tasks_and_threads_use_one_channel),
        cmocka_unit_test(many_go_as_far_as_there_is_room),
        cmocka_unit_test(many_wait_for_room_in_every_kind),
        cmocka_unit_test(select_takes_what_can_go_on),
        cmocka_unit_test(a_fair_select_leaves_none_out_and_a_biased_one_takes_the_first),
        cmocka_unit_test(select_waits_at_every_kind_at_once),
        cmocka_unit_test(after_comes_once_and_tick_again),
        cmocka_unit_test(of_those_who_wait_for_after_one_gets_it),
        cmocka_unit_test(subscribers_get_all_or_know_what_they_missed),
        cmocka_unit_test(a_watch_shows_the_newest),
        cmocka_unit_test(a_batch_comes_when_it_is_full_or_late_or_the_end),
        cmocka_unit_test(the_size_follows_the_throughput),
        cmocka_unit_test(a_oneshot_is_sent_once),
        cmocka_unit_test(who_received_may_free_a_oneshot),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(without_memory_nothing_is_sent_and_nothing_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
