#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/log.h"
#include "capture.h"

static void warning_is_one_line_with_our_name(void **state)
{
    char text[1024];
    struct capture c = capture_begin();
    errno = ENOENT;
    mo_warn("%d of %s", 3, "four");
    int error = errno;
    capture_end(c, text, sizeof text);
    assert_string_equal(text, "moirai: 3 of four\n");
    assert_int_equal(error, ENOENT);
}

static void long_line_is_cut_and_ended(void **state)
{
    char text[2048], word[1500];
    memset(word, 'x', sizeof word);
    word[sizeof word - 1] = '\0';
    struct capture c = capture_begin();
    mo_warn("%s", word);
    size_t length = capture_end(c, text, sizeof text);
    assert_true(length <= MO_LOG_LINE_BYTES);
    assert_int_equal(count_lines(text), 1);
    assert_int_equal(text[length - 1], '\n');
}

static void line_ends_from_outside_do_not_split_the_line(void **state)
{
    char text[1024];
    struct capture c = capture_begin();
    mo_warn("%s", "a\nb\033c");
    capture_end(c, text, sizeof text);
    assert_string_equal(text, "moirai: a?b?c\n");
}

static void once_is_once_per_place(void **state)
{
    char text[1024];
    struct capture c = capture_begin();
    for (int i = 0; i < 3; i++)
        mo_warn_once("first %d", i);
    mo_warn_once("second");
    capture_end(c, text, sizeof text);
    assert_string_equal(text, "moirai: first 0\nmoirai: second\n");
}

static void fail_in_exit_handler(void)
{
    _exit(77);
}

static void fatal_ends_with_status_1_and_no_exit_handlers(void **state)
{
    char text[1024];
    struct capture c = capture_begin();
    pid_t child = fork();
    if (child == 0) {
        atexit(fail_in_exit_handler);
        mo_fatal("no more %s", "threads");
    }
    int status = 0;
    waitpid(child, &status, 0);
    capture_end(c, text, sizeof text);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_string_equal(text, "moirai: fatal: no more threads\n");
}

static void say_goodbye(void)
{
    mo_log_text("good", "bye", 3);
}

static void fatal_for_a_program_ends_like_exit(void **state)
{
    char text[1024];
    struct capture c = capture_begin();
    pid_t child = fork();
    if (child == 0) {
        atexit(say_goodbye);
        mo_fatal_exit("no device %d", 3);
    }
    int status = 0;
    waitpid(child, &status, 0);
    capture_end(c, text, sizeof text);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_string_equal(text, "moirai: fatal: no device 3\ngoodbye\n");
}

static void text_is_left_as_it_is(void **state)
{
    char text[3 * MO_LOG_TEXT_BYTES], *word = malloc(2 * MO_LOG_TEXT_BYTES);
    memset(word, 'x', 2 * MO_LOG_TEXT_BYTES);
    const size_t lengths[] = {0,
                              5,
                              MO_LOG_TEXT_BYTES - 4,
                              MO_LOG_TEXT_BYTES - 3,
                              MO_LOG_TEXT_BYTES - 2,
                              2 * MO_LOG_TEXT_BYTES - 3,
                              2 * MO_LOG_TEXT_BYTES};
    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct capture c = capture_begin();
        errno = ENOENT;
        mo_log_text("\na\033", word, lengths[i]);
        assert_int_equal(errno, ENOENT);
        size_t length = capture_end(c, text, sizeof text);
        assert_int_equal(length, lengths[i] + 4);
        assert_memory_equal(text, "\na\033", 3);
        assert_memory_equal(text + 3, word, lengths[i]);
        assert_int_equal(text[length - 1], '\n');
    }
    free(word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warning_is_one_line_with_our_name),
        cmocka_unit_test(long_line_is_cut_and_ended),
        cmocka_unit_test(line_ends_from_outside_do_not_split_the_line),
        cmocka_unit_test(once_is_once_per_place),
        cmocka_unit_test(fatal_ends_with_status_1_and_no_exit_handlers),
        cmocka_unit_test(fatal_for_a_program_ends_like_exit),
        cmocka_unit_test(text_is_left_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
