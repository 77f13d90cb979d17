#!/bin/sh
# usage: crossbeam.sh RUSTC SOURCE OUTPUT: build it with the sources of crossbeam-channel that Debian's package has.
. "$(dirname "$0")/../rust.sh"
crate cfg_if '1.*' 2018
crate crossbeam_utils '0.8.*' 2018 --cfg 'feature="std"' --extern cfg_if="$work/libcfg_if.rlib"
crate crossbeam_channel '0.5.*' 2018 --cfg 'feature="std"' --cfg 'feature="crossbeam-utils"' \
    --extern cfg_if="$work/libcfg_if.rlib" --extern crossbeam_utils="$work/libcrossbeam_utils.rlib"
program crossbeam_channel
