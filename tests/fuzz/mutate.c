/* How libFuzzer changes an environment: it would take long to make up a name. Half of the time a line gets another name
   or one is added; else whatever libFuzzer has, dictionary included. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "base/parse.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t bytes_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t bytes_max, unsigned seed);

static size_t pick_name(unsigned seed, char name[64])
{
    static const char *const ends[] = {"", "", "", "", "_ALL", "_DEV", "_DEV_0", "_DEV_12"};
    const char *base = mo_knob_rows[seed % MO_KNOB_COUNT].name;
    if (seed % MO_KNOB_COUNT == MO_KNOB_OMP_STACKSIZE && seed / 64 % 2 == 0)
        base = "GOMP_STACKSIZE";
    return (size_t)snprintf(name, 64, "%s%s", base, ends[seed / 1024 % (sizeof ends / sizeof *ends)]);
}

/* Puts `new` bytes where `old` bytes are. */
static size_t replace(uint8_t *data, size_t bytes, size_t bytes_max, size_t at, size_t old, const char *text,
                      size_t new)
{
    if (bytes - old + new > bytes_max)
        return bytes;
    memmove(data + at + new, data + at + old, bytes - at - old);
    memcpy(data + at, text, new);
    return bytes - old + new;
}

static size_t line_start(const uint8_t *data, size_t bytes, unsigned line)
{
    size_t at = 0;
    while (line-- > 0) {
        const uint8_t *end = memchr(data + at, '\n', bytes - at);
        if (end == NULL)
            return at;
        at = (size_t)(end - data) + 1;
    }
    return at;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t bytes_max, unsigned seed)
{
    char name[64];
    if (seed % 2 == 0)
        return LLVMFuzzerMutate(data, bytes, bytes_max);
    size_t length = pick_name(seed / 8, name);
    size_t at = line_start(data, bytes, seed / 65536 % 8), old = 0;
    if (seed % 8 == 1) {
        name[length++] = '=';
        name[length] = '\n'; /* what follows the name stays a line of its own */
        return replace(data, bytes, bytes_max, at, 0, name, length + 1);
    }
    if (seed % 8 == 3) {
        while (at + old < bytes && data[at + old] != '=' && data[at + old] != '\n')
            old++;
        return replace(data, bytes, bytes_max, at, old, name, length);
    }
    /* The value of one line alone. */
    while (at < bytes && data[at] != '=' && data[at] != '\n')
        at++;
    if (at == bytes || data[at] == '\n')
        return LLVMFuzzerMutate(data, bytes, bytes_max);
    at++;
    while (at + old < bytes && data[at + old] != '\n')
        old++;
    uint8_t value[512];
    if (old > sizeof value / 2)
        return LLVMFuzzerMutate(data, bytes, bytes_max);
    memcpy(value, data + at, old);
    size_t new = LLVMFuzzerMutate(value, old, sizeof value);
    return replace(data, bytes, bytes_max, at, old, (const char *)value, new);
}
