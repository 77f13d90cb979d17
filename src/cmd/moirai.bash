# Completion of moirai(1) for bash.
_moirai()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} i
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "run check info top report trace --version --help" -- "$word")
        return
    fi
    case ${COMP_WORDS[1]} in
    run)
        case $before in
        --set)
            mapfile -t COMPREPLY < <(compgen -S = -W "$(moirai info --config 2>/dev/null | sed -n 's/^\([A-Z_]*\) = .*/\1/p')" -- "$word")
            compopt -o nospace
            return ;;
        --trace | --metrics)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return ;;
        --threads)
            return ;;
        esac
        for ((i = 2; i < COMP_CWORD; i++)); do
            case ${COMP_WORDS[i]} in
            --threads | --set | --trace | --metrics) ((i++)) ;;
            --) ((i++)); break ;;
            -*) ;;
            *) break ;;
            esac
        done
        if [ "$i" -lt "$COMP_CWORD" ]; then
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
        elif [[ $word == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "--all --omp --pthread --threads --stats --locks --trace --metrics --jemalloc --set --" -- "$word")
        else
            mapfile -t COMPREPLY < <(compgen -c -- "$word")
        fi ;;
    check) mapfile -t COMPREPLY < <(compgen -c -f -- "$word") ;;
    info) mapfile -t COMPREPLY < <(compgen -W "--config --markdown" -- "$word") ;;
    top)
        if [[ $word == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "--once --json --interval" -- "$word")
        else
            mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && printf '%s ' [0-9]*)" -- "$word")
        fi ;;
    report)
        if [[ $word == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "-o --output" -- "$word")
        else
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
        fi ;;
    trace) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    esac
}
complete -F _moirai moirai
