/* Sending and receiving that are compiled in (moirai/spsc.h): the same channel as by calls, through waits and the
   end. */
#include "native.h"

#define TIMES 8000

static moirai_spsc_t *numbers;

/* ---- What the header shows. */
static void *count(void *sum)
{
    uint64_t n;
    while (moirai_spsc_recv(numbers, &n) == MOIRAI_OK)
        *(uint64_t *)sum += n;
    return NULL;
}

static uint64_t add(uint64_t up_to)
{
    moirai_channel_t *c;
    pthread_t t;
    uint64_t sum = 0;
    moirai_channel_new(&c, sizeof(uint64_t), 64, MOIRAI_CHANNEL_SPSC);
    moirai_spsc_of(c, &numbers);
    pthread_create(&t, NULL, count, &sum);
    for (uint64_t n = 1; n <= up_to; n++)
        moirai_spsc_send(numbers, n);
    moirai_channel_close(c);
    pthread_join(t, NULL);
    moirai_channel_free(c);
    return sum;
}

static void the_example_of_the_header(void **state)
{
    assert_int_equal(add(10), 55);
    assert_int_equal(add(TIMES), (uint64_t)TIMES * (TIMES + 1) / 2);
}

static moirai_channel_t *made_words(size_t capacity, moirai_spsc_t **words)
{
    moirai_channel_t *c = NULL;
    assert_int_equal(moirai_channel_new(&c, sizeof(uint64_t), capacity, MOIRAI_CHANNEL_SPSC), MOIRAI_OK);
    assert_int_equal(moirai_spsc_of(c, words), MOIRAI_OK);
    return c;
}

/* Capacities that are and are not powers of two; both ways at both ends. */
static void it_holds_as_many_as_it_says_in_order(void **state)
{
    for (size_t capacity = 1; capacity <= 5; capacity++) {
        moirai_spsc_t *words;
        moirai_channel_t *c = made_words(capacity, &words);
        uint64_t in = 0, out = 0, got;
        for (int round = 0; round < 20; round++) {
            for (size_t i = 0; i < capacity; i++, in++)
                assert_int_equal(i % 2 ? moirai_channel_send(c, &in) : moirai_spsc_send(words, in), MOIRAI_OK);
            assert_int_equal(moirai_spsc_send_until(words, in, 0), MOIRAI_ETIMEDOUT);
            assert_int_equal(moirai_spsc_send_until(words, in, in_ms(1)), MOIRAI_ETIMEDOUT);
            assert_int_equal(moirai_channel_count(c), capacity);
            for (size_t i = 0; i < capacity; i++) {
                assert_int_equal(i % 3 ? moirai_spsc_recv(words, &got) : moirai_channel_recv(c, &got), MOIRAI_OK);
                assert_int_equal(got, out++);
            }
            assert_int_equal(moirai_spsc_recv_until(words, &got, 0), MOIRAI_ETIMEDOUT);
            assert_int_equal(moirai_spsc_recv_until(words, &got, in_ms(1)), MOIRAI_ETIMEDOUT);
        }
        assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
    }
}

/* Also a receiver that knows of more than it has taken gets all of them. */
static void the_end_comes_after_the_last_message(void **state)
{
    moirai_spsc_t *words;
    moirai_channel_t *c = made_words(4, &words);
    uint64_t got = 0;
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(moirai_spsc_send(words, i), MOIRAI_OK);
    assert_int_equal(moirai_spsc_recv(words, &got), MOIRAI_OK);
    assert_int_equal(moirai_channel_close(c), MOIRAI_OK);
    assert_int_equal(moirai_spsc_send(words, 4), MOIRAI_ECLOSED);
    assert_int_equal(moirai_channel_send(c, &got), MOIRAI_ECLOSED);
    assert_int_equal(moirai_channel_count(c), 2);
    assert_int_equal(moirai_channel_free(c), MOIRAI_EBUSY);
    for (uint64_t i = 2; i <= 3; i++) {
        assert_int_equal(moirai_spsc_recv(words, &got), MOIRAI_OK);
        assert_int_equal(got, i);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(i % 2 ? moirai_channel_recv(c, &got) : moirai_spsc_recv(words, &got), MOIRAI_ECLOSED);
        assert_int_equal(moirai_channel_count(c), 0);
    }
    assert_int_equal(got, 3);
    assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
}

