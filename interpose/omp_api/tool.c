/* Tools: omp_control_tool, and the names by which LLVM's runtime meets tools and its own offload library. */
#include "interpose/face.h"

#ifdef MO_OMPT
#include <dlfcn.h>
#endif

enum { CONTROL_NO_TOOL = -2 };

static int control(struct mo_member *m, int command, int modifier, void *arg)
{
    if (mo_likely(!mo_traced(m)))
        return CONTROL_NO_TOOL;
    return mo_obs_control(&m->worker->obs, (uint64_t)command, (uint64_t)modifier, arg);
}

MO_EXPORT int omp_control_tool(int command, int modifier, void *arg)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return control(m, command, modifier, arg);
}

MO_EXPORT int omp_control_tool_(const int *command, const int *modifier, void *arg)
{
    struct mo_member *m = mo_self();
    MO_OBSERVE(m, 0);
    return control(m, *command, *modifier, arg);
}
MO_OMP_NAME(omp_control_tool)
MO_OMP_NAME(omp_control_tool_)

#ifdef MO_OMPT
/* A tool that is part of the program or loaded with it has a function of this name, which goes before this one. The
   runtime may still ask here, where the library comes before the tool in look-up order. */
MO_EXPORT __attribute__((weak)) void *ompt_start_tool(unsigned omp_version, const char *runtime_version)
{
    void *(*next)(unsigned, const char *) = (void *(*)(unsigned, const char *))dlsym(RTLD_NEXT, "ompt_start_tool");
    return next ? next(omp_version, runtime_version) : NULL;
}

/* LLVM's offload library asks for the callbacks about devices. Those are events that never happen here, as the host is
   the only device, so no tool could have registered one; there is nothing to hand over. */
MO_EXPORT void ompt_libomp_connect(void *result)
{
}
#endif
