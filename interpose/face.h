/* What every face needs to export its names. */
#ifndef MO_INTERPOSE_FACE_H
#define MO_INTERPOSE_FACE_H

#include "interpose/nodes.h"
#include "omp/core.h"

#define MO_EXPORT __attribute__((visibility("default")))

/* The versions of a name: the node that GCC-built objects ask for (the default), VERSION for clang-built ones, and for
   locks the node of OpenMP 2.5. All mean one function. */
#define MO_VERSIONED(name, at, node, tag)                                                                              \
    __asm__(".globl mo_" #tag "_" #name "\n\t.set mo_" #tag "_" #name ", " #name "\n\t.symver mo_" #tag "_" #name      \
            ", " #name at node);

#define MO_OMP_NAME(name) MO_VERSIONED(name, "@@", MO_NODE_##name, gnu) MO_VERSIONED(name, "@", "VERSION", llvm)
/* A name that only LLVM's runtime has. */
#define MO_LLVM_NAME(name)     MO_VERSIONED(name, "@@", "VERSION", llvm)
#define MO_OLD_LOCK_NAME(name) MO_VERSIONED(name, "@", "OMP_1.0", old)

#endif
