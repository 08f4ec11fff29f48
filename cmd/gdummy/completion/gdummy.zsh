#compdef gdummy
# SPDX-License-Identifier: Apache-2.0
# zsh completion for gdummy.

_gdummy() {
	local -a candidates words_and_help open
	local candidate described
	candidates=("${(@f)$("${(@Q)words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
	if [[ $candidates[1] == :files ]]; then
		compset -P '*='
		_files
		return
	fi
	for candidate in $candidates; do
		described="${${candidate%%$'\t'*}//:/\\:}"
		if [[ $candidate == *$'\t'* ]]; then
			described+=":${candidate#*$'\t'}"
		fi
		if [[ ${candidate%%$'\t'*} == *= ]]; then
			open+=("$described")
		else
			words_and_help+=("$described")
		fi
	done
	(( $#words_and_help )) && _describe gdummy words_and_help
	(( $#open )) && _describe gdummy open -S ''
}

if [[ $funcstack[1] == _gdummy ]]; then
	_gdummy "$@"
else
	compdef _gdummy gdummy
fi
