#include "base/allocators.h"

#include "base/scan.h"

#define PREDEFINED                                                                                                     \
    "omp_default_mem_alloc, omp_large_cap_mem_alloc, omp_const_mem_alloc, omp_high_bw_mem_alloc, "                     \
    "omp_low_lat_mem_alloc, omp_cgroup_mem_alloc, omp_pteam_mem_alloc, omp_thread_mem_alloc"
#define SPACES                                                                                                         \
    "omp_default_mem_space, omp_large_cap_mem_space, omp_const_mem_space, omp_high_bw_mem_space, "                     \
    "omp_low_lat_mem_space"
#define KEYS "sync_hint, alignment, access, pool_size, fallback, fb_data, pinned, partition"

static bool take_word(const char **text, const char *words, uintptr_t first, uintptr_t *value)
{
    uint64_t index;
    if (!mo_scan_choice(text, words, &index))
        return false;
    *value = first + index;
    return true;
}

/* The largest number would be taken for the default. */
static bool take_size(const char **text, uintptr_t *value)
{
    uint64_t number;
    if (!mo_scan_number(text, &number) || number == MO_TRAIT_DEFAULT)
        return false;
    *value = number;
    return true;
}

static bool take_power_of_two(const char **text, uintptr_t *value)
{
    return take_size(text, value) && *value != 0 && (*value & (*value - 1)) == 0;
}

static bool take_value(const char **text, enum mo_trait_key key, uintptr_t *value)
{
    *value = MO_TRAIT_DEFAULT;
    if (mo_scan_word(text, "default"))
        return true;
    switch (key) {
    case MO_TRAIT_SYNC_HINT:
        return take_word(text, "contended, uncontended, serialized, private", MO_SYNC_CONTENDED, value);
    case MO_TRAIT_ALIGNMENT:
        return take_power_of_two(text, value);
    case MO_TRAIT_ACCESS:
        return take_word(text, "all, thread, pteam, cgroup", MO_ACCESS_ALL, value);
    case MO_TRAIT_POOL_SIZE:
        return take_size(text, value);
    case MO_TRAIT_FALLBACK:
        return take_word(text, "default_mem_fb, null_fb, abort_fb, allocator_fb", MO_FB_DEFAULT_MEM, value);
    case MO_TRAIT_FB_DATA:
        return take_word(text, PREDEFINED, MO_ALLOC_DEFAULT, value);
    case MO_TRAIT_PINNED:
        return take_word(text, "false, true", MO_FALSE, value);
    default:
        return take_word(text, "environment, nearest, blocked, interleaved", MO_PART_ENVIRONMENT, value);
    }
}

static bool take_trait(const char **text, struct mo_trait *traits)
{
    uintptr_t key;
    return take_word(text, KEYS, MO_TRAIT_SYNC_HINT, &key) && mo_scan_char(text, '=') &&
           take_value(text, (enum mo_trait_key)key, &traits[key - MO_TRAIT_SYNC_HINT].value);
}

bool mo_allocators_read(const char *text, struct mo_allocator_setting *s)
{
    *s = (struct mo_allocator_setting){.allocator = MO_ALLOC_NULL};
    if (take_word(&text, PREDEFINED, MO_ALLOC_DEFAULT, &s->allocator))
        return mo_scan_end(text);
    if (!take_word(&text, SPACES, MO_SPACE_DEFAULT, &s->space))
        return false;
    for (int key = MO_TRAIT_SYNC_HINT; key <= MO_TRAIT_PARTITION; key++)
        s->trait[key - MO_TRAIT_SYNC_HINT] = (struct mo_trait){.key = key, .value = MO_TRAIT_DEFAULT};
    if (!mo_scan_char(&text, ':'))
        return mo_scan_end(text);
    do
        if (!take_trait(&text, s->trait))
            return false;
    while (mo_scan_char(&text, ','));
    return mo_scan_end(text);
}
