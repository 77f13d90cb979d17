#!/bin/sh
# usage: crossbeam.sh RUSTC SOURCE OUTPUT: build it with the sources of crossbeam-channel that Debian's package has.
set -e
unset MAKEFLAGS
rustc=$1 source=$2 out=$3
registry=/usr/share/cargo/registry
work=$out-crates
mkdir -p "$work"
crate() { # NAME FOLDER OPTION ...
    name=$1 folder=$2
    shift 2
    "$rustc" --edition 2018 -O --cap-lints allow --crate-type rlib --crate-name "$name" --cfg 'feature="std"' \
        -L "$work" "$@" --out-dir "$work" "$folder/src/lib.rs"
}
crate cfg_if "$(echo $registry/cfg-if-1.*)"
crate crossbeam_utils "$(echo $registry/crossbeam-utils-0.8.*)" --extern cfg_if="$work/libcfg_if.rlib"
crate crossbeam_channel "$(echo $registry/crossbeam-channel-0.5.*)" --cfg 'feature="crossbeam-utils"' \
    --extern cfg_if="$work/libcfg_if.rlib" --extern crossbeam_utils="$work/libcrossbeam_utils.rlib"
"$rustc" --edition 2021 -O -L "$work" --extern crossbeam_channel="$work/libcrossbeam_channel.rlib" "$source" -o "$out"
