#!/bin/sh
# usage: installed.sh SOURCE MOIRAI: the man page formats without complaint and has every command; so has the completion.
source=$1 moirai=$2 status=0
fail() { echo "FAIL $*"; status=1; }
page=$source/docs/man/moirai.1
if command -v man >/dev/null; then
    complaints=$(LC_ALL=C man --warnings -l "$page" 2>&1 >/dev/null)
    [ -z "$complaints" ] || fail "the man page: $complaints"
fi
for command in $("$moirai" --help | sed -n 's/.*moirai \([a-z]*\).*/\1/p' | sort -u); do
    grep -q "^.B moirai $command" "$page" || fail "the man page has no $command"
    words=$(bash -c '. "$1"; COMP_WORDS=(moirai "$2"); COMP_CWORD=1; _moirai; echo "${COMPREPLY[@]}"' sh \
        "$source/src/cmd/moirai.bash" "$command")
    [ "$words" = "$command" ] || fail "completion of $command: $words"
done
for option in $("$moirai" run 2>&1 | sed -n 's/^\(--[a-z]*\).*/\1/p'); do
    grep -q -- "$(echo "$option" | sed 's/-/./g')" "$page" || fail "the man page has no $option"
    words=$(bash -c '. "$1"; COMP_WORDS=(moirai run "$2"); COMP_CWORD=2; _moirai; echo "${COMPREPLY[@]}"' sh \
        "$source/src/cmd/moirai.bash" "$option")
    [ "$words" = "$option" ] || fail "completion of $option: $words"
done
exit $status
