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
#define MO_LLVM_NAME(name) MO_VERSIONED(name, "@@", "VERSION", llvm)
/* LLVM's form of a name, where GCC's is called otherwise. */
#define MO_LLVM_FORM(name, function)                                                                                   \
    __asm__(".globl mo_form_" #name "\n\t.set mo_form_" #name ", " #function "\n\t.symver mo_form_" #name ", " #name   \
            "@VERSION");
#define MO_GNU_NAME(name) MO_VERSIONED(name, "@@", MO_NODE_##name, gnu)
/* A further name, which LLVM's headers make of the usual one. */
#define MO_COMPILER_NAME(name, function) MO_EXPORT __typeof__(function) name __attribute__((alias(#function)));
#define MO_OLD_LOCK_NAME(name)           MO_VERSIONED(name, "@", "OMP_1.0", old)

#endif
