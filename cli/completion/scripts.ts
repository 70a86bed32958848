/** What each shell needs to ask `fullnat __complete`: as little as it can be told. */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** Says that names of files fit, too; no word begins so. */
export const FILES_LINE = ':files';

// bash takes words apart at : and =, so the line is read anew, and of each candidate is left away
// what stands before the last of these signs.
const BASH = `# Completion of fullnat for bash: source <(fullnat completion bash)
_fullnat() {
	local line=\${COMP_LINE:0:COMP_POINT} word does current before
	local -a words
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=('')
	current=\${words[-1]}
	before=\${current%"\${current##*[:=]}"}
	COMPREPLY=()
	while IFS=$'\\t' read -r word does; do
		if [[ $word == ${FILES_LINE} ]]; then
			compopt -o default
		else
			[[ $word == *= ]] && compopt -o nospace
			COMPREPLY+=("\${word#"$before"}")
		fi
	done < <("\${words[0]}" __complete -- "\${words[@]:1}" 2>/dev/null)
}
complete -F _fullnat fullnat
`;

const ZSH = `#compdef fullnat
# Completion of fullnat for zsh: source <(fullnat completion zsh), or as _fullnat in $fpath
_fullnat() {
	local line
	local -a candidates
	for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
		if [[ $line == ${FILES_LINE} ]]; then
			_files
		elif [[ $line == *$'\\t'* ]]; then
			candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
		elif [[ -n $line ]]; then
			candidates+=("\${line//:/\\\\:}")
		fi
	done
	(( \${#candidates} )) && _describe -t fullnat fullnat candidates
}
if [[ $funcstack[1] == _fullnat ]]; then
	_fullnat "$@"
else
	compdef _fullnat fullnat
fi
`;

const FISH = `# Completion of fullnat for fish: fullnat completion fish | source
function __fullnat_complete
	set -l words (commandline -opc)
	set -l current (commandline -ct)
	for line in ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
		if test "$line" = ${FILES_LINE}
			__fish_complete_path "$current"
		else
			echo $line
		end
	end
end
complete -c fullnat -f -a '(__fullnat_complete)'
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
