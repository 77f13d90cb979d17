/* Each thread keeps up to two chunks of stacks to itself. One chunk more goes to the shared stack in one piece, and a
   thread without any takes all of that: so where one thread takes stacks and another gives them back, they go round,
   and no more are mapped than were in use at once, and two chunks a thread.
   Taking all may leave a thread with many. It gives them away again only by way of use, which is no loss: they are used
   before new ones. */
#include "mem/stack.h"

#include "base/check.h"
#include "base/log.h"
#include "plat/plat.h"

#define KEPT_MAX (2 * MO_STACK_CHUNK)
#define WORD     UINT64_C(0x6d6f697261692121)

void mo_stacks_init(struct mo_stacks *s, size_t bytes, enum mo_stack_guard best)
{
    size_t page = mo_plat_page_bytes();
    size_t whole = (bytes + sizeof(struct mo_stack) + page - 1) / page * page;
    MO_ASSERT(bytes > 0 && bytes <= MO_STACK_BYTES_MAX);
    s->slot_bytes = whole + page;
    mo_store_relaxed(&s->best_guard, (uint32_t)best);
    mo_store_relaxed(&s->protected, 0u);
    mo_store_relaxed(&s->shared, NULL);
}

/* Relaxed, all of it: what the kernel can do is found out by each thread alike, and the count is only a bound. */
static enum mo_stack_guard set_guard(struct mo_stacks *s, void *page, size_t bytes)
{
    uint32_t best = mo_load_relaxed(&s->best_guard);
    if (best == MO_STACK_GUARD_MARK) {
        if (mo_plat_guard(page, bytes) == 0)
            return MO_STACK_GUARD_MARK;
        mo_store_relaxed(&s->best_guard, (uint32_t)MO_STACK_GUARD_PROTECT);
    }
    if (best != MO_STACK_GUARD_WORD && mo_fetch_add_relaxed(&s->protected, 1u) < MO_STACK_PROTECTED_MAX &&
        mo_plat_deny(page, bytes) == 0)
        return MO_STACK_GUARD_PROTECT;
    mo_store_relaxed(&s->best_guard, (uint32_t)MO_STACK_GUARD_WORD);
    if (best != MO_STACK_GUARD_WORD)
        mo_warn_once("the system has no more guard pages: overflows of further stacks are seen late");
    return MO_STACK_GUARD_WORD;
}

static struct mo_stack *furnish(struct mo_stacks *s, char *slot)
{
    size_t page = mo_plat_page_bytes();
    struct mo_stack *stack = (struct mo_stack *)(slot + s->slot_bytes) - 1;
    stack->guard = set_guard(s, slot, page);
    stack->low = slot + page;
    if (stack->guard == MO_STACK_GUARD_WORD)
        *(uint64_t *)stack->low = WORD;
    stack->low = (char *)stack->low + (stack->guard == MO_STACK_GUARD_WORD ? 16 : 0);
    stack->bytes = (size_t)((char *)stack - (char *)stack->low);
    mo_plat_name_stack(stack->low, stack->bytes);
    return stack;
}

static void keep(struct mo_stack_cache *mine, struct mo_stack *stack)
{
    stack->next = mine->first;
    mine->first = stack;
    mine->count++;
}

/* Where there is no room for many there may be for one. */
static void map_more(struct mo_stacks *s, struct mo_stack_cache *mine)
{
    unsigned count = MO_STACK_CHUNK;
    char *chunk = mo_plat_map_stacks(count * s->slot_bytes);
    if (!chunk) {
        count = 1;
        chunk = mo_plat_map_stacks(s->slot_bytes);
    }
    for (unsigned i = count; chunk && i-- > 0;)
        keep(mine, furnish(s, chunk + i * s->slot_bytes));
}

struct mo_stack *mo_stack_take(struct mo_stacks *s, struct mo_stack_cache *mine)
{
    if (!mine->first && mo_load_relaxed(&s->shared)) {
        /* acquire: pairs with the release in share() */
        for (struct mo_stack *all = mo_exchange_acquire(&s->shared, NULL), *next; all; all = next) {
            next = all->next;
            keep(mine, all);
        }
    }
    if (!mine->first)
        map_more(s, mine);
    struct mo_stack *stack = mine->first;
    if (!stack)
        return NULL;
    mine->first = stack->next;
    mine->count--;
    return stack;
}

/* Publish the first `count` of the thread's own. */
static void share(struct mo_stacks *s, struct mo_stack_cache *mine, unsigned count)
{
    struct mo_stack *first = mine->first, *last = first;
    for (unsigned i = 1; i < count; i++)
        last = last->next;
    mine->first = last->next;
    mine->count -= count;
    struct mo_stack *head = mo_load_relaxed(&s->shared);
    do
        last->next = head;
    while (!mo_cas_release(&s->shared, &head, first));
}

void mo_stack_give(struct mo_stacks *s, struct mo_stack_cache *mine, struct mo_stack *stack)
{
    keep(mine, stack);
    if (mine->count > KEPT_MAX)
        share(s, mine, MO_STACK_CHUNK);
}

void mo_stack_cache_flush(struct mo_stacks *s, struct mo_stack_cache *mine)
{
    if (mine->count)
        share(s, mine, mine->count);
}

bool mo_stack_is_whole_slow(const struct mo_stack *stack)
{
    return *(const uint64_t *)((const char *)stack->low - 16) == WORD;
}
