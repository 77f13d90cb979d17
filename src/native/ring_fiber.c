/* A fiber's sleep on a bell, which a thread for blocking work does for it; native/ring.h says when. */
#include "native/ring.h"
#include "plat/share.h"

#include "moirai/moirai.h"

struct errand {
    _Atomic uint32_t *bell;
    uint32_t seen;
    uint64_t nap_ns;
};

static void run(void *data)
{
    const struct errand *e = data;
    mo_plat_share_wait(e->bell, e->seen, e->nap_ns);
}

/* The caller does not go before the errand is over, or is certain never to begin: the bell may be unmapped then. */
bool mo_ring_errand(_Atomic uint32_t *bell, uint32_t seen, uint64_t nap_ns)
{
    const struct errand errand = {bell, seen, nap_ns};
    moirai_task_t task;
    if (moirai_spawn_blocking(NULL, &task, run, &errand, sizeof errand) != MOIRAI_OK)
        return false;
    int status = moirai_join_until(&task, NULL, moirai_now_ns() + nap_ns);
    if (status != MOIRAI_ETIMEDOUT)
        return status == MOIRAI_OK;
    moirai_cancel(&task);
    return moirai_join(&task, NULL) == MOIRAI_OK;
}