/* Each waits for the other at every message: none is lost on the ways that are compiled in. */
static void *answers(void *arg)
{
    moirai_spsc_t **ends = arg;
    uint64_t n;
    while (moirai_spsc_recv(ends[0], &n) == MOIRAI_OK)
        if (moirai_spsc_send(ends[1], n + 1) != MOIRAI_OK)
            return arg;
    return NULL;
}

static void who_waits_is_woken(void **state)
{
    moirai_spsc_t *ends[2];
    moirai_channel_t *there = made_words(1, &ends[0]), *back = made_words(1, &ends[1]);
    pthread_t t = start(answers, ends);
    uint64_t got = 0;
    void *wrong;
    for (int i = 0; i < TIMES; i++) {
        if (i % 2000 == 0)
            usleep(5000); /* the other one falls asleep */
        assert_int_equal(moirai_spsc_send(ends[0], got), MOIRAI_OK);
        assert_int_equal(moirai_spsc_recv(ends[1], &got), MOIRAI_OK);
    }
    assert_int_equal(got, TIMES);
    assert_int_equal(moirai_channel_close(there), MOIRAI_OK);
    pthread_join(t, &wrong);
    assert_null(wrong);
    assert_int_equal(moirai_channel_free(there), MOIRAI_OK);
    assert_int_equal(moirai_channel_free(back), MOIRAI_OK);
}

/* A select and a future at the other end. */
static void other_calls_meet_it(void **state)
{
    moirai_spsc_t *words;
    moirai_channel_t *c = made_words(2, &words);
    uint64_t got = 0;
    moirai_case_t receive = {c, &got, MOIRAI_RECV, 0};
    moirai_recv_t future;
    assert_int_equal(moirai_spsc_send(words, 7), MOIRAI_OK);
    assert_int_equal(moirai_select(&receive, 1, 0, MOIRAI_FOREVER), 0);
    assert_int_equal(got, 7);
    assert_int_equal(moirai_spsc_send(words, 8), MOIRAI_OK);
    moirai_recv_init(&future, c, &got);
    assert_int_equal(moirai_block_on(&future.future, MOIRAI_FOREVER), MOIRAI_OK);
    assert_int_equal(got, 8);
    assert_int_equal(moirai_channel_free(c), MOIRAI_OK);
}

static void other_channels_are_refused(void **state)
{
    moirai_channel_t *c;
    moirai_spsc_t *words = NULL;
    uint64_t got;
    assert_int_equal(moirai_spsc_of(NULL, &words), MOIRAI_EINVAL);
    assert_int_equal(moirai_channel_new(&c, 8, 4, 0), MOIRAI_OK); /* any number of threads */
    assert_int_equal(moirai_spsc_of(c, &words), MOIRAI_EINVAL);
    moirai_channel_free(c);
    assert_int_equal(moirai_channel_new(&c, 16, 4, MOIRAI_CHANNEL_SPSC), MOIRAI_OK); /* no words */
    assert_int_equal(moirai_spsc_of(c, &words), MOIRAI_EINVAL);
    moirai_channel_free(c);
    c = made_words(4, &words);
    assert_int_equal(moirai_spsc_of(c, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_spsc_recv(words, NULL), MOIRAI_EINVAL);
    assert_int_equal(moirai_spsc_recv_until(words, NULL, 0), MOIRAI_EINVAL);
    moirai_channel_free(c);
    assert_int_equal(moirai_spsc_send(NULL, 1), MOIRAI_EINVAL);
    assert_int_equal(moirai_spsc_recv(NULL, &got), MOIRAI_EINVAL);
    assert_int_equal(moirai_spsc_send_until(NULL, 1, 0), MOIRAI_EINVAL);
    assert_int_equal(moirai_spsc_tell(NULL, MOIRAI_SEND), MOIRAI_EINVAL);
    c = made_words(4, &words);
    assert_int_equal(moirai_spsc_tell(words, 7), MOIRAI_EINVAL);
    moirai_channel_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_header),
        cmocka_unit_test(it_holds_as_many_as_it_says_in_order),
        cmocka_unit_test(the_end_comes_after_the_last_message),
        cmocka_unit_test(who_waits_is_woken),
        cmocka_unit_test(other_calls_meet_it),
        cmocka_unit_test(other_channels_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
