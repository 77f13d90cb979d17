#!/bin/sh
# usage: installed.sh SOURCE MOIRAI: the man page formats without complaint, and it and the completion have every command and option.
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
# completed LINE OPTION: what is completed of the line's last word
completed()
{
    words=$(bash -c '. "$1"; COMP_WORDS=($2 "$3"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _moirai; echo "${COMPREPLY[@]}"' \
        sh "$source/src/cmd/moirai.bash" "$1" "$2")
    [ "$words" = "$2" ] || fail "completion of $1 $2: $words"
}
completed moirai --version
completed moirai --help
completed 'moirai report' -o
for file in "$source"/src/cmd/*.c; do
    command=$(basename "$file" .c)
    for option in $(grep -o '{"[a-z]*", [a-z]*_argument' "$file" | cut -d '"' -f 2); do
        grep -q -- "\\\\-\\\\-$option\\>" "$page" || fail "the man page has no --$option of $command"
        completed "moirai $command" "--$option"
    done
done
exit $status
