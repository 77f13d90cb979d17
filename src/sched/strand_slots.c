/* What fibers keep under keys. A key is the number of an entry of one table and how often that has been given out, so a
   value that was left under a deleted key is not taken for one of the next. Values lie in the fiber, in an array that
   grows. */
#include "sched/strand.h"

#include "mem/mem.h"
#include "sched/internal.h"

#include <errno.h>
#include <string.h>

#define KEYS_MAX 256
#define FEW      8
#define ROUNDS   4 /* of destructors that leave values behind */

struct mo_strand_slot {
    uint64_t key; /* 0: nothing is there */
    void *value;
};

struct slot_key {
    _Atomic uint32_t turn; /* odd: in use */
    void (*destroy)(void *value);
};

struct slot_keys {
    _Atomic uint32_t lock;
    struct slot_key key[KEYS_MAX];
};

extern struct slot_keys MO_SHARED(slot_keys) MO_SHARED_ATTR;
struct slot_keys MO_SHARED(slot_keys);

static uint64_t key_of(unsigned index, uint32_t turn)
{
    return (uint64_t)turn << 32 | index;
}

/* NULL: it is none any more. acquire: what was written with the key is there. */
static struct slot_key *find(uint64_t key)
{
    unsigned index = (uint32_t)key;
    struct slot_key *k = index < KEYS_MAX ? &MO_SHARED(slot_keys).key[index] : NULL;
    return k && key >> 32 & 1 && mo_load_acquire(&k->turn) == key >> 32 ? k : NULL;
}

int mo_strand_key_new(uint64_t *key, void (*destroy)(void *value))
{
    struct slot_keys *all = &MO_SHARED(slot_keys);
    int err = EAGAIN;
    mo_mutex_lock(&all->lock);
    for (unsigned i = 0; i < KEYS_MAX && err; i++) {
        uint32_t turn = mo_load_relaxed(&all->key[i].turn);
        if (turn & 1)
            continue;
        all->key[i].destroy = destroy;
        mo_store_release(&all->key[i].turn, turn + 1);
        *key = key_of(i, turn + 1);
        err = 0;
    }
    mo_mutex_unlock(&all->lock);
    return err;
}

int mo_strand_key_delete(uint64_t key)
{
    struct slot_keys *all = &MO_SHARED(slot_keys);
    mo_mutex_lock(&all->lock);
    struct slot_key *k = find(key);
    if (k)
        mo_store_release(&k->turn, (uint32_t)(key >> 32) + 1);
    mo_mutex_unlock(&all->lock);
    return k ? 0 : EINVAL;
}

static size_t bytes_of(uint32_t count)
{
    return count * sizeof(struct mo_strand_slot);
}

/* Whole pages: most fibers keep nothing. */
static bool make_room(struct mo_native_strand *n, unsigned index)
{
    uint32_t count = index < FEW ? FEW : KEYS_MAX;
    struct mo_strand_slot *slots = mo_extent_alloc(bytes_of(count));
    if (!slots)
        return false;
    memset(slots, 0, bytes_of(count));
    if (n->slots) {
        memcpy(slots, n->slots, bytes_of(n->slot_count));
        mo_extent_free(n->slots, bytes_of(n->slot_count));
    }
    n->slots = slots;
    n->slot_count = count;
    return true;
}

int mo_strand_set(struct mo_native_strand *n, uint64_t key, void *value)
{
    unsigned index = (uint32_t)key;
    if (!find(key))
        return EINVAL;
    if (index >= n->slot_count && !make_room(n, index))
        return ENOMEM;
    n->slots[index] = (struct mo_strand_slot){key, value};
    return 0;
}

void *mo_strand_get(const struct mo_native_strand *n, uint64_t key)
{
    unsigned index = (uint32_t)key;
    return index < n->slot_count && n->slots[index].key == key && find(key) ? n->slots[index].value : NULL;
}

static bool destroy_all(struct mo_native_strand *n)
{
    bool any = false;
    for (uint32_t i = 0; i < n->slot_count; i++) {
        const struct mo_strand_slot slot = n->slots[i];
        const struct slot_key *k = slot.value ? find(slot.key) : NULL;
        n->slots[i] = (struct mo_strand_slot){0, NULL};
        if (k && k->destroy) {
            k->destroy(slot.value);
            any = true;
        }
    }
    return any;
}

void mo_strand_slots_end(struct mo_native_strand *n)
{
    for (unsigned round = 0; round < ROUNDS && destroy_all(n); round++)
        ;
    if (n->slots)
        mo_extent_free(n->slots, bytes_of(n->slot_count));
}
