#!/bin/sh
# usage: tokio.sh RUSTC SOURCE OUTPUT: build it with the sources of Tokio that Debian's package has, with threads, channels and timers.
. "$(dirname "$0")/../rust.sh"
libc_is="libc_priv_mod_use libc_union libc_const_size_of libc_align libc_int128 libc_core_cvoid libc_packedN libc_cfg_target_vendor"
libc_is="$libc_is libc_non_exhaustive libc_long_array libc_ptr_addr_of libc_underscore_const_names libc_const_extern_fn"
crate libc '0.2.*' 2015 --cfg 'feature="std"' $(printf -- '--cfg %s ' $libc_is) # as its build.rs finds for a new compiler
crate num_cpus '1.*' 2015 --extern libc="$work/liblibc.rlib"
crate pin_project_lite '0.2.*' 2018
crate tokio '1.*' 2018 --cfg 'feature="rt"' --cfg 'feature="rt-multi-thread"' --cfg 'feature="num_cpus"' --cfg 'feature="sync"' \
    --cfg 'feature="time"' --extern num_cpus="$work/libnum_cpus.rlib" --extern pin_project_lite="$work/libpin_project_lite.rlib"
program tokio
