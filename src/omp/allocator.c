/* Allocators that the program makes. They live in a table that only grows; unused entries form a stack. A handle is an
   index, and that of the entry which was given back last is used first, so that a program which makes and destroys
   allocators for ever has few handles in the sets of ICVs.

   The stack is Treiber's. Its head carries a count of changes, so an entry that comes back between a pop's reading of
   `next` and its CAS does not deceive it. Nothing is locked, so nothing needs care at a fork. */
#include "omp/alloc.h"

#define FIRST_HANDLE ((uintptr_t)1 << 16) /* far from all predefined handles, also those of later headers */
#define CHUNK        64u
#define CHUNKS       1024u

struct allocator_table {
    _Atomic uint64_t unused; /* changes << 32 | index + 1 of the top, 0 = empty */
    _Atomic uint32_t made;   /* entries that were ever used */
    _Atomic(struct mo_allocator *) chunk[CHUNKS];
};

extern struct allocator_table MO_SHARED(allocators) MO_SHARED_ATTR;
struct allocator_table MO_SHARED(allocators);

/* The default traits, but for the memory space. No pool, so nothing is ever written here. */
#define PREDEFINED(number, space_)                                                                                     \
    [number] = {.traits = {.align = 1, .pool = SIZE_MAX, .space = space_, .fallback = MO_FB_DEFAULT_MEM},              \
                .handle = number}
static struct mo_allocator predefined[MO_ALLOC_THREAD + 1] = {
    PREDEFINED(MO_ALLOC_DEFAULT, MO_SPACE_DEFAULT), PREDEFINED(MO_ALLOC_LARGE_CAP, MO_SPACE_LARGE_CAP),
    PREDEFINED(MO_ALLOC_CONST, MO_SPACE_CONST),     PREDEFINED(MO_ALLOC_HIGH_BW, MO_SPACE_HIGH_BW),
    PREDEFINED(MO_ALLOC_LOW_LAT, MO_SPACE_LOW_LAT), PREDEFINED(MO_ALLOC_CGROUP, MO_SPACE_DEFAULT),
    PREDEFINED(MO_ALLOC_PTEAM, MO_SPACE_DEFAULT),   PREDEFINED(MO_ALLOC_THREAD, MO_SPACE_DEFAULT)};

static struct mo_allocator *entry_at(uint32_t index)
{
    struct mo_allocator *chunk = mo_load_acquire(&MO_SHARED(allocators).chunk[index / CHUNK]);
    return &chunk[index % CHUNK];
}

/* LLVM's headers have more of both, for memory of devices; the only device is the host. Newer ones have a number of
   their own for the default space. */
static bool is_of_devices(uintptr_t handle)
{
    return handle >= 100 && handle <= 102;
}

static uintptr_t known_space(uintptr_t space)
{
    return space == 99 || is_of_devices(space) ? MO_SPACE_DEFAULT : space;
}

struct mo_allocator *mo_allocator_find(uintptr_t handle)
{
    if (mo_likely(handle - 1 < MO_ALLOC_THREAD))
        return &predefined[handle];
    if (is_of_devices(handle))
        return &predefined[MO_ALLOC_DEFAULT];
    if (handle - FIRST_HANDLE >= mo_load_acquire(&MO_SHARED(allocators).made))
        return NULL;
    struct mo_allocator *a = entry_at((uint32_t)(handle - FIRST_HANDLE));
    return mo_load_acquire(&a->generation) & 1 ? a : NULL;
}

/* ---- The table. */
static bool pop(struct allocator_table *t, uint32_t *index)
{
    uint64_t top = mo_load_acquire(&t->unused);
    while ((uint32_t)top != 0) {
        uint64_t below = mo_load_relaxed(&entry_at((uint32_t)top - 1)->next);
        uint64_t changed = ((top >> 32) + 1) << 32 | below;
        if (mo_cas_acq_rel(&t->unused, &top, changed)) {
            *index = (uint32_t)top - 1;
            return true;
        }
    }
    return false;
}

static void push(struct allocator_table *t, uint32_t index)
{
    uint64_t top = mo_load_relaxed(&t->unused), changed;
    do {
        mo_store_relaxed(&entry_at(index)->next, (uint32_t)top);
        changed = ((top >> 32) + 1) << 32 | (index + 1);
    } while (!mo_cas_acq_rel(&t->unused, &top, changed));
}

/* Whoever loses the race for a chunk uses the winner's. */
static bool have_chunk(struct allocator_table *t, uint32_t number)
{
    if (mo_load_acquire(&t->chunk[number]))
        return true;
    struct mo_allocator *fresh = mo_extent_alloc(CHUNK * sizeof *fresh), *none = NULL;
    if (fresh && !mo_cas_acq_rel(&t->chunk[number], &none, fresh))
        mo_extent_free(fresh, CHUNK * sizeof *fresh);
    return fresh != NULL;
}

static bool add(struct allocator_table *t, uint32_t *index)
{
    uint32_t made = mo_load_relaxed(&t->made);
    do {
        if (made == CHUNK * CHUNKS || !have_chunk(t, made / CHUNK))
            return false;
    } while (!mo_cas_acq_rel(&t->made, &made, made + 1));
    *index = made;
    return true;
}

