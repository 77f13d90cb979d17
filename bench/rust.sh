# Sourced with RUSTC SOURCE OUTPUT by what builds a benchmark out of the sources that Debian's librust-*-dev have.
set -e
unset MAKEFLAGS MFLAGS
rustc=$1 source=$2 out=$3
registry=/usr/share/cargo/registry
work=$out-crates
mkdir -p "$work"

crate() { # NAME VERSION EDITION OPTION ...: of a package that is named like its crate, but for - in place of _
    name=$1 version=$2 edition=$3
    shift 3
    folder=$(echo $registry/"$(echo "$name" | tr _ -)"-$version)
    [ -d "$folder" ] || folder=$(echo $registry/"$name"-$version)
    "$rustc" --edition "$edition" -O --cap-lints allow --crate-type rlib --crate-name "$name" -L "$work" "$@" --out-dir "$work" \
        "$folder/src/lib.rs"
}

program() { # CRATE
    "$rustc" --edition 2021 -O -L "$work" --extern "$1=$work/lib$1.rlib" "$source" -o "$out"
}
