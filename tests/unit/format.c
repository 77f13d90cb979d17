/* Affinity formats, expanded for a thread that is made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "omp/affinity.h"

static const unsigned long mask[2] = {0x10fful, 0x3ul}; /* 0-7, 12, 64-65 */

static const struct mo_thread_facts facts = {.team_num = 1,
                                             .num_teams = 3,
                                             .level = 2,
                                             .thread_num = 5,
                                             .num_threads = 16,
                                             .ancestor = -1,
                                             .process = 4711,
                                             .native_thread = 0xabcd,
                                             .host = "node7",
                                             .mask = mask,
                                             .words = 2};

static const char *expand(const char *format)
{
    static char out[40000];
    size_t bytes = mo_affinity_expand(format, strlen(format), &facts, out, sizeof out - 1);
    assert_true(bytes < sizeof out);
    out[bytes] = '\0';
    return out;
}

static void fields_have_letters_and_names(void **state)
{
    assert_string_equal(expand("%t %T %L %n %N %a %A %H %P %i"), "1 3 2 5 16 -1 0-7,12,64-65 node7 4711 0xabcd");
    assert_string_equal(
        expand("%{team_num} %{num_teams} %{nesting_level} %{thread_num} %{num_threads} %{ancestor_tnum} "
               "%{thread_affinity} %{host} %{process_id} %{native_thread_id}"),
        "1 3 2 5 16 -1 0-7,12,64-65 node7 4711 0xabcd");
    assert_string_equal(expand("100%% of %n{thread_num}"), "100% of 5{thread_num}");
    assert_string_equal(expand("plain"), "plain");
    assert_string_equal(expand(""), "");
}

static void widths_fill_up(void **state)
{
    assert_string_equal(expand("<%6n><%.6n><%0.6n>"), "<5     ><     5><000005>");
    assert_string_equal(expand("<%6a><%.6a><%0.6a>"), "<-1    ><    -1><-00001>");
    assert_string_equal(expand("<%8i><%.8i><%0.8i>"), "<0xabcd  ><  0xabcd><0x00abcd>");
    assert_string_equal(expand("<%7H><%.7H><%0.7H>"), "<node7  ><  node7><  node7>");
    assert_string_equal(expand("<%15A><%.15A><%0.15A>"), "<0-7,12,64-65   ><   0-7,12,64-65><   0-7,12,64-65>");
    assert_string_equal(expand("<%1P><%.2P><%0.3P><%2A>"), "<4711><4711><4711><0-7,12,64-65>");
    assert_string_equal(expand("<%0.4{num_threads}>"), "<0016>");
    assert_string_equal(expand("%10n%n"), "5         5");
    assert_int_equal(strlen(expand("%32767n")), 32767);
}

static void what_is_not_known_is_undefined(void **state)
{
    assert_string_equal(expand("%q|%{colour}|%12z|%.12{x}"), "undefined|undefined|undefined   |   undefined");
    assert_true(mo_format_well_formed("%q%{colour}%%"));
}

static void malformed_fields(void **state)
{
    static const char *const malformed[][2] = {
        {"a%", "aundefined"},      {"%5", "undefined"},      {"%0n.", "undefinedn."},
        {"%.n", "undefined"},      {"%{host", "undefined"},  {"%0.0n", "undefined"},
        {"%..5n", "undefined.5n"}, {"%32768n", "undefined"}, {"%99999999999999999999n", "undefined"}};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        assert_false(mo_format_well_formed(malformed[i][0]));
        assert_memory_equal(expand(malformed[i][0]), "", 0);
        assert_non_null(strstr(expand(malformed[i][0]), "undefined"));
    }
    assert_true(mo_format_well_formed("%5%")); /* a field of that name is unknown, like others */
}

static void what_does_not_fit_is_counted(void **state)
{
    char out[8];
    for (size_t room = 0; room <= sizeof out; room++) {
        memset(out, '#', sizeof out);
        assert_int_equal(mo_affinity_expand("%A", 2, &facts, out, room), 12);
        assert_memory_equal(out, "0-7,12,6", room);
        for (size_t i = room; i < sizeof out; i++)
            assert_int_equal(out[i], '#');
    }
    assert_int_equal(mo_affinity_expand("%100n", 5, &facts, NULL, 0), 100);
    assert_int_equal(mo_affinity_expand("%n%n%n", 4, &facts, out, sizeof out), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_have_letters_and_names),  cmocka_unit_test(widths_fill_up),
        cmocka_unit_test(what_is_not_known_is_undefined), cmocka_unit_test(malformed_fields),
        cmocka_unit_test(what_does_not_fit_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
