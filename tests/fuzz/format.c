/* OMP_AFFINITY_FORMAT. The first byte chooses the thread that the format is for, the second how much room there is.

   Required: the length does not depend on the room, what there is room for is the beginning of the whole, nothing is
   written behind it; the length is at least the sum of the widths and at most what widths and fields allow; items cover
   the format from end to end; text between fields comes out as it is. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "base/format.h"
#include "omp/affinity.h"

#define FIELD_BYTES_MAX 256 /* of what stands for a field without a width, for the threads below */

static const struct mo_thread_facts threads[] = {
    {0, 1, 0, 0, 1, -1, 1, 0, "", NULL, 0},
    {3, 8, 2, 127, 128, 5, 4194303, UINTPTR_MAX, "host.example", (const unsigned long[]){0xf0f0, 1}, 2},
    {-1, -1, -1, -1, -1, -1, -1, 1, "h", (const unsigned long[]){~0ul, ~0ul, 0x5555}, 3},
    {INT32_MAX, INT32_MAX, 255, 0, 1, 0, INT32_MAX, 0x7f0000000000, "a", (const unsigned long[]){0}, 1},
};
#define THREADS (sizeof threads / sizeof threads[0])

struct lengths {
    size_t least, most;
    bool malformed, texts_only;
};

static struct lengths measure(const char *text, size_t bytes)
{
    struct lengths l = {.texts_only = true};
    struct mo_format_item item;
    const char *at = text, *end = text + bytes, *before = at;
    for (; mo_format_next(&at, end, &item); before = at) {
        REQUIRE(at > before && at <= end, "%td", at - before);
        REQUIRE(item.kind <= MO_FORMAT_MALFORMED && item.width <= MO_FORMAT_WIDTH_MAX, "width %u", item.width);
        bool is_text = item.kind == MO_FORMAT_TEXT;
        if (is_text)
            REQUIRE(item.text >= before && item.text + item.bytes <= at && item.bytes >= 1, "%zu", item.bytes);
        l.least += is_text ? item.bytes : item.width;
        l.most += is_text ? item.bytes : item.width > FIELD_BYTES_MAX ? item.width : FIELD_BYTES_MAX;
        l.malformed |= item.kind == MO_FORMAT_MALFORMED;
        l.texts_only &= is_text && item.text[0] != '%';
    }
    REQUIRE(before == end, "%td bytes are left", end - before);
    return l;
}

/* The whole is compared as far as it may need to be; what is behind the room must not be touched (its end is the
   block's). */
static void check_room(const char *text, size_t bytes, const struct mo_thread_facts *facts, size_t room)
{
    static char whole[1024];
    size_t length = mo_affinity_expand(text, bytes, facts, whole, sizeof whole);
    char *part = malloc(room > 0 ? room : 1);
    REQUIRE(part != NULL, "no memory");
    size_t again = mo_affinity_expand(text, bytes, facts, part, room);
    REQUIRE(again == length, "%zu and %zu", again, length);
    REQUIRE(memcmp(part, whole, room < length ? room : length) == 0, "%zu of %zu", room, length);
    free(part);
    struct lengths l = measure(text, bytes);
    REQUIRE(length >= l.least && length <= l.most, "%zu <= %zu <= %zu", l.least, length, l.most);
    if (l.texts_only)
        REQUIRE(length == bytes && memcmp(whole, text, bytes < sizeof whole ? bytes : sizeof whole) == 0, "%zu", bytes);
    if (memchr(text, '\0', bytes) == NULL)
        REQUIRE(mo_format_well_formed(text) == !l.malformed, "%s", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < 2)
        return 0;
    char *text = fuzz_text(data + 2, bytes - 2);
    check_room(text, bytes - 2, &threads[data[0] % THREADS], data[1]);
    free(text);
    return 0;
}