/* ---- Traits. */
static bool in_range(uintptr_t value, enum mo_trait_value first, enum mo_trait_value last)
{
    return value >= first && value <= last;
}

/* An enumerated trait: the value itself, or what stands for the default. */
static bool choose(uintptr_t value, enum mo_trait_value first, enum mo_trait_value last, enum mo_trait_value otherwise,
                   uint8_t *choice)
{
    if (value == MO_TRAIT_DEFAULT)
        value = otherwise;
    *choice = (uint8_t)value;
    return in_range(value, first, last);
}

static bool set_align(struct mo_alloc_traits *t, uintptr_t value)
{
    t->align = value == MO_TRAIT_DEFAULT ? 1 : value;
    return t->align != 0 && (t->align & (t->align - 1)) == 0;
}

/* sync_hint and access are understood and change nothing: every block may be used by every thread. */
static bool set_trait(struct mo_alloc_traits *t, const struct mo_trait *trait)
{
    uint8_t ignored;
    switch (trait->key) {
    case MO_TRAIT_SYNC_HINT:
        return choose(trait->value, MO_SYNC_CONTENDED, MO_SYNC_PRIVATE, MO_SYNC_CONTENDED, &ignored);
    case MO_TRAIT_ALIGNMENT:
        return set_align(t, trait->value);
    case MO_TRAIT_ACCESS:
        return choose(trait->value, MO_ACCESS_ALL, MO_ACCESS_CGROUP, MO_ACCESS_ALL, &ignored);
    case MO_TRAIT_POOL_SIZE:
        t->pool = trait->value; /* its default is no bound, SIZE_MAX too */
        return true;
    case MO_TRAIT_FALLBACK:
        return choose(trait->value, MO_FB_DEFAULT_MEM, MO_FB_ALLOCATOR, MO_FB_DEFAULT_MEM, &t->fallback);
    case MO_TRAIT_FB_DATA:
        t->fb_data = trait->value == MO_TRAIT_DEFAULT ? MO_ALLOC_DEFAULT : trait->value;
        return true;
    case MO_TRAIT_PINNED:
        t->pinned = trait->value == MO_TRUE;
        return trait->value <= MO_TRUE || trait->value == MO_TRAIT_DEFAULT;
    case MO_TRAIT_PARTITION:
        return choose(trait->value, MO_PART_ENVIRONMENT, MO_PART_INTERLEAVED, MO_PART_ENVIRONMENT, &t->partition);
    default:
        return false;
    }
}

static bool set_traits(struct mo_alloc_traits *t, uintptr_t space, int64_t count, const struct mo_trait *traits)
{
    *t = (struct mo_alloc_traits){.align = 1,
                                  .pool = SIZE_MAX,
                                  .space = (uint8_t)space,
                                  .fallback = MO_FB_DEFAULT_MEM,
                                  .partition = MO_PART_ENVIRONMENT};
    for (int64_t i = 0; i < count; i++)
        if (!set_trait(t, &traits[i]))
            return false;
    return true;
}

uintptr_t mo_allocator_make(uintptr_t space, int64_t count, const struct mo_trait *traits)
{
    struct allocator_table *t = &MO_SHARED(allocators);
    struct mo_alloc_traits checked;
    uint32_t index;
    space = known_space(space);
    if (space >= MO_SPACES || (count > 0 && !traits) || !set_traits(&checked, space, count, traits))
        return MO_ALLOC_NULL;
    if (space == MO_SPACE_HIGH_BW && !mo_place_has_fast_nodes())
        return MO_ALLOC_NULL;
    if (!pop(t, &index) && !add(t, &index))
        return MO_ALLOC_NULL;
    struct mo_allocator *a = entry_at(index);
    a->traits = checked;
    a->handle = (uint32_t)FIRST_HANDLE + index;
    mo_store_relaxed(&a->used, (size_t)0);
    mo_store_release(&a->generation, mo_load_relaxed(&a->generation) + 1); /* pairs with the look in find() */
    return a->handle;
}

uintptr_t mo_allocator_of_space(uintptr_t space)
{
    space = known_space(space);
    return space < MO_SPACES ? MO_ALLOC_DEFAULT + space : MO_ALLOC_NULL;
}

uintptr_t mo_allocator_of_setting(void)
{
    struct mo_allocator_setting s;
    if (!mo_allocators_read(mo_knob_text(MO_KNOB_OMP_ALLOCATOR), &s))
        return MO_ALLOC_DEFAULT;
    uintptr_t handle = s.allocator ? s.allocator : mo_allocator_make(s.space, MO_TRAIT_KEYS, s.trait);
    if (handle)
        return handle;
    mo_warn_once("OMP_ALLOCATOR asks for memory that is not there: the default memory is used instead");
    return MO_ALLOC_DEFAULT;
}

/* Of two that destroy the same allocator, against the rules, one finds it gone. */
void mo_allocator_destroy(uintptr_t handle)
{
    struct mo_allocator *a = handle >= FIRST_HANDLE ? mo_allocator_find(handle) : NULL;
    if (!a)
        return;
    uint32_t generation = mo_load_relaxed(&a->generation);
    if ((generation & 1) && mo_cas_acq_rel(&a->generation, &generation, generation + 1))
        push(&MO_SHARED(allocators), (uint32_t)(handle - FIRST_HANDLE));
}
