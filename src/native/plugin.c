/* Plug-ins (moirai/plugin.h). */
#include "native/executor.h"

#define SAME(ours, core, type, member)                                                                                 \
    (offsetof(type, ours) == offsetof(struct mo_plugin, core) + (member) * sizeof(void *))
_Static_assert(sizeof(moirai_plugin_t) == sizeof(struct mo_plugin), "the core's layout");
_Static_assert(SAME(before_spawn, at, moirai_plugin_t, MO_BEFORE_SPAWN) &&
                   SAME(after_complete, at, moirai_plugin_t, MO_AFTER_COMPLETE) &&
                   SAME(before_shutdown, before_shutdown, moirai_plugin_t, 0),
               "the core's layout");
_Static_assert(sizeof(moirai_task_info_t) == sizeof(struct mo_job_info) &&
                   offsetof(moirai_task_info_t, worker) == offsetof(struct mo_job_info, worker) &&
                   offsetof(moirai_task_info_t, text) == offsetof(struct mo_job_info, text),
               "the core's layout");
_Static_assert(MOIRAI_PLUGINS_MAX == MO_PLUGINS_MAX, "the core's value");

MO_API int moirai_executor_attr_add_plugin(moirai_executor_attr_t *a, const moirai_plugin_t *plugin)
{
    struct mo_executor_attr *attr = mo_native_executor_attr(a);
    if (!attr || !plugin)
        return MOIRAI_EINVAL;
    if (attr->plugins == MO_PLUGINS_MAX)
        return MOIRAI_EOVERFLOW;
    attr->plugin[attr->plugins++] = (const struct mo_plugin *)plugin;
    return MOIRAI_OK;
}
