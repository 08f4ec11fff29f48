# SPDX-License-Identifier: Apache-2.0
# fish completion for gdummy.

function __gdummy_complete
    set -l current (commandline -ct)
    set -l words (commandline -opc)
    set -l candidates ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
    if test "$candidates[1]" = :files
        set -l file (string replace -r '^-[^=]*=' '' -- "$current")
        set -l kept (string replace -r -- '[^=]*$' '' (string match -r '^-[^=]*=' -- "$current"))
        for path in (__fish_complete_path "$file")
            echo -- "$kept$path"
        end
        return
    end
    if set -q candidates[1]
        printf '%s\n' $candidates
    end
end

complete -c gdummy -f -a '(__gdummy_complete)'
