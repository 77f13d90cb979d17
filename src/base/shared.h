/* State that all objects of one process share.

   Three shared objects hold the core, and one process may load several of them. A variable declared through MO_SHARED
   is preemptible: every object reaches it through its GOT, so the first definition in the global scope serves all.
   The name carries a hash of the headers that lay the state out; objects of another build therefore never meet it. */
#ifndef MO_BASE_SHARED_H
#define MO_BASE_SHARED_H

#define MO_PASTE_(a, b) a##b
#define MO_PASTE(a, b)  MO_PASTE_(a, b)
#define MO_SHARED(name) MO_PASTE(moirai_core_##name##_, MO_LAYOUT_ID)
#define MO_SHARED_ATTR  __attribute__((visibility("default")))
/* Initial-exec: one load on the hot path, and eight bytes of the little static TLS that a late dlopen gets. */
#define MO_SHARED_TLS __attribute__((visibility("default"), tls_model("initial-exec")))

#endif
