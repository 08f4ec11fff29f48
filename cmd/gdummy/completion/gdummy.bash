# SPDX-License-Identifier: Apache-2.0
# bash completion for gdummy; needs bash 4.4 or later.

_gdummy() {
	# bash also breaks words at = and :, which stay within a word here.
	local line=$COMP_LINE words=() word
	for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
		if [[ ${#words[@]} -eq 0 || $line == [[:space:]]* ]]; then
			words+=("$word")
		else
			words[-1]+=$word
		fi
		line=${line#*"$word"}
	done
	word=${words[-1]}
	local kept=
	if [[ $COMP_WORDBREAKS == *[=:]* ]]; then
		kept=${word%"${word##*[=:]}"}
	fi

	local candidates candidate
	mapfile -t candidates < <("${words[0]/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null)
	COMPREPLY=()
	if [[ ${candidates[0]} == :files ]]; then
		compopt -o default
		return
	fi
	for candidate in "${candidates[@]}"; do
		candidate=${candidate%%$'\t'*}
		if [[ $candidate == *= ]]; then
			compopt -o nospace
		fi
		COMPREPLY+=("${candidate#"$kept"}")
	done
}

complete -F _gdummy gdummy
