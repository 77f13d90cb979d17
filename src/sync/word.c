/* The mutex of one word: its kinds told apart, and the futex kind. That one's protocol is the one of mutex.c, with
   nothing beside the word. */
#include "sync/sync.h"

#include "park/park.h"

#include <errno.h>

static bool is_mutex(uint32_t seen)
{
    return seen <= 2 || seen == MO_WORD_ASYM || seen == MO_WORD_ASYM_HELD || seen == MO_WORD_ASYM_LATER;
}

/* ASYM_LATER goes away before the mutex is first held, and so never comes back. Who loses the race finds what the
   winner chose, which was the same. */
static uint32_t settle(_Atomic uint32_t *word)
{
    uint32_t seen = mo_load_relaxed(word);
    if (mo_unlikely(seen == MO_WORD_ASYM_LATER))
        mo_cas_relaxed(word, &seen, mo_sync_asym_value()); /* relaxed: who locks it afterwards acquires */
    return mo_load_relaxed(word);
}

int mo_sync_word_try_lock_slow(_Atomic uint32_t *word)
{
    if (!is_mutex(settle(word)))
        return EINVAL;
    return mo_sync_word_try_lock(word) ? 0 : EBUSY;
}

int mo_sync_word_lock_slow(_Atomic uint32_t *word, const struct mo_deadline *until)
{
    uint32_t seen = settle(word);
    if (!is_mutex(seen))
        return EINVAL;
    if (mo_sync_word_try_lock(word) || mo_sync_word_spin(word))
        return 0;
    return seen & MO_WORD_ASYM ? mo_sync_asym_lock_slow(word, until) : mo_sync_word_lock_asleep(word, until);
}

int mo_sync_word_unlock_other(_Atomic uint32_t *word)
{
    if (mo_load_relaxed(word) != 2)
        return EPERM;
    mo_sync_word_unlock_slow(word);
    return 0;
}
